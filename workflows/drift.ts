import { CancellationScope, isCancellation } from '@temporalio/workflow';
import type { RunRef } from '../activities/contract.ts';
import { count } from '../plan/count.ts';
import { driftRows } from '../plan/drift.ts';
import {
  isProblem,
  type DriftObservation,
  type DriftScope,
  type InfraSeen,
  type SystemSeen,
} from '../plan/drift-seen.ts';
import { isEmpty, countsOf, type PlannedInfra } from '../plan/infra.ts';
import { problemOf, type Problem } from '../plan/problem.ts';
import type { RunResult, RunView } from '../plan/run.ts';
import type { SecretsFacts } from '../plan/secrets.ts';
import { compared } from './drift/results.ts';
import type { DriftInput } from './messages.ts';
import { conclude } from './support/conclude.ts';
import { describeFailure, failure } from './support/failures.ts';
import { Run } from './support/run.ts';

/** A host that is away is no answer to wait for. */
const CLUSTER_WITHIN = '15m';
/** What no cache has is built: safe-upgrade would build it too. */
const BUILD_WITHIN = '6h';
/** An apply of the same state on this worker is waited for as long. */
const PLAN_WITHIN = '30m';

/**
 * Holds what is declared against what is there, and changes nothing. It takes no lock of a member: what is in the middle of a
 * change shows as that. Of what could not be looked at it says so.
 */
export async function drift(input: DriftInput): Promise<RunView> {
  const { fleet, node } = input;
  const run = new Run({ runbook: 'drift', subject: node ?? 'all', revision: fleet.revision });
  const ref = { fleet, name: run.view.name };
  return conclude(run, () => compare(run, ref, node));
}

async function compare(run: Run, ref: RunRef, node: string | undefined): Promise<RunResult> {
  const scope = await run.step(
    { id: 'scope', phase: 'gate', title: 'fleet file', kind: 'observe' },
    (act) => act.resolveDrift({ fleet: ref.fleet, ...(node === undefined ? {} : { node }) }),
    ({ members, guests }) => ({
      state: 'done',
      detail: [...members, ...guests.map(({ name }) => name)].join(', '),
    }),
  );
  const seen = await look(run, ref, scope);
  await run.hold();
  const rows = driftRows(scope, seen);
  run.drifted(rows);
  return compared(scope, rows);
}

/** One after the other: a worker has one store to build in. */
async function look(run: Run, ref: RunRef, scope: DriftScope): Promise<DriftObservation> {
  const cluster = await orProblem(() =>
    run.step(
      { id: 'cluster', phase: 'verify', title: 'cluster and guests', kind: 'act', within: CLUSTER_WITHIN },
      (act) => act.observeCluster({ ...ref, scope }),
      ({ instances }) => ({
        state: 'done',
        ...(isProblem(instances) ? {} : { detail: count(instances.length, 'instance') }),
      }),
    ),
  );
  const systems: SystemSeen[] = [];
  for (const name of scope.systems) systems.push(await lookAtSystem(run, ref, name));
  const infra: InfraSeen[] = [];
  for (const name of scope.infra) infra.push({ node: name, plan: await planInfra(run, ref, name) });
  const at = new Date().toISOString();
  return {
    ...{ revision: ref.fleet.revision.slice(0, 7), at, cluster, systems, infra },
    ...(scope.secrets ? { secrets: await lookAtSecrets(run, ref) } : {}),
  };
}

async function lookAtSystem(run: Run, ref: RunRef, node: string): Promise<SystemSeen> {
  const system = await orProblem(() =>
    run.step(
      { id: `system-${node}`, phase: 'verify', title: `NixOS of ${node}`, kind: 'act', within: CLUSTER_WITHIN },
      async (act) => {
        const found = await act.observeSystem({ ...ref, node });
        if (isProblem(found)) throw failure(found.type, found.message);
        return found;
      },
      ({ nixosVersion, generation }) => ({ state: 'done', detail: `${nixosVersion}, generation ${generation}` }),
    ),
  );
  if (isProblem(system)) return { node, system };
  const closure = await orProblem(() =>
    run.step(
      { id: `closure-${node}`, phase: 'verify', title: `flake for ${node}`, kind: 'long', within: BUILD_WITHIN },
      (act) => act.buildClosure({ ...ref, node }),
      ({ nixosVersion, path }) => ({
        state: 'done',
        detail: path === system.profilePath ? `${nixosVersion}, the same` : `${nixosVersion}, another one`,
      }),
    ),
  );
  return { node, system, closure };
}

/** As infra-apply plans, under the lock of the state: a plan beside somebody's apply would tell of what is half-done. */
async function planInfra(run: Run, ref: RunRef, node: string): Promise<PlannedInfra | Problem> {
  try {
    return await orProblem(() =>
      run.step(
        { id: `terraform-${node}`, phase: 'verify', title: `Terraform of ${node}`, kind: 'act', within: PLAN_WITHIN },
        async (act) => {
          await act.initInfra({ ...ref, node });
          return act.planInfra({ ...ref, node, plan: 'drift' });
        },
        (plan) => ({ state: 'done', detail: isEmpty(plan) ? 'no changes' : countsOf(plan) }),
      ),
    );
  } finally {
    await CancellationScope.nonCancellable(() => clean(run, ref, node));
  }
}

/** Plans hold secrets: they go at once, also where the run is cancelled or paused. */
async function clean(run: Run, ref: RunRef, node: string): Promise<void> {
  try {
    await run.step(
      { id: `end-${node}`, phase: 'clean up', title: `plan of ${node}`, kind: 'rollBack', always: true },
      (act) => act.endInfra({ ...ref, node }),
      () => ({ state: 'done' }),
    );
  } catch (error) {
    run.warn(`What it planned with is still on the worker: ${describeFailure(error).message}`);
  }
}

const lookAtSecrets = (run: Run, ref: RunRef): Promise<SecretsFacts | Problem> =>
  orProblem(() =>
    run.step(
      { id: 'secrets', phase: 'verify', title: 'files with secrets', kind: 'observe' },
      (act) => act.observeSecrets(ref),
      ({ files }) => ({ state: 'done', detail: count(files.length, 'file') }),
    ),
  );

/** What could not be looked at keeps nothing else from it. */
async function orProblem<T>(work: () => Promise<T>): Promise<T | Problem> {
  try {
    return await work();
  } catch (error) {
    if (isCancellation(error)) throw error;
    const { type, message } = describeFailure(error);
    return problemOf(type, message);
  }
}

import { rm } from 'node:fs/promises';
import type { InfraActivities } from './contract.ts';
import type { Deps } from './deps.ts';
import { guarded } from './guard.ts';
import { applyInfra, backUpState, requireSaved } from './infra-apply.ts';
import { ready, rootOf } from './infra-folder.ts';
import { jobsOf } from './infra-jobs.ts';
import { planInfra } from './infra-plan.ts';
import { infraNodes, infraScope } from './infra-scope.ts';
import { requireNothingOnItsWay } from './on-its-way.ts';

/** Terraform or OpenTofu, on the worker's own machine. */
export function createInfraActivities(deps: Deps): InfraActivities {
  return {
    resolveInfra: guarded(({ fleet, node }) => infraScope(deps, fleet, node)),
    infraNodes: guarded(({ fleet }) => infraNodes(deps, fleet)),
    initInfra: guarded(async (ref, context) => {
      await requireNothingOnItsWay(deps, await deps.fleetAt(ref.fleet), ref.node, context.signal);
      return (await ready(deps, ref, context)).was;
    }),
    planInfra: guarded((ref, context) => planInfra(deps, ref, context)),
    backUpState: guarded((ref, context) => backUpState(deps, ref, context)),
    applyInfra: guarded((input, context) => applyInfra(deps, input, context)),
    endInfra: guarded(async (ref, context) => {
      const { jobs } = deps.local;
      for (const name of await jobs.list(jobsOf(ref), context)) {
        // Planning changes nothing; an apply is never cut off, and needs its files.
        if (name.startsWith(`${jobsOf(ref)}plan-`)) await jobs.stop(name, context);
        else if ((await jobs.status(name, context)).type === 'running') return;
        await jobs.remove(name, context);
      }
      await requireSaved(deps, ref);
      await rm(rootOf(deps, ref), { recursive: true, force: true });
    }),
  };
}

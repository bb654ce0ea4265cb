import type { RunRef } from '../../activities/contract.ts';
import { durationMs } from '../../plan/duration.ts';
import type { Closure, SystemState } from '../../plan/observation.ts';
import { planReinstall, reinstallQuestion, type ReinstallPlan, type ReinstallScope } from '../../plan/reinstall.ts';
import type { StepView } from '../../plan/run.ts';
import { failure } from '../support/failures.ts';
import type { Run } from '../support/run.ts';

type Ref = RunRef & { member: string };

/** What was seen of the host, and what follows. */
export interface LookedAtHost {
  scope: ReinstallScope;
  plan: ReinstallPlan;
  /** The boot of an installer. */
  bootId?: string;
  /** Of a host that is installed, and has no cluster yet. */
  system?: SystemState;
}

/** Changes nothing. */
export async function lookAtHost(run: Run, ref: Ref): Promise<LookedAtHost> {
  const { fleet, member } = ref;
  return run.step(
    // To evaluate the layout takes minutes where the flake's inputs have to be fetched.
    { id: 'look-at-host', phase: 'gate', title: `what ${member} is, and its disks`, kind: 'act' },
    async (act) => {
      const scope = await act.resolveReinstall({ fleet, member });
      const observation = await act.observeReinstall(ref);
      const { host } = observation;
      const plan = planReinstall(scope, observation);
      return {
        scope,
        plan,
        ...(host.type === 'installer' ? { bootId: host.bootId } : {}),
        ...(host.type === 'installed' && plan.mode === 'installed' ? { system: host.system } : {}),
      };
    },
    ({ plan: { mode } }) => ({ state: 'done', detail: SEEN[mode] }),
  );
}

const SEEN = { install: 'an installer', installed: 'installed, and in no cluster', none: 'nothing to be installed' };

export async function askToReinstall(run: Run, { scope, plan }: LookedAtHost): Promise<void> {
  const { approved, actor, reason } = await run.ask({
    id: 'reinstall',
    destructive: true,
    ...reinstallQuestion(scope, plan),
    expects: scope.member,
    timeoutMs: durationMs(scope.approvalTimeout),
  });
  if (!approved)
    throw failure('NotApproved', `Installing ${scope.member} anew was not approved (${actor}: ${reason}).`);
}

/** From the approved command to a host that runs the revision's system. */
export async function installAndConfigure(run: Run, ref: Ref, { plan, bootId = '' }: LookedAtHost): Promise<void> {
  const { member } = ref;
  await run.step(
    { id: 'reinstall', phase: 'install', title: `install ${member} anew`, kind: 'long' },
    (act) => act.reinstall({ ...ref, bootId, approved: plan.erased.map(({ identity }) => identity) }),
    (state) => ({ state }),
  );
  const system = await run.step(
    { id: 'installed', phase: 'install', title: `${member} answers as installed`, kind: 'act' },
    (act) => act.awaitInstalled({ ...ref, bootId }),
    ({ nixosVersion }) => ({ state: 'done', detail: nixosVersion }),
  );
  await deploy(run, ref, system, await build(run, ref));
}

/** What the host is to run. */
export async function build(run: Run, ref: Ref): Promise<Closure> {
  const node = ref.member;
  return run.step(
    { id: `build-${node}`, phase: 'install', title: `build ${node}`, kind: 'long' },
    (act) => act.buildClosure({ ...ref, node }),
    ({ nixosVersion }) => ({ state: 'done', detail: nixosVersion }),
  );
}

export const runs = ({ profilePath, runningPath }: SystemState, { path }: Closure): boolean =>
  profilePath === path && runningPath === path;

export const deployStep = (node: string, { nixosVersion }: Closure): StepView => ({
  id: `deploy-${node}`,
  phase: 'install',
  title: `${node} → ${nixosVersion}`,
  state: 'pending',
});

/** The first deployment. What was installed can be that system already. */
export async function deploy(run: Run, ref: Ref, before: SystemState, closure: Closure): Promise<void> {
  const node = ref.member;
  const { id, phase, title } = deployStep(node, closure);
  await run.step(
    { id, phase, title, kind: 'long' },
    (act) => act.deploySystem({ ...ref, node, before, closure, mode: 'switch', magicRollback: true }),
    ({ type }) => ({ state: type === 'already' ? 'already' : 'done' }),
  );
}

import type { RunRef } from '../../activities/contract.ts';
import { durationMs } from '../../plan/duration.ts';
import type { SystemState } from '../../plan/observation.ts';
import { planReinstall, reinstallQuestion, type ReinstallPlan, type ReinstallScope } from '../../plan/reinstall.ts';
import { failure } from '../support/failures.ts';
import type { Run } from '../support/run.ts';

type Ref = RunRef & { member: string };

/** What was seen of the host, and what follows. */
export interface LookedAtHost {
  scope: ReinstallScope;
  plan: ReinstallPlan;
  /** The boot of an installer. */
  bootId?: string;
  /** Of a host that is installed. */
  system?: SystemState;
}

/**
 * `not needed`: the host is installed. `refused`: nothing was changed, the plan's gates say why. `installed`: it was
 * installed anew and answers with its configuration.
 */
export type Reinstalled =
  { type: 'not needed' | 'installed'; system: SystemState } | { type: 'refused'; plan: ReinstallPlan };

/**
 * A member that answers as an installer, installed anew by its declared command, once that is approved, and deployed again.
 * Throws before any change as NotApproved, afterwards as whatever failed: started again it looks first.
 */
export async function reinstallMember(run: Run, ref: Ref): Promise<Reinstalled> {
  const looked = await lookAtHost(run, ref);
  const { plan, system } = looked;
  if (plan.mode === 'installed' && system !== undefined) return { type: 'not needed', system };
  run.judge(plan.gates);
  if (plan.refusals.length > 0) return { type: 'refused', plan };
  run.announce(plan.steps);
  await askToReinstall(run, looked);
  await run.hold();
  return { type: 'installed', system: await installAndConfigure(run, ref, looked) };
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
      return {
        scope,
        plan: planReinstall(scope, observation),
        ...(host.type === 'installer' ? { bootId: host.bootId } : {}),
        ...(host.type === 'installed' ? { system: host.system } : {}),
      };
    },
    ({ plan: { mode } }) => ({
      state: 'done',
      detail:
        mode === 'install' ? 'an installer' : mode === 'installed' ? 'installed' : 'neither installer nor installed',
    }),
  );
}

export async function askToReinstall(run: Run, { scope, plan }: LookedAtHost): Promise<void> {
  const { approved, actor, reason } = await run.ask({
    id: 'reinstall',
    ...reinstallQuestion(scope, plan),
    expects: scope.member,
    timeoutMs: durationMs(scope.approvalTimeout),
  });
  if (!approved)
    throw failure('NotApproved', `Installing ${scope.member} anew was not approved (${actor}: ${reason}).`);
}

/** From the approved command to a host that runs the revision's system. */
export async function installAndConfigure(
  run: Run,
  ref: Ref,
  { plan, bootId = '' }: LookedAtHost,
): Promise<SystemState> {
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
  return configure(run, ref, system);
}

/** The first deployment. What was installed can be the same system already. */
export async function configure(run: Run, ref: Ref, before: SystemState): Promise<SystemState> {
  const node = ref.member;
  const closure = await run.step(
    { id: `build-${node}`, phase: 'install', title: `build ${node}`, kind: 'long' },
    (act) => act.buildClosure({ ...ref, node }),
    ({ nixosVersion }) => ({ state: 'done', detail: nixosVersion }),
  );
  const { system } = await run.step(
    { id: `deploy-${node}`, phase: 'install', title: `${node} → ${closure.nixosVersion}`, kind: 'long' },
    (act) => act.deploySystem({ ...ref, node, before, closure, mode: 'switch', magicRollback: true }),
    ({ type }) => ({ state: type === 'already' ? 'already' : 'done' }),
  );
  return system;
}

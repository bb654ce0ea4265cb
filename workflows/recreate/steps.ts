import type { BroughtBack, GuestRef, NewGuest, SavedState } from '../../activities/contract.ts';
import { count } from '../../plan/count.ts';
import { durationMs } from '../../plan/duration.ts';
import {
  asideName,
  recreateMessage,
  runsIt,
  snapshotStepId,
  type RecreatePlan,
  type RecreateScope,
} from '../../plan/recreate.ts';
import { shortName } from '../../plan/secrets.ts';
import { tidy } from '../rotation/tidy.ts';
import { describeFailure, failure } from '../support/failures.ts';
import type { Run, StepSpec } from '../support/run.ts';
import { describeFindings } from '../upgrade/health.ts';
import { bringBack, createByTerraform, fence, putBack, settle } from './terraform.ts';

/** A run, and how far it is. */
export interface Recreation {
  run: Run;
  ref: GuestRef;
  scope: RecreateScope;
  plan: RecreatePlan;
  names: Record<string, string>;
  /** The new public key. */
  next?: string;
  /** The commit for it. */
  cut?: string;
  /** Whether Terraform’s state may lack the old one by now. */
  forgetting?: true;
  /** Where what it knew of the old one is. */
  saved?: SavedState;
  /** Whether Terraform may have begun to make the new one. */
  applying?: true;
}

const pathsOf = ({ plan }: Recreation): string[] => plan.files.map(({ path }) => path);

/** A new guest that does not answer may never do so, and the old one is waited for: it is given back after this. */
const PATIENCE = '1h';

/** It was built with the old secrets already; a store that was cleaned meanwhile is filled again. */
const BUILD_WITHIN = '2h';

/** Probes have their own patience, each. */
const VERIFY_WITHIN = '2h';

/** From the first snapshot to a new guest that is healthy. */
export async function makeAnew(recreation: Recreation): Promise<void> {
  const { run, ref, scope, plan } = recreation;
  for (const volume of scope.volumes) await snapshot(recreation, volume);
  if (plan.old !== 'gone')
    await run.step(
      spec(recreation, 'set-aside', 'drain', 'act'),
      (act) => act.setGuestAside(ref),
      (state) => ({ state }),
    );
  const { system: before } = await create(recreation);
  const { key, hostKey } = await run.step(
    { ...spec(recreation, 'make-key', 'configure', 'act'), within: PATIENCE },
    (act) => act.makeOwnKey({ ...ref, old: plan.oldKey }),
    ({ key: made }) => ({ state: 'done', detail: shortName({}, made) }),
  );
  recreation.next = key;
  recreation.cut = await reencrypt(recreation, key, hostKey);
  const at = { fleet: { revision: recreation.cut }, name: ref.name, node: ref.guest };
  const closure = await run.step(
    { ...spec(recreation, 'build', 'deploy', 'long'), within: BUILD_WITHIN },
    (act) => act.buildClosure(at),
    ({ nixosVersion }) => ({ state: 'done', detail: nixosVersion }),
  );
  // For the next boot: nothing of it runs before its volumes are there.
  await run.step(
    { ...spec(recreation, 'deploy', 'deploy', 'long'), within: PATIENCE },
    (act) => act.deploySystem({ ...at, before, closure, mode: 'boot', magicRollback: false }),
    ({ type }) => ({ state: type === 'already' ? 'already' : 'done' }),
  );
  const { system } = await run.step(
    { ...spec(recreation, 'attach', 'restore', 'act'), within: PATIENCE },
    (act) => act.attachVolumes(ref),
    ({ system: now }) => ({ state: 'done', detail: now.nixosVersion }),
  );
  if (!runsIt(system, closure))
    throw failure('ActivationFailed', `${ref.guest} has booted ${system.runningPath} instead of its own system.`);
  await verify(recreation, recreation.cut);
  if (scope.terraform !== undefined) await settle(recreation, scope.terraform);
}

async function create(recreation: Recreation): Promise<NewGuest> {
  const { run, ref, scope } = recreation;
  if (scope.terraform !== undefined) return createByTerraform(recreation, scope.terraform);
  return run.step(
    { ...spec(recreation, 'create', 'install', 'act'), within: PATIENCE },
    (act) => act.createGuest(ref),
    ({ system }) => ({ state: 'done', detail: system.nixosVersion }),
  );
}

async function snapshot({ run, ref, scope }: Recreation, volume: RecreateScope['volumes'][number]): Promise<void> {
  const { member, project, keepOld } = scope;
  const { pool, name } = volume;
  const expiresAt = new Date(Date.now() + Math.max(durationMs(keepOld), durationMs(SNAPSHOTS))).toISOString();
  await run.step(
    { id: snapshotStepId(volume), phase: 'snapshot', title: `volume ${name}`, kind: 'act' },
    (act) => act.snapshotVolume({ ...ref, member, project, pool, volume: name, snapshot: ref.name, expiresAt }),
    () => ({ state: 'done', detail: `as ${ref.name}` }),
  );
}

/** Also where the old guest is not kept, somebody may find out later that something is missing. */
const SNAPSHOTS = '7d';

/** A step of the plan, by its id. */
function spec({ run }: Recreation, id: string, phase: StepSpec['phase'], kind: StepSpec['kind']): StepSpec {
  const title = run.view.steps.find((each) => each.id === id)?.title ?? id;
  return { id, phase, title, kind };
}

async function reencrypt(recreation: Recreation, next: string, hostKey: string): Promise<string> {
  const { run, ref, plan } = recreation;
  const { revision } = await run.step(
    { ...spec(recreation, 'reencrypt', 'configure', 'act'), within: PATIENCE },
    (act) =>
      act.reencryptSecrets({
        ...ref,
        ...{ phase: 'cut', base: ref.fleet.revision, old: plan.oldKey, next, paths: pathsOf(recreation), hostKey },
        message: recreateMessage('cut', { ...ref, old: plan.oldKey, next }),
      }),
    ({ state, revision: made }) => ({ state, detail: made.slice(0, 7) }),
  );
  return revision;
}

/** The new key reads every file in the guest, the old one can read none; and the guest is well. */
async function verify(recreation: Recreation, revision: string): Promise<void> {
  const { run, ref, scope, plan } = recreation;
  const paths = pathsOf(recreation);
  await run.step(
    { ...spec(recreation, 'verify', 'verify', 'act'), within: VERIFY_WITHIN },
    async (act) => {
      const reads = await act.tryGuestKey({ ...ref, revision, paths, which: 'file' });
      const not = paths.filter((path) => !reads.includes(path));
      if (not.length > 0)
        throw failure('NotReencrypted', `${ref.guest} cannot decrypt ${not.join(', ')} with its key.`);
      await act.proveOldKeyOut({ ...ref, revision, old: plan.oldKey, paths });
      const { findings } = await act.checkHealth({
        ...{ fleet: ref.fleet, name: ref.name, nodes: [ref.guest], member: scope.member, allowOffline: [] },
        ...{ failedBefore: {}, patience: 'patient' },
      });
      const unhealthy = findings.filter(({ healthy, node }) => !healthy && node === ref.guest);
      if (unhealthy.length > 0) throw failure('Unhealthy', describeFindings(unhealthy));
    },
    () => ({ state: 'done', detail: `${count(paths.length, 'file')}, healthy` }),
  );
}

/** The old one is kept or removed; what the run needed goes. Returns what could not be done. */
export async function endOld(recreation: Recreation): Promise<string[]> {
  const { run, ref, scope, plan, cut } = recreation;
  const problems: string[] = [];
  if (plan.old !== 'gone')
    try {
      const now = Date.now();
      const until = new Date(now + durationMs(scope.keepOld)).toISOString();
      const end = { keep: scope.keepOld !== '0s', at: new Date(now).toISOString(), until };
      await run.step(
        spec(recreation, 'end-old', 'clean up', 'act'),
        (act) => act.endOldGuest({ ...ref, ...end }),
        (state) => ({ state }),
      );
    } catch (error) {
      problems.push(`The old ${ref.guest}: ${describeFailure(error).message}`);
    }
  return [...problems, ...(await tidy(recreation, scope.push === undefined ? cut : undefined))];
}

export interface TakenBack {
  /** What could not be taken back. */
  problems: string[];
  /** Incus has not removed the new one. */
  isKept: boolean;
  /** Nobody has the old one any more: the new one is left, with its files and its place in Terraform’s state. */
  isGone: boolean;
}

/** Each is tried, whatever became of the one before. */
export async function takeBack(recreation: Recreation): Promise<TakenBack> {
  const { run, ref, plan, next = '' } = recreation;
  const problems: string[] = [];
  let [isKept, isGone] = [false, false];
  type Work = Parameters<typeof run.step<Exclude<BroughtBack, 'old is gone'>>>[1];
  const step = async (id: string, title: string, kind: StepSpec['kind'], work: Work): Promise<void> => {
    try {
      const done = await run.step({ id, phase: 'roll back', title, kind }, work, (state) =>
        state === 'kept' ? { state: 'done', detail: 'the new one is kept' } : { state },
      );
      isKept ||= done === 'kept';
    } catch (error) {
      problems.push(`${title}: ${describeFailure(error).message}`);
    }
  };
  try {
    await fence(recreation);
  } catch (error) {
    problems.push(`Terraform may be at work still: ${describeFailure(error).message}`);
  }
  // Services first: the old one reads what it was deployed with, whatever the repository says. For hours, where its member is
  // away: without it there would be none.
  await step(
    'back-guest',
    plan.old === 'gone' ? `the new ${ref.guest} goes` : `the old ${ref.guest} under its name, with its volumes`,
    'act',
    async (act) => {
      const done = await bringBack(recreation, act);
      isGone = done === 'old is gone';
      if (done !== 'old is gone') return done;
      throw failure(
        'NotFound',
        `There is no old ${ref.guest} any more, neither as ${asideName(ref.guest, ref.name)} nor under its name.`,
      );
    },
  );
  // For the old one nobody would read them, and the new one could not.
  if (isGone) return { problems, isKept, isGone };
  if (recreation.forgetting === true)
    await step('back-state', 'Terraform’s state as it was', 'rollBack', (act) => putBack(recreation, act));
  await step('back-repository', 'rules and files as they were', 'rollBack', (act) =>
    act.takeBackSecrets({
      ...ref,
      paths: pathsOf(recreation),
      ...(recreation.cut === undefined ? {} : { handOver: recreation.cut }),
      message: recreateMessage('back', { ...ref, old: plan.oldKey, next }),
    }),
  );
  return { problems: problems.length > 0 ? problems : await tidy(recreation), isKept, isGone };
}

import type { GuestRef } from '../../activities/contract.ts';
import { count } from '../../plan/count.ts';
import type { SystemState } from '../../plan/observation.ts';
import { shortName } from '../../plan/secrets.ts';
import { commitMessage, type RotationPlan, type RotationScope } from '../../plan/rotation.ts';
import { describeFailure, failure } from '../support/failures.ts';
import type { Run, StepSpec } from '../support/run.ts';
import { describeFindings } from '../upgrade/health.ts';
import { tidy } from './tidy.ts';

/** A run, and how far it is. */
export interface Rotation {
  run: Run;
  ref: GuestRef;
  scope: RotationScope;
  plan: RotationPlan;
  names: Record<string, string>;
  before: SystemState;
  /** The new public key. */
  next?: string;
  /** The commit for both keys. */
  handOver?: string;
  /** The deployment of it has begun. */
  deployed?: true;
  /** What the guest ran last. */
  now?: SystemState;
  /** The commit for the new key alone. */
  cut?: string;
}

const pathsOf = ({ plan }: Rotation): string[] => plan.files.map(({ path }) => path);

/** Both keys: in the guest, in the files, in what it runs. */
export async function handOver(rotation: Rotation): Promise<void> {
  const { run, ref, plan } = rotation;
  const { key } = await run.step(
    spec(rotation, 'make-key', 'configure', 'act'),
    (act) => act.makeGuestKey({ ...ref, old: plan.old }),
    ({ key: made }) => ({ state: 'done', detail: shortName({}, made) }),
  );
  rotation.next = key;
  rotation.handOver = await reencrypt(rotation, 'hand-over', ref.fleet.revision);
  rotation.deployed = true;
  await deploy(rotation, 'hand-over', rotation.handOver);
  await verify(rotation, 'hand-over', rotation.handOver);
}

/** The new key alone; what the old one could read is told. */
export async function cutOver(rotation: Rotation): Promise<string[]> {
  const { run, ref, plan, next = '', handOver: base = '' } = rotation;
  rotation.cut = await reencrypt(rotation, 'cut', base);
  await deploy(rotation, 'cut', rotation.cut);
  await verify(rotation, 'cut', rotation.cut);
  await run.step(
    spec(rotation, 'retire-key', 'clean up', 'act'),
    (act) => act.keepGuestKey({ ...ref, keep: 'new', old: plan.old, next }),
    (state) => ({ state }),
  );
  return tidy(rotation, rotation.scope.push === undefined ? rotation.cut : undefined);
}

/** A step of the plan, by its id. */
function spec({ run }: Rotation, id: string, phase: StepSpec['phase'], kind: StepSpec['kind']): StepSpec {
  const title = run.view.steps.find((each) => each.id === id)?.title ?? id;
  return { id, phase, title, kind };
}

async function reencrypt(rotation: Rotation, phase: 'hand-over' | 'cut', base: string): Promise<string> {
  const { run, ref, plan, next = '' } = rotation;
  const { revision } = await run.step(
    spec(rotation, phase, phase === 'cut' ? 'remove' : 'configure', 'act'),
    (act) =>
      act.reencryptSecrets({
        ...ref,
        ...{ phase, base, old: plan.old, next, paths: pathsOf(rotation) },
        message: commitMessage(phase, { ...ref, old: plan.old, next }),
      }),
    ({ state, revision: made }) => ({ state, detail: made.slice(0, 7) }),
  );
  return revision;
}

/** deploy-rs, for a commit of the run’s own. Each has a job of its own. */
async function deploy(rotation: Rotation, phase: 'hand-over' | 'cut', revision: string): Promise<void> {
  const { run, ref, before, now = before } = rotation;
  const node = ref.guest;
  const at = { fleet: { revision }, name: `${ref.name}-${phase}`, node };
  const shown = phase === 'cut' ? 'remove' : 'deploy';
  const closure = await run.step(
    spec(rotation, `build-${phase}`, shown, 'long'),
    (act) => act.buildClosure(at),
    ({ nixosVersion }) => ({ state: 'done', detail: nixosVersion }),
  );
  const { system } = await run.step(
    spec(rotation, `deploy-${phase}`, shown, 'long'),
    (act) => act.deploySystem({ ...at, before: now, closure, mode: 'switch', magicRollback: true }),
    ({ type }) => ({ state: type === 'already' ? 'already' : 'done' }),
  );
  rotation.now = system;
}

/** In the guest: the new key reads every file, after the cut the old one none; and the guest is well. */
async function verify(rotation: Rotation, phase: 'hand-over' | 'cut', revision: string): Promise<void> {
  const { run, ref, before } = rotation;
  const paths = pathsOf(rotation);
  await run.step(
    spec(rotation, `verify-${phase}`, phase === 'cut' ? 'remove' : 'verify', 'act'),
    async (act) => {
      for (const which of ['new', 'file'] as const) {
        const reads = await act.tryGuestKey({ ...ref, revision, paths, which });
        const not = paths.filter((path) => !reads.includes(path));
        if (not.length > 0)
          throw failure('NotReencrypted', `${ref.guest} cannot decrypt ${not.join(', ')} with the new key.`);
      }
      if (phase === 'cut') {
        const reads = await act.tryGuestKey({ ...ref, revision, paths, which: 'old' });
        if (reads.length > 0) throw failure('NotReencrypted', `The old key still decrypts ${reads.join(', ')}.`);
      }
      const { findings } = await act.checkHealth({
        ...{ fleet: ref.fleet, name: ref.name, nodes: [ref.guest], member: rotation.scope.member, allowOffline: [] },
        ...{ failedBefore: { [ref.guest]: before.failedUnits }, patience: 'patient' },
      });
      const unhealthy = findings.filter(({ healthy, node }) => !healthy && node === ref.guest);
      if (unhealthy.length > 0) throw failure('Unhealthy', describeFindings(unhealthy));
    },
    () => ({ state: 'done', detail: `${count(paths.length, 'file')}, healthy` }),
  );
}

/** What could not be taken back. Each is tried, whatever became of the one before. */
export async function takeBack(rotation: Rotation): Promise<string[]> {
  const { run, ref, scope, plan, next, handOver: made, deployed, before } = rotation;
  const problems: string[] = [];
  const step = async (
    id: string,
    title: string,
    work: Parameters<typeof run.step<'done' | 'already'>>[1],
  ): Promise<void> => {
    try {
      await run.step({ id, phase: 'roll back', title, kind: 'rollBack' }, work, (state) => ({ state }));
    } catch (error) {
      problems.push(`${title}: ${describeFailure(error).message}`);
    }
  };
  await step('back-repository', `rules and files as they were`, (act) =>
    act.takeBackSecrets({
      ...ref,
      ...(made === undefined ? {} : { handOver: made }),
      paths: pathsOf(rotation),
      message: commitMessage('back', { ...ref, old: plan.old, next: next ?? '' }),
    }),
  );
  if (deployed === true)
    await step('back-system', `${ref.guest} to what it ran`, async (act) => {
      const { type } = await act.rollBackSystem({
        ...{ fleet: ref.fleet, name: `${ref.name}-hand-over`, node: ref.guest },
        ...{ before, mode: 'switch', interrupted: true },
      });
      return type === 'already' ? 'already' : 'done';
    });
  // Only where nothing is left that it alone could read.
  if (problems.length === 0)
    await step('back-key', `the key of ${scope.guest} as it was`, (act) =>
      act.keepGuestKey({ ...ref, keep: 'old', old: plan.old, next: next ?? '' }),
    );
  return problems.length > 0 ? problems : tidy(rotation);
}

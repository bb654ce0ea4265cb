import { ageOf, formatAge } from '../../plan/duration.ts';
import { releaseCommand } from '../../plan/kept.ts';
import { inProject } from '../../plan/projects.ts';
import { dated, type Restoration } from '../../plan/restore.ts';
import type { RunResult } from '../../plan/run.ts';
import { asSentence } from '../../plan/sentence.ts';
import { namesOf, writtenPlace } from '../../plan/restore-in-place.ts';
import { startInstance } from '../../plan/start-instance.ts';
import type { RestoreInput } from '../messages.ts';
import { describeFailure } from '../support/failures.ts';

/** Options that are typed again. */
function commandOf(input: RestoreInput, inPlace = input.inPlace === true): string {
  const { volume, project, until, to, member, backup, from } = input;
  const options = { project: project === 'default' ? undefined : project, at: until, to, member, backup, from };
  const words = Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [`--${name} ${value}`]));
  return ['runbook start restore', `--volume ${volume}`, ...words, ...(inPlace ? ['--in-place'] : [])].join(' ');
}

/** By the name that it arrived under, and of the same snapshot. */
const goOn = (input: RestoreInput, { snapshot, name }: Restoration): RestoreInput => ({
  ...input,
  until: snapshot.createdAt,
  to: name,
});

export const planned = (input: RestoreInput): RunResult => ({
  ...{ outcome: 'Done', summary: 'Nothing was changed.', left: [] },
  next: [{ command: commandOf(input), purpose: 'do it' }],
});

export function restored({ volume, snapshot, name, pool, project, member }: Restoration, now: string): RunResult {
  const { createdAt } = snapshot;
  const ofProject = project === 'default' ? '' : ` --project ${project}`;
  return {
    outcome: 'Done',
    summary: `${volume} as of ${dated(createdAt)} (${formatAge(ageOf(createdAt, now))} old) is volume ${name} in pool ${pool} on ${member}. The original is as it was.`,
    left: [`Volume ${name} on ${member}, until you delete it.`],
    next: [
      {
        command: `incus storage volume attach ${pool} ${name} INSTANCE /mnt/restored${ofProject}`,
        purpose: 'look into it from an instance',
      },
      { command: `incus storage volume delete ${pool} ${name}${ofProject}`, purpose: 'when it is not needed' },
    ],
  };
}

/** What it was before is kept, and stays so until it is released. */
export function placed({ volume, snapshot, member, inPlace }: Restoration): RunResult {
  const { aside, resolve = [] } = inPlace ?? {};
  return {
    outcome: 'Done',
    summary: `${volume} on ${member} is as of ${dated(snapshot.createdAt)}.${aside === undefined ? '' : ` What it was before is kept as ${aside}.`}`,
    left: aside === undefined ? [] : [`${aside} on ${member}, until it is released by name.`],
    next: [
      ...resolve.map(({ place, command }) => ({ command, purpose: `before the next copy to ${place}` })),
      ...(aside === undefined
        ? []
        : [{ command: releaseCommand({ member, name: aside }), purpose: 'when nobody needs it any more' }]),
    ],
  };
}

/** The original is in its place again. `isWhole`: what was copied can be gone on with. */
export function putBack(error: unknown, restoration: Restoration, input: RestoreInput, isWhole: boolean): RunResult {
  const { volume, dataset, member, inPlace } = restoration;
  const cause = describeFailure(error);
  const [fact = ''] = cause.message.split('\n');
  const again = goOn(input, restoration);
  const end = {
    ...{ outcome: 'RolledBack' as const, failure: cause },
    summary: `${asSentence(fact)} ${volume} is what it was before.`,
  };
  if (isWhole)
    return {
      ...end,
      left: [`What was copied: dataset ${dataset} on ${member}.`],
      next: [
        { command: commandOf(again), purpose: 'try again with what was copied' },
        { command: commandOf(again, false), purpose: 'make it a volume beside the original' },
      ],
    };
  const name = inPlace?.aside === undefined ? dataset : writtenPlace(inPlace.aside);
  return {
    ...end,
    left: [`What was copied, with what was written to it meanwhile: ${name} on ${member}.`],
    next: [
      { command: commandOf({ ...input, until: restoration.snapshot.createdAt }), purpose: 'copy it once more' },
      ...(name === dataset
        ? []
        : [{ command: releaseCommand({ member, name }), purpose: 'when nobody needs what was written' }]),
    ],
  };
}

/** By hand it is two renames, of which one may have been done. */
export function notBack(
  error: unknown,
  cause: unknown,
  { volume, project, dataset, member, inPlace }: Restoration,
  running: readonly { project: string; name: string }[],
): RunResult {
  const failure = describeFailure(cause);
  const { dataset: place = '', aside } = inPlace ?? {};
  return {
    outcome: 'Failed',
    summary: `${asSentence(describeFailure(error).message)} ${volume} could not be put back: ${failure.message}`,
    failure,
    left: [
      ...(aside === undefined ? [] : [`The original: ${aside} on ${member}, or in its place already.`]),
      `What was copied: ${place} or ${dataset} on ${member}.`,
      ...(running.length === 0 ? [] : [`${namesOf(running)}: stop what runs before anything is renamed.`]),
    ],
    next: [
      { command: `zfs rename ${place} ${dataset}`, purpose: `on ${member}, if what was copied has its place` },
      ...(aside === undefined ? [] : [{ command: `zfs rename ${aside} ${place}`, purpose: `on ${member}` }]),
      ...running.map(({ name, project: own }) => ({
        command: startInstance(name, own),
        purpose: `with ${inProject({ project, name: volume })}`,
      })),
    ],
  };
}

/** What arrived is gone on from by the same name, and of the same snapshot, though a newer copy may be there by then. */
export function halfWay(error: unknown, restoration: Restoration, input: RestoreInput): RunResult {
  const { name, dataset, member, inPlace } = restoration;
  const failure = describeFailure(error);
  const [fact = ''] = failure.message.split('\n');
  return {
    outcome: 'Failed',
    summary: `${asSentence(fact)} The original is as it was.`,
    failure,
    left: [`What arrived of ${name}, if anything did: dataset ${dataset} on ${member}.`],
    next: [
      {
        command: commandOf({ ...goOn(input, restoration), ...(inPlace === undefined ? { member } : {}) }),
        purpose: 'go on from there',
      },
    ],
  };
}

import { ageOf, formatAge } from '../../plan/duration.ts';
import { dated, type Restoration } from '../../plan/restore.ts';
import type { RunResult } from '../../plan/run.ts';
import { asSentence } from '../../plan/sentence.ts';
import type { RestoreInput } from '../messages.ts';
import { describeFailure } from '../support/failures.ts';

/** Options that are typed again. */
function commandOf({ volume, project, until, to, member, backup, from }: RestoreInput): string {
  const options = { project: project === 'default' ? undefined : project, at: until, to, member, backup, from };
  const words = Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [`--${name} ${value}`]));
  return ['runbook start restore', `--volume ${volume}`, ...words].join(' ');
}

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

/** What arrived is gone on from by the same name, and of the same snapshot, though a newer copy may be there by then. */
export function halfWay(
  error: unknown,
  { name, dataset, member, snapshot }: Restoration,
  input: RestoreInput,
): RunResult {
  const failure = describeFailure(error);
  const [fact = ''] = failure.message.split('\n');
  return {
    outcome: 'Failed',
    summary: `${asSentence(fact)} The original is as it was.`,
    failure,
    left: [`What arrived of ${name}, if anything did: dataset ${dataset} on ${member}.`],
    next: [
      { command: commandOf({ ...input, until: snapshot.createdAt, to: name, member }), purpose: 'go on from there' },
    ],
  };
}

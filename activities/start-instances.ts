import { FAILURES } from '../plan/failures.ts';
import type { Problem } from '../plan/problem.ts';
import { inProject } from '../plan/projects.ts';
import { asSentence } from '../plan/sentence.ts';
import type { VolumeRecord } from '../tools/incus-records.ts';
import type { Incus } from '../tools/incus.ts';
import { expecting } from './expecting.ts';
import { failure, toolFailure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import { orTypedProblem } from './or-problem.ts';
import type { RejoinNotes } from './rejoin-notes.ts';

const READY_WITHIN_MS = 3 * 60_000;

type Instance = Extract<Awaited<ReturnType<Incus['instances']>>, { type: 'instances' }>['instances'][number];

export interface StartedInstances {
  /** In the order in which they were started. */
  started: string[];
  running: string[];
  /** And why not. */
  held: string[];
}

/**
 * Starts what ran when the member was last heard of, and what is to start with its host, in the order of
 * `boot.autostart.priority`. What runs already stays. Idempotent.
 */
export async function startInstances(
  incus: Incus,
  { member, notes, pools }: { member: string; notes: RejoinNotes | undefined; pools: readonly string[] },
  { report, signal }: ActivityContext,
): Promise<StartedInstances> {
  // Incus starts its own first.
  const ready = await incus.waitReady(READY_WITHIN_MS);
  if (ready.type !== 'ready') throw failure('Busy', `Incus on ${member} is not ready.`);
  const { instances } = expecting(await incus.instances(), 'instances', member);
  const own = instances.filter(({ location }) => location === member);
  const { volumes } = expecting(await incus.volumeRecords(member, pools), 'volume records', member);
  const unmapped = new Set(
    volumes
      .filter((volume) => volume.config[MAPPED] === undefined && isShifted(volume) && !isKnown(volume, notes))
      .map(({ pool, name }) => `${pool}/${name}`),
  );
  const lastRunning = written(notes) ?? expecting(await incus.lastRunning(member), 'last running', member).instances;
  const ran = (instance: Instance): boolean =>
    lastRunning.some(({ project, name }) => project === instance.project && name === instance.name);
  const wanted = own
    .filter((instance) => instance.autostart ?? ran(instance))
    .toSorted((a, b) => (b.autostartPriority ?? 0) - (a.autostartPriority ?? 0) || a.name.localeCompare(b.name));
  const result: StartedInstances = { started: [], running: [], held: [] };
  const failed: Problem[] = [];
  for (const instance of wanted) {
    const label = inProject(instance);
    if (instance.status === 'Running') {
      result.running.push(label);
      continue;
    }
    const guessed = instance.volumes.filter(({ pool, name }) => unmapped.has(`${pool}/${name}`));
    // Where nothing was given back, Incus would take the files of a shifted volume for unshifted.
    if (instance.type === 'container' && guessed.length > 0) {
      result.held.push(
        `${label} was not started: nobody knows to whom the files of ${guessed.map(({ name }) => name).join(', ')} belong (${MAPPED})`,
      );
      continue;
    }
    report({ progress: `starting ${label}` });
    const seen = await orTypedProblem(() => startOne(incus, member, instance), signal);
    if (seen.type === 'value') result[seen.value].push(label);
    else failed.push(seen.problem);
    // Others are not to be down for one that does not start; where nobody answers, none of them does.
    if (seen.type === 'problem' && seen.problem.type === 'Unreachable') break;
  }
  const [first] = failed;
  if (first !== undefined) throw notStarted(first, failed);
  return result;
}

const MAPPED = 'volatile.idmap.last';

/** Incus never maps the files of one that is `security.unmapped`, and notes nothing of it. */
const isShifted = ({ config }: VolumeRecord): boolean => config['security.unmapped'] !== 'true';

/** Undefined where nobody has written down what ran: notes of what is declared say nothing of that. */
const written = (notes: RejoinNotes | undefined): RejoinNotes['running'] | undefined =>
  notes?.declared === undefined ? notes?.running : undefined;

/** It was given back what it had, or had nothing. Notes of another volume say nothing of this one. */
const isKnown = ({ pool, project, name }: VolumeRecord, notes: RejoinNotes | undefined): boolean =>
  notes?.given?.includes(`${pool}/${name}`) === true ||
  notes?.volumes.some(
    (each) => each.pool === pool && each.project === project && each.name === name && each.config[MAPPED] === undefined,
  ) === true;

async function startOne(incus: Incus, member: string, { project, name }: Instance): Promise<'started' | 'running'> {
  const answer = await incus.startInstance(project, name);
  if (answer.type === 'started') return 'started';
  if (answer.type === 'already running') return 'running';
  if (answer.type === 'member evacuated')
    throw failure('Unexpected', `${member} is evacuated: incus cluster restore ${member}`);
  throw toolFailure(`Starting ${inProject({ project, name })}`, answer);
}

/** Of a kind that another try can help with, where one of them is. */
function notStarted(first: Problem, failed: readonly Problem[]): Error {
  const { type } = failed.find((each) => FAILURES[each.type].retryable) ?? first;
  return failure(type, [...new Set(failed.map(({ message }) => asSentence(message)))].join(' '));
}

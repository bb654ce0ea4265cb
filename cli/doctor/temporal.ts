import type { Check } from '../../plan/checks.ts';
import { describeEncryption } from '../../workers/codec/describe.ts';
import { findCodecKeys } from '../../workers/codec/keys.ts';
import { missingSearchAttributes } from '../../workers/search-attributes.ts';
import type { CommandContext } from '../context.ts';
import { causes, CliError } from '../errors.ts';
import type { Ending } from '../exit-codes.ts';
import { allSchedules } from '../fleet-schedules.ts';
import { age } from '../render/units.ts';
import type { Connected } from '../temporal/connect.ts';
import { listPollers, present } from '../temporal/pollers.ts';
import { open } from '../temporal/session.ts';
import { TASK_QUEUE } from '../../workflows/messages.ts';
import { askWorker } from './worker.ts';

interface Found {
  checks: Check[];
  /** Which link is broken; absent where none is. */
  ending?: Ending;
}

const DEADLINE_MS = 5000;

/** Temporal, whether we encrypt what it is given, its namespace and search attributes, the workers that poll, and what a worker finds from where it is. */
export async function checkTemporal(
  context: CommandContext,
  revision: string | undefined,
  node: string | undefined,
): Promise<Found> {
  let connected: Connected;
  try {
    connected = await open(context.io);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    const whatToDo = 'Start one here: runbook dev. Or say where it is: TEMPORAL_ADDRESS=host:7233.';
    return { checks: [check('server', 'failed', error.message, whatToDo)], ending: error.ending };
  }
  try {
    const server = check('server', 'passed', `answers at ${connected.address}`);
    const encryption = check('encryption', 'passed', describeEncryption(findCodecKeys(context.io.env)?.keys[0].id));
    const namespace = await checkNamespace(connected);
    if (namespace.verdict === 'failed') return { checks: [server, encryption, namespace] };
    const attributes = await checkSearchAttributes(connected);
    const schedules = await checkSchedules(connected, context.io.now());
    const { checks, ending } = await checkWorkers(context, connected, revision, node);
    return {
      checks: [server, encryption, namespace, attributes, ...schedules, ...checks],
      ...(ending === undefined ? {} : { ending }),
    };
  } finally {
    await connected.close();
  }
}

async function checkNamespace({ connection, namespace }: Connected): Promise<Check> {
  try {
    await connection.withDeadline(Date.now() + DEADLINE_MS, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
    return check('namespace', 'passed', namespace);
  } catch (error) {
    const found = `${namespace}: ${causes(error).at(-1) ?? 'unknown'}`;
    return check('namespace', 'failed', found, `temporal operator namespace create --namespace ${namespace}`);
  }
}

async function checkSearchAttributes({ connection, namespace }: Connected): Promise<Check> {
  const what = 'search attributes';
  try {
    const missing = await missingSearchAttributes(connection, namespace);
    if (missing.length === 0) return check(what, 'passed', 'all registered');
    return check(
      what,
      'failed',
      `missing: ${missing.join(', ')}`,
      'A worker registers them when it starts: runbook worker.',
    );
  } catch (error) {
    const found = `cannot be listed: ${causes(error).at(-1) ?? 'unknown'}`;
    return check(what, 'warning', found, 'Ask whoever runs the server whether they are registered.');
  }
}

/** Those that runbook has made: what they missed, or when they are due. */
async function checkSchedules(connected: Connected, now: number): Promise<Check[]> {
  try {
    const seen = await allSchedules(connected, now);
    return seen.map(({ name, trouble, paused, note, nextAt }) => {
      const what = `schedule ${name}`;
      if (trouble !== undefined) return check(what, 'warning', trouble.problem, trouble.command);
      return check(what, 'passed', paused ? `paused: ${note}` : `next ${nextAt[0] ?? 'never'}`);
    });
  } catch (error) {
    return [check('schedules', 'warning', `cannot be listed: ${causes(error).at(-1) ?? 'unknown'}`)];
  }
}

async function checkWorkers(
  context: CommandContext,
  connected: Connected,
  revision: string | undefined,
  node: string | undefined,
): Promise<Found> {
  const { io } = context;
  const pollers = await listPollers(connected);
  const there = present(pollers, io.now());
  if (there.length === 0) {
    const last = pollers[0];
    const seen =
      last === undefined ? '' : `; ${last.identity} was last seen ${age(io.now() - Date.parse(last.lastAskedAt))} ago`;
    const found = `none polls task queue ${TASK_QUEUE}${seen}`;
    return { checks: [check('worker', 'failed', found, 'Start one: runbook worker.')], ending: 'no worker' };
  }
  const identities = [...new Set(there.map(({ identity }) => identity))].join(', ');
  const polls = check('worker', 'passed', `${identities} on task queue ${TASK_QUEUE}`);
  if (revision === undefined) return { checks: [polls] };
  return { checks: [polls, ...(await askWorker(context, connected, revision, node))] };
}

const check = (what: string, verdict: Check['verdict'], found: string, whatToDo?: string): Check => ({
  where: 'Temporal',
  what,
  verdict,
  found,
  ...(whatToDo === undefined ? {} : { whatToDo }),
});

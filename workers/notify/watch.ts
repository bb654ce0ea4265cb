import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { ping } from '../../activities/notify/ping.ts';
import type { Fleet } from '../../fleet/schema.ts';
import type { BackupsView } from '../../plan/backups-view.ts';
import { durationMs } from '../../plan/duration.ts';
import type { DueNotice } from '../../plan/notice.ts';
import { keepLooking } from '../keep-looking.ts';
import { runPage } from '../web-ui.ts';
import { createCopyWatch } from './copy-watch.ts';
import { createRunWatch } from './run-watch.ts';
import { firstLook } from './since.ts';
import { tell } from './tell.ts';

/** Asks Temporal, and the worker's clone for its fleet file. */
const RUNS = { everyMs: 30_000, patienceMs: 25_000 };
/** Looks over ssh at every target, and only where a channel wants to know. */
const COPIES = { everyMs: 15 * 60_000, patienceMs: 4 * 60_000 };

export interface WatchSettings {
  /** The fleet file that the worker's clone has checked out. */
  fleet: () => Promise<Fleet>;
  lookAtCopies: (signal: AbortSignal) => Promise<BackupsView>;
  /** The worker's own folder. */
  stateDir: string;
  /** Default: half a minute, and a quarter of an hour. */
  everyMs?: { runs: number; copies: number };
}

export interface Watched {
  client: Client;
  namespace: string;
  taskQueue: string;
  logger: Logger;
  /** What Temporal keeps is encrypted. */
  discreet: boolean;
  /** Where the Web UI is for who gets a message. */
  uiAddress: string | undefined;
  /** Whether Temporal has heard this worker ask for work lately. */
  works: () => Promise<boolean>;
}

/**
 * Watches what people want to be told of, beside the work: no run waits for it. Answers with how to end it, which resolves when
 * nothing looks any more.
 */
export function watchForNotices(settings: WatchSettings, watched: Watched): () => Promise<void> {
  const stop = new AbortController();
  const { everyMs = { runs: RUNS.everyMs, copies: COPIES.everyMs } } = settings;
  const looks = [
    [runsLook(settings, watched), { ...RUNS, everyMs: everyMs.runs }],
    [copiesLook(settings, watched), { ...COPIES, everyMs: everyMs.copies }],
  ] as const;
  const failed = (error: unknown): void => {
    watched.logger.warn({ error }, 'notifications: not looked');
  };
  const looking = looks.map(([look, times]) => keepLooking(look, failed, { ...times, signal: stop.signal }));
  return async () => {
    stop.abort();
    await Promise.all(looking);
  };
}

type Look = (signal: AbortSignal) => Promise<void>;

function runsLook({ fleet: read, stateDir }: WatchSettings, watched: Watched): Look {
  const { client, namespace, taskQueue, discreet, uiAddress, works } = watched;
  const pageOf = (run: { workflowId: string; runId: string }): string | undefined =>
    uiAddress === undefined ? undefined : runPage(uiAddress, namespace, run);
  let watch: ReturnType<typeof createRunWatch> | undefined;
  const deadMan = createDeadMan(watched.logger);
  return async (signal) => {
    const { name, notifications } = await read();
    const { channels, deadMan: declared } = notifications;
    const telling = { fleet: name, discreet };
    const send = (due: DueNotice): Promise<void> => tell(client, due, notifications, taskQueue);
    // A native connection heeds no signal.
    await client.withDeadline(Date.now() + RUNS.patienceMs, async () => {
      if (Object.keys(channels).length > 0) {
        watch ??= createRunWatch({ client, taskQueue, since: await firstLook(stateDir, Date.now()), pageOf });
        await watch(telling, send, signal);
      }
      signal.throwIfAborted();
      if (declared !== undefined && (await works())) await deadMan(declared, signal);
    });
  };
}

function copiesLook({ fleet: read, lookAtCopies }: WatchSettings, { client, taskQueue, discreet }: Watched): Look {
  const watch = createCopyWatch(client, taskQueue);
  return async (signal) => {
    const { name, notifications } = await read();
    const isWanted = Object.values(notifications.channels).some(({ on }) => on.includes('stale-backup'));
    if (!isWanted) return;
    const view = await lookAtCopies(signal);
    const send = (due: DueNotice): Promise<void> => tell(client, due, notifications, taskQueue);
    await client.withAbortSignal(signal, () => watch(view, { fleet: name, discreet }, send));
  };
}

type DeadMan = NonNullable<Fleet['notifications']['deadMan']>;

/** Pings when it is due, and no sooner; one that failed is tried again at the next look. */
function createDeadMan(logger: Logger): (declared: DeadMan, signal: AbortSignal) => Promise<void> {
  let lastAt = Number.NEGATIVE_INFINITY;
  return async (declared, signal) => {
    const now = performance.now();
    if (now - lastAt < durationMs(declared.every)) return;
    const answer = await ping(declared, signal);
    if (answer.type === 'sent') lastAt = now;
    else logger.warn({ why: answer.message }, 'notifications: the dead-man ping was not taken');
  };
}

import { describeBinaryEvent } from '../../workers/binaries/events.ts';
import { describeEncryption } from '../../workers/codec/describe.ts';
import type { DevEvent } from '../../workers/dev.ts';
import type { Replayed } from '../../workers/check-open-runs.ts';
import type { WorkerEvent } from '../../workers/run.ts';
import { clean } from './clean.ts';

/** What a worker tells whoever started it by hand. */
export function renderWorkerEvent(event: WorkerEvent): string[] {
  switch (event.type) {
    case 'polls': {
      const { identity, taskQueue, address, namespace, encryptedBy } = event.worker;
      return [
        clean(`${identity} polls task queue ${taskQueue} of namespace ${namespace} at ${address}. Ctrl-C stops it.`),
        describeEncryption(encryptedBy),
      ];
    }
    case 'stopping':
      return ['Stopping: activities may end; jobs on hosts go on. Ctrl-C again ends at once.'];
  }
}

/** What server and worker tell, and what to type next. */
export function renderDevEvent(event: DevEvent, logFile: string | undefined): string[] {
  switch (event.type) {
    case 'binary':
      return [clean(describeBinaryEvent(event.event))];
    case 'waits for a server to end':
      return [clean(`Waiting for the server that has the data in ${event.folder}: whoever started it was killed …`)];
    case 'server ready':
      return [
        clean(`Temporal listens at ${event.address} · Web UI ${event.uiAddress}`),
        clean(`Data are kept in ${event.folder}.`),
      ];
    case 'worker polls':
      return [
        clean(
          `Worker ${event.identity} polls task queue ${event.taskQueue}.${logFile === undefined ? '' : ` Its log: ${logFile}`}`,
        ),
        describeEncryption(event.encryptedBy),
        '',
        'Ctrl-C stops both; open runs go on when they are started again. In another terminal:',
        '  runbook doctor                               see whether all is there',
        '  runbook plan safe-upgrade --node NAME        see what an upgrade would do',
      ];
    case 'stopping':
      return ['Stopping: worker, then server. Ctrl-C again ends at once.'];
  }
}

/** Whether open runs fit a build, and what to do where they don't. */
export function renderReplayed(replayed: readonly Replayed[]): string[] {
  const odd = replayed.filter(({ problem }) => problem !== undefined);
  if (replayed.length === 0) return ['No run is open: this build may take over.'];
  if (odd.length === 0) return [`All that is open (${replayed.length}) goes on with this build.`];
  return [
    ...odd.flatMap(({ workflowId, problem = '' }) => [
      clean(`✘ ${workflowId} would not go on with this build.`),
      clean(`  ${problem.split('\n')[0] ?? ''}`),
    ]),
    'Keep the worker of the old build until it is over, or cancel it there. Nothing is lost: it waits for a build that fits.',
  ];
}

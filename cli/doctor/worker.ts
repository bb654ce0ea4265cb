import { setTimeout as delay } from 'node:timers/promises';
import type { Check } from '../../plan/checks.ts';
import { DOCTOR_WORKFLOW, TASK_QUEUE, type DoctorInput } from '../../workflows/messages.ts';
import type { CommandContext } from '../context.ts';
import { causes } from '../errors.ts';
import type { Io } from '../io.ts';
import { clientOf } from '../temporal/client.ts';
import type { Connected } from '../temporal/connect.ts';
import { observe } from '../temporal/observe.ts';
import { listPollers } from '../temporal/pollers.ts';
import { runReader, type RunRef } from '../temporal/read-run.ts';

/** Looking at every host takes this long where the last of them does not answer. */
const PATIENCE_MS = 180_000;

/** What a worker finds from where it is: its tools, the hosts, their clocks and disks. */
export async function askWorker(
  { io }: CommandContext,
  connected: Connected,
  revision: string,
  node: string | undefined,
): Promise<Check[]> {
  const input: DoctorInput = { fleet: { revision }, ...(node === undefined ? {} : { node }) };
  const handle = await clientOf(connected).workflow.start(DOCTOR_WORKFLOW, {
    workflowId: `${DOCTOR_WORKFLOW}/${crypto.randomUUID().slice(0, 8)}`,
    taskQueue: TASK_QUEUE,
    args: [input],
    workflowExecutionTimeout: PATIENCE_MS,
    staticSummary: 'Looks at tools and hosts. Changes nothing.',
  });
  try {
    if (!(await isTaken(io, connected, { workflowId: handle.workflowId }))) {
      await handle.terminate('No worker took it.');
      return [failed('no worker has taken the work', 'The one that was there may have just stopped: runbook worker.')];
    }
    const found: unknown = await handle.result();
    return Array.isArray(found) ? found.filter(isCheck) : [];
  } catch (error) {
    const remedy = 'The worker’s log says more. It may be of another version than this program: restart it.';
    return [failed(causes(error).at(-1) ?? 'unknown', remedy)];
  }
}

/** Waits until the work is over, or has waited too long for a worker. */
async function isTaken(io: Io, connected: Connected, ref: RunRef): Promise<boolean> {
  const states = observe({
    read: runReader(connected, ref),
    pollers: () => listPollers(connected),
    signal: AbortSignal.timeout(PATIENCE_MS),
    now: io.now,
    pause: (ms) => delay(ms),
  });
  for await (const { noWorker } of states) if (noWorker !== undefined) return false;
  return true;
}

const failed = (found: string, whatToDo: string): Check => ({
  where: 'worker',
  what: 'look around',
  verdict: 'failed',
  found,
  whatToDo,
});

function isCheck(value: unknown): value is Check {
  if (typeof value !== 'object' || value === null) return false;
  const { where, what, verdict, found } = value as Partial<Record<keyof Check, unknown>>;
  return (
    [where, what, found].every((text) => typeof text === 'string') &&
    ['passed', 'warning', 'failed'].includes(String(verdict))
  );
}

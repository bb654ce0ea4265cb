import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { optionalTsToMs } from '@temporalio/common/lib/time.js';
import { eventually } from './eventually.ts';
import type { KillPoint } from './kill-points.ts';
import type { Run, World } from './world.ts';

export type Victim = 'worker' | 'server';
export const VICTIMS: readonly Victim[] = ['worker', 'server'];
/** Of the command's effect. */
export type Moment = 'before' | 'after';
export const MOMENTS: readonly Moment[] = ['before', 'after'];

export interface Kill {
  victim: Victim;
  when: Moment;
  point: KillPoint;
}

export const describeKill = ({ victim, when, point }: Kill): string =>
  `${victim} killed ${when} the effect of "${point.label}" in ${point.step}`;

/** So long a run may take to its next kill point on a busy machine. */
const REACHED_WITHIN_MS = 900_000;
/** So long the kernel may take to end a killed worker's short command on a busy machine. */
const DIES_WITHIN_MS = 60_000;

/** A kill whose pause waits for the run. */
export interface Armed {
  kill: Kill;
  fault: string;
}

/** Lets the simulation stand still at each point of a run that is not started yet. */
export async function prepareKills(world: World, kills: readonly Kill[]): Promise<Armed[]> {
  const armed: Armed[] = [];
  for (const kill of kills) armed.push({ kill, fault: await pauseAt(world, kill, kill.point.skip) });
  return armed;
}

/**
 * Waits until the run stands still at the first, in the middle of its step, kills, and lets everything go on. `meanwhile` is called
 * while a killed worker is away.
 */
export async function strike(
  world: World,
  run: Run,
  armed: Armed,
  { later, meanwhile }: { later: readonly Armed[]; meanwhile?: () => Promise<void> },
): Promise<void> {
  const { simulation } = world;
  const { victim, point } = armed.kill;
  const all = [armed, ...later];
  await eventually(
    async () => {
      for (const each of all) await letPassElsewhere(world, run, each, all);
      return simulation.isPaused(armed.fault);
    },
    {
      what: `the run to get to "${point.label}" in ${point.step}`,
      withinMs: REACHED_WITHIN_MS,
      everyMs: 30,
      unless: () => howEnded(world, run),
    },
  );
  const paused = pausedProcess(simulation.dir, armed.fault);
  if (victim === 'worker') {
    // A short command ends with the worker that it was run for; what is part of a job does not.
    const isShort = world.isOfWorker(paused);
    await world.killWorker();
    if (isShort) await dies(paused);
    await meanwhile?.();
    await world.startWorker();
    if (!isShort) await isTriedAgain(run, point.step);
    simulation.releasePause(armed.fault);
  } else {
    await world.server.sigkill();
    simulation.releasePause(armed.fault);
    await world.server.restart();
  }
}

/** A second attempt of another step may run the same command: the kill is only worth its name in the step that it is for. */
async function letPassElsewhere(world: World, run: Run, armed: Armed, all: readonly Armed[]): Promise<void> {
  const { simulation } = world;
  if (!simulation.isPaused(armed.fault)) return;
  const { steps } = await world.view(run);
  const isAtStep = ({ kill }: Armed): boolean =>
    steps.some(({ id, state }) => id === kill.point.step && state === 'running');
  if (isAtStep(armed)) return;
  const meant = all.find((other) => isOfSameCommand(other, armed) && isAtStep(other));
  if (meant && !simulation.isPaused(meant.fault)) {
    // The pause of a kill that comes later, for the one that is to come now.
    [armed.fault, meant.fault] = [meant.fault, armed.fault];
    return;
  }
  const { fault } = armed;
  armed.fault = await pauseAt(world, armed.kill, 0);
  simulation.releasePause(fault);
}

function isOfSameCommand({ kill: a }: Armed, { kill: b }: Armed): boolean {
  const sameCall =
    a.point.machine === b.point.machine && a.point.tool === b.point.tool && a.point.args === b.point.args;
  return sameCall && a.when === b.when;
}

function pauseAt({ simulation }: World, { when, point }: Kill, skip: number): Promise<string> {
  const { machine, tool, args } = point;
  return simulation.addFault({ machine, tool, args, skip, when, times: 1, effect: { type: 'pause' } });
}

/** Undefined while it runs. */
export async function howEnded(world: World, run: Run): Promise<string | undefined> {
  if ((await run.describe()).status.name === 'RUNNING') return undefined;
  return `the run has ended: ${JSON.stringify(await world.end(run), undefined, 1)}`;
}

function pausedProcess(dir: string, fault: string): number {
  const { pid } = JSON.parse(readFileSync(join(dir, 'pauses', `${fault}.reached`), 'utf8')) as { pid: number };
  return pid;
}

function dies(pid: number): Promise<void> {
  const what = `process ${pid} to end with its worker`;
  return eventually(() => !existsSync(`/proc/${pid}`), { what, withinMs: DIES_WITHIN_MS, everyMs: 20 });
}

/** A job that stands still is at work when the next attempt comes, and still is when that has looked: it has to adopt it. */
async function isTriedAgain(run: Run, step: string): Promise<void> {
  await eventually(
    async () => {
      const { pendingActivities } = (await run.describe()).raw;
      const { attempt, lastStartedTime, lastHeartbeatTime, lastFailure } =
        pendingActivities?.find(({ activityId }) => activityId === step) ?? {};
      const [startedAt, beatAt] = [optionalTsToMs(lastStartedTime), optionalTsToMs(lastHeartbeatTime)];
      if ((attempt ?? 0) > 1 && (beatAt ?? 0) > (startedAt ?? Infinity)) return true;
      const times = `started at ${startedAt ?? '?'}, heartbeat at ${beatAt ?? '?'}`;
      throw new Error(`attempt ${attempt ?? '?'}, ${times}, last failure: ${lastFailure?.message ?? 'none'}`);
    },
    { what: `${step} of ${run.workflowId} to be tried again`, withinMs: REACHED_WITHIN_MS, everyMs: 200 },
  );
}

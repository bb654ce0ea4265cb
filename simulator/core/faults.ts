import { existsSync, mkdirSync, renameSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault, FaultKind, State } from './state.ts';
import type { Store } from './store.ts';

export interface Moment {
  machine: string;
  tool: string;
  args: readonly string[];
  when: Fault['when'];
  /** Which kinds can strike here: a connection's at `ssh`, the others at the tool. */
  kinds: readonly FaultKind['type'][];
  /** For a connection: every word of the remote command; a fault of one of these tools strikes it. */
  words?: readonly string[];
}

export const TOOL_FAULTS = ['fail', 'hang', 'pause', 'slow'] as const;
export const CONNECTION_FAULTS = ['unreachable', 'drop'] as const;

function matches(fault: Fault, moment: Moment): boolean {
  const { machine, tool, args, words } = moment;
  if (fault.when !== moment.when || !moment.kinds.includes(fault.effect.type)) return false;
  if (fault.machine !== undefined && fault.machine !== machine) return false;
  if (fault.tool !== undefined && fault.tool !== tool && !(words ?? []).includes(fault.tool)) return false;
  return fault.args === undefined || new RegExp(fault.args).test(args.join(' '));
}

/** It strikes no more. */
export function isSpent(fault: Fault): boolean {
  return fault.times !== undefined && fault.struck >= fault.skip + fault.times;
}

/** Counts the call and tells what strikes it, if anything. The count is kept under the lock. */
export async function claimFault(store: Store, moment: Moment): Promise<Fault | undefined> {
  const candidates = (state: State): Fault[] =>
    state.faults.filter((fault) => matches(fault, moment) && !isSpent(fault));
  if (candidates(store.read()).length === 0) return undefined;
  const { answer } = await store.update((state) => {
    let struck: Fault | undefined;
    for (const fault of candidates(state)) {
      // A call is struck once: another whose turn it is keeps its turn.
      if (struck && fault.struck >= fault.skip) continue;
      fault.struck += 1;
      if (fault.struck > fault.skip) struck ??= structuredClone(fault);
    }
    return struck;
  });
  return answer;
}

/** Stands still until {@link releasePause}, or for ever. The marker file says that the point is reached. */
export async function pauseHere(store: Store, fault: Fault, moment: Moment): Promise<void> {
  const folder = join(store.dir, 'pauses');
  mkdirSync(folder, { recursive: true });
  const reached = { pid: process.pid, machine: moment.machine, tool: moment.tool, args: moment.args };
  const isReleased = (): boolean => existsSync(join(folder, `${fault.id}.released`));
  await new Promise<void>((resolve) => {
    const watcher = watch(folder, () => {
      if (isReleased()) watcher.close();
    });
    watcher.on('close', resolve);
    // Whoever sees it reads it: it is there whole, or not at all.
    const path = join(folder, `${fault.id}.reached`);
    writeFileSync(`${path}.new`, JSON.stringify(reached));
    renameSync(`${path}.new`, path);
    if (isReleased()) watcher.close();
  });
}

export function releasePause(dir: string, id: string): void {
  mkdirSync(join(dir, 'pauses'), { recursive: true });
  writeFileSync(join(dir, 'pauses', `${id}.released`), '');
}

/** Never resolves, and keeps the process alive, until it is killed. */
export async function hang(): Promise<never> {
  for (;;) await sleep(2 ** 30);
}

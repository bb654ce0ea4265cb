import { appendFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from './lock.ts';
import type { Machine, State } from './state.ts';

/** A simulation's folder. */
export interface Store {
  readonly dir: string;
  read(): State;
  /**
   * Changes the state under the lock; what the change throws leaves it as it was. Written aside and moved, so that no kill
   * leaves half of it. Resolves with the change's answer and with which parts of the state it altered.
   */
  update<T>(change: (state: State) => T): Promise<{ answer: T; changes: string[] }>;
  /** Adds a line to a log; short lines of several processes do not mix. */
  log(name: 'journal.ndjson' | 'unknown.log', line: string): void;
  /** The root folder of a machine's files. */
  root(machine: string): string;
}

export function openStore(dir: string): Store {
  const path = join(dir, 'state.json');
  const readText = (): string => readFileSync(path, 'utf8');
  return {
    dir,
    read: () => JSON.parse(readText()) as State,
    root: (machine) => join(dir, 'machines', machine),
    log: (name, line) => {
      appendFileSync(join(dir, name), `${line}\n`);
    },
    update: (change) =>
      withLock(dir, () => {
        const before = readText();
        const state = JSON.parse(before) as State;
        const answer = change(state);
        const after = JSON.stringify(state);
        if (after === before) return { answer, changes: [] };
        writeState(path, after);
        return { answer, changes: changedPaths(JSON.parse(before), JSON.parse(after)) };
      }),
  };
}

/** Makes the folder of a new simulation. */
export function initialiseStore(dir: string, state: State): void {
  mkdirSync(join(dir, 'machines'), { recursive: true });
  writeState(join(dir, 'state.json'), JSON.stringify(state));
}

function writeState(path: string, text: string): void {
  const aside = `${path}.${process.pid}.tmp`;
  writeFileSync(aside, text);
  renameSync(aside, path);
}

/** `cluster.instances.edge-vm.snapshots`: where two states differ, at most four levels deep. Counters of faults do not count. */
export function changedPaths(before: unknown, after: unknown, path: string[] = []): string[] {
  if (Object.is(before, after) || path[0] === 'faults') return [];
  if (path.length === 4 || !isRecord(before) || !isRecord(after))
    return JSON.stringify(before) === JSON.stringify(after) ? [] : [path.join('.')];
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].flatMap((key) => changedPaths(before[key], after[key], [...path, key]));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Throws where the simulation has no such machine. */
export function machineOf(state: State, name: string): Machine {
  const machine = state.machines[name];
  if (!machine)
    throw new Error(`The simulation has no machine "${name}". It has ${Object.keys(state.machines).join(', ')}.`);
  return machine;
}

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CANARY } from '../temporal/rotating.ts';
import type { Run, World } from './world.ts';

/** A value of a secret, and how every private key of age begins. In two halves: this file’s own text is no find. */
const SECRETS = [CANARY, ['AGE-SECRET', 'KEY-1'].join('-')];

const secretsIn = (where: string, text: string): string[] =>
  SECRETS.filter((secret) => text.includes(secret)).map((secret) => `${secret} stands in ${where}`);

/** What can be seen of secrets while a run is open: in the arguments of any process, and in heartbeats. */
export async function toldNow(run: Run): Promise<string[]> {
  const { pendingActivities } = (await run.describe()).raw;
  const beats = (pendingActivities ?? []).flatMap(({ heartbeatDetails }) => heartbeatDetails?.payloads ?? []);
  return [
    ...secretsIn('a heartbeat', beats.map(({ data }) => Buffer.from(data ?? []).toString()).join('\n')),
    ...readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => secretsIn(`the arguments of process ${pid}`, argumentsOf(pid))),
  ];
}

function argumentsOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    // It has ended meanwhile.
    return '';
  }
}

/** In what a run leaves: its history, what it says, commands that were run, the worker’s log, every object of both repositories. */
export async function toldAtEnd({ simulation }: World, run: Run, log: string): Promise<string[]> {
  const repositories = [simulation.repoDir, join(simulation.dir, 'remote.git')];
  return [
    ...secretsIn('the history', payloadsIn(await run.fetchHistory()).join('\n')),
    ...secretsIn('the journal', JSON.stringify(simulation.journal())),
    ...secretsIn('the log', log),
    ...repositories.flatMap((folder) => secretsIn(`objects of ${folder}`, objectsOf(folder))),
  ];
}

/** Whatever is bytes in it, and whatever is text. */
function payloadsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (value instanceof Uint8Array) return [Buffer.from(value).toString()];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(payloadsIn) : [];
}

/** Also of those that no branch has. None where there is no such repository. */
function objectsOf(folder: string): string {
  try {
    return execFileSync('git', ['-C', folder, 'cat-file', '--batch-all-objects', '--batch'], {
      encoding: 'latin1',
      maxBuffer: 1 << 28,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    return '';
  }
}

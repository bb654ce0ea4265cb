import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { readOptions, type Parsed } from '../core/arguments.ts';
import type { Call } from '../core/call.ts';
import { intoRoot, outOfRoot } from '../core/paths.ts';
import type { Repository, ResticSnapshot, State } from '../core/state.ts';

/** What restic says when it ends with another code than 0. */
export class ResticError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** The options that any verb takes, and those of this one; paths as the machine knows them. */
export function optionsOf(call: Call, more: { flags?: string[]; values?: string[] } = {}): Parsed {
  const words = call.args.slice(1).map((word) => outOfRoot(word, call.root));
  return readOptions(words, {
    flags: ['json', 'no-lock', ...(more.flags ?? [])],
    values: ['repo', 'password-file', 'retry-lock', ...(more.values ?? [])],
  });
}

/** A folder is each machine's own. */
export function addressOf(call: Call, asked: Parsed): string {
  const given = asked.value('repo') ?? '';
  return given.startsWith('/') ? `${call.machine}:${given}` : given.replace(/\/$/, '');
}

export function passwordOf(call: Call, asked: Parsed): string {
  const file = asked.value('password-file') ?? '';
  const path = intoRoot(file, call.root);
  if (!existsSync(path)) throw new ResticError(1, `Fatal: Resolving password failed: Fatal: ${file} does not exist\n`);
  return readFileSync(path, 'utf8').trim();
}

/** Throws as restic does where there is none or its password is another. */
export function repositoryOf(call: Call, asked: Parsed, state: State = call.store.read()): Repository {
  const password = passwordOf(call, asked);
  const found = state.repositories?.[addressOf(call, asked)];
  const given = asked.value('repo') ?? '';
  if (found === undefined)
    throw new ResticError(
      10,
      `Fatal: repository does not exist: unable to open config file: stat ${given}/config: no such file or directory\nIs there a repository at the following location?\n${given}`,
    );
  if (found.password !== password) throw new ResticError(12, 'Fatal: wrong password or no key found');
  return found;
}

/** What writes waits for who deletes; who deletes waits for everybody. Nobody is waited for here. */
export function requireUnlocked({ locks }: Repository, exclusive: boolean): void {
  const lock = locks.find((each) => exclusive || each.exclusive);
  if (lock === undefined) return;
  throw new ResticError(
    11,
    `unable to create lock in backend: repository is already locked${exclusive ? '' : ' exclusively'} by PID 17390 on nuc-1 by root (UID 0, GID 0)\nlock was created at 2026-11-28 02:14:00 (5.5s ago)\nstorage ID ${lock.id.slice(0, 8)}\nthe \`unlock\` command can be used to remove stale locks`,
  );
}

/** `--tag a,b` is both of them, and a second `--tag` another choice. */
export function chosen(snapshots: readonly ResticSnapshot[], asked: Parsed): ResticSnapshot[] {
  const choices = asked.all('tag').map((tags) => tags.split(','));
  const [host, paths] = [asked.value('host'), asked.all('path')];
  return snapshots.filter(
    (each) =>
      (host === undefined || each.hostname === host) &&
      paths.every((path) => each.paths.includes(path)) &&
      (choices.length === 0 || choices.some((tags) => tags.every((tag) => each.tags.includes(tag)))),
  );
}

export const idOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Whole groups of snapshots, as `--group-by=host,paths` makes them. */
export function grouped(snapshots: readonly ResticSnapshot[]): ResticSnapshot[][] {
  const groups = new Map<string, ResticSnapshot[]>();
  for (const each of snapshots) {
    const key = JSON.stringify([each.hostname, each.paths]);
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return [...groups.values()];
}

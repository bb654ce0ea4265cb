import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseFleet } from '../../fleet/load.ts';
import { checkMonorepo } from '../../rules/check.ts';
import type { Outcome } from '../../rules/run.ts';

/** A monorepo as the reference architecture wants it, with what looks like a violation and is none. */
export const HOMELAB = fileURLToPath(new URL('homelab', import.meta.url));
export const NOW = Date.parse('2026-11-28T12:00:00Z');

const clean = new Map(
  readdirSync(HOMELAB, { recursive: true, encoding: 'utf8' })
    .map((name) => join(HOMELAB, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => [relative(HOMELAB, path), readFileSync(path, 'utf8')]),
);

/** What becomes of a file: another text, an edit of what it was, or nothing. */
export type Changes = Record<string, string | undefined | ((before: string) => string)>;

/** Throws where it would change nothing. */
export const swap =
  (from: string, to: string) =>
  (text: string): string => {
    if (!text.includes(from)) throw new Error(`Expected ${JSON.stringify(from)} in ${text}.`);
    return text.replace(from, to);
  };

/** `swap` at the end of a file’s first pair of braces. */
export const insert = (line: string) => (text: string) => {
  const at = text.lastIndexOf('}');
  return `${text.slice(0, at)}  ${line}\n}\n`;
};

export function files(changes: Changes = {}): { path: string; text: string }[] {
  const all = new Map(clean);
  for (const [path, change] of Object.entries(changes)) {
    if (change === undefined) all.delete(path);
    else all.set(path, typeof change === 'string' ? change : change(all.get(path) ?? ''));
  }
  return Array.from(all, ([path, text]) => ({ path, text }));
}

export async function checked(changes: Changes = {}): Promise<Outcome> {
  const all = files(changes);
  const text = all.find(({ path }) => path === 'runbook.yaml')?.text ?? '';
  const parsed = parseFleet(text, 'runbook.yaml');
  if (parsed.type !== 'fleet') throw new Error(`Expected a fleet, got ${JSON.stringify(parsed.diagnostics)}`);
  return checkMonorepo(all, { fleet: parsed.fleet, fleetFile: 'runbook.yaml', now: NOW });
}

/** `no-scheduler host/common/incus.nix:4` */
export const found = async (changes: Changes): Promise<string[]> =>
  (await checked(changes)).findings.map(({ rule, file, line }) => `${rule} ${file}:${line}`);

import { execa } from 'execa';
import type { Pin } from './pins.ts';

export type Probe = { type: 'usable'; version: string } | { type: 'unusable'; why: string };

const PROBE_TIMEOUT_MS = 20_000;

/**
 * Runs the program to see that it starts here and what version it is. Never throws.
 * The CLI answers `temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)`. The test server has no such option: 1.40.0
 * fails to read it as a port, with a stack that names itself, and its version is taken to be the pinned one.
 */
export async function probe(path: string, pin: Pin): Promise<Probe> {
  const result = await execa(path, ['--version'], { reject: false, timeout: PROBE_TIMEOUT_MS, stdin: 'ignore' });
  const version =
    pin.program === 'temporal'
      ? /^temporal version (\d+[.]\d+[.]\d+)/m.exec(result.stdout)?.[1]
      : /io[.]temporal[.]testserver[.]TestServer/.test(result.stderr)
        ? pin.version
        : undefined;
  if (version === undefined) return { type: 'unusable', why: whyNot(result) };
  if (pin.oldest !== undefined && isOlder(version, pin.oldest))
    return { type: 'unusable', why: `it is ${version}; runbook needs ${pin.oldest} or newer` };
  return { type: 'usable', version };
}

function whyNot(result: { shortMessage?: string | undefined; stdout: string; stderr: string }): string {
  const said = (result.stderr || result.stdout).trim().split('\n')[0] ?? '';
  return result.shortMessage ?? `expected it to tell its version, got "${said.slice(0, 200)}"`;
}

/** Compares `major.minor.patch`. */
export function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => text.split('.').map(Number));
  for (let i = 0; i < 3; i++) {
    const difference = (a?.[i] ?? 0) - (b?.[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

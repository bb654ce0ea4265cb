import { isNativeError } from 'node:util/types';
import { HostError, type Host, type RunResult } from '../hosts/host.ts';
import { tail } from './result.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

/**
 * One attempt; whoever asks decides how often. A host that cannot be reached is `unhealthy`, because that is what it is.
 * `not possible`: the probe itself cannot be made there, and trying again does not help.
 */
export interface ProbeResult {
  type: 'healthy' | 'unhealthy' | 'not possible';
  /** One line: `502 for https://… (expected 200)`. */
  detail: string;
}

const DETAIL_CHARACTERS = 300;

export function healthy(detail: string): ProbeResult {
  return { type: 'healthy', detail };
}

export function unhealthy(detail: string): ProbeResult {
  return { type: 'unhealthy', detail: tail(detail, DETAIL_CHARACTERS) };
}

export function notPossible(detail: string): ProbeResult {
  return { type: 'not possible', detail };
}

export type Attempt = { type: 'ran'; result: RunResult } | { type: 'no answer'; message: string } | { type: 'not run' };

/** Runs a command for a probe. Throws only what trying again cannot help: `Refused`, and `Cancelled` by the caller. */
export async function attempt(
  host: Host,
  argv: readonly string[],
  timeoutMs: number,
  options: ToolOptions,
): Promise<Attempt> {
  try {
    return { type: 'ran', result: await host.run(argv, { timeoutMs, ...withSignal(options) }) };
  } catch (error) {
    return notRun(error, timeoutMs);
  }
}

export function notRun(error: unknown, timeoutMs: number): Exclude<Attempt, { type: 'ran' }> {
  if (!(error instanceof HostError)) throw error;
  switch (error.type) {
    case 'Unreachable':
    case 'Interrupted':
      return { type: 'no answer', message: error.message };
    case 'TimedOut':
      return { type: 'no answer', message: `no answer within ${timeoutMs} ms` };
    case 'NotRun':
      return { type: 'not run' };
    case 'Refused':
    case 'Cancelled':
      throw error;
  }
}

/** What a program said at last: on standard error, or else on standard output. */
export function lastLine({ stdout, stderr }: RunResult): string {
  const lines = (text: string) => text.split('\n').filter((line) => line.trim() !== '');
  return (lines(stderr).at(-1) ?? lines(stdout).at(-1) ?? '').trim();
}

/** `fetch failed` says nothing; its cause does: `connect ECONNREFUSED 127.0.0.1:1`. Of several addresses the first. */
export function rootCause(error: unknown): string {
  if (!isNativeError(error)) return String(error);
  if (error.cause !== undefined) return rootCause(error.cause);
  const several: unknown = 'errors' in error ? error.errors : undefined;
  return Array.isArray(several) && several.length > 0 ? rootCause(several[0]) : error.message;
}

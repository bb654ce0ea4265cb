import { readdirSync, readFileSync } from 'node:fs';

/** To look is work: a workflow is asked over its server. So a long wait looks less often, and is a twentieth too long at most. */
const EVERY_MS = { least: 10, most: 100, ofTheWait: 0.05 };

/** Waits until `condition` holds, and fails by name when it does not within `withinMs`. */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs = 5000,
): Promise<void> {
  const start = performance.now();
  while (!(await condition())) {
    const waited = performance.now() - start;
    if (waited > withinMs) throw new Error(`Expected within ${withinMs} ms: ${what}.`);
    const pause = Math.min(Math.max(waited * EVERY_MS.ofTheWait, EVERY_MS.least), EVERY_MS.most);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** Processes of this machine that have `word` as an argument of its own. */
export function processesWith(word: string): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => argumentsOf(pid).includes(word))
    .map(Number);
}

/** Whether a command has come to its `sleep`: what its script does before that is done. */
export const isAsleep = (seconds: string): boolean =>
  processesWith(seconds).some((pid) => argumentsOf(String(pid))[0] === 'sleep');

let last = 0;

/** Seconds to sleep that no other process sleeps, so that it can be found; long enough to outlive any test. */
export function uniqueSeconds(): string {
  last += 1;
  return `${1000 + last}.${process.pid}`;
}

function argumentsOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

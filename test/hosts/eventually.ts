import { readdirSync, readFileSync } from 'node:fs';

/** Waits until `condition` holds, and fails by name when it does not within `withinMs`. */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs = 5000,
): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`Expected within ${withinMs} ms: ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 10));
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

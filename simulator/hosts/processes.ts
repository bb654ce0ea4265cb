import { readdirSync, readFileSync } from 'node:fs';

/** Real processes that run for a simulated machine: they inherit its HOME. */
export function processesOf(root: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && readProc(name, 'environ').includes(`HOME=${root}/root`))
    .map(Number);
}

/** A simulated program's process is `node main.js at DIR MACHINE PROGRAM ARGS…`. */
export function programsOf(dir: string, machine: string): { pid: number; command: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const words = readProc(name, 'cmdline');
      const at = words.indexOf('at');
      if (at < 0 || words[at + 1] !== dir || words[at + 2] !== machine) return [];
      return [{ pid: Number(name), command: words.slice(at + 3).join(' ') }];
    });
}

/** `node main.js serve DIR`. */
export function serversOf(dir: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && readProc(name, 'cmdline').slice(-2).join(' ') === `serve ${dir}`)
    .map(Number);
}

/** Idempotent. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Empty where it has ended meanwhile, or is another user's. */
function readProc(pid: string, file: 'cmdline' | 'environ'): string[] {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0').slice(0, -1);
  } catch {
    return [];
  }
}

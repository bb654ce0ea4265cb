/** One command with what a real tool answered. Exit code 124 is ours: it was killed after its time. */
export interface Command {
  note: string;
  /** A host, a guest, or `worker`: the machine that the monorepo is on. */
  host: string;
  argv: readonly string[];
  input?: string;
  /** How long it may take before it is killed; only where that is what is recorded. */
  killedAfterMs?: number;
  exitCode: number;
  stdout: string;
  stderr: string;
  durationMs: number;
  /** It was asked again until it had come to this. */
  settles?: true;
  /** Why the same command may be answered otherwise the next time. */
  varies?: string;
}

/** What was done to the lab between two commands. */
export type Act =
  | { act: 'spec'; node: string; change: object }
  | { act: 'publish'; version: string; healthy: boolean }
  /** All hosts newly installed, none in a cluster. */
  | { act: 'bare' }
  | { act: 'power off' | 'power on'; hosts: readonly string[] };

export type Entry = Command | Act;

export const isCommand = (entry: Entry): entry is Command => 'argv' in entry;

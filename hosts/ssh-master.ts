import { access, rm } from 'node:fs/promises';
import type { ProcessEnd } from './process.ts';

/** A connection that was used this lately is trusted. */
const TRUSTED_MS = 5000;
const PROBE_MS = 3000;
const CONTROL_MS = 2000;

export interface SshMaster {
  /**
   * Makes sure that no connection of before a reboot is used: ssh itself would wait for its keep-alive. A connection
   * that was idle is asked something harmless first, so that nothing is ever sent twice.
   */
  freshen(): Promise<void>;
  /** To be called when the other side answered. */
  answered(): void;
  /** Ends the connection. Idempotent. */
  exit(): Promise<void>;
}

export interface SshMasterParts {
  /** Milliseconds that never go back. */
  clock: () => number;
  controlPath: string;
  /** Runs nothing on the other side. */
  probe: (timeoutMs: number) => Promise<ProcessEnd>;
  /** `ssh -O <what>`. */
  control: (what: 'exit' | 'stop', timeoutMs: number) => Promise<ProcessEnd>;
}

export function createSshMaster({ clock, controlPath, probe, control }: SshMasterParts): SshMaster {
  let lastAnswer = -Infinity;
  let freshening: Promise<void> | undefined;

  async function probeOrDrop(): Promise<void> {
    if (!(await exists(controlPath))) return;
    const end = await probe(PROBE_MS);
    if (end.type === 'exited' && end.result.exitCode === 0) return;
    // `stop` and not `exit`: where it is only slow, the commands that run over it are left to finish.
    await control('stop', CONTROL_MS);
    await rm(controlPath, { force: true });
  }

  return {
    answered: () => {
      lastAnswer = clock();
    },
    freshen: async () => {
      if (clock() - lastAnswer < TRUSTED_MS) return;
      freshening ??= probeOrDrop().finally(() => {
        freshening = undefined;
      });
      await freshening;
    },
    exit: async () => {
      lastAnswer = -Infinity;
      if (await exists(controlPath)) await control('exit', CONTROL_MS);
    },
  };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

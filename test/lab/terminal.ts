import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A shell that keeps folder and environment from one block of commands to the next. */
export interface Terminal {
  /** Types a block; resolves with all that it printed when it has ended. `failed` is the exit code of the last command that failed. */
  type(commands: string): Promise<{ output: string; failed: number }>;
  /** Types a block whose last command stays; resolves once `isThere` of what it has printed, or when it has ended. */
  leave(commands: string, isThere: (output: string) => boolean): Promise<string>;
  /** Ctrl-C, and the end of the shell. */
  close(): Promise<void>;
}

const MARK = 'the block has ended:';

/** @param scratch a folder for what is typed: a file, so that no command reads the next one as its input */
export function openTerminal(scratch: string, cwd: string, env: NodeJS.ProcessEnv): Terminal {
  const shell = spawn('bash', ['--noprofile', '--norc'], {
    cwd,
    env,
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  // Where this process is killed, nothing that was typed goes on.
  shell.stdin.write('(tail --pid=$PPID -f /dev/null; kill -TERM 0) >/dev/null 2>&1 &\n');
  let printed = '';
  let typed = 0;
  shell.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  const ended = once(shell, 'close');
  const has = async (isThere: () => boolean): Promise<void> => {
    while (!isThere() && shell.exitCode === null && shell.signalCode === null)
      await Promise.race([once(shell.stdout, 'data'), ended]);
  };
  const enter = (commands: string): void => {
    printed = '';
    const file = join(scratch, `${process.pid}-${(typed += 1)}.sh`);
    writeFileSync(file, commands);
    // The trap sees a command that failed in the middle, too; one behind `||` is meant to.
    shell.stdin.write(
      `failed=0; trap 'failed=$?' ERR; . '${file}' 2>&1 </dev/null; trap - ERR; echo "${MARK} $failed"\n`,
    );
  };
  return {
    type: async (commands) => {
      enter(commands);
      const end = new RegExp(`${MARK} (\\d+)\\n$`);
      await has(() => end.test(printed));
      return { output: printed.replace(end, ''), failed: Number(end.exec(printed)?.[1] ?? -1) };
    },
    leave: async (commands, isThere) => {
      enter(commands);
      await has(() => isThere(printed) || printed.includes(MARK));
      return printed;
    },
    close: async () => {
      shell.stdin.end();
      if (shell.pid !== undefined && shell.exitCode === null && shell.signalCode === null)
        process.kill(-shell.pid, 'SIGINT');
      await ended;
    },
  };
}

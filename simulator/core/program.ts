import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Command, RunProgram } from './call.ts';
import { outOfRoot } from './paths.ts';
import { rootStripper, writeAll } from './streams.ts';

/** As a child of this process. */
export const runChild: RunProgram = (path, command, root, { remote } = { remote: false }) => {
  const { argv } = command;
  if (!existsSync(path)) return notFound(path, command, root);
  const child = spawn(path, argv.slice(1), {
    argv0: argv[0] ?? path,
    cwd: command.cwd ?? join(root, 'root'),
    env: { ...machineEnvironment(root), ...command.env },
    stdio: [remote ? 'pipe' : 'inherit', 'pipe', 'pipe'],
    detached: remote,
  });
  if (child.stdin) {
    child.stdin.on('error', () => process.stdin.unpipe());
    process.stdin.pipe(child.stdin);
  }
  const forward = (fd: number, stream: Readable | null, to: Command['out']): void => {
    if (!stream) return;
    const stripper = rootStripper(root, (data) => {
      try {
        if (to) to(data.toString());
        else writeAll(fd, data);
      } catch {
        stream.destroy(); // The program gets its SIGPIPE with the next thing it writes.
      }
    });
    stream.on('data', stripper.push);
    stream.on('end', stripper.end);
  };
  forward(1, child.stdout, command.out);
  forward(2, child.stderr, command.err);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      process.stdin.unpipe();
      process.stdin.pause();
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
};

function notFound(path: string, { argv, err }: Command, root: string): Promise<number> {
  const why = path.includes('/bin/') ? 'command not found' : 'No such file or directory';
  const text = `bash: line 1: ${outOfRoot(argv[0] ?? '', root)}: ${why}\n`;
  if (err) err(text);
  else writeAll(2, Buffer.from(text));
  return Promise.resolve(127);
}

/** What a login on the machine has; nothing of the process that started the simulation. */
export function machineEnvironment(root: string): Record<string, string> {
  const folder = (name: string): string => join(root, name);
  return {
    PATH: folder('bin'),
    HOME: folder('root'),
    TMPDIR: folder('tmp'),
    USER: 'root',
    LOGNAME: 'root',
    LANG: 'C.UTF-8',
  };
}

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { candidatesFor } from '../../cli/completion/candidates.ts';
import { completionScript, SHELLS } from '../../cli/completion/scripts.ts';
import { buildProgram, main } from '../../cli/program.ts';
import { testIo } from './io.ts';

const exec = promisify(execFile);

const sources = {
  nodes: () => Promise.resolve(['elitedesk-1', 'edge-vm', '$(reboot)', '-rf', 'a b']),
  schedules: () => Promise.resolve(['nightly', '; reboot']),
  runs: () => Promise.resolve(['safe-upgrade/elitedesk-1', 'safe-upgrade/;reboot']),
};

const after = async (...words: string[]): Promise<string[]> =>
  (await candidatesFor(buildProgram({ io: testIo({}), ending: 'done' }), words, sources)).map(({ value }) => value);

describe('what may follow', () => {
  it.each([
    [['st'], ['status', 'start']],
    [
      ['start', ''],
      [
        'safe-upgrade',
        'cluster-upgrade',
        'cluster-bootstrap',
        'member-remove',
        'node-reinstall',
        'node-rejoin',
        'quorum-recover',
        'rotate-keys',
        'vm-recreate',
        'identity-backup',
        'nightly-backup',
        'restore-drill',
        'restore',
        'infra-apply',
        'drift',
        'help',
      ],
    ],
    [['start', 'safe-upgrade', '--no'], ['--node']],
    [
      ['start', 'safe-upgrade', '--node', ''],
      ['elitedesk-1', 'edge-vm'],
    ],
    [['start', 'safe-upgrade', '--node', 'ed'], ['edge-vm']],
    [
      ['start', 'safe-upgrade', '--allow-offline', 'nuc-1', ''],
      ['elitedesk-1', 'edge-vm'],
    ],
    [['watch', ''], ['safe-upgrade/elitedesk-1']],
    [
      ['watch', 'safe-upgrade/elitedesk-1', ''],
      ['--run-id', '--json', '--repo', '--help'],
    ],
    [['schedules', 'pause', ''], ['nightly']],
    [['schedules', 'ne'], ['next']],
    [['list', '--outcome', 'R'], ['RolledBack']],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['--repo', '/tmp', 'sh'], ['show']],
  ])('%j: %j', async (words, expected) => {
    const found = await after(...words);
    expect(found.filter((value) => value !== 'schema')).toEqual(expected);
  });

  it('never offers what is hidden', async () => {
    expect(await after('__')).toEqual([]);
  });

  it('is nothing, quickly, where there is neither fleet file nor server', async () => {
    const io = testIo({ cwd: '/', env: { TEMPORAL_ADDRESS: '127.0.0.1:1', RUNBOOK_STATE: '/nowhere' } });
    expect(await main(['__complete', '--', 'watch', ''], io)).toBe(0);
    expect(await main(['__complete', '--', 'plan', 'safe-upgrade', '--node', ''], io)).toBe(0);
    expect(io.out() + io.err()).toBe('');
  });
});

describe('a completion script', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'runbook-completion-'));
    // Answers like the program, with words that a shell would like to split and to run.
    await writeFile(
      join(folder, 'runbook'),
      `#!/bin/sh\n[ "$1 $2" = "__complete --" ] || exit 1\nshift 2\nprintf 'got:%s\\tdescription\\n' "$#" "$*"\n`,
    );
    await chmod(join(folder, 'runbook'), 0o755);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('of bash hands over the words up to the cursor and takes what comes back', async () => {
    const script = `${completionScript('bash')}
COMP_WORDS=(runbook start 'safe upgrade' '--no' 'behind'); COMP_CWORD=3
_runbook
printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = await exec('bash', ['-c', script], { env: { PATH: `${folder}:${process.env['PATH'] ?? ''}` } });
    expect(stdout).toBe('got:3\ngot:start safe upgrade --no\n');
  });

  const installed = (shell: string): Promise<boolean> =>
    exec(shell, ['-c', 'exit 0']).then(
      () => true,
      () => false,
    );
  /** Sources the script and does what a press of the key would. */
  const pressed = async (shell: 'zsh' | 'fish', before: string, key: string): Promise<string | undefined> => {
    if (!(await installed(shell))) return undefined;
    const env = { PATH: `${folder}:${process.env['PATH'] ?? ''}`, HOME: folder };
    return (await exec(shell, ['-c', `${before}\n${completionScript(shell)}\n${key}`], { env })).stdout;
  };

  it('of zsh does the same, with descriptions, where it is installed', async () => {
    // What compinit would bring.
    const before = `compdef() { }; _describe() { print -rl -- "\${(@P)2}" }`;
    const key = `words=(runbook start 'safe upgrade' --no behind); CURRENT=4; _runbook`;
    const found = await pressed('zsh', before, key);
    expect(found ?? 'not installed').toMatch(
      /^not installed$|^got\\:3:description\ngot\\:start safe upgrade --no:description\n$/,
    );
  });

  it('of fish does the same, with descriptions, where it is installed', async () => {
    const found = await pressed('fish', '', `complete -C "runbook start 'safe upgrade' g"`);
    expect(found ?? 'not installed').toMatch(
      /^not installed$|^got:3\tdescription\ngot:start safe upgrade g\tdescription\n$/,
    );
  });

  it.each(SHELLS)('of %s is one that the shell can read, where it is installed', async (shell) => {
    const io = testIo({});
    expect(await main(['completion', shell], io)).toBe(0);
    if (!(await installed(shell))) return;
    const file = join(folder, shell);
    await writeFile(file, io.out());
    await exec(shell, ['-n', file]);
  });
});

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readProgress, readTransfer, type StepOutcome } from '../../tools/zfs-transfer-output.ts';
import { transferArgv, type Transfer, type TransferWay } from '../../tools/zfs-transfer.ts';

/** What it does is in the name of the snapshot that is sent, and in that of the replica. */
const ZFS = `#!/bin/sh
for last; do :; done
file=$(printf %s "$last" | tr '/' '_')
echo $$ >"$RECORD/$1 $file.pid"
printf '%s\\n' "$@" >"$RECORD/$1 $file"
case $1-$last in
send-*@endless) exec yes data;;
send-*@killed) echo data; kill -KILL $$;;
send-*@fails) echo "cannot open '$last': dataset does not exist" >&2; exit 1;;
send-*)
printf 'full\\t%s\\t10\\nsize\\t10\\n10:00:00\\t4\\t%s\\n10:00:02\\t8\\t%s\\n' "$last" "$last" "$last" >&2
echo "data of $last";;
receive-*/refuses*)
echo "cannot receive new filesystem stream: destination '$last' exists" >&2
echo 'must specify -F to overwrite it' >&2
exit 1;;
receive-*) cat >"$RECORD/data of $file" && echo end >>"$RECORD/data of $file";;
esac
`;
/** As OpenSSH: the words after the address are the command of a shell. */
const SSH = `#!/bin/sh
while [ "$1" != -- ]; do shift; done
[ "$2" != away ] || { echo 'ssh: connect to host away port 22: No route to host' >&2; exit 255; }
exec sh -c "$3"
`;
const PV = `#!/bin/sh
printf '%s\\n' "$@" >"$RECORD/pv"
exec cat
`;

const SHELLS = [['dash'], ['bash', '--posix'], ['busybox', 'sh']].filter(([program = '']) =>
  (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, program))),
);

const step = (target: string, snapshot = 'one', more: Partial<Transfer> = {}): Transfer => ({
  source: 'tank/source',
  target,
  to: { name: snapshot },
  flags: { raw: false, compressed: true, largeBlocks: true },
  initial: true,
  kind: 'filesystem',
  ...more,
});

describe.each(SHELLS)('a transfer, by the shell %s,', (...shell) => {
  let folder = '';
  const record = (name: string): string => readFileSync(join(folder, name), 'utf8');

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'transfer-'));
    mkdirSync(join(folder, 'bin'));
    for (const [name, text] of Object.entries({ zfs: ZFS, ssh: SSH, pv: PV }))
      writeFileSync(join(folder, 'bin', name), text, { mode: 0o755 });
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  async function run(
    steps: readonly Transfer[],
    way?: TransferWay,
  ): Promise<{ exitCode: number | null; outcomes: StepOutcome[]; stdout: string; stderr: string }> {
    const [, ...words] = transferArgv(steps, way);
    const [program = '', ...options] = shell.filter((word) => typeof word === 'string');
    const env = { PATH: `${folder}/bin:${process.env['PATH'] ?? ''}`, RECORD: folder };
    const child = spawn(program, [...options, ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const text = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream].on('data', (data: Buffer) => (text[stream] += data.toString()));
    const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { exitCode, outcomes: readTransfer(text.stdout, steps.length), ...text };
  }

  it('makes its steps in their order and tells how far it is', async () => {
    const { exitCode, outcomes, stdout, stderr } = await run([
      step('backup/a'),
      step('backup/a', 'two', { initial: false, from: { name: 'one', kind: 'snapshot' } }),
    ]);
    expect(outcomes).toEqual([{ type: 'sent' }, { type: 'sent' }]);
    expect(exitCode).toBe(0);
    expect(stdout).toBe('step 1 begins\nstep 1 exit 0 0 -\nstep 2 begins\nstep 2 exit 0 0 -\n');
    expect(record('data of backup_a')).toBe('data of tank/source@two\nend\n');
    expect(readProgress(stderr.split('\n'))).toEqual({
      ...{ step: 1, bytes: 8, ofBytes: 10, bytesPerSecond: 2, secondsLeft: 1 },
    });
  });

  it('gives each program its words as they are', async () => {
    const source = `tank/it's "a" $(touch x) \`y\` ü`;
    const target = `backup/c'est "ça" $HOME ; *`;
    const from = { name: 'mark $1', kind: 'bookmark' } as const;
    const steps = [
      step(target, 'one two', { source, from, flags: { raw: true, compressed: false, largeBlocks: false } }),
    ];
    const ssh = ['ssh', '-o', 'BatchMode=yes', '--', 'n2'];
    for (const way of [{}, { receive: ssh }, { send: ssh, receive: ssh }]) {
      expect((await run(steps, way)).outcomes).toEqual([{ type: 'sent' }]);
      expect(record(`send ${source.replace('/', '_')}@one two`)).toBe(
        `send\n-vP\n-w\n-i\n${source}#mark $1\n${source}@one two\n`,
      );
      const properties = '-o\nreadonly=on\n-o\ncanmount=noauto\n-o\nmountpoint=none\n';
      expect(record(`receive ${target.replace('/', '_')}`)).toBe(`receive\n-s\n-u\n${properties}${target}\n`);
      rmSync(join(folder, `receive ${target.replace('/', '_')}`));
    }
  });

  it('goes on with a token, for a volume too', async () => {
    const more = { resume: '1-ab-cd', kind: 'volume' } as const;
    expect((await run([step('backup/v', 'one', more)])).outcomes).toEqual([{ type: 'sent' }]);
    expect(record('send 1-ab-cd')).toBe('send\n-vP\n-t\n1-ab-cd\n');
    expect(record('receive backup_v')).toBe('receive\n-s\n-u\n-o\nreadonly=on\n-o\nvolmode=none\nbackup/v\n');
  });

  it('ends the sender when the receiver fails, and says why that failed', async () => {
    const { outcomes, exitCode } = await run([step('backup/refuses', 'endless')]);
    expect(outcomes).toMatchObject([{ type: 'failed', problem: 'exists' }]);
    expect(exitCode).toBe(1);
    expect(isAlive(record('send tank_source@endless.pid'))).toBe(false);
  });

  it('ends the receiver when the sender is killed', async () => {
    const { outcomes } = await run([step('backup/a', 'killed')]);
    expect(outcomes).toMatchObject([{ type: 'failed', problem: 'interrupted' }]);
    expect(record('data of backup_a')).toBe('data\nend\n');
    expect(isAlive(record('receive backup_a.pid'))).toBe(false);
  });

  it('goes on with other targets than the one that failed and those below', async () => {
    const { outcomes, exitCode } = await run([
      step('backup/a', 'fails'),
      step('backup/a', 'two'),
      step('backup/a/child'),
      step('backup/a b'),
    ]);
    expect(outcomes).toMatchObject([
      { type: 'failed', problem: 'not found' },
      { type: 'skipped' },
      { type: 'skipped' },
      { type: 'sent' },
    ]);
    expect(exitCode).toBe(1);
  });

  it('tells the other host’s absence from a refusal', async () => {
    const { outcomes } = await run([step('backup/a', 'endless')], { receive: ['ssh', '--', 'away'] });
    expect(outcomes).toMatchObject([{ type: 'failed', problem: 'unreachable' }]);
  });

  it('takes no more bandwidth than it may', async () => {
    expect((await run([step('backup/a')], { bytesPerSecond: 1000 })).outcomes).toEqual([{ type: 'sent' }]);
    expect(record('pv')).toBe('-q\n-L\n1000\n');
    expect(record('data of backup_a')).toBe('data of tank/source@one\nend\n');
    writeFileSync(join(folder, 'bin', 'pv'), '#!/bin/sh\necho pv: not found >&2; exit 127\n', { mode: 0o755 });
    expect((await run([step('backup/a', 'endless')], { bytesPerSecond: 1000 })).outcomes).toMatchObject([
      { type: 'failed', problem: 'no program' },
    ]);
  });

  it('takes many steps, and no more than one job may have', async () => {
    const steps = Array.from({ length: 201 }, (_, i) => step(`backup/${i}`));
    expect((await run(steps.slice(0, 30))).outcomes.every(({ type }) => type === 'sent')).toBe(true);
    expect(() => transferArgv(steps)).toThrow('Expected 1 to 200 steps in a transfer, got 201.');
  });
});

describe('what a transfer has written', () => {
  it('tells steps that were cut off from those that were not begun', () => {
    expect(readTransfer('step 1 begins\nstep 1 exit 0 0 -\nstep 2 begins\n', 3)).toEqual([
      { type: 'sent' },
      { type: 'cut off' },
      { type: 'not begun' },
    ]);
  });

  it('has a rate over midnight, and none of one line', () => {
    const line = (time: string, bytes: number, of = '-'): string => `step 3 sent ${time} ${bytes} ${of}`;
    expect(readProgress([line('23:59:59', 100), line('00:00:01', 300)])).toEqual({
      ...{ step: 2, bytes: 300, bytesPerSecond: 100 },
    });
    expect(readProgress([line('23:59:59', 100, '50')])).toEqual({ step: 2, bytes: 100 });
    expect(readProgress(['step 3 begins'])).toBeUndefined();
  });
});

function isAlive(pid: string): boolean {
  return existsSync(`/proc/${pid.trim()}`);
}

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readAnswers, type InitOptions } from '../../cli/init/answers.ts';
import { monorepoFiles, type InitFile } from '../../cli/init/files.ts';
import { writeFiles } from '../../cli/init/write.ts';
import { nixListSetting, nixName, nixString } from '../../cli/init/text.ts';
import { main } from '../../cli/program.ts';
import { clockChanges, DAYS } from '../../fleet/calendar.ts';
import { parseFleet } from '../../fleet/load.ts';
import { checkMonorepo } from '../../rules/check.ts';
import { loadParsers } from '../../rules/parse/syntax.ts';
import { ROOT } from '../docs/pages.ts';
import { testIo } from './io.ts';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPdTNqnCmz8Eo6kLyaOIvgOgwjYNYdyLaaKVxgCCYA5o ada@laptop';
const AGE = 'age1p56h9mm2nf4cvxpncjlwpmzferhhqhwdemy0ak4jfp8735va0anqfe735f';
const NOW = Date.parse('2026-11-28T12:00:00Z');
const DEFAULTS = { name: 'homelab', timeZone: 'Europe/Berlin' };

const REFERENCE: InitOptions = {
  member: ['elitedesk-1=10.0.0.11', 'elitedesk-2=10.0.0.12', 'nuc-1=10.0.0.13'],
  guest: ['edge-vm=10.0.0.21', 'metrics-vm=10.0.0.22', 'home-vm=10.0.0.23'],
  sshKey: [KEY],
};
const FLEETS: Record<string, InitOptions> = {
  'as the reference has it': REFERENCE,
  'with a recipient': { ...REFERENCE, recipient: [AGE] },
  'of one member': { member: ['attic=192.168.178.10'], guest: ['edge-vm=192.168.178.20'], sshKey: [KEY] },
  'without guests': { member: ['a=10.0.0.2', 'b=10.0.0.3'], sshKey: [KEY] },
  'of five members and another pool': {
    name: 'office',
    member: [1, 2, 3, 4, 5].map((at) => `node-${at}=172.16.4.${at}`),
    guest: [1, 2, 3, 4, 5, 6, 7].map((at) => `app-${at}-vm=172.16.5.${at}`),
    gateway: '172.16.4.254/22',
    dns: ['9.9.9.9', '149.112.112.112'],
    timeZone: 'Australia/Lord_Howe',
    sshKey: [KEY, `${KEY} and another`],
    recipient: [AGE, KEY],
    pool: 'tank',
  },
  'with words of Nix, YAML and HCL for names': {
    name: 'true',
    member: ['let=10.0.0.2', 'null=10.0.0.3', 'in=10.0.0.4'],
    guest: ['if=10.0.0.5@in', 'false=10.0.0.6', 'rec=10.0.0.7:metrics', 'resource=10.0.0.8', 'x=10.0.0.9'],
    sshKey: [`${KEY} "; \${builtins.readFile /etc/shadow} \\ ''\${x}`],
  },
};

const filesOf = (options: InitOptions): Promise<InitFile[]> => monorepoFiles(readAnswers(options, DEFAULTS));
const textOf = (files: readonly InitFile[], path: string): string => {
  const found = files.find((file) => file.path === path);
  if (found === undefined) throw new Error(`Expected ${path} among ${files.map((file) => file.path).join(' ')}.`);
  return found.text;
};

describe.each(Object.entries(FLEETS))('a monorepo %s', (_what, options) => {
  it('has a fleet file without mistakes and without warnings', async () => {
    const parsed = parseFleet(textOf(await filesOf(options), 'runbook.yaml'), 'runbook.yaml', NOW);
    expect(parsed.type === 'fleet' ? parsed.warnings : parsed.diagnostics).toEqual([]);
    if (parsed.type !== 'fleet') return;
    expect(Object.keys(parsed.fleet.members)).toEqual(options.member?.map((each) => each.split('=')[0]));
    expect(Object.keys(parsed.fleet.guests)).toEqual((options.guest ?? []).map((each) => each.split('=')[0]));
  });

  it('is clean by every rule of check', async () => {
    const files = await filesOf(options);
    const parsed = parseFleet(textOf(files, 'runbook.yaml'), 'runbook.yaml', NOW);
    if (parsed.type !== 'fleet') throw new Error('Expected a fleet.');
    const { findings, suppressed } = await checkMonorepo(files, {
      fleet: parsed.fleet,
      fleetFile: 'runbook.yaml',
      now: NOW,
    });
    expect({ findings, suppressed }).toEqual({ findings: [], suppressed: [] });
  });

  it('has files of Nix and HCL that parse, and no placeholder left', async () => {
    const files = await filesOf(options);
    const parsers = await loadParsers();
    for (const { path, text } of files) {
      if (path.endsWith('.nix')) expect([path, parsers.nix(text).errors]).toEqual([path, []]);
      if (path.endsWith('.tf')) expect([path, parsers.hcl(text).errors]).toEqual([path, []]);
      expect([path, /@[a-z]+@/.exec(text)]).toEqual([path, null]);
    }
  });
});

describe('the monorepo of the reference', () => {
  it('has every folder and file of it', async () => {
    const paths = (await filesOf(REFERENCE)).map(({ path }) => path);
    const members = ['elitedesk-1', 'elitedesk-2', 'nuc-1'];
    expect(paths).toEqual(
      expect.arrayContaining([
        'flake.nix',
        'deploy.nix',
        ...['base', 'incus', 'storage', 'monitoring'].map((name) => `host/common/${name}.nix`),
        ...members.flatMap((name) => [
          `host/nodes/${name}/configuration.nix`,
          `host/nodes/${name}/hardware-configuration.nix`,
          `infra/incus/${name}/main.tf`,
        ]),
        'guests/common.nix',
        ...['edge', 'metrics', 'home'].map((name) => `guests/${name}-vm/configuration.nix`),
        'services/edge/caddy.nix',
        'services/metrics/prometheus.nix',
        'services/home/home-assistant.nix',
        'secrets/sops.yaml',
        'scripts/hooks/pre-commit',
        'runbook.yaml',
        '.gitignore',
        '.github/workflows/check.yml',
        'README.md',
      ]),
    );
  });

  it('bridges no network card that nobody has named', async () => {
    const files = await filesOf(REFERENCE);
    expect(textOf(files, 'host/nodes/nuc-1/configuration.nix')).toContain('"30-uplink".matchConfig.Name = "REPLACE";');
    const [, pattern = ''] = /builtins\.match "([^"]*)" card/.exec(textOf(files, 'host/common/base.nix')) ?? [];
    const isTaken = (card: string): boolean => new RegExp(`^(?:${pattern})$`).test(card);
    expect(['eno1', 'enp5s0', 'enP4p65s0', 'enx00e04c680001', 'lan-0'].filter((card) => !isTaken(card))).toEqual([]);
    expect(['REPLACE', 'en*', '', 'eno1 eno2', '!lo'].filter(isTaken)).toEqual([]);
  });

  it('places every instance and volume, with snapshots that end', async () => {
    const tf = textOf(await filesOf(REFERENCE), 'infra/incus/elitedesk-2/metrics-vm.tf');
    expect(tf.match(/target = local\.member/g)).toHaveLength(2);
    expect(tf.match(/config = merge\(local\.snapshots/g)).toHaveLength(2);
    expect(textOf(await filesOf(REFERENCE), 'infra/incus/elitedesk-2/main.tf')).toContain('member = "elitedesk-2"');
  });

  it('copies each volume to another member than its own', async () => {
    const parsed = parseFleet(textOf(await filesOf(REFERENCE), 'runbook.yaml'), 'runbook.yaml', NOW);
    if (parsed.type !== 'fleet') throw new Error('Expected a fleet.');
    const { backups, guests } = parsed.fleet;
    const to = Object.values(backups).map(({ guest, to: [target] }) => [
      guests[guest]?.member,
      target?.type === 'zfs' ? target.member : '',
    ]);
    expect(to).toEqual([
      ['elitedesk-1', 'elitedesk-2'],
      ['elitedesk-2', 'nuc-1'],
      ['nuc-1', 'elitedesk-1'],
    ]);
  });

  it.each([
    ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Pacific/Chatham', 'America/Nuuk', 'Antarctica/Troll'],
    [
      'America/Havana',
      'Asia/Beirut',
      'Africa/Cairo',
      'America/Santiago',
      'Pacific/Easter',
      'Atlantic/Azores',
      'Asia/Gaza',
    ],
  ])('has nothing due at an hour at which clocks change: %s and others', async (...zones) => {
    const text = textOf(await filesOf({ ...REFERENCE, recipient: [AGE] }), 'runbook.yaml');
    const times = [...text.matchAll(/at: "(\d\d:\d\d)"/g)].map(([, at = '']) => at);
    expect(times).toHaveLength(3);
    const year = 366 * 86_400_000;
    const changing = zones.filter((timeZone) =>
      times.some((at) => clockChanges({ at, days: DAYS, timeZone }, NOW, NOW + year).some((each) => each.times !== 1)),
    );
    expect(changing).toEqual([]);
  });
});

describe('values', () => {
  it.each([
    ['a"b', String.raw`"a\"b"`],
    ['a\\b', String.raw`"a\\b"`],
    ['${x}', String.raw`"\${x}"`],
    ['$${x}', '"$\\${x}"'],
    ['$x', '"$x"'],
  ])('%s is a string of Nix', async (value, written) => {
    expect(nixString(value)).toBe(written);
    const { nix } = await loadParsers();
    expect(nix(`{ a = ${written}; }`).errors).toEqual([]);
  });

  it('names are quoted where Nix would take them for its own words', () => {
    expect(['nuc-1', 'let', 'or', '1a'].map(nixName)).toEqual(['nuc-1', '"let"', '"or"', '"1a"']);
  });

  it('lists are written as nixfmt writes them', () => {
    expect(nixListSetting('a', [], '  ')).toBe('  a = [ ];');
    expect(nixListSetting('a', ['x'], '  ')).toBe('  a = [ "x" ];');
    expect(nixListSetting('a', ['x', 'y'], '  ')).toBe('  a = [\n    "x"\n    "y"\n  ];');
    // 100 columns without the semicolon stay on a line.
    expect(nixListSetting('a', ['x'.repeat(88)], '  ')).not.toContain('\n');
    expect(nixListSetting('a', ['x'.repeat(89)], '  ')).toContain('[\n');
  });
});

describe('what is asked for', () => {
  const refused: [what: string, options: InitOptions, message: string][] = [
    ['no member', { ...REFERENCE, member: [] }, 'Expected --member'],
    ['no ssh key', { ...REFERENCE, sshKey: [] }, 'Expected --ssh-key'],
    ['a path as a name', { ...REFERENCE, member: ['../../etc=10.0.0.1'] }, '--member: Expected a name like nuc-1'],
    ['a name with a newline', { ...REFERENCE, member: ['a\nb=10.0.0.1'] }, '--member: Expected a name like nuc-1'],
    ['an option as a name', { ...REFERENCE, name: '-x' }, '--name: Expected a name like nuc-1'],
    ['a name of incus', { ...REFERENCE, name: 'local' }, '--name: Expected a name that'],
    ['no address', { ...REFERENCE, member: ['a'] }, '--member: Expected a name and an address'],
    ['a wrong address', { ...REFERENCE, member: ['a=10.0.0.256'] }, 'Expected an address like 10.0.0.11'],
    ['code as an address', { ...REFERENCE, guest: ['a=${x}'] }, 'Expected an address like 10.0.0.11'],
    ['a member that is not there', { ...REFERENCE, guest: ['a=10.0.0.9@nuc-2'] }, 'Expected a member to be on'],
    ['a role that is not there', { ...REFERENCE, guest: ['a=10.0.0.9@nuc-1:db'] }, 'Expected one of edge, metrics'],
    ['a name twice', { ...REFERENCE, guest: ['nuc-1=10.0.0.9'] }, 'Expected each name once, got "nuc-1" again'],
    [
      'two guests with one file of secrets',
      { ...REFERENCE, guest: ['a=10.0.0.8', 'a-vm=10.0.0.9'] },
      'Expected guests that differ',
    ],
    [
      'two guests with one service',
      { ...REFERENCE, guest: ['a=10.0.0.8:edge', 'b=10.0.0.9:edge'] },
      'Expected guests that differ',
    ],
    ['the name of a file', { ...REFERENCE, guest: ['main=10.0.0.9@nuc-1'] }, 'Expected a name that the template'],
    ['an operator', { ...REFERENCE, guest: ['operator-2=10.0.0.9@nuc-1'] }, 'Expected a name that the template'],
    ['an address twice', { ...REFERENCE, guest: ['a=10.0.0.11'] }, 'which is that of elitedesk-1'],
    ['the address of the router', { ...REFERENCE, guest: ['a=10.0.0.1'] }, 'which is that of the gateway'],
    ['another network', { ...REFERENCE, guest: ['a=10.0.1.9'] }, 'Expected an address in the network of 10.0.0.1/24'],
    ['the address of all', { ...REFERENCE, guest: ['a=10.0.0.255'] }, 'Expected an address in the network'],
    ['a prefix that is none', { ...REFERENCE, gateway: '10.0.0.1/33' }, '--gateway: Expected'],
    ['a time zone that is none', { ...REFERENCE, timeZone: 'Europe/Berlin"; x = "' }, '--time-zone: Expected'],
    [
      'a private key',
      { ...REFERENCE, sshKey: ['-----BEGIN OPENSSH PRIVATE KEY-----'] },
      '--ssh-key: Expected a public ssh key',
    ],
    [
      'a private key of age',
      { ...REFERENCE, recipient: ['AGE-SECRET-KEY-1QQQQ'] },
      '--recipient: Expected a public key',
    ],
    ['a pool that zpool would refuse', { ...REFERENCE, pool: 'mirror1' }, '--pool: Expected a pool of ZFS'],
  ];
  it.each(refused)('%s is refused', (_what, options, message) => {
    expect(() => readAnswers(options, DEFAULTS)).toThrow(message);
  });

  it('of no guest’s member is decided by turns', () => {
    const { guests } = readAnswers(
      { ...REFERENCE, guest: ['a=10.0.0.5', 'b=10.0.0.6', 'c=10.0.0.7', 'd=10.0.0.8'] },
      DEFAULTS,
    );
    expect(guests.map(({ member }) => member)).toEqual(['elitedesk-1', 'elitedesk-2', 'nuc-1', 'elitedesk-1']);
  });
});

describe('runbook init', () => {
  let cwd: string;
  beforeEach(() => {
    cwd = mkdtempSync(join(tmpdir(), 'runbook-init-test-'));
  });
  afterEach(() => {
    rmSync(cwd, { recursive: true, force: true });
  });

  const flags = [
    ['--member', 'a=10.0.0.2', 'b=10.0.0.3'],
    ['--guest', 'edge-vm=10.0.0.4'],
    ['--ssh-key', KEY],
  ].flat();
  const run = async (...more: string[]) => {
    const io = testIo({ cwd, columns: 100 });
    const code = await main(['init', ...more], io);
    return { code, out: io.out(), err: io.err() };
  };
  const tree = (folder = cwd): string[] =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => !statSync(join(folder, name)).isDirectory())
      .sort();

  it('writes everything, says what comes next, and is already so the second time', async () => {
    const first = await run('lab', ...flags);
    expect([first.code, first.err]).toEqual([0, '']);
    expect(first.out).toContain('lab: 2 members, 1 guest.');
    const options = { member: ['a=10.0.0.2', 'b=10.0.0.3'], guest: ['edge-vm=10.0.0.4'], sshKey: [KEY] };
    const expected = await monorepoFiles(readAnswers({ ...options, name: 'lab' }, { ...DEFAULTS, timeZone: zone }));
    expect(tree(join(cwd, 'lab'))).toEqual(expected.map(({ path }) => path).sort());
    expect(readdirSync(cwd)).toEqual(['lab']);
    expect(statSync(join(cwd, 'lab/scripts/hooks/pre-commit')).mode & 0o111).toBe(0o111);

    const before = statSync(join(cwd, 'lab/flake.nix')).mtimeMs;
    const second = await run('lab', ...flags);
    expect([second.code, second.out]).toEqual([0, `= already so: lab has all ${expected.length} files\n`]);
    expect(statSync(join(cwd, 'lab/flake.nix')).mtimeMs).toBe(before);
  });
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

  it('overwrites nothing, and writes nothing then', async () => {
    writeFileSync(join(cwd, 'flake.nix'), '{ }\n');
    const { code, err } = await run(...flags, '--name', 'lab');
    expect(code).toBe(1);
    expect(err).toContain('Nothing was written: 1 file of this folder would be overwritten.');
    expect(err).toContain('flake.nix: another text is there');
    expect(tree()).toEqual(['flake.nix']);
    expect(readFileSync(join(cwd, 'flake.nix'), 'utf8')).toBe('{ }\n');
  });

  it('leaves what else is there, and adds what is missing', async () => {
    execFileSync('git', ['-C', cwd, 'init', '-q']);
    writeFileSync(join(cwd, 'notes.txt'), 'mine\n');
    expect((await run(...flags, '--name', 'lab')).code).toBe(0);
    rmSync(join(cwd, 'services'), { recursive: true });
    const { code, out } = await run(...flags, '--name', 'lab');
    expect([code, out.split('\n')[0]]).toEqual([0, '✔ 2 files written into this folder']);
    expect(readFileSync(join(cwd, 'notes.txt'), 'utf8')).toBe('mine\n');
    expect(existsSync(join(cwd, '.git/HEAD'))).toBe(true);
  });

  it.each([
    [
      'a link in the place of a folder',
      () => {
        symlinkSync(tmpdir(), join(cwd, 'host'));
      },
      'host is a link, no folder',
    ],
    [
      'a link in the place of a file',
      () => {
        symlinkSync('/dev/null', join(cwd, 'flake.nix'));
      },
      'flake.nix: it is a link',
    ],
    [
      'a folder in the place of a file',
      () => {
        mkdirSync(join(cwd, 'flake.nix'));
      },
      'flake.nix: it is a folder',
    ],
    [
      'a file in the place of a folder',
      () => {
        writeFileSync(join(cwd, 'host'), '');
      },
      'host is a file, no folder',
    ],
  ])('follows and replaces nothing: %s', async (_what, prepare, message) => {
    prepare();
    const { code, err } = await run(...flags, '--name', 'lab');
    expect([code, err.includes(message)]).toEqual([1, true]);
    expect(readdirSync(cwd)).toHaveLength(1);
  });

  it('takes back what it has put there where a file came into the place of one meanwhile', async () => {
    writeFileSync(join(cwd, 'runbook.yaml'), 'somebody’s');
    const files = await filesOf(REFERENCE);
    await expect(writeFiles(cwd, files)).rejects.toThrow('EEXIST');
    expect(readdirSync(cwd)).toEqual(['runbook.yaml']);
    expect(readFileSync(join(cwd, 'runbook.yaml'), 'utf8')).toBe('somebody’s');
  });

  it('removes what a killed one has written aside, and not what one that runs has', async () => {
    const { pid } = spawnSync('true');
    const [dead, alive] = [`.runbook-init-${pid}-00000000`, `.runbook-init-${process.ppid}-00000000`];
    for (const name of [dead, alive, '.runbook-init-notes']) mkdirSync(join(cwd, name));
    expect((await run(...flags, '--name', 'lab')).code).toBe(0);
    const left = readdirSync(cwd).filter((name) => name.startsWith('.runbook'));
    expect(left.sort()).toEqual(['.runbook-init-notes', alive].sort());
  });

  it('only lists with --dry-run', async () => {
    const { code, out } = await run('lab', ...flags, '--dry-run');
    expect(code).toBe(0);
    expect(out).toContain('  + host/common/base.nix\n');
    expect(readdirSync(cwd)).toEqual([]);
  });

  it('prints data with --json', async () => {
    const { out } = await run('lab', ...flags, '--json');
    const { state, files } = JSON.parse(out) as { state: string; files: { path: string; state: string }[] };
    expect(state).toBe('written');
    expect(files).toContainEqual({ path: 'runbook.yaml', state: 'new' });
    writeFileSync(join(cwd, 'lab/runbook.yaml'), 'x');
    const again = await run('lab', ...flags, '--json');
    expect([again.code, JSON.parse(again.out)]).toMatchObject([1, { state: 'refused' }]);
  });

  it('refuses hostile names before it writes', async () => {
    const { code, err } = await run('lab', ...flags, '--member', 'x/../../y=10.0.0.9');
    expect([code, err]).toEqual([2, expect.stringContaining('--member: Expected a name like nuc-1')]);
    expect(readdirSync(cwd)).toEqual([]);
  });

  it('asks on a terminal for what was not said', async () => {
    const asked: string[] = [];
    const answers = ['', 'a=10.0.0.2 b=10.0.0.3', '', 'edge-vm=10.0.0.4', 'UTC', KEY, ''];
    const io = testIo({ cwd, columns: 100 });
    const ask = (question: string): Promise<string> => {
      asked.push(question);
      return Promise.resolve(answers.shift() ?? '');
    };
    expect(await main(['init', 'lab'], { ...io, ask })).toBe(0);
    expect(asked[0]).toBe('What the fleet is called [lab]: ');
    expect(asked[2]).toContain('[10.0.0.1/24]');
    expect(asked).toHaveLength(7);
    expect(tree(join(cwd, 'lab'))).toContain('guests/edge-vm/configuration.nix');
  });

  it('killed when all files were in their place, is tidied up by the same command', async () => {
    const into = join(cwd, 'lab');
    await run('lab', ...flags);
    const { pid } = spawnSync('true');
    mkdirSync(join(into, `.runbook-init-${pid}-0123abcd/host`), { recursive: true });
    mkdirSync(join(into, `.runbook-init-${process.pid}-0123abcd`));
    await run('lab', ...flags);
    expect(readdirSync(into).filter((name) => name.startsWith('.runbook-init-'))).toEqual([
      `.runbook-init-${process.pid}-0123abcd`,
    ]);
  });

  it('killed anywhere, leaves no file half, no monorepo before it is whole, and is completed by the same command', async () => {
    const program = join(ROOT, 'dist/cli/main.js');
    for (const folder of ['new', 'there']) {
      for (const ms of [120, 180, 240, 300, 360, 420]) {
        const name = `${folder}-${ms}`;
        const into = join(cwd, name);
        if (folder === 'there') {
          mkdirSync(into);
          writeFileSync(join(into, 'notes.txt'), 'mine\n');
        }
        const argv = [program, 'init', into, ...flags, '--name', 'lab'];
        const child = spawn(process.execPath, argv, { stdio: 'ignore', cwd });
        const timer = setTimeout(() => child.kill('SIGKILL'), ms);
        await once(child, 'exit');
        clearTimeout(timer);
        const whole = await monorepoFiles(
          readAnswers(
            { name: 'lab', member: ['a=10.0.0.2', 'b=10.0.0.3'], guest: ['edge-vm=10.0.0.4'], sshKey: [KEY] },
            { ...DEFAULTS, timeZone: zone },
          ),
        );
        const found = whole.filter(({ path }) => existsSync(join(into, path)));
        for (const { path, text } of found) expect(readFileSync(join(into, path), 'utf8')).toBe(text);
        if (folder === 'new' || found.some(({ path }) => path === 'runbook.yaml'))
          expect([0, whole.length]).toContain(found.length);
        expect(spawnSync(process.execPath, argv, { cwd }).status).toBe(0);
        expect(tree(into).filter((path) => path !== 'notes.txt')).toEqual(whole.map(({ path }) => path).sort());
      }
    }
    expect(readdirSync(cwd).filter((name) => name.startsWith('.'))).toEqual([]);
  }, 180_000);
});

it('the templates go into the package', () => {
  const { status, stdout } = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  expect(status).toBe(0);
  const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }];
  const folder = join(ROOT, 'templates');
  const templates = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => relative(ROOT, path));
  expect(templates.length).toBeGreaterThan(30);
  expect(files.map(({ path }) => path)).toEqual(expect.arrayContaining(templates));
  expect(templates.every((path) => !/\/\.(?:gitignore|npmignore)$/.test(path) && dirname(path) !== '')).toBe(true);
});

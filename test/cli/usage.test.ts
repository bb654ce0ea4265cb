import { describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import stringWidth from 'string-width';
import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { buildProgram, main } from '../../cli/program.ts';
import { EVERY_ENDING, exitCode } from '../../cli/exit-codes.ts';
import { VERSION } from '../../cli/version.ts';
import { testIo } from './io.ts';

const tree = (): CommandUnknownOpts => buildProgram({ io: testIo({}), ending: 'done' });

function commandsOf(
  command: CommandUnknownOpts,
  path: string[] = [],
): { path: string[]; command: CommandUnknownOpts }[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .filter((each) => each.name() !== 'help')
    .flatMap((each) => {
      const own = [...path, each.name()];
      return [{ path: own, command: each }, ...commandsOf(each, own)];
    });
}

const COMMANDS = commandsOf(tree()).map(({ path }) => path.join(' '));

async function run(argv: string[], options = {}): Promise<{ code: number; out: string; err: string }> {
  const io = testIo(options);
  const code = await main(argv, io);
  return { code, out: io.out(), err: io.err() };
}

describe('the command line', () => {
  it.each(COMMANDS)('%s --help shows an example and its exit codes', async (name) => {
    const { code, out } = await run([...name.split(' '), '--help']);
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`Examples:\n  .*runbook ${name.split(' ')[0] ?? ''}`));
    expect(out).toMatch(/Exit codes:\n {2}0 {4}done/);
  });

  it.each(['', ...COMMANDS])('%s --help is no wider than a narrow terminal', async (name) => {
    for (const columns of [20, 40, 79]) {
      const { out } = await run([...name.split(' ').filter(Boolean), '--help'], { isTTY: true, columns });
      for (const line of out.split('\n')) expect(stringWidth(line)).toBeLessThanOrEqual(columns);
      expect(out.replaceAll(/\s+/g, ' ')).toMatch(
        / -h, --help display help for command .* Exit codes: 0 done, or already so/,
      );
    }
  });

  it('takes the run before and after the names that a yes carries', async () => {
    const names = ['--name', 'nuc-1', '--name', 'nuc-2'];
    for (const argv of [
      [...names, 'node-reinstall/nuc-1'],
      ['node-reinstall/nuc-1', ...names],
    ])
      expect((await run(['approve', ...argv])).err).toContain('--reason');
  });

  it.each([['show'], ['statsu'], ['show', 'x'.repeat(2000)], ['start', 'safe-upgrade']])(
    'what is wrong with %j is said no wider than the terminal',
    async (...argv) => {
      const { err } = await run(argv, { isTTY: true, columns: 20 });
      expect(err.length).toBeGreaterThan(20);
      for (const line of err.split('\n')) expect(stringWidth(line)).toBeLessThanOrEqual(20);
    },
  );

  it.each(COMMANDS)('%s is documented in docs/cli.md', async (name) => {
    expect(await readFile(new URL('../../docs/cli.md', import.meta.url), 'utf8')).toContain(`### \`runbook ${name}`);
  });

  it('documents every option of every command', async () => {
    const text = await readFile(new URL('../../docs/cli.md', import.meta.url), 'utf8');
    for (const { path, command } of commandsOf(tree())) {
      const section = text.split(`### \`runbook ${path.join(' ')}`)[1]?.split('\n### ')[0] ?? '';
      for (const { long } of command.options) expect(section).toContain(`\`${long ?? ''}`);
    }
  });

  it('knows the version of the package', async () => {
    const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    expect(VERSION).toBe(version);
    expect(await run(['--version'])).toEqual({ code: 0, out: `${version}\n`, err: '' });
  });

  it.each([
    [['statsu'], "unknown command 'statsu'\n(Did you mean status?)"],
    [['start', 'safe-upgrad'], '(Did you mean safe-upgrade?)'],
    [['list', '--limt', '3'], '(Did you mean --limit?)'],
    [['list', '--limit', '0'], 'Expected a whole number from 1 to 99999.'],
    [['list', '--outcome', 'Good'], 'Allowed choices are Done, AlreadySo, RolledBack, Failed.'],
    [['watch'], "missing required argument 'run'"],
    [['watch', 'a/b', 'c/d'], 'too many arguments'],
    [['approve'], "missing required argument 'run'"],
    [['approve', 'safe-upgrade/x'], 'Expected a reason (--reason), got none.'],
    [['approve', 'safe-upgrade/x', '--reason', '  '], 'Expected a reason (--reason), got none.'],
    [
      ['reject', 'safe-upgrade/x', '--reason', 'x'.repeat(1001)],
      'Expected a reason of at most 1000 characters, got 1001.',
    ],
    [['start', 'safe-upgrade', '--node', 'x', '--all'], "cannot be used with option '--all'"],
    [['start', 'safe-upgrade'], 'Expected --node NAME or --all, got neither.'],
    [['start', 'member-remove'], "required option '--node <name>' not specified"],
    [['start', 'node-reinstall'], "required option '--node <name>' not specified"],
    [['plan', 'node-reinstall'], "required option '--node <name>' not specified"],
    [['start', 'node-rejoin'], "required option '--node <name>' not specified"],
    [['plan', 'node-rejoin'], "required option '--node <name>' not specified"],
    [['start', 'quorum-recover'], "required option '--node <name>' not specified"],
    [['plan', 'quorum-recover'], "required option '--node <name>' not specified"],
    [['plan', 'member-remove'], "required option '--node <name>' not specified"],
    [['release-kept', '--node', 'x'], "missing required argument 'name'"],
    [['release-kept', 'tank/old'], "required option '--node <name>' not specified"],
    [['release-kept', 'tank/old@a', '--node', 'x'], 'Expected what is kept, like tank/incus.old, got "tank/old@a".'],
    [['release-kept', '../old', '--node', 'x'], 'Expected what is kept'],
    [['release-kept', '-r', '--node', 'x'], "unknown option '-r'"],
    [['schedules', 'pause'], "missing required argument 'schedule'"],
    [['schedules', 'next', '--count', '0'], 'Expected a whole number from 1 to 100.'],
    [['schedules'], 'Usage: runbook schedules'],
    [['completion', 'tcsh'], 'Allowed choices are bash, zsh, fish.'],
    [['show', 'a\nb'], 'Expected a run like safe-upgrade/elitedesk-1, got "a b".'],
    [['show', ''], 'Expected a run like safe-upgrade/elitedesk-1'],
    [['show', 'x'.repeat(1001)], 'at most 1000 bytes'],
    [['start'], 'Usage: runbook start'],
    [[], 'Usage: runbook'],
  ])('%j ends with 2 and says %s', async (argv, message) => {
    const { code, out, err } = await run(argv);
    expect(err).toContain(message);
    expect(out).toBe('');
    expect(code).toBe(2);
  });

  it('repeats nothing that a terminal would obey', async () => {
    const { err } = await run(['\u001b]0;owned\u0007\u001b[2J']);
    // eslint-disable-next-line no-control-regex -- looking for what must not be there
    expect(err).not.toMatch(/[\u001b\u0007]/);
  });

  it('says where the fleet file was looked for', async () => {
    const { code, err } = await run(['check'], { cwd: '/' });
    expect(err).toBe(
      'No runbook.yaml in / or above.\nThe fleet file says which members and guests there are: docs/configuration.md.\n  runbook --repo DIR …   name the monorepo\n',
    );
    expect(code).toBe(2);
  });

  it('says that a folder is not there, on one line', async () => {
    const { code, err } = await run(['--repo', '/no\nwhere', 'check']);
    expect(err).toMatch(/^There is no folder \/no where\.\n/);
    expect(code).toBe(2);
  });

  it('prints a value also where the fleet file cannot be read', async () => {
    const { code, out } = await run(['check', '--json'], { cwd: '/' });
    expect(JSON.parse(out)).toMatchObject({ valid: false, diagnostics: [{ line: 1, severity: 'error' }] });
    expect(code).toBe(2);
  });

  it('maps each ending to its exit code', () => {
    expect(Object.fromEntries(EVERY_ENDING.map((ending) => [ending, exitCode(ending)]))).toEqual({
      done: 0,
      'already so': 0,
      failed: 1,
      'wrong usage': 2,
      'wrong config': 2,
      'rolled back': 3,
      'already running': 4,
      unreachable: 5,
      'no worker': 6,
      interrupted: 130,
    });
  });

  it.each(['foo', '9464', 'localhost:9464', '127.0.0.1:70000', '[127.0.0.1]:9464', '::1:9464'])(
    'a worker serves no metrics at %s',
    async (address) => {
      const { code, err } = await run(['worker', '--metrics', address]);
      expect(err).toContain('Expected an IP address and a port, as 127.0.0.1:9464');
      expect(code).toBe(2);
    },
  );

  it('says that Temporal is not there, and what to do', async () => {
    const { code, err } = await run(['list'], { env: { TEMPORAL_ADDRESS: '127.0.0.1:1', RUNBOOK_STATE: '/nowhere' } });
    expect(err).toMatch(/^Temporal does not answer at 127\.0\.0\.1:1\.\n/);
    expect(err).toContain('runbook dev');
    expect(code).toBe(5);
  }, 20_000);
});

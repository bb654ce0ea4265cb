import { basename } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { redact } from '../../hosts/redact.ts';
import { sshFailure } from '../../hosts/ssh-failure.ts';
import { readUnitChanges } from '../../tools/activation-units.ts';
import { createDisks } from '../../tools/block-devices.ts';
import { readDeployOutput } from '../../tools/deploy-rs.ts';
import { readPlan } from '../../plan/infra-plan.ts';
import { createNix } from '../../tools/nix.ts';
import { readResticForget } from '../../tools/restic-maintenance.ts';
import { errorsIn } from '../../tools/terraform-command.ts';
import { applySteps, createTerraform } from '../../tools/terraform.ts';
import { createZfsResume } from '../../tools/zfs-resume.ts';
import { fakeHost } from '../tools/fake-host.ts';
import type { Ran } from './client.ts';

/** What is held against each other of two answers to one command, beside the exit code and the shape of JSON. */
export function readingOf(argv: readonly string[], ran: Ran): unknown {
  if (argv[0] === 'sh' && argv[2]?.includes('| zfs receive ') === true) return streamReading(ran);
  const command = inShell(argv);
  const reading = READINGS[basename(command[0] ?? '')];
  return reading === undefined ? asPrinted(ran) : reading(ran, command);
}

/** What a script of the shell is given to run: `sh -c '… "$@"' sh deploy …`, or one in another. */
function inShell(argv: readonly string[]): readonly string[] {
  const at = argv.indexOf('terraform');
  if (at > 0) return argv.slice(at);
  return argv[0] === 'sh' && argv[1] === '-c' && argv.length > 4 ? argv.slice(4) : argv;
}

const READINGS: Readonly<Record<string, (ran: Ran, argv: readonly string[]) => unknown>> = {
  // It prints what it does as it goes; the product reads what it claims at the end.
  deploy: (ran, argv) => {
    if (argv.length === 2) return isVersion(ran);
    const { claim, saysRolledBack } = readDeployOutput(ran);
    return { claim, saysRolledBack };
  },
  nix: async (ran, argv) => {
    if (argv[1] === '--version') return isVersion(ran);
    if (argv[1] === 'build') {
      const host = fakeHost(() => ran);
      const read = await createNix(host).buildSystem({ flakeRef: 'git+file:///x', node: 'n', profile: 'system' });
      return { type: read.type, stage: 'stage' in read ? read.stage : undefined };
    }
    if (argv.includes('--recursive') || argv[2] === 'cat') {
      const host = fakeHost(() => ran);
      return ran.exitCode === 0 ? 'an answer' : (await createNix(host).closureFacts('/nix/store/x')).type;
    }
    return asPrinted(ran);
  },
  // Closures have other paths beside those that are asked for.
  'nix-store': (ran, argv) => {
    if (argv[1] !== '--query' || ran.exitCode !== 0) return asPrinted(ran);
    const found = ran.stdout.split('\n').filter((path) => argv.includes(path));
    return { found: found.map(normalised), stderr: normalised(ran.stderr) };
  },
  incus: (ran, argv) => {
    // Of an evacuation it prints how far it is.
    if (['evacuate', 'restore'].includes(argv[2] ?? '')) return normalised(ran.stderr);
    return argv[1] === 'cluster' && argv[2] === 'list' && ran.exitCode === 0 ? rolesOf(ran) : asPrinted(ran);
  },
  // Pages have texts of their own.
  curl: ({ stdout, stderr }) => ({ status: stdout.split('\n').at(-1), stderr: normalised(stderr) }),
  docker: progressLess,
  podman: progressLess,
  ssh: (ran, argv) => {
    if (argv[1] === '-V') return isVersion(ran);
    return ran.exitCode === 255 ? sshFailure(ran.stderr, ran.exitCode) : asPrinted(ran);
  },
  // Of what it keeps it prints tables.
  restic: (ran, argv) => {
    if (argv[1] === 'version') return isVersion(ran);
    return argv[1] === 'forget'
      ? readResticForget({ argv, result: { ...ran, truncated: false } }).type
      : asPrinted(ran);
  },
  terraform: async (ran, argv) => {
    if (argv[1] === 'version') return isVersion(ran);
    if (argv[2] === 'show') {
      const access = { program: 'terraform', folder: '/x' } as const;
      const shown = await createTerraform(
        fakeHost(() => ran),
        access,
      ).show('/x/plan');
      return shown.type === 'plan' ? normalised(JSON.stringify(readPlan(shown.plan, redact))) : shown.type;
    }
    if (argv[2] === 'state' || argv[2] === 'force-unlock') return ran.stdout.trim() === '';
    const steps = applySteps(ran.stdout.split('\n')).map((step) => JSON.stringify(step));
    const errors = errorsIn(ran).map(({ summary, address }) => ({ summary, address }));
    return { steps: steps.sort(), errors, says: /^Error: .*$/m.exec(ran.stderr)?.[0] };
  },
  // The lab's own is a script that prints elsewhere and less.
  'switch-to-configuration': ({ stdout, stderr }) => readUnitChanges(`${stdout}\n${stderr}`),
  // Addresses here are shorter than the lab's.
  getent: ({ stdout }) => stdout.split('\n').map((line) => line.trim().split(/\s+/)),
  date: ({ stdout }) => stdout.replace(/\d/g, '0').length,
  df: ({ stdout }) => stdout.split('\n').map((line) => /\s\d+\s+\d+\s+\d+\s+\d+%\s+\//.test(line)),
  // The rest of a label is about a device that nobody has here.
  zdb: (ran) => createDisks(fakeHost(() => ran)).zfsLabel('/dev/x'),
  zpool: columns,
  zfs: (ran, argv) => (argv[1] === 'send' && argv.includes('-t') ? tokenReading(ran) : columns(ran)),
};

const TOKEN = /\b1-[0-9a-f]+-[0-9a-f]+-[0-9a-f]+\b/g;

/** Of both ends; how far they are, and what a token is made of, differ. */
function streamReading({ stdout, stderr }: Ran): unknown {
  const lines = stderr
    .split('\n')
    .filter((line) => !/^(\d\d:\d\d:\d\d\t|\t|resume token contents:|nvlist version: |$)/.test(line))
    .map((line) => line.replace(TOKEN, 'TOKEN').replace(/(?<=\t)\d+$/, 'N'));
  return { stdout, stderr: lines.sort() };
}

async function tokenReading(ran: Ran): Promise<unknown> {
  const read = await createZfsResume(fakeHost(() => ran)).readToken('1-0');
  if (read.type === 'unreadable') return read;
  const { type, toName, raw, compressed, largeBlocks, sendable, fromGuid } = read;
  return {
    type,
    toName,
    raw,
    compressed,
    largeBlocks,
    sendable,
    isIncrement: fromGuid !== undefined,
    stderr: ran.stderr,
  };
}

function rolesOf({ stdout }: Ran): unknown {
  return (JSON.parse(stdout) as { roles: string[] | null }[]).map(({ roles }) => roles ?? []);
}

/** What they print while they pull, and the names that they chose. */
function progressLess(ran: Ran, argv: readonly string[]): unknown {
  if (argv[1] === '--version') return isVersion(ran);
  const said = normalised(ran.stderr)
    .split('\n')
    .filter((line) => /^(?:Error|time=)|no such|not found/i.test(line));
  return { said, lines: ran.stdout.trim().split('\n').filter(Boolean).length > 0 };
}

function isVersion({ stdout, stderr }: Ran): boolean {
  return /\d+\.\d+/.test(`${stdout}${stderr}`);
}

/** Tables apart by tabs: their columns, and words that are no numbers. */
function columns({ stdout, stderr }: Ran): unknown {
  return { stdout: stdout.replace(TOKEN, 'TOKEN').replace(/\d+/g, 'N'), stderr };
}

function asPrinted({ stdout, stderr }: Ran): unknown {
  const isJson = /^[[{]/.test(stdout);
  return { stdout: isJson ? 'JSON' : normalised(stdout), stderr: normalised(stderr) };
}

/** Ids and times are never the same twice. */
export function normalised(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/\r/g, '')
    .replace(/\d+(\.\d+)?s \(\d{4}-[^)]*\)/g, '…')
    .replace(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, 'UUID')
    .replace(/\b[0-9a-z]{32}(?=-)/g, 'HASH')
    .replace(/\b[0-9a-f]{32}\b/g, 'ID')
    .replace(/\b[0-9a-f]{64}\b|(?<=\bsha256:)[0-9a-z]{52}\b/g, 'SHA256')
    .replace(/(?<=saves )-?[\d.]+(?= MiB)/g, 'N')
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, 'THEN')
    .replace(/after \d+ (ms|milliseconds)/g, 'after N ms')
    .replace(/^\d+(?= \/)/gm, 'PID')
    .replace(/\b[0-9a-z]{32}$/gm, 'HASH')
    .replace(/\/\S*\/machines\/[a-z0-9-]+(?=\/)/g, '')
    .replace(/^\/usr\/bin\/sh: \d+: /gm, 'sh: ');
}

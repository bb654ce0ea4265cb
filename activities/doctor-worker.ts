import type { Host } from '../hosts/host.ts';
import type { Check } from '../plan/checks.ts';
import { diskSpace } from '../tools/disk.ts';
import { programVersion } from '../tools/programs.ts';
import type { Deps } from './deps.ts';
import { failed, passed, warning, type Found } from './doctor-check.ts';
import type { ActivityContext } from './guard.ts';

/** What the worker starts by itself, with what to do where it is missing. */
const PROGRAMS: { argv: string[]; what: string; whatToDo: string }[] = [
  { argv: ['ssh', '-V'], what: 'ssh', whatToDo: 'Install the OpenSSH client on the worker.' },
  { argv: ['git', '--version'], what: 'git', whatToDo: 'Install git on the worker.' },
  { argv: ['nix', '--version'], what: 'nix', whatToDo: 'Install nix on the worker, with flakes enabled.' },
  {
    argv: ['deploy', '--version'],
    what: 'deploy-rs',
    whatToDo: 'Install deploy-rs on the worker: nix profile install nixpkgs#deploy-rs',
  },
  {
    argv: ['flock', '--version'],
    what: 'flock',
    whatToDo: 'Install util-linux on the worker: jobs exclude each other by it.',
  },
  {
    argv: ['setpriv', '--version'],
    what: 'setpriv',
    whatToDo: 'Install util-linux on the worker: commands end with the worker by it.',
  },
  // Not each shell knows --version.
  {
    argv: ['sh', '-c', 'command -v sh'],
    what: 'sh',
    whatToDo: 'Install a POSIX shell on the worker: jobs are its scripts.',
  },
  {
    argv: ['tar', '--version'],
    what: 'tar',
    whatToDo: 'Install tar on the worker: the pinned commit is unpacked by it.',
  },
];

/** The output of jobs and the database of a development server need no more for a long time. */
const ENOUGH_BYTES = 1e9;

/** What a worker needs on its own machine. */
export async function checkWorker(
  { local, stateDir }: Pick<Deps, 'local' | 'stateDir'>,
  { signal }: Pick<ActivityContext, 'signal'>,
): Promise<Check[]> {
  const checks = await Promise.all([
    ...PROGRAMS.map(async ({ argv, what, whatToDo }) => ({ what, ...(await program(local, argv, whatToDo, signal)) })),
    stateFolder(local, stateDir, signal).then((found) => ({ what: 'state folder', ...found })),
  ]);
  return checks.map((check) => ({ where: 'worker', ...check }));
}

/** Terraform or OpenTofu, where the fleet file has a section for it. */
export async function checkInfra(
  { local }: Pick<Deps, 'local'>,
  name: 'terraform' | 'tofu',
  { signal }: Pick<ActivityContext, 'signal'>,
): Promise<Check> {
  const whatToDo = `Install ${name} on the worker, or name the other one in runbook.yaml: infra.program.`;
  return { where: 'worker', what: name, ...(await program(local, [name, 'version'], whatToDo, signal)) };
}

async function program(host: Host, argv: readonly string[], whatToDo: string, signal: AbortSignal): Promise<Found> {
  const version = await programVersion(host, argv, { signal });
  switch (version.type) {
    case 'version':
      return passed(version.line);
    case 'broken':
      return failed(`${argv.join(' ')} fails: ${version.line}`, whatToDo);
    case 'missing':
      return failed(`${argv[0] ?? ''} is not in the worker's PATH`, whatToDo);
  }
}

async function stateFolder(host: Host, folder: string, signal: AbortSignal): Promise<Found> {
  const space = await diskSpace(host, [folder], { signal });
  const whatToDo = 'Free space there, or name another folder: RUNBOOK_STATE.';
  if (space.type !== 'space') return failed(space.output, 'See whether it is there. RUNBOOK_STATE names another.');
  const free = space.disks[0]?.availableBytes ?? 0;
  const found = `${folder} has ${(free / 1e9).toFixed(1)} GB free`;
  return free >= ENOUGH_BYTES ? passed(found) : warning(found, whatToDo);
}

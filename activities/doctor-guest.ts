import type { Fleet, Guest } from '../fleet/schema.ts';
import type { Host } from '../hosts/host.ts';
import { startInstance } from '../plan/start-instance.ts';
import { createIncus } from '../tools/incus.ts';
import { programVersion } from '../tools/programs.ts';
import type { Deps } from './deps.ts';
import { failed, passed, warning, type Found, type MachineCheck } from './doctor-check.ts';
import { deployLogin } from './doctor-ssh.ts';
import { failedUnits } from './doctor-units.ts';
import { toolFailure } from './failure.ts';
import { sshRemedy } from './ssh-remedy.ts';

/** In this order: each needs what those before it asked for. */
export function guestChecks(deps: Deps, fleet: Fleet, name: string, guest: Guest): MachineCheck[] {
  const host = deps.machines.node(fleet, name);
  const member = deps.machines.member(fleet, guest.member);
  const through = fleet.members[guest.member];
  return [
    {
      what: 'instance',
      look: (signal) => instance(member, name, guest, signal),
      remedy: (said) => through && sshRemedy(said, through.address, through.ssh),
    },
    {
      what: 'exec',
      look: async (signal) => {
        await host.run(['true'], { timeoutMs: 30_000, signal });
        return passed('commands run inside');
      },
    },
    { what: 'systemd', look: (signal) => failedUnits(host, signal) },
    ...(guest.containers === undefined ? [] : [engine(host, name, guest.containers.engine)]),
    ...(guest.deploy === undefined ? [] : [deployLogin(deps, fleet, name)]),
  ];
}

async function instance(member: Host, name: string, guest: Guest, signal: AbortSignal): Promise<Found> {
  const listed = await createIncus(member, { signal }).instances({ project: guest.project });
  if (listed.type !== 'instances') throw toolFailure('incus list', listed);
  const found = listed.instances.find((candidate) => candidate.name === name);
  if (!found)
    return failed(
      `no instance of this name in project ${guest.project}`,
      'incus list --all-projects shows what there is.',
    );
  if (found.location !== guest.member)
    return failed(`on ${found.location}, not on ${guest.member}`, 'Correct its member in runbook.yaml, or move it.');
  if (found.status === 'Running') return passed('Running');
  return { ...warning(found.status, startInstance(name, guest.project)), last: true };
}

function engine(host: Host, guest: string, program: string): MachineCheck {
  return {
    what: program,
    look: async (signal) => {
      const version = await programVersion(host, [program, '--version'], { signal });
      return version.type === 'version'
        ? passed(version.line)
        : failed('is not there', `Install ${program} in ${guest}, or correct containers.engine.`);
    },
  };
}

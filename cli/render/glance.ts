import type { FleetGlance } from '../../plan/glance.ts';
import { count } from './units.ts';

/** A machine, or the cluster, that needs a person: what is wrong with it, and the command that tells more. */
interface Trouble {
  what: string;
  command: string;
}

/** For the first line: `3 members Online, Incus 6.0.4`, `2 of 3 guests running`. Pure. */
export function glanceFacts({ members, guests, problem }: FleetGlance): string[] {
  if (problem !== undefined) return [count(members.length, 'member'), count(guests.length, 'guest')];
  const versions = versionsOf(members);
  const incus = versions.length === 0 ? '' : `, Incus ${versions.join(' and ')}`;
  const online = members.filter(isOnline).length;
  const running = guests.filter(isRunning).length;
  return [
    `${share(online, members.length, 'member')} Online${incus}`,
    ...(guests.length === 0 ? [] : [`${share(running, guests.length, 'guest')} running`]),
  ];
}

/** What is not as it should be, for lines of their own. Where the cluster told nothing, what it would have told is no trouble. */
export function glanceTroubles({ members, guests, problem }: FleetGlance): Trouble[] {
  const versions = versionsOf(members);
  const doctor = (name: string): string => `runbook doctor --node ${name}`;
  return [
    ...(problem === undefined ? [] : [{ what: `the cluster was not seen: ${problem}`, command: 'runbook doctor' }]),
    ...(versions.length < 2
      ? []
      : [{ what: 'members run different versions of Incus', command: 'runbook plan cluster-upgrade' }]),
    ...members
      .filter((member) => member.problem !== undefined || (problem === undefined && !isOnline(member)))
      .map(({ name, status = 'not in the cluster', problem: own }) => ({
        what: [name, ...(problem === undefined ? [status] : []), ...(own === undefined ? [] : [own])].join('   '),
        command: doctor(name),
      })),
    ...guests
      .filter((guest) => problem === undefined && !isRunning(guest))
      .map(({ name, status = 'no such instance' }) => ({ what: `${name}   ${status}`, command: doctor(name) })),
  ];
}

const isOnline = ({ status }: { status?: string }): boolean => status === 'Online';
const isRunning = ({ status }: { status?: string }): boolean => status === 'Running';

const versionsOf = (members: FleetGlance['members']): string[] => [
  ...new Set(members.flatMap(({ incusVersion }) => incusVersion ?? [])),
];

const share = (some: number, all: number, what: string): string =>
  some === all ? count(all, what) : `${some} of ${count(all, what)}`;

import { findNode, describeUnknownNode } from '../fleet/names.ts';
import type { Fleet, Guest } from '../fleet/schema.ts';
import { guestOrder, type RollingInput } from '../plan/order.ts';
import type { UpgradeScope, UpgradeTarget } from '../plan/safe-upgrade.ts';
import { failure } from './failure.ts';

/** What an upgrade of this node is about. Fails as BadConfig for a name that the fleet file does not have. */
export function scopeOf(fleet: Fleet, name: string): UpgradeScope {
  const found = findNode(fleet, name);
  const policy = fleet.policies.upgrade;
  switch (found.type) {
    case 'unknown':
      throw failure('BadConfig', describeUnknownNode(found, 'runbook.yaml'));
    case 'guest': {
      const targets = [guestTarget(name, found.guest)];
      return { node: name, kind: 'guest', member: found.guest.member, targets, policy };
    }
    case 'member': {
      const guests = Object.entries(fleet.guests)
        .filter(([, guest]) => guest.member === name)
        .map(([guestName, { dependsOn }]) => ({ name: guestName, dependsOn }));
      const targets = guestOrder(guests).flatMap((guest) => {
        const settings = fleet.guests[guest];
        return settings ? [guestTarget(guest, settings)] : [];
      });
      const { probes } = found.member;
      const host: UpgradeTarget = {
        node: name,
        kind: 'member',
        deploys: true,
        containers: false,
        probes: probes.length,
        snapshotRollback: 'never',
        project: '',
      };
      return { node: name, kind: 'member', member: name, targets: [host, ...targets], policy };
    }
  }
}

function guestTarget(node: string, { deploy, containers, probes, rollback, project }: Guest): UpgradeTarget {
  return {
    node,
    kind: 'guest',
    deploys: deploy !== undefined,
    containers: containers !== undefined,
    ...(containers && { containerNote: containerNote(containers) }),
    probes: probes.length,
    snapshotRollback: rollback.snapshot,
    project,
  };
}

function containerNote(containers: NonNullable<Guest['containers']>): string {
  return containers.type === 'compose'
    ? `those of ${containers.file}`
    : containers.units.map(({ container }) => container).join(', ');
}

export function rollingInput(fleet: Fleet): RollingInput {
  const { guest, member } = fleet.orchestrator;
  const orchestrator = member ?? (guest === undefined ? undefined : fleet.guests[guest]?.member);
  return {
    members: Object.keys(fleet.members),
    guests: Object.entries(fleet.guests).map(([name, { member, dependsOn }]) => ({ name, member, dependsOn })),
    ...(orchestrator === undefined ? {} : { orchestrator }),
  };
}

/** The deploy-rs node and profile of a member or guest. */
export function deployTargetOf(fleet: Fleet, name: string): { node: string; profile: string } {
  const found = findNode(fleet, name);
  if (found.type === 'member') return found.member.deploy ?? { node: name, profile: 'system' };
  if (found.type === 'guest' && found.guest.deploy) return found.guest.deploy;
  throw failure('BadConfig', `Nothing is declared to be deployed to ${name} (guests.${name}.deploy in runbook.yaml).`);
}

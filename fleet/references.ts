import { findCycles } from './cycles.ts';
import { checkBackups } from './backup-references.ts';
import { checkCluster } from './cluster-references.ts';
import { field, items, text } from './loose.ts';
import type { Mistake, Path } from './mistake.ts';
import { atKey, wrong } from './mistake.ts';
import type { Node, Nodes } from './nodes.ts';
import { nodesOf, unknownNode } from './nodes.ts';
import { checkNotifications } from './notification-references.ts';
import { checkSchedules } from './schedule-references.ts';
import {
  checkOwnAddresses,
  checkOwnFlakeNodes,
  checkOwnUnits,
  checkOwnVolumes,
  checkSharedVolumes,
} from './uniqueness.ts';
import { quote } from './visible.ts';

/**
 * What one entry of a fleet file says about another. It works on data of any shape, so that these mistakes are
 * shown together with those of the schema. `now`: what comes within a year is warned of.
 */
export const checkReferences = (file: unknown, now?: number): Mistake[] => {
  const nodes = {
    members: nodesOf(file, 'members'),
    guests: nodesOf(file, 'guests'),
    backupHosts: nodesOf(file, 'backupHosts'),
  };
  return [
    ...checkMembers(nodes),
    ...[...nodes.guests.values()].flatMap((guest) => checkGuest(guest, nodes)),
    ...checkCycles(nodes),
    ...checkOwnAddresses(nodes),
    ...checkOwnFlakeNodes(nodes),
    ...checkSharedVolumes(nodes),
    ...checkOrchestrator(file, nodes),
    ...checkBackups(file, nodes),
    ...checkCluster(file, nodes),
    ...checkSchedules(file, nodes, now),
    ...checkNotifications(file),
  ];
};

const checkMembers = ({ members }: Nodes): Mistake[] =>
  [...members.values()].flatMap(({ value, path }) =>
    items(field(value, 'probes')).flatMap((probe, index) => checkMemberProbe(probe, [...path, 'probes', index])),
  );

const checkMemberProbe = (probe: unknown, path: Path): Mistake[] => [
  ...(field(probe, 'from') === 'guest'
    ? [wrong([...path, 'from'], 'worker or member for a member’s probe', '"guest"')]
    : []),
  ...(field(probe, 'type') === 'incus'
    ? [wrong([...path, 'type'], 'a probe of the member itself', '"incus"', 'Incus has a state for guests only.')]
    : []),
];

const checkGuest = ({ name, value, path }: Node, { members, guests }: Nodes): Mistake[] => [
  ...(members.has(name)
    ? [atKey(wrong(path, 'a name that no member has', quote(name), '--node takes the name of either.'))]
    : []),
  ...unknownNode(field(value, 'member'), [...path, 'member'], members, 'member'),
  ...items(field(value, 'dependsOn')).flatMap((other, index) =>
    unknownNode(other, [...path, 'dependsOn', index], guests, 'guest'),
  ),
  ...checkDeployAddress(value, path),
  ...checkOwnVolumes(value, path),
  ...checkOwnUnits(value, path),
];

const checkDeployAddress = (guest: unknown, path: Path): Mistake[] => {
  if (field(guest, 'deploy') === undefined || field(guest, 'address') !== undefined) return [];
  const help = 'deploy-rs reaches the guest over ssh.';
  return [atKey(wrong(path, `address in ${String(path.at(-1))}, since it has deploy`, 'nothing', help))];
};

const checkCycles = ({ guests }: Nodes): Mistake[] => {
  const dependencies = new Map(
    Array.from(guests.values(), ({ name, value }) => [
      name,
      items(field(value, 'dependsOn')).flatMap((other, index) => {
        const to = text(other);
        return to === undefined ? [] : [{ to, index }];
      }),
    ]),
  );
  return findCycles(dependencies).map(({ from, index, cycle }) =>
    wrong(['guests', from, 'dependsOn', index], 'dependencies without a circle', cycle.join(' → ')),
  );
};

const checkOrchestrator = (file: unknown, { members, guests }: Nodes): Mistake[] => {
  const orchestrator = field(file, 'orchestrator');
  const [guest, member] = [field(orchestrator, 'guest'), field(orchestrator, 'member')];
  const isBoth = guest !== undefined && member !== undefined;
  return [
    ...unknownNode(guest, ['orchestrator', 'guest'], guests, 'guest'),
    ...unknownNode(member, ['orchestrator', 'member'], members, 'member'),
    ...(isBoth
      ? [
          atKey(
            wrong(['orchestrator', 'member'], 'either guest or member', 'both', 'Name the guest; its member is known.'),
          ),
        ]
      : []),
  ];
};

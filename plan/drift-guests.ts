import {
  doctorFor,
  isProblem,
  unknownRow,
  type ClusterSeen,
  type DriftGuest,
  type DriftRow,
  type DriftScope,
  type SeenInstance,
} from './drift-seen.ts';

/** Guests that are not there, not where they should be or not running, and instances that nobody has declared. Pure. */
export function guestRows(scope: DriftScope, { instances, members, onTheirWay = {} }: ClusterSeen): DriftRow[] {
  if (isProblem(instances)) return [unknownRow('guests', 'cluster', instances)];
  const evacuated = isProblem(members)
    ? []
    : members.flatMap(({ name, status }) => (status === 'Evacuated' ? [name] : []));
  return [
    ...scope.guests.flatMap((guest) => {
      const found = instances.find((each) => isThat(guest, each));
      return found === undefined
        ? [notThere(scope, guest, onTheirWay[guest.member])]
        : declaredRows(guest, found, evacuated);
    }),
    ...instances.filter((each) => isInScope(scope, each) && !isDeclared(scope, each)).map(undeclared),
  ];
}

const isThat = (
  { name, project }: { name: string; project: string },
  other: { name: string; project: string },
): boolean => name === other.name && project === other.project;

const isDeclared = ({ guests, elsewhere }: DriftScope, { name, project }: SeenInstance): boolean =>
  elsewhere.includes(`${project}/${name}`) || guests.some((guest) => isThat(guest, { name, project }));

/** Of one member only what is on it; of a guest nothing beside it. */
export const isInScope = ({ node, members }: DriftScope, { location }: { location: string }): boolean =>
  node === undefined || members.includes(location);

/** As Incus takes it: in the project `default` without a word. */
export const inProject = (project: string): string => (project === 'default' ? '' : ` --project ${project}`);

/** Terraform would make an empty volume in the place of data that are about to come back. */
function notThere({ infra }: DriftScope, { name, member }: DriftGuest, onItsWay: string | undefined): DriftRow {
  const row = { kind: 'guest', subject: name, where: member, declared: `on ${member}`, found: 'not there' } as const;
  if (onItsWay !== undefined) return { ...row, whatToDo: `${onItsWay} runbook start node-rejoin --node ${member}` };
  return {
    ...row,
    whatToDo: infra.includes(member)
      ? `runbook start infra-apply --node ${member}`
      : 'Make it, or take it out of guests in runbook.yaml.',
  };
}

const undeclared = ({ name, project, location, status }: SeenInstance): DriftRow => ({
  ...{ kind: 'guest', subject: name, where: location, declared: 'no such guest', found: status },
  whatToDo: `Declare it in guests of runbook.yaml, or see whose it is: incus config show ${name}${inProject(project)}`,
});

function declaredRows(guest: DriftGuest, found: SeenInstance, evacuated: readonly string[]): DriftRow[] {
  const { name, project, member } = guest;
  const of = inProject(project);
  const row = (declared: string, is: string, whatToDo: string): DriftRow => ({
    ...{ kind: 'guest', subject: name, where: found.location, declared, found: is, whatToDo },
  });
  const rows: DriftRow[] = [];
  if (found.location !== member)
    rows.push(
      row(
        `on ${member}`,
        `on ${found.location}`,
        `Declare it there, or stop it and move it with its volumes: incus move ${name} --target ${member}${of}`,
      ),
    );
  if (found.type !== guest.type)
    rows.push(row(guest.type, found.type, `Correct guests.${name}.type in runbook.yaml, or make it anew.`));
  if (found.status === 'Error')
    return [
      ...rows,
      unknownRow(name, found.location, {
        message: `Incus on ${found.location} does not answer`,
        whatToDo: doctorFor(found.location),
      }),
    ];
  // An evacuation stops guests, and its end starts them.
  if (found.status !== 'Running' && !evacuated.includes(found.location))
    rows.push(row('Running', found.status, `incus ${found.status === 'Frozen' ? 'resume' : 'start'} ${name}${of}`));
  const isAttached = (volume: DriftGuest['volumes'][number]): boolean =>
    found.volumes.some(({ pool, name: other }) => pool === volume.pool && other === volume.name);
  for (const volume of guest.volumes.filter((each) => !isAttached(each)))
    rows.push(
      row(
        `volume ${volume.pool}/${volume.name} attached`,
        'not attached',
        `Attach it, or take it out of guests.${name}.volumes in runbook.yaml: incus config device list ${name}${of}`,
      ),
    );
  return rows;
}

import { findNode } from '../fleet/names.ts';
import type { Fleet, Guest, GuestCreation, IncusCreation } from '../fleet/schema.ts';
import type { RecreateObservation, RecreateScope } from '../plan/recreate.ts';
import type { SopsConfig } from '../plan/sops-config.ts';
import { atOnce } from '../tools/at-once.ts';
import { createIncus, type Incus } from '../tools/incus.ts';
import type { InstanceRecord } from '../tools/incus-recreate.ts';
import type { GuestRef } from './contract.ts';
import type { Deps } from './deps.ts';
import { expecting } from './expecting.ts';
import { failure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import { orProblem } from './identity-places.ts';
import { infraOf } from './infra-scope.ts';
import { lookAtFiles, lookAtKey, lookAtRemote, rotationScope } from './observe-rotation.ts';
import { orchestratorHere } from './orchestrator.ts';
import { fleetFileAt, keyIn } from './reencrypt.ts';
import { scopeOf } from './scope.ts';

/** Fails as BadConfig where it is not declared what the guest is made from. */
export function guestToCreate(fleet: Fleet, name: string): { guest: Guest; create: GuestCreation } {
  const found = findNode(fleet, name);
  if (found.type !== 'guest') throw failure('BadConfig', `runbook.yaml has no guest ${JSON.stringify(name)}.`);
  const { guest } = found;
  if (guest.create === undefined)
    throw failure(
      'BadConfig',
      `runbook.yaml does not say what ${name} is made from: guests.${name}.create (docs/vm-recreate.md).`,
    );
  return { guest, create: guest.create };
}

/** Of a guest that Incus itself makes. */
export function createdByIncus(fleet: Fleet, name: string): { guest: Guest; create: IncusCreation } {
  const { guest, create } = guestToCreate(fleet, name);
  if (create.type === 'incus') return { guest, create };
  throw failure('BadConfig', `runbook.yaml says that Terraform makes ${name}: Incus itself does not.`);
}

/** Fails as BadConfig also for a guest that nothing is deployed into. */
export function recreateScope(fleet: Fleet, name: string, keepOld: string): RecreateScope {
  const { guest, create } = guestToCreate(fleet, name);
  const { project, type, volumes, ssh } = guest;
  return {
    ...rotationScope(fleet, name),
    ...{ project, type, volumes, keepOld, hasHostKey: ssh.hostKey !== undefined },
    ...originOf(fleet, guest, create),
  };
}

function originOf(
  fleet: Fleet,
  { member, volumes }: Guest,
  create: GuestCreation,
): Pick<RecreateScope, 'image' | 'unattached' | 'terraform'> {
  if (create.type === 'incus') {
    const devices = Object.values(create.devices);
    const isAttached = (volume: Guest['volumes'][number]): boolean =>
      devices.some(({ type, pool, source }) => type === 'disk' && pool === volume.pool && source === volume.name);
    return { image: create.image, unattached: volumes.filter((volume) => !isAttached(volume)) };
  }
  const { address } = create;
  const { program, dir } = infraOf(fleet);
  const folder = `${dir}/${member}`;
  const needsTarget = Object.keys(fleet.members).length > 1;
  return { image: `${folder}, ${address}`, unattached: [], terraform: { address, folder, program, needsTarget } };
}

/** The clone, the files, the old guest, its volumes. Changes nothing; what cannot be had is part of the answer. */
export async function observeRecreate(
  deps: Deps,
  input: GuestRef,
  context: ActivityContext,
): Promise<RecreateObservation> {
  const fleet = await deps.fleetAt(input.fleet);
  const { guest } = guestToCreate(fleet, input.guest);
  const { signal } = context;
  const incus = createIncus(deps.machines.member(fleet, guest.member), { signal });
  const scope = rotationScope(fleet, input.guest);
  const [head, uncommitted, remote, instance, volumes, here] = await atOnce(
    deps.head(),
    deps.uncommitted(),
    lookAtRemote(deps, input, scope, signal),
    orProblem(() => lookAtInstance(deps, fleet, guest, input, context), signal),
    orProblem(() => lookAtVolumes(incus, guest, input.guest), signal),
    orchestratorHere(deps, fleet, scopeOf(fleet, input.guest), context),
  );
  const { content } = await fleetFileAt(deps, input.fleet.revision, signal);
  const problem = 'problem' in instance ? instance.problem : 'problem' in volumes ? volumes.problem : undefined;
  const keys = 'problem' in instance ? [] : instance.keys;
  return {
    head: head.revision,
    hostKeyPlaces: content.split(keyIn(guest.ssh.hostKey ?? '-')).length - 1,
    uncommitted,
    ...(remote === undefined ? {} : { remote }),
    ...(here === undefined ? {} : { orchestratorHere: here }),
    ...(problem === undefined ? {} : { instanceProblem: problem }),
    ...('problem' in instance ? {} : instance),
    ...('problem' in volumes ? { missing: [], inUse: [] } : volumes),
    keys,
    ...(await lookAtFiles(deps, fleet, input, (config) => namedIn(config, input.guest, keys), context)),
  };
}

/** What a guest that runs says of itself; of one that does not, what the rules call its own. */
function namedIn({ rules, names }: SopsConfig, guest: string, keys: readonly string[]): string[] {
  const all = [...new Set(rules.flatMap(({ recipients }) => recipients))];
  const own = all.filter((key) => keys.includes(key));
  return own.length > 0 ? own : all.filter((key) => names[key] === guest);
}

async function lookAtInstance(
  deps: Deps,
  fleet: Fleet,
  { member, project }: Guest,
  input: GuestRef,
  { signal }: ActivityContext,
): Promise<Pick<RecreateObservation, 'keys' | 'keyProblem'> & { old: NonNullable<RecreateObservation['old']> }> {
  const incus = createIncus(deps.machines.member(fleet, member), { signal });
  const answer = await incus.instanceRecord(project, input.guest);
  if (answer.type === 'not found')
    return { old: { state: 'gone', status: 'gone', location: member, volumes: [], inherited: [] }, keys: [] };
  const { record } = expecting(answer, 'instance record', member);
  const own = attachedIn(record.devices);
  const volumes = attachedIn(record.expanded_devices);
  const inherited = volumes.filter(({ pool, name }) => !own.some((each) => each.pool === pool && each.name === name));
  const found = { status: record.status, location: record.location === 'none' ? member : record.location };
  const { keys, keyProblem } =
    record.status === 'Running'
      ? await lookAtKey(deps, fleet, input, signal)
      : { keys: [], keyProblem: `it is ${record.status}` };
  const state = keyProblem === undefined ? 'alive' : 'dead';
  const old = {
    state,
    ...found,
    volumes,
    inherited,
    ...(record.ephemeral ? { isEphemeral: true as const } : {}),
  } as const;
  return { old, keys, ...(keyProblem === undefined ? {} : { keyProblem }) };
}

const attachedIn = (devices: InstanceRecord['devices']): { pool: string; name: string }[] =>
  Object.values(devices).flatMap(({ type, pool, source }) =>
    type === 'disk' && pool !== undefined && source !== undefined ? [{ pool, name: source }] : [],
  );

async function lookAtVolumes(
  incus: Incus,
  { member, project, volumes }: Guest,
  guest: string,
): Promise<Pick<RecreateObservation, 'missing' | 'inUse'>> {
  const { instances } = expecting(await incus.instances(), 'instances', member);
  const missing: RecreateObservation['missing'] = [];
  for (const volume of volumes) {
    const known = expecting(await incus.volumes(volume.pool, { project }), 'volumes', member);
    const isThere = known.volumes.some(
      ({ name, location }) => name === volume.name && (location === member || location === 'none'),
    );
    if (!isThere) missing.push(volume);
  }
  const inUse = instances
    .filter((each) => each.location === member && !(each.name === guest && each.project === project))
    .flatMap(({ name: by, volumes: theirs }) =>
      theirs
        .filter(({ pool, name }) => volumes.some((own) => own.pool === pool && own.name === name))
        .map(({ pool, name }) => ({ pool, name, by })),
    );
  return { missing, inUse };
}

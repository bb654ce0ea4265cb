import { posix } from 'node:path';
import { findNode, describeUnknownNode } from '../fleet/names.ts';
import type { Fleet } from '../fleet/schema.ts';
import type { DriftGuest, DriftScope } from '../plan/drift-seen.ts';
import { isSecretFile, secretFileFacts } from '../plan/secret-facts.ts';
import type { SecretsFacts } from '../plan/secrets.ts';
import { ruleFor } from '../plan/sops-config.ts';
import { createGit } from '../tools/git.ts';
import type { FleetRef } from '../workflows/messages.ts';
import type { DriftActivities } from './contract.ts';
import type { Deps } from './deps.ts';
import { failure, toolFailure } from './failure.ts';
import { guarded, type ActivityContext } from './guard.ts';
import { infraNodes } from './infra-scope.ts';
import { observeCluster } from './observe-drift.ts';
import { formationScope } from './observe-formation.ts';
import { orTypedProblem } from './or-problem.ts';
import { secretsAt } from './secrets-at.ts';
import { readSystemState } from './system-state.ts';

/** Looking, and nothing else. What cannot be had is part of the answer. */
export function createDriftActivities(deps: Deps): DriftActivities {
  return {
    resolveDrift: guarded((input, context) => resolveDrift(deps, input, context)),
    observeCluster: guarded((input, context) => observeCluster(deps, input, context)),
    observeSystem: guarded(async (ref, context) => {
      const answer = await orTypedProblem(() => readSystemState(deps, ref, context), context.signal);
      return answer.type === 'value' ? answer.value : answer.problem;
    }),
    observeSecrets: guarded((ref, { signal }) => observeSecrets(deps, ref, signal)),
  };
}

async function resolveDrift(
  deps: Deps,
  { fleet: ref, node }: { fleet: FleetRef; node?: string },
  { signal }: ActivityContext,
): Promise<DriftScope> {
  const fleet = await deps.fleetAt(ref);
  const { members, isMeant } = looked(fleet, node);
  const all = Object.entries(fleet.guests).map(([name, guest]) => guestOf(fleet, name, guest));
  const guests = all.filter(({ name, member }) => isMeant(name, member));
  const folders = fleet.infra === undefined ? [] : await infraNodes(deps, ref);
  return {
    ...(node === undefined ? {} : { node }),
    members,
    guests,
    elsewhere: all
      .filter(({ name, member }) => !isMeant(name, member))
      .map(({ name, project }) => `${project}/${name}`),
    systems: [...members, ...guests.flatMap(({ name }) => (fleet.guests[name]?.deploy === undefined ? [] : [name]))],
    infra: members.filter((name) => folders.includes(name)),
    ...(node === undefined && fleet.cluster !== undefined ? { formation: formationScope(fleet) } : {}),
    snapshots: fleet.policies.snapshots,
    secrets: await hasSecrets(deps, fleet, ref, signal),
  };
}

/** Of a member also the guests on it; of a guest only that. */
function looked(
  fleet: Fleet,
  node: string | undefined,
): { members: string[]; isMeant: (guest: string, member: string) => boolean } {
  if (node === undefined) return { members: Object.keys(fleet.members), isMeant: () => true };
  const found = findNode(fleet, node);
  switch (found.type) {
    case 'unknown':
      throw failure('BadConfig', describeUnknownNode(found, 'runbook.yaml'));
    case 'guest':
      return { members: [], isMeant: (guest) => guest === node };
    case 'member':
      return { members: [node], isMeant: (_, member) => member === node };
  }
}

const guestOf = (
  fleet: Fleet,
  name: string,
  { project, member, type, volumes, snapshots }: Fleet['guests'][string],
): DriftGuest => ({
  ...{ name, project, member, type, volumes },
  snapshots: { ...fleet.policies.snapshots, ...snapshots },
});

/** A fleet without any has no rules either. */
async function hasSecrets(
  { local, repository }: Deps,
  { secrets, guests }: Fleet,
  { revision }: FleetRef,
  signal: AbortSignal,
): Promise<boolean> {
  if (Object.values(guests).some((guest) => guest.secrets.length > 0)) return true;
  const { root, dir } = await repository();
  const rules = await createGit(local, { signal }).readFileAt(root, revision, posix.join(dir, secrets.config));
  if (rules.type === 'unexpected') throw toolFailure(`Reading ${secrets.config}`, rules);
  return rules.type === 'file';
}

/** As `runbook secrets status` looks at the work tree. */
async function observeSecrets(
  deps: Deps,
  { fleet: ref }: { fleet: FleetRef },
  signal: AbortSignal,
): Promise<SecretsFacts> {
  const fleet = await deps.fleetAt(ref);
  const at = await secretsAt(deps, fleet, ref.revision, signal);
  const { config } = fleet.secrets;
  const own = Object.fromEntries(Object.entries(fleet.guests).map(([name, { secrets }]) => [name, secrets]));
  const declared = Object.values(own).flat();
  const files = [];
  for (const path of await at.paths()) {
    const rule = ruleFor(at.config, posix.relative(posix.dirname(config), path));
    const facts = secretFileFacts(path, await at.textOf(path), rule);
    if (isSecretFile(facts, declared.includes(path))) files.push(facts);
  }
  return { config, names: at.config.names, files, guests: own };
}

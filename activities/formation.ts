import { isIPv6 } from 'node:net';
import type { ClusterDeclaration, Fleet } from '../fleet/schema.ts';
import type { Host } from '../hosts/host.ts';
import { sourceOf } from '../plan/formation.ts';
import { isBlank } from '../plan/formation-drift.ts';
import { hasSetting } from '../plan/incus-defaults.ts';
import { createIncus, type Incus } from '../tools/incus.ts';
import type { FormationActivities, RunRef } from './contract.ts';
import { unlessSomebodyIsAway } from './away.ts';
import type { Deps } from './deps.ts';
import { expecting } from './expecting.ts';
import { failure, toolFailure } from './failure.ts';
import { guarded, type ActivityContext } from './guard.ts';
import { isMember, joinCluster, unverified } from './join-cluster.ts';
import { removeMark, setMark } from './join-mark.ts';
import { formationScope, observeFormation } from './observe-formation.ts';
import { settleRoles } from './settle-roles.ts';

/** From servers of their own to one cluster: each looks, acts, looks again. */
export function createFormationActivities(deps: Deps): FormationActivities {
  const open = async ({ fleet: ref }: RunRef, name: string, { signal }: ActivityContext): Promise<Opened> => {
    const fleet = await deps.fleetAt(ref);
    const { cluster } = formationScope(fleet);
    const incusOf = (member: string): Incus => createIncus(deps.machines.member(fleet, member), { signal });
    return { fleet, cluster, incusOf, incus: incusOf(name), host: deps.machines.member(fleet, name) };
  };

  /** A change of the whole cluster, asked of one of its members. */
  const changing = <In extends RunRef & { via: string }, Out>(
    work: (input: In, opened: Opened, context: ActivityContext) => Promise<Out>,
  ): ((input: In) => Promise<Out>) =>
    guarded(async (input, context) => {
      const opened = await open(input, input.via, context);
      const { incusOf } = opened;
      return unlessSomebodyIsAway({ via: input.via, incusOf }, () => work(input, opened, context));
    });

  return {
    resolveFormation: guarded(async ({ fleet }) => formationScope(await deps.fleetAt(fleet))),
    observeFormation: guarded((input, context) => observeFormation(deps, input, context)),

    listenForCluster: guarded(async ({ member, ...run }, context) => {
      const { fleet, cluster, incus } = await open(run, member, context);
      const wanted = listenAddress(fleet, cluster, member);
      const look = async (): Promise<boolean> =>
        expecting(await incus.identity(), 'identity', member).config['core.https_address'] === wanted;
      if (await look()) return 'already';
      expecting(await incus.setConfig({ 'core.https_address': wanted }), 'set', member);
      return (await look()) ? 'done' : unverified(`${member} to listen on ${wanted}`);
    }),

    createPool: guarded(async ({ member, pool, ...run }, context) => {
      const { cluster, incus } = await open(run, member, context);
      const declared = cluster.pools[pool];
      if (declared === undefined) throw failure('BadConfig', `runbook.yaml declares no pool ${pool}.`);
      const wanted = { name: pool, driver: declared.type, source: sourceOf(declared) };
      const look = async (): Promise<boolean> => {
        const { pools } = expecting(await incus.storagePools(), 'storage pools', member);
        const found = pools.find(({ name }) => name === pool);
        if (found === undefined) return false;
        const source = found.config['source'] ?? '';
        if (found.driver === wanted.driver && source === wanted.source && found.status === 'Created') return true;
        throw failure('Unexpected', `Pool ${pool} of ${member} is ${found.driver} at ${source}, ${found.status}.`);
      };
      if (await look()) return 'already';
      const answer = await incus.createStoragePool(wanted);
      if (answer.type !== 'created' && answer.type !== 'already there') throw toolFailure(`Pool ${pool}`, answer);
      return (await look()) ? 'done' : unverified(`pool ${pool} on ${member}`);
    }),

    createManagedNetwork: guarded(async ({ member, network, ...run }, context) => {
      const { cluster, incus } = await open(run, member, context);
      const declared = cluster.networks[network];
      if (declared === undefined) throw failure('BadConfig', `runbook.yaml declares no network ${network}.`);
      const look = async (): Promise<boolean> =>
        expecting(await incus.networks(), 'networks', member).networks.some(({ name }) => name === network);
      if (await look()) return 'already';
      const answer = await incus.createNetwork({ name: network, ...declared });
      if (answer.type !== 'created' && answer.type !== 'already there') throw toolFailure(`Network ${network}`, answer);
      return (await look()) ? 'done' : unverified(`network ${network} on ${member}`);
    }),

    formCluster: guarded(async ({ member, ...run }, context) => {
      const { incus, host } = await open(run, member, context);
      const look = async (): Promise<boolean> => isMember(await incus.identity(), member);
      if (await look()) return 'already';
      await setMark(host, 'untried', run.name, context.signal);
      expecting(await incus.enableClustering(member), 'enabled', member);
      return (await look()) ? 'done' : unverified(`${member} to be a cluster of one`);
    }),

    joinCluster: guarded(async (input, context) => {
      const { member, via, name: runName } = input;
      const { fleet, cluster, incus, incusOf, host } = await open(input, member, context);
      const address = listenAddress(fleet, cluster, member);
      await setMark(host, 'untried', runName, context.signal);
      const joining = { member, via, runName, host, incus, first: incusOf(via), cluster, address };
      return unlessSomebodyIsAway({ via, besides: [member], incusOf }, () => joinCluster(joining, context));
    }),

    setClusterConfig: changing(async ({ via, keys }, { cluster, incus }) => {
      const wanted = Object.fromEntries(
        keys.flatMap((key) => (key in cluster.config ? [[key, cluster.config[key] ?? '']] : [])),
      );
      const look = async () => expecting(await incus.identity(), 'identity', via).config;
      const isSo = (config: Readonly<Record<string, string>>): boolean =>
        Object.entries(wanted).every(([key, value]) => hasSetting(config, key, value));
      const config = await look();
      if (isSo(config)) return 'already';
      // A change that Incus 6.0.4 refuses takes the addresses of the server that was asked, unless they are sent along.
      expecting(await incus.setConfig({ ...addressesIn(config), ...wanted }), 'set', via);
      return isSo(await look()) ? 'done' : unverified(`${keys.join(', ')} of the cluster`);
    }),

    setProfile: changing(async ({ via, profile }, { cluster, incus }) => {
      const declared = cluster.profiles[profile];
      if (declared === undefined) throw failure('BadConfig', `runbook.yaml declares no profile ${profile}.`);
      const look = async () =>
        expecting(await incus.profiles(), 'profiles', via).profiles.find(({ name }) => name === profile);
      const found = await look();
      // One that somebody has filled is theirs.
      if (found !== undefined && !isBlank(found)) return 'already';
      const wanted = { name: profile, ...declared };
      if (found === undefined) {
        const answer = await incus.createProfile(wanted);
        if (answer.type !== 'created' && answer.type !== 'already there')
          throw toolFailure(`Profile ${profile}`, answer);
      } else expecting(await incus.replaceProfile(wanted), 'replaced', via);
      return (await look()) === undefined ? unverified(`profile ${profile}`) : 'done';
    }),

    setGroup: changing(async ({ via, group }, { cluster, incus }) => {
      const declared = cluster.groups[group];
      if (declared === undefined) throw failure('BadConfig', `runbook.yaml declares no group ${group}.`);
      const find = async () => expecting(await incus.groups(), 'groups', via).groups.find(({ name }) => name === group);
      const isComplete = (found: { members: string[] } | undefined): boolean =>
        declared.members.every((member) => found?.members.includes(member));
      const found = await find();
      if (isComplete(found)) return 'already';
      if (found === undefined) {
        const answer = await incus.createGroup({ name: group, ...declared });
        if (answer.type !== 'created' && answer.type !== 'already there') throw toolFailure(`Group ${group}`, answer);
      } else {
        const members = [...new Set([...found.members, ...declared.members])];
        expecting(await incus.replaceGroup({ ...found, members }), 'replaced', via);
      }
      return isComplete(await find()) ? 'done' : unverified(`group ${group} with ${declared.members.join(', ')}`);
    }),

    tryMember: changing(async ({ fleet, member, via, instance }, { cluster, incus }, context) => {
      const [pool = ''] = Object.keys(cluster.pools);
      // Named after the run: what an attempt that was killed has left is this run's own.
      await removeTrial(incus, instance);
      try {
        context.report({ progress: `${cluster.trialImage} on ${member}` });
        const answer = await incus.launch({ image: cluster.trialImage, name: instance, member, pool });
        if (answer.type === 'already there') throw failure('Busy', `${instance} is there, and was not a moment ago.`);
        if (answer.type !== 'launched') throw toolFailure(`Launching ${cluster.trialImage} on ${member}`, answer);
        const { instances } = expecting(await incus.instances({ project: 'default' }), 'instances', via);
        const found = instances.find(({ name }) => name === instance);
        if (found?.status !== 'Running' || found.location !== member)
          throw failure(
            'Unhealthy',
            `The container launched on ${member} is ${found?.status ?? 'not there'} on ${found?.location ?? 'no member'}.`,
          );
      } finally {
        if (!context.signal.aborted) await removeTrial(incus, instance);
      }
      const host = deps.machines.member(await deps.fleetAt(fleet), member);
      await removeMark(host, 'untried', context.signal);
    }),

    settleRoles: changing(({ via }, { incus }, context) => settleRoles(incus, via, context)),
  };
}

interface Opened {
  fleet: Fleet;
  cluster: ClusterDeclaration;
  host: Host;
  incus: Incus;
  /** Of any other member. */
  incusOf: (member: string) => Incus;
}

/** `10.0.0.12:8443`, `[fd00::2]:8443` */
function listenAddress(fleet: Fleet, { port }: ClusterDeclaration, member: string): string {
  const address = fleet.members[member]?.address ?? '';
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
}

const addressesIn = (config: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(config).filter(([key]) => /^(?:core|cluster)\.https_address$/.test(key)));

async function removeTrial(incus: Incus, instance: string): Promise<void> {
  const removed = await incus.deleteInstance(instance);
  if (removed.type !== 'deleted' && removed.type !== 'none') throw toolFailure(`Deleting ${instance}`, removed);
}

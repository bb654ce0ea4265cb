import { setTimeout as delay } from 'node:timers/promises';
import { recordsOf, isDead } from '../plan/member-removal.ts';
import { createIncus, type Incus } from '../tools/incus.ts';
import type { RemovalActivities } from './contract.ts';
import type { Deps } from './deps.ts';
import { expecting } from './expecting.ts';
import { failure, toolFailure } from './failure.ts';
import { guarded } from './guard.ts';
import { lookForLife, observeRemoval, placesOf, recordsOn, removalScope } from './observe-removal.ts';
import { unlessAway } from './unless-away.ts';

/** Its daemon begins anew with an empty database, within a second in namespaces. */
const OWN_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 1_000;
const SHOWN = 6;

/** A member leaves the cluster, or is forgotten by it: each looks, acts, looks again. */
export function createRemovalActivities(deps: Deps): RemovalActivities {
  const open = async (
    { fleet: ref, member, via }: { fleet: { revision: string }; member: string; via: string },
    signal: AbortSignal,
  ) => {
    const fleet = await deps.fleetAt(ref);
    const viaHost = deps.machines.member(fleet, via);
    return { host: deps.machines.member(fleet, member), viaHost, incus: createIncus(viaHost, { signal }) };
  };

  return {
    resolveRemoval: guarded(async ({ fleet, member }) => removalScope(await deps.fleetAt(fleet), member)),
    observeRemoval: guarded((input, context) => observeRemoval(deps, input, context)),

    removeMember: guarded(async (input, { signal, report }) => {
      const { member, via } = input;
      const { host, incus } = await open(input, signal);
      const own = createIncus(host, { signal });
      const isMember = async (): Promise<boolean> => expecting(await own.identity(), 'identity', member).clustered;
      let state: 'done' | 'already' = 'already';
      // On its own side it is out first: a removal whose client was killed goes on there, and is waited for.
      if ((await listed(incus, member, via)) !== undefined && (await isMember())) {
        const inTheWay = (await placesOf(host, incus, member, signal)).flatMap(({ foreign }) => foreign);
        if (inTheWay.length > 0)
          throw failure(
            'GateRefused',
            `Incus would delete with the pools of ${member}: ${inTheWay.slice(0, SHOWN).join(', ')}.`,
          );
        const answer = await incus.removeMember(member);
        if (answer.type === 'holds') throw failure('GateRefused', `${member} has something again: ${answer.message}`);
        if (answer.type !== 'removed' && answer.type !== 'none' && answer.type !== 'unfinished')
          throw toolFailure(`Removing ${member}`, answer);
        state = 'done';
      }
      report({ progress: `waiting for ${member} to be a server of its own` });
      const until = Date.now() + OWN_WITHIN_MS;
      for (;;) {
        const isListed = (await listed(incus, member, via)) !== undefined;
        const itself = await unlessAway(() => own.identity());
        const isOut = itself?.type === 'identity' && !itself.clustered;
        if (isOut && !isListed) return state;
        if (Date.now() > until) {
          // The cluster is as asked for; that its own side is not is told at the end.
          if (!isListed) return state;
          throw halfOut(member, isOut);
        }
        await delay(LOOK_EVERY_MS, undefined, { signal });
      }
    }),

    forgetMember: guarded(async (input, { signal }) => {
      const { member, via, records } = input;
      const { host, viaHost, incus } = await open(input, signal);
      const record = await listed(incus, member, via);
      if (record === undefined) return 'already';
      // It was looked at for a while just now.
      const life = await lookForLife(host, viaHost, record, { signal, patienceMs: 0 });
      if (!isDead(record, { host: life }))
        throw failure(
          'GateRefused',
          `${member} is ${record.status}, and ${life.sign}: it is not forgotten while it lives.`,
        );
      const more = recordsOf(await recordsOn(incus, member, via)).filter((each) => !records.includes(each));
      if (more.length > 0)
        throw failure('GateRefused', `More would be forgotten than was approved: ${more.join(', ')}.`);
      const answer = await incus.removeMemberByForce(member);
      if (answer.type !== 'removed' && answer.type !== 'none') throw toolFailure(`Forgetting ${member}`, answer);
      if ((await listed(incus, member, via)) !== undefined)
        throw failure('Unexpected', `Incus accepted it, and ${member} is listed still.`);
      return 'done';
    }),
  };
}

function halfOut(member: string, isOut: boolean) {
  return isOut
    ? failure(
        'Unexpected',
        `${member} is a server of its own, and the others list it still. If nothing is lost with it: incus cluster remove ${member} --force`,
      )
    : failure('TimedOut', `${member} was asked to leave, and is not a server of its own yet.`);
}

async function listed(incus: Incus, member: string, via: string) {
  const { members } = expecting(await incus.members(), 'members', via);
  return members.find(({ name }) => name === member);
}

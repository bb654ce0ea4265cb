import { setTimeout as delay } from 'node:timers/promises';
import type { Host } from '../hosts/host.ts';
import { createIncusDatabase } from '../tools/incus-database.ts';
import { createIncusState } from '../tools/incus-state.ts';
import { createIncus } from '../tools/incus.ts';
import { createSystemd } from '../tools/systemd.ts';
import type { QuorumActivities, RunRef } from './contract.ts';
import type { Deps } from './deps.ts';
import { expecting } from './expecting.ts';
import { failure, toolFailure } from './failure.ts';
import { guarded } from './guard.ts';
import { STATE_DIR } from './join-mark.ts';
import { observeQuorum, quorumScope } from './observe-quorum.ts';
import { clearQuorumMark, quorumMarks, setQuorumMark } from './quorum-marks.ts';
import { untilOnline } from './until-online.ts';

/** A daemon that starts reads its database and its pools, and is Online with its first heartbeat. */
const ONLINE_WITHIN_MS = 10 * 60_000;
const LOOK_EVERY_MS = 2_000;
const DOWN_WITHIN_MS = 60_000;

/** The database of a cluster without a leader is given to one member. Each looks, acts, looks again. */
export function createQuorumActivities(deps: Deps): QuorumActivities {
  const hostOf = async ({ fleet: ref, member }: RunRef & { member: string }): Promise<Host> =>
    deps.machines.member(await deps.fleetAt(ref), member);

  return {
    resolveQuorum: guarded(async ({ fleet, member }) => quorumScope(await deps.fleetAt(fleet), member)),
    observeQuorum: guarded((input, context) => observeQuorum(deps, input, context)),

    haltIncus: guarded(async (input, { signal }) => {
      const host = await hostOf(input);
      const marks = await quorumMarks(host, signal);
      if (marks.has('halted') && (await isDown(host, signal))) return 'already';
      // First the mark: whoever comes after a crash knows who has stopped it.
      await setQuorumMark(host, 'halted', input.name, signal);
      expecting(await createIncusDatabase(host, { signal }).halt(), 'halted', input.member);
      const until = Date.now() + DOWN_WITHIN_MS;
      while (!(await isDown(host, signal))) {
        if (Date.now() > until) throw failure('Busy', `The Incus of ${input.member} was stopped, and runs again.`);
        await delay(LOOK_EVERY_MS, undefined, { signal });
      }
      return 'done';
    }),

    keepDatabase: guarded(async (input, { signal }) => {
      const host = await hostOf(input);
      const folder = `${STATE_DIR}/set-aside/${input.name}`;
      const answer = await createIncusDatabase(host, { signal }).copyTo(folder);
      if (answer.type === 'unexpected') throw toolFailure(`A copy of the database of ${input.member}`, answer);
      return folder;
    }),

    recoverDatabase: guarded(async (input, { signal }) => {
      const { member } = input;
      const host = await hostOf(input);
      const database = createIncusDatabase(host, { signal });
      const isAlone = async (): Promise<boolean> => {
        const answer = await database.show();
        if (answer.type === 'none') throw failure('Unexpected', `The database of ${member} is gone: ${answer.message}`);
        const { members } = expecting(answer, 'database', member);
        return members.length === 1 && members[0]?.name === member;
      };
      const wasAlone = await isAlone();
      if (!wasAlone) {
        const answer = await database.recover();
        if (answer.type === 'running')
          throw failure('GateRefused', `The Incus of ${member} was started meanwhile: ${answer.message}`);
        expecting(answer, 'recovered', member);
        if (!(await isAlone()))
          throw failure('Unexpected', `Incus accepted it, and ${member} is not the only member of its database.`);
      }
      await setQuorumMark(host, 'recovered', input.name, signal);
      return wasAlone ? 'already' : 'done';
    }),

    resumeIncus: guarded(async (input, { signal, report }) => {
      const { member, via } = input;
      const host = await hostOf(input);
      const incus = createIncus(await hostOf({ ...input, member: via }), { signal });
      expecting(await createIncusState(host, { signal }).start(), 'started', member);
      const reached = await untilOnline(
        {
          ...{ incus, member, withinMs: ONLINE_WITHIN_MS, everyMs: LOOK_EVERY_MS },
          complaint: `The Incus of ${member} was started, and is not Online`,
          seen: (state) => {
            report({ progress: `${member}: ${state}` });
          },
        },
        signal,
      );
      expecting(await createIncusDatabase(host, { signal }).resumeStartUp(), 'resumed', member);
      await clearQuorumMark(host, 'halted', signal);
      return reached;
    }),
  };
}

async function isDown(host: Host, signal: AbortSignal): Promise<boolean> {
  const { states } = expecting(
    await createSystemd(host, { signal }).unitStates(['incus.service', 'incus.socket']),
    'states',
    host.name,
  );
  return states.every(({ active }) => active === 'inactive' || active === 'failed');
}

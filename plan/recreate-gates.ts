import { gateWords, type GateOf } from './gate-words.ts';
import type { RecreateObservation, RecreateScope } from './recreate.ts';
import { filesGates, pushGates, repositoryGate, type RotationGate } from './rotation-gates.ts';
import { asSentence } from './sentence.ts';
import { shortName } from './secrets.ts';

type Name = RotationGate['name'] | 'instance' | 'volumes' | 'old' | 'terraform';
export type RecreateGate = GateOf<Name>;

const { passed, refused, warning } = gateWords<Name>();

/** Volumes as a person reads them: `edge-data, edge-logs`. */
export const volumeWords = (volumes: readonly { name: string }[]): string => volumes.map(({ name }) => name).join(', ');

/** Whatever has to hold before anything is stopped, judged all at once. Pure. */
export function recreateGates(
  scope: RecreateScope,
  observation: RecreateObservation,
  revision: string,
): RecreateGate[] {
  return [
    instance(scope, observation),
    ...old(scope, observation),
    ...volumes(scope, observation),
    repositoryGate(observation, revision),
    ...pushGates(scope, observation, revision),
    key(scope, observation),
    ...filesGates(scope, observation),
    login(scope, observation),
    ...orchestrator(scope, observation),
  ];
}

function instance({ guest, member, type }: RecreateScope, observation: RecreateObservation): RecreateGate {
  const { old: found, instanceProblem } = observation;
  if (instanceProblem !== undefined || found === undefined)
    return refused(
      'instance',
      `${guest} cannot be looked at: ${asSentence(instanceProblem ?? 'unknown')}`,
      `runbook doctor --node ${member} shows what is wrong.`,
    );
  if (found.state === 'gone') return passed('instance', `No instance is called ${guest}`);
  if (found.location !== member)
    return refused(
      'instance',
      `${guest} is on ${found.location}, and runbook.yaml says ${member}.`,
      'Correct guests.….member, or move it: its volumes have to be where it is.',
    );
  // Its record is there, and nothing can be done to it.
  if (found.status === 'Error')
    return refused('instance', `${member}, which has ${guest}, is away.`, 'Bring it back first.');
  if (found.isEphemeral === true)
    return refused(
      'instance',
      `${guest} is ephemeral: Incus deletes it when it stops, so there would be no old one.`,
      `Make it one that stays: ephemeral: false in incus config edit ${guest}.`,
    );
  return passed('instance', `${type === 'container' ? 'Container' : 'Virtual machine'} ${guest} is ${found.status}`);
}

/** What cannot be had back is said before anybody is asked. */
function old({ guest, keepOld }: RecreateScope, { old: found, keyProblem = '' }: RecreateObservation): RecreateGate[] {
  switch (found?.state) {
    case undefined:
      return [];
    case 'alive':
      return keepOld === '0s'
        ? [warning('old', `The old ${guest} is removed in the end: there is no way back after that.`)]
        : [passed('old', `The old ${guest} is kept aside, and is what there is to go back to`)];
    case 'dead':
      return [
        warning(
          'old',
          `The old ${guest} tells of no key: ${asSentence(keyProblem)} If this fails, it is given back as it is.`,
        ),
      ];
    case 'gone':
      return [
        warning(
          'old',
          `There is no old ${guest} to go back to: if this fails, only the data volumes are there, as now.`,
        ),
      ];
  }
}

function volumes({ guest, unattached, volumes: own }: RecreateScope, observation: RecreateObservation): RecreateGate[] {
  const { missing, inUse, old: found } = observation;
  const isOwn = (volume: { pool: string; name: string }): boolean =>
    own.some(({ pool, name }) => pool === volume.pool && name === volume.name);
  const lost = (found?.volumes ?? []).filter((volume) => !isOwn(volume));
  const gates = [
    ...unattached.map(({ name }) =>
      refused(
        'volumes',
        `No device in guests.${guest}.create.devices attaches ${name}.`,
        `Declare it as it is attached now: incus config device show ${guest}.`,
      ),
    ),
    ...lost.map(({ name }) =>
      refused(
        'volumes',
        `${guest} has the volume ${name} attached, which runbook.yaml does not name: the new one would be without.`,
        `Add it to guests.${guest}.volumes and to its create.devices, or detach it.`,
      ),
    ),
    ...(found?.inherited ?? []).map(({ name }) =>
      refused(
        'volumes',
        `${name} comes to ${guest} from a profile: old and new one would have it at once.`,
        `Give it to ${guest} itself, as a device of its own.`,
      ),
    ),
    ...missing.map(({ pool, name }) =>
      refused(
        'volumes',
        `There is no volume ${name} in pool ${pool} on its member.`,
        'Restore it first: runbook start restore.',
      ),
    ),
    ...inUse.map(({ name, by }) =>
      refused('volumes', `${name} is attached to ${by} as well.`, 'Detach it there: no volume is ever attached twice.'),
    ),
  ];
  if (gates.length > 0) return gates;
  return [passed('volumes', own.length === 0 ? 'It has no volumes' : `They are there: ${volumeWords(own)}`)];
}

function key({ guest, config, keyFile }: RecreateScope, observation: RecreateObservation): RecreateGate {
  const { configProblem, named, names } = observation;
  if (configProblem !== undefined)
    return refused('key', `${config}: ${asSentence(configProblem)}`, 'Correct it: runbook secrets status.');
  const [one, ...more] = named;
  if (one === undefined)
    return refused(
      'key',
      `No key in ${config} is known to be that of ${guest}.`,
      `Name it there by an anchor or a comment: &${guest}. A guest that runs is asked for what is in ${keyFile}.`,
    );
  if (more.length > 0)
    return refused(
      'key',
      `${config} names ${named.length} keys of ${guest}: ${named.map((each) => shortName(names, each)).join(', ')}.`,
      'One that an earlier run has left: take it out with git revert, or by hand and sops updatekeys.',
    );
  return passed('key', `The key of ${guest} in ${config}: ${shortName(names, one)}`);
}

/** A new guest has another host key; it is read through its member, and takes the place of the old one. */
function login({ guest, hasHostKey }: RecreateScope, { hostKeyPlaces }: RecreateObservation): RecreateGate {
  if (hasHostKey && hostKeyPlaces !== 1)
    return refused(
      'login',
      `The host key of ${guest} is in ${hostKeyPlaces} places of runbook.yaml, and has to be replaced in one.`,
      'Write it out where it is meant, in one line and nowhere else.',
    );
  return hasHostKey
    ? passed('login', 'Its new ssh host key takes the place of the declared one')
    : refused(
        'login',
        `runbook.yaml does not say which host key ${guest} has, so deploy-rs would refuse the new one.`,
        `Declare guests.${guest}.ssh.hostKey: ssh-keyscan prints it.`,
      );
}

function orchestrator({ guest }: RecreateScope, { orchestratorHere }: RecreateObservation): RecreateGate[] {
  return orchestratorHere === undefined
    ? []
    : [refused('orchestrator', `${orchestratorHere} It would stop itself.`, `Run the worker outside of ${guest}.`)];
}

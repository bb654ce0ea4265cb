import { count } from './count.ts';
import { gateWords, type GateOf } from './gate-words.ts';
import type { Closure } from './observation.ts';
import type { RotationObservation, RotationScope } from './rotation.ts';
import { asSentence } from './sentence.ts';
import { shortName } from './secrets.ts';

type Name = 'repository' | 'push' | 'sops' | 'files' | 'key' | 'system' | 'login' | 'orchestrator';
export type RotationGate = GateOf<Name>;

const { passed, refused, warning } = gateWords<Name>();
const SHOWN = 5;

/** Whatever has to hold before a key is changed, judged all at once. Pure. */
export function rotationGates(
  scope: RotationScope,
  observation: RotationObservation,
  revision: string,
  closure: Closure | undefined,
): RotationGate[] {
  return [
    repositoryGate(observation, revision),
    ...pushGates(scope, observation, revision),
    ...key(scope, observation),
    ...filesGates(scope, observation),
    ...system(scope, observation, closure),
    ...orchestrator(observation),
  ];
}

/** Commits go on top of the run's revision, so nothing may be there that they would leave out. */
export function repositoryGate({ head, uncommitted }: RotationObservation, revision: string): RotationGate {
  if (head !== revision)
    return refused(
      'repository',
      `The worker’s clone is at ${head.slice(0, 7)}, and the run was started for ${revision.slice(0, 7)}.`,
      'Pull there or commit here, and start it again: its commits go on top of where both stand.',
    );
  if (uncommitted.length > 0)
    return refused(
      'repository',
      `The worker’s clone has ${count(uncommitted.length, 'file')} in no commit: ${some(uncommitted)}.`,
      'Commit or remove them: what is re-encrypted is what is committed.',
    );
  return passed('repository', `The clone is clean at ${revision.slice(0, 7)}`);
}

export function pushGates(
  { push: to }: RotationScope,
  { remote = {} }: RotationObservation,
  revision: string,
): RotationGate[] {
  if (to === undefined)
    return [
      warning('push', 'Commits are not pushed: until you merge them, the repository encrypts for a key that is gone.'),
    ];
  const where = `${to.remote}/${to.branch}`;
  if (remote.problem !== undefined)
    return [
      refused('push', `${where} takes no commit: ${asSentence(remote.problem)}`, 'Mend the way to it: git push.'),
    ];
  if (remote.head !== revision)
    return [
      refused(
        'push',
        `${where} is at ${remote.head?.slice(0, 7) ?? 'no commit'}, and the run was started for ${revision.slice(0, 7)}.`,
        'Push or pull, and start it again.',
      ),
    ];
  return [passed('push', `${where} is at the same commit and takes more`)];
}

function key({ guest, keyFile, config }: RotationScope, observation: RotationObservation): RotationGate[] {
  const { keyProblem, named, names, configProblem } = observation;
  if (configProblem !== undefined)
    return [refused('key', `${config}: ${asSentence(configProblem)}`, 'Correct it: runbook secrets status.')];
  if (keyProblem !== undefined)
    return [
      refused(
        'key',
        `The key of ${guest} cannot be looked at: ${asSentence(keyProblem)}`,
        `${guest} needs age in its packages, and its key in ${keyFile} (secrets.guestKeyFile in runbook.yaml).`,
      ),
    ];
  const [one, ...more] = named;
  if (one === undefined)
    return [
      refused(
        'key',
        `No rule of ${config} names a key of ${guest}.`,
        `Add the public key that age-keygen -y ${keyFile} prints there, and sops updatekeys its files.`,
      ),
    ];
  if (more.length > 0)
    return [
      refused(
        'key',
        `${config} names ${named.length} keys of ${guest}: ${named.map((each) => shortName(names, each)).join(', ')}.`,
        'One that an earlier run has left: take it out with git revert, or by hand and sops updatekeys.',
      ),
    ];
  return [passed('key', `${guest} has the key that ${config} names: ${shortName(names, one)}`)];
}

/** What cannot be encrypted anew is found before anything is changed. */
export function filesGates({ guest }: RotationScope, observation: RotationObservation): RotationGate[] {
  const { sopsProblem, files, named } = observation;
  if (sopsProblem !== undefined)
    return [refused('sops', asSentence(sopsProblem), 'Install sops and age on the worker: nixpkgs#sops, nixpkgs#age.')];
  if (named.length !== 1) return [];
  if (files.length === 0)
    return [
      refused('files', `No file is encrypted for ${guest}.`, 'There is nothing to rotate: runbook secrets status.'),
    ];
  const broken = files.filter(({ problem }) => problem !== undefined);
  if (broken.length === 0)
    return [
      passed(
        'files',
        `The operator’s key decrypts ${count(files.length, 'file')}: ${some(files.map(({ path }) => path))}`,
      ),
    ];
  return broken.map(({ path, problem = '' }) =>
    refused(
      'files',
      `${path} cannot be encrypted anew: ${asSentence(problem)}`,
      'runbook secrets status shows recipients and rules; secrets.identityFile in runbook.yaml names the operator’s key.',
    ),
  );
}

/** Its deployments are to bring re-encrypted secrets and nothing else. */
function system({ guest }: RotationScope, observation: RotationObservation, closure?: Closure): RotationGate[] {
  const { system: now, systemProblem, login } = observation;
  if (now === undefined)
    return [
      refused(
        'system',
        `${guest} cannot be looked at: ${asSentence(systemProblem ?? 'unknown')}`,
        `runbook doctor --node ${guest} shows what is wrong.`,
      ),
    ];
  const about =
    closure === undefined
      ? []
      : now.runningPath === closure.path
        ? [passed('system', `${guest} runs what its commit says`)]
        : [
            refused(
              'system',
              `${guest} does not run what this commit says: deploying the secrets would bring more than those.`,
              `runbook start safe-upgrade --node ${guest}`,
            ),
          ];
  return [
    ...about,
    ...(login === undefined ? [] : [(login.fatal ? refused : warning)('login', login.message, login.whatToDo)]),
  ];
}

function orchestrator({ orchestratorHere }: RotationObservation): RotationGate[] {
  return orchestratorHere === undefined
    ? []
    : [warning('orchestrator', `${orchestratorHere} Its services may restart with new secrets.`)];
}

const some = (names: readonly string[]): string =>
  names.length <= SHOWN ? names.join(', ') : `${names.slice(0, SHOWN).join(', ')} and ${names.length - SHOWN} more`;

import type { UpgradePolicy } from '../fleet/schema.ts';
import { count } from './count.ts';
import { ageOf, durationMs, formatAge } from './duration.ts';
import type { BackupState, MemberState, PoolState, TargetState, UpgradeObservation } from './observation.ts';
import type { Deployment, UpgradeOptions, UpgradeScope } from './safe-upgrade.ts';
import { asSentence } from './sentence.ts';
import { gateWords } from './gate-words.ts';
import { startInstance } from './start-instance.ts';

/** One precondition of an upgrade. `message` names the fact; `whatToDo` the remedy, where there is one. */
export interface Gate {
  name:
    | 'members'
    | 'versions'
    | 'incus version'
    | 'systems'
    | 'login'
    | 'activations'
    | 'placement'
    | 'pool'
    | 'backup'
    | 'clocks'
    | 'orchestrator'
    | 'reboot'
    | 'repository'
    | 'health';
  verdict: 'passed' | 'warning' | 'refused';
  message: string;
  whatToDo?: string;
}

/** Judges every precondition; all of them, so that a person sees all that is wrong at once. */
export function checkGates(
  scope: UpgradeScope,
  observation: UpgradeObservation,
  deployments: readonly Deployment[],
  options: UpgradeOptions,
): Gate[] {
  return [
    ...members(observation, options),
    versions(observation, options),
    ...incusVersion(observation, deployments),
    ...leftOut(observation, options),
    ...systems(scope, observation),
    ...login(observation.targets, deployments),
    ...activations(observation.targets),
    ...placement(scope, observation, options),
    ...observation.pools.flatMap((pool) => poolGates(pool, scope.policy)),
    ...backups(observation, scope.policy),
    ...clocks(observation, scope.policy),
    orchestrator(scope, observation, options),
    ...reboot(deployments, scope.policy),
    ...repository(observation),
    ...health(observation),
  ];
}

const { passed, refused } = gateWords<Gate['name']>();

function members({ members, member, noQuorum }: UpgradeObservation, { allowOffline }: UpgradeOptions): Gate[] {
  if (noQuorum !== undefined)
    return [
      refused('members', noQuorum, 'More than half of the members have to be reachable: bring members back first.'),
    ];
  const away = members.filter(({ status }) => status !== 'Online');
  const gates = away.map((state) => awayGate(state, state.name !== member && allowOffline.includes(state.name)));
  return gates.length > 0
    ? gates
    : [passed('members', `${members.length} of ${count(members.length, 'member')} Online`)];
}

function awayGate({ name, status, message }: MemberState, allowed: boolean): Gate {
  const fact = `${name} is ${status}${message === '' ? '' : ` (${sinceWhen(message)})`}.`;
  if (allowed) return { name: 'members', verdict: 'warning', message: `${fact} Allowed by --allow-offline.` };
  return refused(
    'members',
    `${fact} An upgrade needs every member Online, or a failure here would cost the cluster its quorum.`,
    status === 'Blocked'
      ? 'Bring all of them to one version first: runbook start cluster-upgrade'
      : `runbook doctor --node ${name} finds out why; add --allow-offline ${name} if it is meant to be away.`,
  );
}

/** Incus 6 says `No heartbeat for 11.146026032s (2026-11-23 13:29:05.134109389 +0000 UTC)`: the time of the last one. */
function sinceWhen(message: string): string {
  const [, minute] = /^No heartbeat for \S+ \(([\d-]+ \d\d:\d\d):\S+ \+0000 UTC\)$/.exec(message) ?? [];
  return minute === undefined ? message : `no heartbeat since ${minute} UTC`;
}

function versions({ members }: UpgradeObservation, { allowOffline }: UpgradeOptions): Gate {
  const asked = members.filter(({ name }) => !allowOffline.includes(name));
  const unknown = asked.filter(({ incusVersion }) => incusVersion === undefined);
  if (unknown.length > 0)
    return refused(
      'versions',
      unknown
        .map(({ name, problem }) => `${name} did not tell its Incus version: ${asSentence(problem ?? 'no answer')}`)
        .join(' '),
      `Mend the way to ${unknown.map(({ name }) => name).join(', ')}; runbook doctor shows what is wrong.`,
    );
  const seen = [...new Set(asked.map(({ incusVersion }) => incusVersion))];
  if (seen.length <= 1) return passed('versions', `Incus ${seen[0] ?? 'unknown'} on every member`);
  return refused(
    'versions',
    `Members run different Incus versions: ${asked.map((m) => `${m.name} ${m.incusVersion ?? '?'}`).join(', ')}.`,
    'Bring all of them to one version first: runbook start cluster-upgrade',
  );
}

/** One member with another version blocks the cluster, so a change of it is never part of a one-node deploy. */
function incusVersion({ members, member }: UpgradeObservation, deployments: readonly Deployment[]): Gate[] {
  const running = members.find(({ name }) => name === member)?.incusVersion;
  return deployments
    .filter(({ kind, mode, to }) => kind === 'member' && mode !== 'already' && to.incusVersions.length > 0)
    .map(({ node, to }) => {
      if (running !== undefined && to.incusVersions.includes(running))
        return passed('incus version', `Incus stays ${running}`);
      return refused(
        'incus version',
        `The new system of ${node} brings Incus ${to.incusVersions.join(', ')}, the cluster runs ${running ?? 'unknown'}. ` +
          'A member with another version blocks the cluster until all have it.',
        'All members change at once: runbook start cluster-upgrade',
      );
    });
}

/** Explicit: also one that runs is left as it is. */
function leftOut({ node, instances }: UpgradeObservation, { allowOffline }: UpgradeOptions): Gate[] {
  return instances
    .filter(({ guest }) => guest !== undefined && guest !== node && allowOffline.includes(guest))
    .map(({ name, status }) => ({
      name: 'systems',
      verdict: 'warning',
      message: `${name} is ${status}, and left as it is: it is neither upgraded nor watched. Allowed by --allow-offline.`,
    }));
}

function systems(scope: UpgradeScope, observation: UpgradeObservation): Gate[] {
  const deployed = scope.targets.filter(({ deploys }) => deploys).map(({ node }) => node);
  return observation.targets
    .filter(({ node, system }) => system === undefined && deployed.includes(node))
    .map((target) => unreadGate(target, observation));
}

function unreadGate({ node, problem }: TargetState, { node: asked, member, instances }: UpgradeObservation): Gate {
  const instance = instances.find(({ guest }) => guest === node);
  if (instance === undefined || instance.status === 'Running')
    return refused(
      'systems',
      `${node} could not be read: ${asSentence(problem ?? 'no answer')}`,
      `runbook doctor --node ${node} shows what is wrong.`,
    );
  const orLeaveIt = node === asked ? '' : `, or add --allow-offline ${node} if it is meant to be off`;
  return refused(
    'systems',
    `${node} is ${instance.status}, so nothing can be deployed to it.`,
    `Start it (on ${member}: ${startInstance(node, instance.project)})${orLeaveIt}.`,
  );
}

/** A run would find out in the middle otherwise, and go back. */
function login(targets: readonly TargetState[], deployments: readonly Deployment[]): Gate[] {
  const changed = deployments.filter(({ mode }) => mode !== 'already').map(({ node }) => node);
  return targets.flatMap(({ node, login }): Gate[] => {
    if (login === undefined || !changed.includes(node)) return [];
    const message = `deploy-rs cannot log in to ${node} by itself: ${asSentence(login.message)}`;
    return [{ name: 'login', verdict: login.fatal ? 'refused' : 'warning', message, whatToDo: login.whatToDo }];
  });
}

function activations(targets: readonly TargetState[]): Gate[] {
  return targets
    .filter(({ system }) => (system?.activations.length ?? 0) > 0)
    .map(({ node, system }) =>
      refused(
        'activations',
        `Another activation runs on ${node}: ${system?.activations.join('; ') ?? ''}.`,
        'Wait until it has ended, then start again.',
      ),
    );
}

function placement(
  scope: UpgradeScope,
  { instances, members }: UpgradeObservation,
  { allowOffline }: UpgradeOptions,
): Gate[] {
  const silent = members.some(({ name, problem }) => name === scope.member && problem !== undefined);
  // Another gate refuses then; where its guests are was not seen.
  if (silent && !allowOffline.includes(scope.member)) return [];
  return scope.targets
    .filter(({ kind }) => kind === 'guest')
    .flatMap(({ node, project }) => {
      const found = instances.find((instance) => instance.name === node && instance.project === project);
      if (!found)
        return [
          refused(
            'placement',
            `Guest ${node} is not an instance of project ${project} on ${scope.member}.`,
            'Correct its member or project in runbook.yaml.',
          ),
        ];
      return [];
    });
}

const HEALTHY_POOL = new Set(['ONLINE']);

function poolGates(pool: PoolState, policy: UpgradePolicy): Gate[] {
  const gates: Gate[] = [];
  if (pool.health !== undefined && !HEALTHY_POOL.has(pool.health))
    gates.push(
      refused(
        'pool',
        `Pool ${pool.name} is ${pool.health}.`,
        'zpool status on that member says which disk; mend it first.',
      ),
    );
  const free = pool.totalBytes === 0 ? 0 : Math.floor(100 * (1 - pool.usedBytes / pool.totalBytes));
  if (free < policy.minFreeSpace)
    gates.push(
      refused(
        'pool',
        `Pool ${pool.name} has ${free} % free, the policy asks for ${policy.minFreeSpace} % (policies.upgrade.minFreeSpace).`,
        'Free space: snapshots would keep what the upgrade replaces.',
      ),
    );
  return gates.length > 0 ? gates : [passed('pool', `Pool ${pool.name} ${pool.health ?? pool.driver}, ${free} % free`)];
}

function backups(observation: UpgradeObservation, policy: UpgradePolicy): Gate[] {
  if (policy.backup === 'off') return [];
  const verdict = policy.backup === 'require' ? 'refused' : 'warning';
  const gates = observation.backups.flatMap((backup): Gate[] => {
    const message = backupProblem(backup, observation.at, policy);
    if (message === undefined) return [];
    const first = backup.unseen === true ? 'Mend the way there (runbook doctor)' : 'Make a backup first';
    return [{ name: 'backup', verdict, message, whatToDo: `${first}, or set policies.upgrade.backup to warn.` }];
  });
  if (gates.length > 0) return gates;
  return [passed('backup', `${count(observation.backups.length, 'backup')} young enough`)];
}

function backupProblem(backup: BackupState, at: string, policy: UpgradePolicy): string | undefined {
  const { guest, volume, target, newestAt, problem, unseen } = backup;
  if (unseen === true)
    return `The backups of ${volume} (${guest}) at ${target} could not be seen: ${problem ?? 'no answer'}.`;
  if (newestAt === undefined)
    return `No backup of ${volume} (${guest}) was seen at ${target}: ${problem ?? 'none there'}.`;
  const age = ageOf(newestAt, at);
  if (age <= durationMs(policy.backupMaxAge)) return undefined;
  return `The newest backup of ${volume} (${guest}) at ${target} is ${formatAge(age)} old, the policy allows ${policy.backupMaxAge}.`;
}

function clocks({ members }: UpgradeObservation, policy: UpgradePolicy): Gate[] {
  const limit = durationMs(policy.maxClockSkew);
  const wrong = members.filter(({ clockSkewMs }) => clockSkewMs !== undefined && Math.abs(clockSkewMs) > limit);
  if (wrong.length === 0) return [passed('clocks', 'Clocks agree')];
  return wrong.map(({ name, clockSkewMs }) =>
    refused(
      'clocks',
      `The clock of ${name} differs from the worker's by ${((clockSkewMs ?? 0) / 1000).toFixed(1)} s, ` +
        `the policy allows ${policy.maxClockSkew}.`,
      `timedatectl on ${name} and on the worker says which one is wrong.`,
    ),
  );
}

function orchestrator(scope: UpgradeScope, { orchestratorHere }: UpgradeObservation, options: UpgradeOptions): Gate {
  if (orchestratorHere === undefined) return passed('orchestrator', `The orchestrator is not on ${scope.node}`);
  if (options.allowOrchestrator)
    return {
      name: 'orchestrator',
      verdict: 'warning',
      message: `${orchestratorHere} Allowed by --allow-orchestrator.`,
    };
  return refused(
    'orchestrator',
    `${orchestratorHere} Upgrading ${scope.node} would interrupt the run itself.`,
    'Move the orchestrator, or add --allow-orchestrator: the run then goes on when it is back.',
  );
}

function reboot(deployments: readonly Deployment[], policy: UpgradePolicy): Gate[] {
  if (policy.reboot !== 'never') return [];
  return deployments
    .filter(({ mode }) => mode === 'boot')
    .map(({ node }) =>
      refused(
        'reboot',
        `The new system of ${node} needs a reboot (kernel, initrd or modules change), and policies.upgrade.reboot is never.`,
        'Set it to ask or automatic for this upgrade.',
      ),
    );
}

function repository({ uncommitted }: UpgradeObservation): Gate[] {
  if (uncommitted.length === 0) return [];
  const named = uncommitted.slice(0, 3).join(', ');
  const more = uncommitted.length > 3 ? ` and ${uncommitted.length - 3} more` : '';
  return [
    {
      name: 'repository',
      verdict: 'warning',
      message: `The worker's clone has changes that are in no commit, so they are not deployed: ${named}${more}.`,
      whatToDo: 'Commit them and start again, if they belong to it.',
    },
  ];
}

/** An upgrade may be what mends it, so it is no reason to refuse; but then nobody may think it is watched. */
function health({ health, targets }: UpgradeObservation): Gate[] {
  const warning = (message: string): Gate => ({
    name: 'health',
    verdict: 'warning',
    message,
    whatToDo: 'Mend it first if the upgrade is not meant to.',
  });
  const exempt = 'does not count against the upgrade';
  return [
    ...health
      .filter(({ healthy }) => !healthy)
      .map(({ node, check, detail }) =>
        warning(`${node} is unhealthy already, so this check ${exempt}: ${check}: ${detail}`),
      ),
    ...targets.flatMap(({ node, system }) =>
      (system?.failedUnits ?? []).map((unit) => warning(`${unit} has failed already on ${node}, so it ${exempt}.`)),
    ),
  ];
}

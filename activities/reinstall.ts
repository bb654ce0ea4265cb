import { setTimeout as delay } from 'node:timers/promises';
import type { SystemState } from '../plan/observation.ts';
import { planReinstall } from '../plan/reinstall.ts';
import { tail } from '../tools/result.ts';
import { createSystemd } from '../tools/systemd.ts';
import type { ReinstallActivities, ReinstallInput } from './contract.ts';
import type { Deps } from './deps.ts';
import { failure } from './failure.ts';
import { guarded, type ActivityContext } from './guard.ts';
import { awaitJob } from './jobs.ts';
import { foundHost, observeReinstall, reinstallScope, type Found } from './observe-reinstall.ts';

/** A system is built, copied over a slow line, and a slow disk formatted. */
const INSTALL_MS = 4 * 3_600_000;
/** A server's firmware alone can take five minutes. After this the attempt ends, and the next one goes on waiting. */
const BACK_WITHIN_MS = 15 * 60_000;
/** The installer answers with another key until it is gone, and one that asks for a disk's passphrase may have a third. */
const REFUSED_WITHIN_MS = 5 * 60_000;

/** Installs a member anew by its declared command, judged by the host before and afterwards. */
export function createReinstallActivities(deps: Deps): ReinstallActivities {
  return {
    resolveReinstall: guarded((input) => reinstallScope(deps, input)),
    observeReinstall: guarded((input, context) => observeReinstall(deps, input, context)),
    reinstall: guarded((input, context) => reinstall(deps, input, context)),
    awaitInstalled: guarded((input, context) => awaitInstalled(deps, input, context)),
  };
}

const jobOf = ({ name, member }: ReinstallInput): string => `${name}-reinstall-${member.toLowerCase()}`;

async function reinstall(deps: Deps, input: ReinstallInput, context: ActivityContext): Promise<'done' | 'already'> {
  const jobName = jobOf(input);
  const { jobs } = deps.local;
  if ((await jobs.status(jobName, context)).type === 'absent') {
    const command = await allowed(deps, input, context);
    if (command === undefined) return 'already';
    const started = await jobs.start(
      { name: jobName, argv: command, timeoutMs: INSTALL_MS, fence: `deploy-${input.member.toLowerCase()}` },
      context,
    );
    if (started.type === 'fenced')
      throw failure('Busy', `Something else is done to ${input.member} by this worker: ${started.holder}.`);
  }
  const ended = await awaitJob(jobs, jobName, context, (lines) => lines.at(-1)?.trim() ?? 'starting');
  if (ended.how === 'exited' && ended.exitCode === 0) return 'done';
  const how = ended.how === 'exited' ? `ended with ${ended.exitCode}` : `was cut off (${ended.how})`;
  throw failure(
    'InstallFailed',
    `The command that installs ${input.member} ${how}: ${tail(`${ended.stdout}\n${ended.stderr}`)}`,
  );
}

/** The command, where what was approved is what would be done now; undefined where it was done. Minutes have gone by. */
async function allowed(deps: Deps, input: ReinstallInput, context: ActivityContext): Promise<string[] | undefined> {
  const scope = await reinstallScope(deps, input);
  const observation = await observeReinstall(deps, input, context);
  const { host } = observation;
  const plan = planReinstall(scope, observation);
  if (host.type === 'installed' && host.system.bootId !== input.bootId) return undefined;
  if (host.type === 'away') throw failure('Unreachable', `${input.member} does not answer: ${host.problem}`);
  if (plan.mode !== 'install' || plan.refusals.length > 0 || scope.command === undefined)
    throw failure(
      'GateRefused',
      `Not installed: ${plan.refusals.map(({ message }) => message).join(' ') || `${input.member} is no installer any more.`}`,
    );
  const now = plan.erased.map(({ identity }) => identity).sort();
  const then = [...input.approved].sort();
  if (now.join('\n') !== then.join('\n'))
    throw failure(
      'GateRefused',
      `Not installed: it would erase ${now.join('; ')}, and approved was ${then.join('; ')}.`,
    );
  return scope.command;
}

async function awaitInstalled(
  deps: Deps,
  { fleet: ref, member, bootId }: Parameters<ReinstallActivities['awaitInstalled']>[0],
  { signal, report }: ActivityContext,
): Promise<SystemState> {
  const fleet = await deps.fleetAt(ref);
  const begun = Date.now();
  let refusedSince: number | undefined;
  let last = 'restarting';
  while (Date.now() - begun < BACK_WITHIN_MS) {
    const { host, found } = await foundHost(deps, fleet, member, signal);
    if (found.type === 'installed' && found.system.bootId !== bootId) {
      const booted = await createSystemd(host, { signal }).isSystemRunning();
      if (booted.type === 'system' && ['running', 'degraded'].includes(booted.state)) return found.system;
      last = 'booted, and starts its services';
    } else last = describe(found.type);
    refusedSince = found.type === 'refused' ? (refusedSince ?? Date.now()) : undefined;
    if (found.type === 'refused' && (found.isInstalled || Date.now() - (refusedSince ?? 0) > REFUSED_WITHIN_MS))
      throw failure('Refused', `${member} answers, but not as it is declared: ${found.problem}`);
    report({ progress: `${member}: ${last}` });
    await delay(1_000, undefined, { signal });
  }
  throw failure(
    'Unreachable',
    `${member} is not back ${BACK_WITHIN_MS / 60_000} minutes after its installation: ${last}.`,
  );
}

function describe(type: Found['type']): string {
  switch (type) {
    case 'installer':
      return 'it is the installer still';
    case 'installed':
      return 'not restarted yet';
    case 'other':
      return 'it runs no NixOS';
    case 'away':
      return 'not reachable yet';
    case 'refused':
      return 'it answers with another host key';
  }
}

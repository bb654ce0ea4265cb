import { join } from 'node:path';
import { sshSettings } from '../../activities/machines.ts';
import type { Fleet } from '../../fleet/schema.ts';
import { quoteArgv, quoteWord } from '../../hosts/quote.ts';
import { durationMs } from '../../plan/duration.ts';
import type { Command } from './journal.ts';

/**
 * What a person would have written instead: the commands of one upgrade, one after another, in the order in which the
 * product ran them, over one multiplexed connection per host that is opened on first use.
 *
 * In it: every look (as often as the product looked, but without its pauses between), the builds, the snapshots, the
 * deployments in the foreground, the container updates, the probes (waited for with curl where the worker asks by HTTP),
 * the time of quiet, the clean-up.
 * Not in it: decisions, the lock, a way back, a record of what happened; retries; the supervisor around deploy-rs.
 * Activities that look at several machines at once are looked at in turn, as such a script does.
 */
export function scriptOf(commands: readonly Command[], fleet: Fleet, node: string, folder: string): string {
  const lines = ['#!/bin/bash'];
  let step = '';
  for (const command of commands) {
    if (command.step !== step) {
      if (command.activity === 'checkHealth') lines.push(...beforeHealth(command.step, fleet, node));
      step = command.step;
      lines.push(`: ${quoteWord(step)}`);
    }
    lines.push(`${lineOf(command, fleet, folder)} >/dev/null 2>&1`);
  }
  return `${lines.join('\n')}\nexit 0\n`;
}

function lineOf({ where, argv, env }: Command, fleet: Fleet, folder: string): string {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const line = quoteArgv(variables.length === 0 ? argv : ['env', ...variables, ...argv]);
  return where === 'worker'
    ? `${line} </dev/null`
    : `${quoteArgv([...sshArgv(where, fleet, folder), line])} </dev/null`;
}

function sshArgv(name: string, fleet: Fleet, folder: string): string[] {
  const member = fleet.members[name];
  if (!member) throw new Error(`Expected a member of the fleet, got ${name}.`);
  const { user, port, identityFile } = sshSettings(member.ssh);
  const options = [
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    `UserKnownHostsFile=${join(folder, 'known_hosts')}`,
    'ControlMaster=auto',
    'ControlPersist=60',
    `ControlPath=${join(folder, name)}`,
    ...(identityFile === undefined ? [] : [`IdentityFile=${identityFile}`, 'IdentitiesOnly=yes']),
  ].flatMap((option) => ['-o', option]);
  return ['ssh', ...options, '-l', user, '-p', String(port), '--', member.address];
}

/** The contents of the script's own known_hosts. */
export const knownHosts = (fleet: Fleet): string =>
  Object.values(fleet.members)
    .map(({ address, ssh }) => `${address} ${ssh.hostKey ?? ''}\n`)
    .join('');

function beforeHealth(step: string, fleet: Fleet, node: string): string[] {
  const guests = Object.values(fleet.guests).filter(({ member }) => member === node);
  const probes = [...(fleet.members[node]?.probes ?? []), ...guests.flatMap(({ probes }) => probes)];
  const urls = probes.flatMap((probe) => (probe.type === 'http' && probe.from === 'worker' ? [probe.url] : []));
  const quiet = step === 'soak' ? [`sleep ${durationMs(fleet.policies.upgrade.soak) / 1000}`] : [];
  return [...quiet, ...urls.map((url) => `until curl -fsS -o /dev/null ${quoteWord(url)}; do sleep 1; done`)];
}

import { setTimeout as delay } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/common';
import { findNode } from '../fleet/names.ts';
import type { Fleet } from '../fleet/schema.ts';
import { HostError, type Host } from '../hosts/host.ts';
import type { DatabaseOnDisk, QuorumMember, QuorumObservation, QuorumScope, Voice } from '../plan/quorum.ts';
import { createIncusDatabase } from '../tools/incus-database.ts';
import { createIncus } from '../tools/incus.ts';
import { createSystemd } from '../tools/systemd.ts';
import { again } from './again.ts';
import type { RunRef } from './contract.ts';
import type { Deps } from './deps.ts';
import { failure, toolFailure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import { lookForLife } from './observe-removal.ts';
import { quorumMarks } from './quorum-marks.ts';

/** Between two looks: a daemon without a leader hangs in each until its time is over, one that starts answers at once. */
const LOOK_EVERY_MS = 5_000;

export function quorumScope(fleet: Fleet, member: string): QuorumScope {
  if (findNode(fleet, member).type !== 'member')
    throw failure('BadConfig', `runbook.yaml declares no member ${JSON.stringify(member)}.`);
  return {
    member,
    others: Object.keys(fleet.members).filter((name) => name !== member),
    approvalTimeout: fleet.policies.upgrade.approvalTimeout,
  };
}

/** Every declared member, the survivor first: by it the others' addresses are known. Changes nothing. */
export async function observeQuorum(
  deps: Deps,
  { fleet: ref, member, looks }: RunRef & { member: string; looks: number },
  { signal, report }: ActivityContext,
): Promise<QuorumObservation> {
  const fleet = await deps.fleetAt(ref);
  const { others } = quorumScope(fleet, member);
  const survivorHost = deps.machines.member(fleet, member);
  const since = Date.now();
  const known = await databaseOn(survivorHost, signal);
  report({ progress: 'asking every member for a leader' });
  const look = (name: string): Promise<QuorumMember> => {
    const address = known.database?.members.find((each) => each.name === name)?.address;
    return lookAt(
      deps.machines.member(fleet, name),
      { survivorHost, looks, ...(address === undefined ? {} : { address }) },
      signal,
    );
  };
  const members = await Promise.all([member, ...others].map(look));
  return { members, looks, overSeconds: Math.round((Date.now() - since) / 1000) };
}

async function lookAt(
  host: Host,
  { survivorHost, address, looks }: { survivorHost: Host; address?: string; looks: number },
  signal: AbortSignal,
): Promise<QuorumMember> {
  const { name } = host;
  const record =
    address === undefined ? undefined : { name, url: `https://${address}`, status: '', message: '', roles: [] };
  const life = await lookForLife(host, survivorHost, record, { signal });
  const nothing = { name, sign: life.sign, isHeld: false, isRecovered: false, instances: [] };
  if (!life.answers) return { ...nothing, reach: 'silent' };
  try {
    const marks = await again(() => quorumMarks(host, signal), signal);
    return {
      ...nothing,
      reach: 'ssh',
      isHeld: marks.has('halted'),
      isRecovered: marks.has('recovered'),
      ...(await databaseOn(host, signal)),
      instances: await again(() => runningOn(host, signal), signal),
      voice: await askForLeader(host, looks, signal),
    };
  } catch (error) {
    if (signal.aborted || !(error instanceof HostError)) throw error;
    return { ...nothing, reach: 'lives', sign: `it answers, and ${error.message}` };
  }
}

/** By the process that keeps each: Incus cannot be asked. */
export async function runningOn(host: Host, signal: AbortSignal): Promise<QuorumMember['instances']> {
  const answer = await createIncusDatabase(host, { signal }).instances();
  if (answer.type !== 'instances') throw toolFailure(`Looking for instances on ${host.name}`, answer);
  return answer.processes.map(({ pid, command }) => ({ pid, what: whatRuns(command) }));
}

/** `[lxc monitor] /var/lib/incus/containers g1`, `/…/qemu-system-x86_64 -S -name edge-vm …` */
function whatRuns(command: string): string {
  const [, vm] = / -name ([^ ,]+)/.exec(command) ?? [];
  return vm ?? command.split(' ').at(-1) ?? command;
}

async function databaseOn(
  host: Host,
  signal: AbortSignal,
): Promise<{ database?: DatabaseOnDisk; databaseProblem?: string }> {
  try {
    const answer = await again(() => createIncusDatabase(host, { signal }).show(), signal);
    if (answer.type === 'database') {
      const { members, segment } = answer;
      return { database: { members, ...(segment === undefined ? {} : { segment }) } };
    }
    return { databaseProblem: answer.type === 'none' ? answer.message : toolFailure('incus', answer).message };
  } catch (error) {
    if (signal.aborted || !(error instanceof HostError)) throw error;
    return { databaseProblem: error.message };
  }
}

/** Only what is the same each time counts, but one that knows a leader needs to say so once. */
async function askForLeader(host: Host, looks: number, signal: AbortSignal): Promise<Voice> {
  let voice: Voice = { type: 'none' };
  for (let look = 0; look < looks; look += 1) {
    if (look > 0) await delay(LOOK_EVERY_MS, undefined, { signal });
    voice = await ask(host, signal);
    if (voice.type !== 'none') return voice;
  }
  return voice;
}

async function ask(host: Host, signal: AbortSignal): Promise<Voice> {
  try {
    const unit = await again(() => unitOf(host, signal), signal);
    // Asking would start one that is stopped, by its socket.
    if (unit.active === 'inactive' || unit.active === 'failed')
      return { type: 'down', problem: `incus.service is ${unit.active}` };
    const answer = await again(() => createIncus(host, { signal }).members(), signal);
    switch (answer.type) {
      case 'members':
        return { type: 'leader', members: answer.members.map(({ name, status }) => ({ name, status })) };
      case 'not clustered':
        return { type: 'alone' };
      case 'no quorum':
      case 'busy':
        return { type: 'none' };
      case 'member offline':
      case 'not found':
      case 'unexpected':
        return { type: 'unclear', problem: toolFailure('incus', answer).message };
    }
  } catch (error) {
    if (signal.aborted) throw error;
    if (error instanceof HostError || error instanceof ApplicationFailure)
      return { type: 'unclear', problem: error.message };
    throw error;
  }
}

async function unitOf(host: Host, signal: AbortSignal): Promise<{ active: string }> {
  const answer = await createSystemd(host, { signal }).unitStates(['incus.service']);
  const [unit] = answer.type === 'states' ? answer.states : [];
  if (unit === undefined) throw toolFailure('incus.service', answer as Exclude<typeof answer, { type: 'states' }>);
  return unit;
}

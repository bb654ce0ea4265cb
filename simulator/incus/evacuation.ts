import { ToolError } from '../core/call.ts';
import type { Store } from '../core/store.ts';
import { machineOf } from '../core/store.ts';
import type { ClusterMember, State } from '../core/state.ts';
import { bootSystem, guestsOn, stopGuest } from '../hosts/power.ts';
import { isDaemonUp } from './view.ts';

/** `--action stop`: its running instances are stopped where they are, and remembered for the restore. */
export function evacuateMember(store: Store, state: State, name: string): void {
  const member = memberThatAnswers(state, name);
  if (member.evacuated) throw new ToolError('Error: Cluster member is already evacuated');
  const running = guestsOn(state, name).filter((guest) => state.cluster.instances[guest.name]?.status === 'Running');
  for (const guest of running) {
    stopGuest(store, guest.name);
    const instance = state.cluster.instances[guest.name];
    if (instance) instance.status = 'Stopped';
  }
  member.stoppedByEvacuation = running.map((guest) => guest.name);
  member.evacuated = true;
}

/** Starts what the evacuation stopped, and nothing else. */
export function restoreMember(store: Store, state: State, name: string): void {
  const member = memberThatAnswers(state, name);
  if (!member.evacuated) throw new ToolError('Error: Cluster member is already restored');
  for (const guest of member.stoppedByEvacuation) {
    const instance = state.cluster.instances[guest];
    if (instance?.status !== 'Stopped') continue;
    instance.status = 'Running';
    bootSystem(store, machineOf(state, guest));
  }
  member.stoppedByEvacuation = [];
  member.evacuated = false;
}

function memberThatAnswers(state: State, name: string): ClusterMember {
  const member = state.cluster.members[name];
  if (!member) throw new ToolError('Error: Failed to update cluster member state: Cluster member not found');
  if (!isDaemonUp(state, name))
    throw new ToolError("Error: Failed to update cluster member state: Server isn't ready yet");
  return member;
}

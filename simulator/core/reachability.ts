import { machineOf } from './store.ts';
import type { Machine, State } from './state.ts';

/** The member that a guest is placed on; the machine itself where it is a member. */
export function memberOf(state: State, machine: Machine): Machine {
  const instance = state.cluster.instances[machine.name];
  return machine.kind === 'guest' && instance ? machineOf(state, instance.location) : machine;
}

/** Why no ssh connection is to be had: what the client prints after `port 22: `. Undefined where there is one. */
export function connectionProblem(state: State, machine: Machine): string | undefined {
  const member = memberOf(state, machine);
  if (member.power === 'cut off' || machine.power === 'cut off') return 'Connection timed out';
  if (!isUp(state, machine)) return 'No route to host';
  if (machine.units['sshd.service']?.active !== 'active') return 'Connection refused';
  return undefined;
}

/** Whether the machine runs, reachable or not. */
export function isUp(state: State, machine: Machine): boolean {
  if (machine.power === 'off') return false;
  if (machine.kind === 'member') return true;
  return memberOf(state, machine).power !== 'off' && state.cluster.instances[machine.name]?.status === 'Running';
}

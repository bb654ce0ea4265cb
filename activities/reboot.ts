import { setTimeout as delay } from 'node:timers/promises';
import { HostError, type Host } from '../hosts/host.ts';
import type { SystemState } from '../plan/observation.ts';
import { createSystemd } from '../tools/systemd.ts';
import type { NodeRef } from './contract.ts';
import type { Deps } from './deps.ts';
import { failure, toolFailure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import { systemStateOf } from './system-state.ts';

/** A server's firmware alone can take five minutes. After this the attempt ends, and the next one goes on waiting. */
const BACK_WITHIN_MS = 15 * 60_000;

/**
 * Restarts the machine if it still runs the boot `bootId`, and waits until it has booted and started its services.
 * Idempotent: a machine with another boot id has been restarted.
 */
export async function reboot(
  { fleetAt, machines }: Deps,
  { fleet, node, bootId }: NodeRef & { bootId: string },
  { signal, report }: ActivityContext,
): Promise<SystemState> {
  const host = machines.node(await fleetAt(fleet), node);
  const systemd = createSystemd(host, { signal });
  const boot = await systemd.bootId();
  if (boot.type !== 'boot') throw toolFailure(`The boot of ${node}`, boot);
  if (boot.id === bootId) {
    const asked = await systemd.reboot();
    if (asked.type !== 'asked') throw toolFailure(`Restarting ${node}`, asked);
  }
  const until = Date.now() + BACK_WITHIN_MS;
  let last = 'shutting down';
  while (Date.now() < until) {
    last = await progress(host, bootId, signal);
    if (last === 'up') return await systemStateOf(host, { signal });
    report({ progress: `${node}: ${last}` });
    await delay(1_000, undefined, { signal });
  }
  throw failure('Unreachable', `${node} is not back ${BACK_WITHIN_MS / 60_000} minutes after its restart: ${last}.`);
}

async function progress(host: Host, bootId: string, signal: AbortSignal): Promise<string> {
  try {
    const systemd = createSystemd(host, { signal });
    const boot = await systemd.bootId();
    if (boot.type !== 'boot') return 'starting';
    if (boot.id === bootId) return 'shutting down';
    const state = await systemd.isSystemRunning();
    if (state.type !== 'system') return 'starting';
    return state.state === 'running' || state.state === 'degraded' ? 'up' : `booted, ${state.state}`;
  } catch (error) {
    if (error instanceof HostError && error.type !== 'Cancelled' && error.type !== 'Refused')
      return 'not reachable yet';
    throw error;
  }
}

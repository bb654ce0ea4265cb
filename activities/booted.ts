import { setTimeout as delay } from 'node:timers/promises';
import type { Host } from '../hosts/host.ts';
import { createSystemd } from '../tools/systemd.ts';
import type { ActivityContext } from './guard.ts';

/** So long a machine may still be booting, as a guest does that was just started again. After this it is taken as it is. */
const BOOTED_WITHIN_MS = 120_000;

/** A machine that has only begun to boot has no sshd yet, and much that is done there is undone again by its tmpfiles. */
export async function untilBooted(host: Host, { signal, report }: ActivityContext): Promise<void> {
  const systemd = createSystemd(host, { signal });
  const until = Date.now() + BOOTED_WITHIN_MS;
  for (;;) {
    const system = await systemd.isSystemRunning();
    const isBooting =
      system.type === 'busy' ||
      (system.type === 'system' && (system.state === 'initializing' || system.state === 'starting'));
    if (!isBooting || Date.now() > until) return;
    report({ progress: `${host.name} is still booting` });
    await delay(1_000, undefined, { signal });
  }
}

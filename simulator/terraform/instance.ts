import { ToolError, type Call } from '../core/call.ts';
import type { Instance } from '../core/state.ts';
import { makeInstance } from '../incus/recreating.ts';
import type { SimulatedChange } from './plan.ts';

/** What the provider does for an `incus_instance` with a target: it is made there, and started. Returns the exit code. */
export async function createInstance(call: Call, { type, after }: SimulatedChange): Promise<number> {
  const { name = '', image = '', target, config = {}, device = [] } = (after ?? {}) as Declared;
  if (type !== 'incus_instance' || target === undefined) return 0;
  const devices = Object.fromEntries(
    device.map(({ name: key, type: kind, properties }) => [key, { type: kind, ...properties }]),
  );
  const more = {
    project: 'default',
    type: (after?.['type'] ?? 'container') as Instance['type'],
    profiles: ['default'],
  };
  try {
    await call.update((state) => {
      makeInstance(state, { machine: target, store: call.store }, { name, image, target, config, devices, ...more });
    });
  } catch (error) {
    if (error instanceof ToolError) return 1;
    throw error;
  }
  const path = `/1.0/instances/${name}/state?project=default`;
  const body = JSON.stringify({ action: 'start', timeout: -1 });
  const argv = ['incus', 'query', '-X', 'PUT', '--wait', '-d', body, path];
  return call.exec({ machine: target, argv, out: () => undefined });
}

interface Declared {
  name?: string;
  image?: string;
  target?: string;
  config?: Record<string, string>;
  device?: { name: string; type: string; properties: Record<string, string> }[];
}

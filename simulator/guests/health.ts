import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isUp, memberOf } from '../core/reachability.ts';
import type { Store } from '../core/store.ts';
import type { Machine, State } from '../core/state.ts';
import { readClosure } from '../nix/closure-files.ts';

export interface HttpAnswer {
  status: number;
  body: string;
}

/** What a machine answers on a port and path. Undefined: nobody listens there. */
export function httpAnswer(
  store: Store,
  state: State,
  machine: Machine,
  port: number,
  path: string,
): HttpAnswer | undefined {
  if (!isUp(state, machine)) return undefined;
  const endpoint = machine.endpoints.find((candidate) => candidate.port === port);
  if (!endpoint) return undefined;
  if (endpoint.path !== path) return { status: 404, body: 'not found\n' };
  const ill = [
    ...endpoint.units.filter((unit) => machine.units[unit]?.active !== 'active'),
    ...endpoint.containers.filter((name) => !isContainerHealthy(state, machine, name)),
    ...[machine, memberOf(state, machine)]
      .filter(({ name }) => breaks(store, name, machine.name))
      .map(({ name }) => name),
  ];
  return ill.length === 0 ? { status: 200, body: 'ok\n' } : { status: 502, body: `bad gateway: ${ill.join(', ')}\n` };
}

function isContainerHealthy(state: State, machine: Machine, name: string): boolean {
  const container = machine.containers[name];
  return container?.running === true && state.images[container.digest]?.healthy === true;
}

/** Whether what runs on a machine is said to make another ill. */
function breaks(store: Store, running: string, victim: string): boolean {
  const link = join(store.root(running), 'run/current-system');
  return existsSync(link) && (readClosure(link).spec.breaks ?? []).includes(victim);
}

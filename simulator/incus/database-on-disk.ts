import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ToolError, Unknown, type Call } from '../core/call.ts';
import type { State } from '../core/state.ts';
import { machineOf } from '../core/store.ts';
import { listenAddress, machineOfMember, seenBy } from './servers.ts';
import { isDaemonUp, votersOf } from './view.ts';

/** Some part of the log that is closed: the simulation has none. */
const SEGMENT = 1;

/** `incus admin cluster show` and `incus admin cluster -- recover-from-quorum-loss --quiet`: the database as this machine has it on its disk. */
export async function databaseOnDisk(call: Call): Promise<number> {
  const [, , verb, ...rest] = call.args;
  if (!existsSync(join(call.root, 'var/lib/incus/database'))) throw new Unknown('a machine without a database');
  if (verb === 'show' && rest.length === 0) return show(call);
  if (call.args.slice(2).join(' ') === '-- recover-from-quorum-loss --quiet') return recover(call);
  throw new Unknown('expected show, or -- recover-from-quorum-loss --quiet');
}

function show({ store, machine, out }: Call): number {
  const state = seenBy(store.read(), machine);
  const members = votersOf(state).map((name, at) => {
    const { address } = machineOfMember(state, name);
    const listens = listenAddress(machineOfMember(state, name)) ?? `${address}:8443`;
    return `- id: ${at + 1}\n  name: ${name}\n  address: ${listens}\n  role: voter\n`;
  });
  out(`# Latest dqlite segment ID: ${SEGMENT}\n\nmembers:\n${members.join('')}`);
  return 0;
}

async function recover({ machine, update }: Call): Promise<number> {
  await update((state) => {
    if (answers(state, machine)) throw new ToolError('Error: The daemon is running, please stop it first.');
    const { cluster } = seenBy(state, machine);
    cluster.voters = [machine];
    for (const [name, member] of Object.entries(cluster.members)) if (name !== machine) member.role = 'spare';
  });
  return 0;
}

/** Its socket starts the daemon as soon as it is asked whether it runs. */
function answers(state: State, machine: string): boolean {
  return isDaemonUp(state, machine) || machineOf(state, machine).units['incus.socket']?.active === 'active';
}

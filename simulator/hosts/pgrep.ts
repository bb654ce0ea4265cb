import { readOptions } from '../core/arguments.ts';
import { Unknown, type Call } from '../core/call.ts';
import type { Machine, State } from '../core/state.ts';
import { machineOf } from '../core/store.ts';
import { guestsOn } from './power.ts';
import { programsOf } from './processes.ts';

/**
 * `pgrep -f -a`: the programs of this simulated machine that run now, found among the real processes, and those that keep its
 * instances.
 */
export function pgrep(call: Call): number {
  const asked = readOptions(call.args, { flags: ['full', 'list-full'], short: { f: 'full', a: 'list-full' } });
  if (!asked.has('full') || !asked.has('list-full')) throw new Unknown('expected -f -a');
  const pattern = new RegExp(asked.positionals[0] ?? '');
  const programs = programsOf(call.store.dir, call.machine).filter(({ pid }) => pid !== process.pid);
  const found = [...programs, ...instancesOf(call.store.read(), call.machine)].filter(({ command }) =>
    pattern.test(command),
  );
  for (const { pid, command } of found) call.out(`${pid} ${command}\n`);
  return found.length === 0 ? 1 : 0;
}

function instancesOf(state: State, name: string): { pid: number; command: string }[] {
  if (machineOf(state, name).kind !== 'member') return [];
  return guestsOn(state, name)
    .filter((guest) => state.cluster.instances[guest.name]?.status === 'Running')
    .map((guest) => ({
      pid: pidOf(guest),
      command:
        state.cluster.instances[guest.name]?.type === 'container'
          ? `[lxc monitor] /var/lib/incus/containers ${guest.name}`
          : `/run/current-system/sw/bin/qemu-system-x86_64 -S -name ${guest.name}`,
    }));
}

/** Another one after each boot. */
const pidOf = ({ bootId }: Machine): number => 100_000 + (parseInt(bootId.slice(0, 4), 16) || 0);

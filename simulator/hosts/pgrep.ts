import { readOptions } from '../core/arguments.ts';
import { Unknown, type Call } from '../core/call.ts';
import { programsOf } from './processes.ts';

/** `pgrep -f -a`: the programs of this simulated machine that run now, found among the real processes. */
export function pgrep(call: Call): number {
  const asked = readOptions(call.args, { flags: ['full', 'list-full'], short: { f: 'full', a: 'list-full' } });
  if (!asked.has('full') || !asked.has('list-full')) throw new Unknown('expected -f -a');
  const pattern = new RegExp(asked.positionals[0] ?? '');
  const found = programsOf(call.store.dir, call.machine).filter(
    ({ pid, command }) => pid !== process.pid && pattern.test(command),
  );
  for (const { pid, command } of found) call.out(`${pid} ${command}\n`);
  return found.length === 0 ? 1 : 0;
}

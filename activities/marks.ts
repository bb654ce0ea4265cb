import type { Host } from '../hosts/host.ts';
import { listFolder } from '../tools/folder.ts';
import { toolFailure } from './failure.ts';
import { plainly } from './plainly.ts';

/** What runs note on a host, for the run that comes after one that was cut off: files in a folder, with the run's name in each. */
export interface Marks<Mark extends string> {
  on: (host: Host, signal: AbortSignal) => Promise<Set<Mark>>;
  /** Idempotent. */
  set: (host: Host, mark: Mark, runName: string, signal: AbortSignal) => Promise<void>;
  /** Idempotent. */
  remove: (host: Host, mark: Mark, signal: AbortSignal) => Promise<void>;
}

export function marksIn<Mark extends string>(folder: string, marks: readonly Mark[]): Marks<Mark> {
  return {
    on: async (host, signal) => {
      const listed = await listFolder(host, folder, { signal });
      if (listed.type === 'unexpected') throw toolFailure(`Looking into ${folder} on ${host.name}`, listed);
      const names: readonly string[] = listed.type === 'entries' ? listed.names : [];
      return new Set(marks.filter((mark) => names.includes(mark)));
    },
    set: async (host, mark, runName, signal) => {
      await plainly(host, ['mkdir', '-p', '-m', '700', folder], signal);
      await host.putFile(`${folder}/${mark}`, `${runName}\n`, { signal });
    },
    remove: (host, mark, signal) => plainly(host, ['rm', '-f', `${folder}/${mark}`], signal),
  };
}

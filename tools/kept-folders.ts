import type { Host } from '../hosts/host.ts';
import { unexpected, type Ran, type Unexpected } from './result.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

/** Where runs set folders aside, on each host. */
const FOLDER = '/var/lib/runbook/set-aside';
const TIMEOUT_MS = 60_000;
/** An Incus's database is small; whatever else was set aside may not be. */
const REMOVE_TIMEOUT_MS = 10 * 60_000;

export interface KeptFolder {
  name: string;
  /** When it was last changed: ISO 8601. */
  since: string;
  bytes: number;
}

export interface KeptFolders {
  list(): Promise<{ type: 'folders'; folders: KeptFolder[] } | Unexpected>;
  /** With all that is in it, but nothing that is mounted there. Idempotent. */
  remove(name: string): Promise<{ type: 'removed' } | Unexpected>;
}

/** `remove` throws a TypeError for what is not the name of one folder. */
export function createKeptFolders(host: Host, options: ToolOptions = {}): KeptFolders {
  const run = async (argv: readonly string[], timeoutMs = TIMEOUT_MS): Promise<Ran> => ({
    argv,
    result: await host.run(argv, { timeoutMs, ...withSignal(options) }),
  });

  return {
    list: async () => {
      const ran = await run([
        'find',
        FOLDER,
        '-mindepth',
        '1',
        '-maxdepth',
        '1',
        '-type',
        'd',
        '-printf',
        '%f\\t%T@\\n',
      ]);
      if (/: No such file or directory$/m.test(ran.result.stderr)) return { type: 'folders', folders: [] };
      if (ran.result.exitCode !== 0) return unexpected('find', ran);
      const folders: KeptFolder[] = [];
      for (const line of ran.result.stdout.split('\n').filter((each) => each !== '')) {
        const [name = '', seconds = ''] = line.split('\t');
        const size = await run(['du', '-skx', '--', `${FOLDER}/${name}`]);
        const [kib] = /^\d+/.exec(size.result.stdout) ?? [];
        if (kib === undefined || size.result.exitCode !== 0) return unexpected('du', size);
        folders.push({ name, since: new Date(Number(seconds) * 1000).toISOString(), bytes: Number(kib) * 1024 });
      }
      return { type: 'folders', folders };
    },
    remove: async (name) => {
      const ran = await run(
        ['rm', '-rf', '--one-file-system', '--', `${FOLDER}/${folderName(name)}`],
        REMOVE_TIMEOUT_MS,
      );
      return ran.result.exitCode === 0 ? { type: 'removed' } : unexpected('rm', ran);
    },
  };
}

function folderName(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) return name;
  throw new TypeError(`Expected the name of a folder, got ${JSON.stringify(name)}.`);
}

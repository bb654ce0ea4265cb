import type { Host } from '../hosts/host.ts';
import { unexpected, type NotFound, type Ran, type Unexpected } from './result.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

const ROOT = '/var/lib/runbook/identities';
const TIMEOUT_MS = 30_000;

const folderOf = (member: string): string => `${ROOT}/${member}`;
export const storedPath = (member: string, name: string): string => `${folderOf(member)}/${name}`;

interface Listed {
  type: 'files';
  /** Of every member; `name` without its folder. */
  files: { member: string; name: string; sha256: string }[];
}

/** What a host keeps of the identities of others: encrypted files, one folder for each member. */
export interface IdentityStore {
  list(): Promise<Listed | Unexpected>;
  /**
   * Written aside as `part`, on the disk before it gets its name, and read back: `sha256` is of what is there then.
   * Idempotent.
   */
  write(
    member: string,
    file: { name: string; part: string; content: Buffer },
  ): Promise<{ type: 'written'; sha256: string } | Unexpected>;
  read(path: string): Promise<{ type: 'content'; bytes: Buffer } | NotFound | Unexpected>;
  /** Names in the member's folder, of whatever form. */
  names(member: string): Promise<{ type: 'names'; names: string[] } | Unexpected>;
  /** Gone already is fine. */
  remove(member: string, names: readonly string[]): Promise<{ type: 'removed' } | Unexpected>;
}

export function createIdentityStore(host: Host, options: ToolOptions = {}): IdentityStore {
  const run = async (argv: readonly string[]): Promise<Ran> => ({
    argv,
    result: await host.run(argv, { timeoutMs: TIMEOUT_MS, ...withSignal(options) }),
  });
  const sum = async (path: string): Promise<{ type: 'written'; sha256: string } | Unexpected> => {
    const ran = await run(['sha256sum', '--', path]);
    const [sha256 = ''] = ran.result.stdout.split(' ');
    return ran.result.exitCode === 0 ? { type: 'written', sha256 } : unexpected('sha256sum', ran);
  };
  return {
    list: async () => {
      const ran = await run(['find', ROOT, ...WHOLE, '-exec', 'sha256sum', '--', '{}', '+']);
      if (isNone(ran)) return { type: 'files', files: [] };
      return ran.result.exitCode === 0
        ? { type: 'files', files: readSums(ran.result.stdout) }
        : unexpected('find', ran);
    },
    write: async (member, { name, part, content }) => {
      const folder = folderOf(member);
      const [aside, path] = [storedPath(member, part), storedPath(member, name)];
      const made = await run(['install', '-d', '-m', '700', '--', ROOT, folder]);
      if (made.result.exitCode !== 0) return unexpected('install', made);
      await host.putFile(aside, content, withSignal(options));
      for (const argv of [
        ['sync', '--', aside],
        ['mv', '--no-target-directory', '--', aside, path],
        ['sync', '--', folder],
      ]) {
        const ran = await run(argv);
        if (ran.result.exitCode !== 0) return unexpected(argv[0] ?? '', ran);
      }
      return sum(path);
    },
    read: async (path) => {
      const ran = await run(['base64', '--wrap=0', '--', path]);
      if (ran.result.exitCode === 0) return { type: 'content', bytes: Buffer.from(ran.result.stdout, 'base64') };
      return isNone(ran) ? { type: 'not found', what: path } : unexpected('base64', ran);
    },
    names: async (member) => {
      const ran = await run(['find', folderOf(member), '-mindepth', '1', '-maxdepth', '1', '-printf', '%f\\n']);
      if (isNone(ran)) return { type: 'names', names: [] };
      if (ran.result.exitCode !== 0) return unexpected('find', ran);
      return { type: 'names', names: ran.result.stdout.split('\n').filter((name) => name !== '') };
    },
    remove: async (member, names) => {
      if (names.length === 0) return { type: 'removed' };
      const ran = await run(['rm', '-f', '--', ...names.map((name) => storedPath(member, name))]);
      return ran.result.exitCode === 0 ? { type: 'removed' } : unexpected('rm', ran);
    },
  };
}

const WHOLE = ['-mindepth', '2', '-maxdepth', '2', '-type', 'f', '-name', '*.tar.age'];

const isNone = ({ result }: Ran): boolean => /: No such file or directory$/m.test(result.stderr);

function readSums(text: string): Listed['files'] {
  return text.split('\n').flatMap((line) => {
    const [, sha256 = '', member = '', name = ''] = /^([0-9a-f]{64}) {2}.*\/([^/]+)\/([^/]+)$/.exec(line) ?? [];
    return sha256 === '' ? [] : [{ member, name, sha256 }];
  });
}

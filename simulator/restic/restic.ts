import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Unknown, type Call } from '../core/call.ts';
import { intoRoot } from '../core/paths.ts';
import type { ResticSnapshot } from '../core/state.ts';
import { writeAll } from '../core/streams.ts';
import { backup } from './backup.ts';
import { addressOf, chosen, grouped, idOf, optionsOf, passwordOf, repositoryOf, ResticError } from './repository.ts';
import { check, forget, list, prune, unlock } from './upkeep.ts';

const VERBS: Readonly<Record<string, (call: Call) => number | Promise<number>>> = {
  version: ({ out }) => {
    out('restic 0.18.0 compiled with go1.24.4 on linux/amd64\n');
    return 0;
  },
  ...{ init, snapshots, backup, dump, restore, forget, prune, check, unlock, list },
};

/** A repository is part of the state: its snapshots hold the files, which are a machine's own. */
export async function restic(call: Call): Promise<number> {
  const verb = VERBS[call.args[0] ?? ''];
  if (verb === undefined) throw new Unknown(`expected one of ${Object.keys(VERBS).join(', ')}`);
  try {
    return await verb(call);
  } catch (error) {
    if (!(error instanceof ResticError)) throw error;
    const { code, message } = error;
    const asJson = JSON.stringify({ message_type: 'exit_error', code, message });
    call.err(call.args.includes('--json') ? `${asJson}\n` : `${message}\n`);
    return code;
  }
}

async function init(call: Call): Promise<number> {
  const asked = optionsOf(call);
  const [address, password] = [addressOf(call, asked), passwordOf(call, asked)];
  await call.update((state) => {
    state.repositories ??= {};
    if (state.repositories[address])
      throw new ResticError(1, 'Fatal: create repository failed: config file already exists');
    state.repositories[address] = { password, snapshots: [], locks: [] };
  });
  const said = { message_type: 'initialized', id: idOf(address), repository: asked.value('repo') };
  call.out(`${JSON.stringify(said)}\n`);
  return 0;
}

function snapshots(call: Call): number {
  const asked = optionsOf(call, { values: ['latest', 'tag', 'host', 'path'] });
  const found = chosen(repositoryOf(call, asked).snapshots, asked);
  const latest = asked.value('latest');
  const shown = latest === undefined ? found : grouped(found).flatMap((group) => group.slice(-Number(latest)));
  call.out(`${JSON.stringify(shown.map(asListed))}\n`);
  return 0;
}

function asListed({ id, time, hostname, paths, tags }: ResticSnapshot): Record<string, unknown> {
  const own = { time, tree: idOf(`tree ${id}`), paths, hostname, username: 'root' };
  const summary = {
    backup_start: time,
    backup_end: time,
    files_new: 1,
    total_files_processed: 1,
    total_bytes_processed: 5,
  };
  const more = { program_version: 'restic 0.18.0', summary, id, short_id: id.slice(0, 8) };
  return { ...own, ...(tags.length > 0 ? { tags } : {}), ...more };
}

function snapshotNamed(found: readonly ResticSnapshot[], name: string): ResticSnapshot {
  const snapshot = found.find(({ id }) => id.startsWith(name));
  if (snapshot !== undefined) return snapshot;
  throw new ResticError(1, `Fatal: failed to find snapshot: no matching ID found for prefix "${name}"`);
}

function dump(call: Call): number {
  const asked = optionsOf(call, { values: ['tag', 'host', 'path'] });
  const [name = '', path = ''] = asked.positionals;
  const content = snapshotNamed(repositoryOf(call, asked).snapshots, name).files[path];
  if (content === undefined) throw new ResticError(1, `Fatal: cannot dump file: path "${path}" not found in snapshot`);
  writeAll(1, Buffer.from(content, 'base64'));
  return 0;
}

/** `restic restore --verify --target=FOLDER -- SNAPSHOT[:PATH]`. */
function restore(call: Call): number {
  const asked = optionsOf(call, { flags: ['verify'], values: ['target'] });
  const [name = '', below = ''] = (asked.positionals[0] ?? '').split(':', 2);
  const { files } = snapshotNamed(repositoryOf(call, asked).snapshots, name);
  const wanted = Object.entries(files).filter(([path]) => below === '' || path.startsWith(`${below}/`));
  if (below !== '' && wanted.length === 0) throw new ResticError(1, `path ${below.slice(1)}: not found`);
  const target = intoRoot(asked.value('target') ?? '', call.root);
  let bytes = 0;
  for (const [path, content] of wanted) {
    const at = join(target, path.slice(below.length));
    if (!existsSync(dirname(at))) mkdirSync(dirname(at), { recursive: true });
    const written = Buffer.from(content, 'base64');
    writeFileSync(at, written);
    bytes += written.length;
  }
  const total = {
    total_files: wanted.length,
    files_restored: wanted.length,
    total_bytes: bytes,
    bytes_restored: bytes,
  };
  call.out(`${JSON.stringify({ message_type: 'summary', ...total })}\n`);
  return 0;
}

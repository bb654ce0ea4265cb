import { z } from 'zod';
import type { Host } from '../hosts/host.ts';
import { readJson, tail, unexpected, type Ran, type Unexpected } from './result.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

/** Reads every snapshot's file of the repository, over the network. */
const TIMEOUT_MS = 3 * 60_000;

const snapshotsSchema = z
  .array(
    z.object({
      id: z.string(),
      time: z.iso.datetime({ offset: true }),
      hostname: z.string(),
      paths: z.array(z.string()),
    }),
  )
  .nullable();

interface ResticSource {
  /** Without credentials: those belong into files or the environment of restic's own user. */
  repository: string;
  /** On the machine where restic runs. */
  passwordFile: string;
  tag?: string;
  /** Only snapshots that hold all of these. */
  paths?: readonly string[];
}

type NewestResticSnapshot =
  | { type: 'snapshot'; id: string; created: string; hostname: string; paths: string[] }
  /** The repository has none that fits. */
  | { type: 'none' }
  | { type: 'no repository'; message: string }
  | { type: 'locked'; message: string }
  | { type: 'wrong password'; message: string }
  | Unexpected;

export interface Restic {
  /**
   * The newest snapshot, by its own time. Takes no lock, so it can be asked during a backup.
   * Throws a TypeError for a repository address with a password in it: it would be seen in the process list.
   */
  newestSnapshot(source: ResticSource): Promise<NewestResticSnapshot>;
}

/** `host`: where restic runs and its password file is. */
export function createRestic(host: Host, options: ToolOptions = {}): Restic {
  return {
    newestSnapshot: async (source) => {
      const argv = snapshotsArgv(source);
      return readSnapshots({ argv, result: await host.run(argv, { timeoutMs: TIMEOUT_MS, ...withSignal(options) }) });
    },
  };
}

function snapshotsArgv({ repository, passwordFile, tag, paths = [] }: ResticSource): string[] {
  if (/:\/\/[^/@\s]*:[^/@\s]*@/.test(repository))
    throw new TypeError('Expected a restic repository without a password in its address; restic reads it from a file.');
  return [
    ...['restic', 'snapshots', '--json', '--latest', '1', '--no-lock'],
    ...[`--repo=${repository}`, `--password-file=${passwordFile}`],
    ...(tag === undefined ? [] : [`--tag=${tag}`]),
    ...paths.map((path) => `--path=${path}`),
  ];
}

function readSnapshots(ran: Ran): NewestResticSnapshot {
  const message = exitMessage(ran.result.stderr);
  // 10 and 11 since restic 0.17, 12 since 0.17.1; before, all of them were 1.
  if (ran.result.exitCode === 10) return { type: 'no repository', message };
  if (ran.result.exitCode === 11) return { type: 'locked', message };
  if (ran.result.exitCode === 12) return { type: 'wrong password', message };
  if (ran.result.exitCode !== 0) return unexpected('restic', ran);
  const answer = readJson('restic', ran, snapshotsSchema);
  if (answer.type !== 'json') return answer;
  // `--latest 1` is one for each host and set of paths.
  const newest = [...(answer.value ?? [])].sort((a, b) => Date.parse(b.time) - Date.parse(a.time))[0];
  if (newest === undefined) return { type: 'none' };
  const created = new Date(newest.time).toISOString();
  return { type: 'snapshot', id: newest.id, created, hostname: newest.hostname, paths: newest.paths };
}

/** With `--json`, restic 0.18 says why it ends in a line of JSON: `{"message_type":"exit_error",…,"message":"Fatal: …"}`. */
function exitMessage(stderr: string): string {
  const quoted = /"message_type":"exit_error".*"message":("(?:[^"\\]|\\.)*")/.exec(stderr)?.[1];
  return tail(quoted === undefined ? stderr : String(JSON.parse(quoted)));
}

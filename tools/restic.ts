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
  | ({ type: 'snapshot' } & ResticSnapshot)
  /** The repository has none that fits. */
  | { type: 'none' }
  | ResticProblem;

type ResticProblem =
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
  /** One file from memory, as a snapshot of `host`. Not idempotent: each call makes a snapshot. */
  backupFile(
    source: ResticSource,
    file: { name: string; content: Buffer; host: string },
  ): Promise<{ type: 'saved' } | ResticProblem>;
  /** Every snapshot with that tag, of whatever host. */
  snapshots(source: ResticSource): Promise<{ type: 'snapshots'; snapshots: ResticSnapshot[] } | ResticProblem>;
  /** The file of a snapshot, whole. */
  dump(
    source: ResticSource,
    snapshot: string,
    path: string,
  ): Promise<{ type: 'content'; bytes: Buffer } | ResticProblem>;
}

export interface ResticSnapshot {
  id: string;
  /** ISO 8601, UTC. */
  created: string;
  hostname: string;
  paths: string[];
}

/** `host`: where restic runs and its password file is. */
export function createRestic(host: Host, options: ToolOptions = {}): Restic {
  const run = async (argv: readonly string[], input?: Buffer): Promise<Ran> => {
    const more = { ...(input === undefined ? {} : { input }), ...withSignal(options) };
    return { argv, result: await host.run(argv, { timeoutMs: TIMEOUT_MS, ...more }) };
  };
  return {
    newestSnapshot: async (source) => {
      const words = [...['restic', 'snapshots', '--json', '--latest', '1', '--no-lock'], ...sourceArgv(source)];
      const answer = readSnapshots(await run(words));
      if (answer.type !== 'snapshots') return answer;
      // `--latest 1` is one for each host and set of paths.
      const newest = answer.snapshots.sort((a, b) => Date.parse(b.created) - Date.parse(a.created))[0];
      return newest === undefined ? { type: 'none' } : { type: 'snapshot', ...newest };
    },
    backupFile: async (source, { name, content, host: hostname }) => {
      const ran = await run(
        [
          ...['restic', 'backup', '--json', '--stdin', '--stdin-filename', name, `--host=${hostname}`],
          ...sourceArgv(source),
        ],
        content,
      );
      return problemOf(ran) ?? { type: 'saved' };
    },
    snapshots: async (source) =>
      readSnapshots(await run([...['restic', 'snapshots', '--json', '--no-lock'], ...sourceArgv(source)])),
    dump: async (source, snapshot, path) => {
      const dumped = ['restic', 'dump', '--no-lock', ...sourceArgv(source), snapshot, path];
      const ran = await run(['bash', '-c', AS_TEXT, 'bash', ...dumped]);
      return problemOf(ran) ?? { type: 'content', bytes: Buffer.from(ran.result.stdout, 'base64') };
    },
  };
}

/** What programs print is kept as text. */
const AS_TEXT = 'set -o pipefail; "$@" | base64 --wrap=0';

function sourceArgv({ repository, passwordFile, tag, paths = [] }: ResticSource): string[] {
  if (/:\/\/[^/@\s]*:[^/@\s]*@/.test(repository))
    throw new TypeError('Expected a restic repository without a password in its address; restic reads it from a file.');
  return [
    ...[`--repo=${repository}`, `--password-file=${passwordFile}`],
    ...(tag === undefined ? [] : [`--tag=${tag}`]),
    ...paths.map((path) => `--path=${path}`),
  ];
}

function problemOf(ran: Ran): ResticProblem | undefined {
  const message = exitMessage(ran.result.stderr);
  // 10 and 11 since restic 0.17, 12 since 0.17.1; before, all of them were 1.
  if (ran.result.exitCode === 10) return { type: 'no repository', message };
  if (ran.result.exitCode === 11) return { type: 'locked', message };
  if (ran.result.exitCode === 12) return { type: 'wrong password', message };
  return ran.result.exitCode === 0 ? undefined : unexpected('restic', ran);
}

function readSnapshots(ran: Ran): { type: 'snapshots'; snapshots: ResticSnapshot[] } | ResticProblem {
  const problem = problemOf(ran);
  if (problem !== undefined) return problem;
  const answer = readJson('restic', ran, snapshotsSchema);
  if (answer.type !== 'json') return answer;
  const snapshots = (answer.value ?? []).map(({ time, id, hostname, paths }) => {
    const created = new Date(time).toISOString();
    return { id, created, hostname, paths };
  });
  return { type: 'snapshots', snapshots };
}

/** With `--json`, restic 0.18 says why it ends in a line of JSON: `{"message_type":"exit_error",…,"message":"Fatal: …"}`. */
function exitMessage(stderr: string): string {
  const quoted = /"message_type":"exit_error".*"message":("(?:[^"\\]|\\.)*")/.exec(stderr)?.[1];
  return tail(quoted === undefined ? stderr : String(JSON.parse(quoted)));
}

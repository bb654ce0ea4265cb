import { z } from 'zod';
import type { Host } from '../hosts/host.ts';
import { problemOf, resticArgv, type ResticAccess, type ResticProblem } from './restic-command.ts';
import { readJson, type Ran } from './result.ts';
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
      tags: z.array(z.string()).nullish(),
      // Since restic 0.17, and not of snapshots from before.
      summary: z.object({ total_bytes_processed: z.number().optional() }).nullish(),
    }),
  )
  .nullable();

interface ResticSource extends ResticAccess {
  tag?: string;
  /** As the snapshots name the machine. */
  hostname?: string;
  /** Only snapshots that hold all of these. */
  paths?: readonly string[];
}

type NewestResticSnapshot =
  | ({ type: 'snapshot' } & ResticSnapshot)
  /** The repository has none that fits. */
  | { type: 'none' }
  | ResticProblem;

export interface Restic {
  /**
   * The newest snapshot, by its own time. Takes no lock, so it can be asked during a backup.
   * Throws a TypeError for a repository address with a password in it: it would be seen in the process list.
   */
  newestSnapshot(source: ResticSource): Promise<NewestResticSnapshot>;
  /** One file from memory, as a snapshot of `host`. Not idempotent: each call makes a snapshot. */
  backupFile(
    source: Omit<ResticSource, 'hostname'>,
    file: { name: string; content: Buffer; host: string },
  ): Promise<{ type: 'saved' } | ResticProblem>;
  /** Every snapshot that fits. */
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
  tags: string[];
  /** Of all files in it, as they were read. */
  bytes?: number;
}

/** `host`: where restic runs and its password file is. */
export function createRestic(host: Host, options: ToolOptions & { timeoutMs?: number } = {}): Restic {
  const { timeoutMs = TIMEOUT_MS } = options;
  const run = async (argv: readonly string[], input?: Buffer): Promise<Ran> => {
    const more = { ...(input === undefined ? {} : { input }), ...withSignal(options) };
    return { argv, result: await host.run(argv, { timeoutMs, ...more }) };
  };
  return {
    newestSnapshot: async (source) => {
      const words = resticArgv(source, ['snapshots', '--json', '--latest', '1', '--no-lock'], selection(source));
      const answer = readSnapshots(await run(words));
      if (answer.type !== 'snapshots') return answer;
      // `--latest 1` is one for each host and set of paths.
      const newest = answer.snapshots.sort((a, b) => Date.parse(b.created) - Date.parse(a.created))[0];
      return newest === undefined ? { type: 'none' } : { type: 'snapshot', ...newest };
    },
    backupFile: async (source, { name, content, host: hostname }) => {
      const words = ['backup', '--json', '--stdin', '--stdin-filename', name, `--host=${hostname}`];
      const ran = await run(resticArgv(source, words, selection(source)), content);
      return problemOf(ran) ?? { type: 'saved' };
    },
    snapshots: async (source) =>
      readSnapshots(await run(resticArgv(source, ['snapshots', '--json', '--no-lock'], selection(source)))),
    dump: async (source, snapshot, path) => {
      const dumped = resticArgv(source, ['dump', '--no-lock'], [...selection(source), snapshot, path]);
      const ran = await run(['bash', '-c', AS_TEXT, 'bash', ...dumped]);
      return problemOf(ran) ?? { type: 'content', bytes: Buffer.from(ran.result.stdout, 'base64') };
    },
  };
}

/** What programs print is kept as text. */
const AS_TEXT = 'set -o pipefail; "$@" | base64 --wrap=0';

function selection({ tag, hostname, paths = [] }: ResticSource): string[] {
  return [
    ...(tag === undefined ? [] : [`--tag=${tag}`]),
    ...(hostname === undefined ? [] : [`--host=${hostname}`]),
    ...paths.map((path) => `--path=${path}`),
  ];
}

function readSnapshots(ran: Ran): { type: 'snapshots'; snapshots: ResticSnapshot[] } | ResticProblem {
  const problem = problemOf(ran);
  if (problem !== undefined) return problem;
  const answer = readJson('restic', ran, snapshotsSchema);
  if (answer.type !== 'json') return answer;
  const snapshots = (answer.value ?? []).map(({ time, id, hostname, paths, tags, summary }) => {
    const created = new Date(time).toISOString();
    const bytes = summary?.total_bytes_processed;
    return { id, created, hostname, paths, tags: tags ?? [], ...(bytes === undefined ? {} : { bytes }) };
  });
  return { type: 'snapshots', snapshots };
}

import { z } from 'zod';
import type { Host } from '../hosts/host.ts';
import { HostError } from '../hosts/host.ts';
import { unexpected, type NotFound, type Ran, type Unexpected } from './result.ts';
import { datasetName } from './zfs-names.ts';
import { readZfsError } from './zfs.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

/** Where it is written down, on the replica itself: it is gone with the replica, and nowhere else does anybody believe it. */
const PROPERTY = 'runbook:proven';
const TIMEOUT_MS = 60_000;

/** `failed`: the last drill has found it not to be what it should be. */
const proofSchema = z.object({
  outcome: z.enum(['proven', 'failed']),
  /** When; and of which snapshot, made when: ISO 8601. */
  at: z.iso.datetime(),
  guid: z.string(),
  snapshotAt: z.iso.datetime(),
  /** How it was: `all of 120 files`; or why not. */
  words: z.string(),
  /** Of the restore, where it was of one piece. */
  bytes: z.number().optional(),
  seconds: z.number().optional(),
});
export type StoredProof = z.output<typeof proofSchema>;

/** What is written down of every replica on this host, by its name; nothing where it has no ZFS. What cannot be read is none. */
export async function zfsProofs(
  host: Host,
  options: ToolOptions = {},
): Promise<{ type: 'proofs'; proofs: Map<string, StoredProof> } | Unexpected> {
  const columns = ['-o', 'name,property,value', '-t', 'filesystem,volume'];
  const argv = ['zfs', 'get', '-Hp', '-s', 'local', ...columns, PROPERTY];
  const ran = await unlessMissing(argv, () => host.run(argv, { timeoutMs: TIMEOUT_MS, ...withSignal(options) }));
  if (ran === undefined || ran.result.exitCode === 127) return { type: 'proofs', proofs: new Map() };
  if (ran.result.exitCode !== 0) return unexpected('zfs', ran);
  const lines = ran.result.stdout.split('\n').filter((line) => line !== '');
  return { type: 'proofs', proofs: new Map(lines.flatMap((line) => readLine(line) ?? [])) };
}

/** Takes the place of what was written down before. Idempotent. @throws {TypeError} for a name that ZFS would take for something else. */
export async function setZfsProof(
  host: Host,
  dataset: string,
  proof: StoredProof,
  options: ToolOptions = {},
): Promise<{ type: 'set' } | NotFound | Unexpected> {
  const argv = ['zfs', 'set', `${PROPERTY}=${JSON.stringify(proof)}`, datasetName(dataset)];
  const ran: Ran = { argv, result: await host.run(argv, { timeoutMs: TIMEOUT_MS, ...withSignal(options) }) };
  return ran.result.exitCode === 0 ? { type: 'set' } : readZfsError('zfs', ran);
}

async function unlessMissing(argv: string[], look: () => Promise<Ran['result']>): Promise<Ran | undefined> {
  try {
    return { argv, result: await look() };
  } catch (error) {
    if (error instanceof HostError && error.type === 'NotRun') return undefined;
    throw error;
  }
}

function readLine(line: string): [[string, StoredProof]] | undefined {
  const [, name, value] = /^([^\t]+)\t[^\t]+\t([^]*)$/.exec(line) ?? [];
  if (name === undefined || value === undefined) return undefined;
  const read = proofSchema.safeParse(parsed(value));
  return read.success ? [[name, read.data]] : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

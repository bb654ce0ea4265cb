import type { Host } from '../hosts/host.ts';
import type { NotFound, Ran, Unexpected } from './result.ts';
import { datasetName } from './zfs-names.ts';
import { zfsProblem } from './zfs-problems.ts';
import { readZfsError } from './zfs.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

const LOOK_TIMEOUT_MS = 60_000;
/** What was received is freed. */
const ABORT_TIMEOUT_MS = 5 * 60_000;

/** What an interrupted receive goes on with, as the token itself says. */
export interface ResumeToken {
  type: 'token';
  token: string;
  toGuid: string;
  /** `dataset@snapshot`, as it was called when the send began. */
  toName: string;
  fromGuid?: string;
  /** So much has arrived. */
  bytes?: number;
  raw: boolean;
  compressed: boolean;
  largeBlocks: boolean;
  embedded: boolean;
  /** The sender could go on. `false`: a snapshot that it needs is gone, or is another one of that name. */
  sendable: boolean;
}

/** The end of an interrupted receive. All throw a TypeError for a name that ZFS would take for something else. */
export interface ZfsResume {
  /** On the sender. Changes nothing. */
  readToken(token: string): Promise<ResumeToken | { type: 'unreadable'; token: string; message: string }>;
  /**
   * On the receiver: gives up what has arrived of a dataset; of a first receive that is the whole dataset. `none`: there was
   * nothing. Idempotent. `busy`: it is still being received.
   */
  abortPartial(
    dataset: string,
  ): Promise<{ type: 'aborted' } | { type: 'none' } | { type: 'busy'; message: string } | NotFound | Unexpected>;
}

export function createZfsResume(host: Host, options: ToolOptions = {}): ZfsResume {
  const run = async (argv: readonly string[], timeoutMs: number): Promise<Ran> => ({
    argv,
    result: await host.run(argv, { timeoutMs, ...withSignal(options) }),
  });

  return {
    readToken: async (token) => {
      if (!/^[0-9a-f-]+$/.test(token)) return { type: 'unreadable', token, message: 'It is no token.' };
      // Ends with an error where it could not go on, and tells the token's content before that.
      const { result } = await run(['zfs', 'send', '-nvP', '-t', token], LOOK_TIMEOUT_MS);
      const read = tokenIn(result.stdout, token);
      if (read !== undefined) return { ...read, sendable: result.exitCode === 0 };
      return { type: 'unreadable', token, message: result.stderr.trim() };
    },
    abortPartial: async (dataset) => {
      const ran = await run(['zfs', 'receive', '-A', datasetName(dataset)], ABORT_TIMEOUT_MS);
      if (ran.result.exitCode === 0) return { type: 'aborted' };
      if (/ does not have any resumable receive state to abort$/m.test(ran.result.stderr)) return { type: 'none' };
      const problem = zfsProblem(ran.result.stderr);
      if (problem?.type === 'busy') return { type: 'busy', message: problem.message };
      return readZfsError('zfs', ran);
    },
  };
}

/** Lines such as `	toguid = 0x17d1b…`; an absent flag is off. */
function tokenIn(printed: string, token: string): Omit<ResumeToken, 'sendable'> | undefined {
  const fields = new Map(
    printed.split('\n').flatMap((line) => {
      const [, name, value] = /^\t([a-z_]+) = (.*)$/.exec(line) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value] as const];
    }),
  );
  const [toGuid, toName] = [decimal(fields.get('toguid')), fields.get('toname')];
  if (toGuid === undefined || toName === undefined) return undefined;
  const [fromGuid, bytes] = [decimal(fields.get('fromguid')), decimal(fields.get('bytes'))];
  const isOn = (flag: string): boolean => fields.has(flag);
  return {
    ...{ type: 'token', token, toGuid, toName },
    ...(fromGuid === undefined ? {} : { fromGuid }),
    ...(bytes === undefined ? {} : { bytes: Number(bytes) }),
    ...{ raw: isOn('rawok'), compressed: isOn('compressok') },
    ...{ largeBlocks: isOn('largeblockok'), embedded: isOn('embedok') },
  };
}

/** `0x1f`, of 64 bits. */
function decimal(hex: string | undefined): string | undefined {
  return hex !== undefined && /^0x[0-9a-f]+$/.test(hex) ? BigInt(hex).toString() : undefined;
}

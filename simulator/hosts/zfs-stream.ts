import type { DatasetPoint } from '../core/state.ts';
import { guidFrom } from './zfs-datasets.ts';

/** What is sent instead of data: a line that says what it is, then so many lines that stand for it, then the last one. */
export interface StreamHeader {
  /** `dataset@snapshot` on the sender. */
  toName: string;
  toGuid: string;
  creation: number;
  fromGuid?: string;
  kind: 'filesystem' | 'volume';
  flags: StreamFlags;
  encrypted: boolean;
  /** Stands for the data. */
  content?: string;
  /** Goes on where an interrupted receive ended. */
  resumed: boolean;
}

export interface StreamFlags {
  raw: boolean;
  compressed: boolean;
  largeBlocks: boolean;
}

/** Lines of data in a stream. */
export const PARTS = 4;
/** Of a size that a stream can be cut in the middle of. */
export const PART = `${'.'.repeat(2 ** 18 - 1)}\n`;
export const END = 'end\n';

/** What a token knows. */
export interface TokenContent {
  toName: string;
  toGuid: string;
  fromGuid?: string;
  flags: StreamFlags;
  parts: number;
}

export function tokenOf(content: TokenContent): string {
  const text = Buffer.from(JSON.stringify(content));
  return `1-${sum(text)}-${text.length.toString(16)}-${text.toString('hex')}`;
}

/** Undefined where it is corrupt. */
export function readTokenText(token: string): TokenContent | undefined {
  const [version, checksum, , hex = ''] = token.split('-');
  const text = Buffer.from(hex, 'hex');
  if (version !== '1' || checksum !== sum(text)) return undefined;
  return JSON.parse(text.toString()) as TokenContent;
}

const sum = (text: Buffer): string => BigInt(guidFrom(text.toString('latin1'))).toString(16);

/** As `zfs send -nvP -t` prints it. */
export function tokenText({ toName, toGuid, fromGuid, flags, parts }: TokenContent, bytes: number): string {
  const hex = (text: string): string => `0x${BigInt(text).toString(16)}`;
  const lines = [
    ...(fromGuid === undefined ? [] : [`fromguid = ${hex(fromGuid)}`]),
    'object = 0x2',
    `offset = 0x${(parts * 1000).toString(16)}`,
    `bytes = 0x${bytes.toString(16)}`,
    `toguid = ${hex(toGuid)}`,
    `toname = ${toName}`,
    ...(flags.compressed || flags.raw ? ['compressok = 1'] : []),
    ...(flags.raw ? ['rawok = 1'] : []),
  ];
  return `resume token contents:\nnvlist version: 0\n${lines.map((line) => `\t${line}\n`).join('')}`;
}

export const hasGuid =
  (guid: string) =>
  (point: Required<DatasetPoint>): boolean =>
    point.guid === guid;

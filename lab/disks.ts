import { join } from 'node:path';
import type { RunRecord } from './run-record.ts';
import { check } from './shell.ts';

export const hostFolder = (record: RunRecord, host: string): string => join(record.folder, 'hosts', host);

/** Copies with everything a disk has: owners, modes, links, sparse files, extended attributes. */
export const copyDisk = (from: string, to: string): Promise<string> =>
  check(['cp', '-a', '--reflink=auto', '--sparse=always', from, to]);

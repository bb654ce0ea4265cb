import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { hostFolder } from '../disks.ts';
import type { Node } from '../nodes.ts';
import type { RunRecord } from '../run-record.ts';

/** The host's second serial port. */
export const wakerSocket = (record: RunRecord, host: Node): string => join(hostFolder(record, host.name), 'waker');

const TIMEOUT_MS = 60_000;

/** Tells a host whose saved state goes on what time it is and in which run. Throws where it does not say that it has understood. */
export function wake(record: RunRecord, host: Node): Promise<void> {
  const word = String(record.number);
  return new Promise((resolve, reject) => {
    const socket = connect(wakerSocket(record, host));
    const fail = (reason: string): void => {
      socket.destroy();
      reject(new Error(`${host.name} did not wake: ${reason}`));
    };
    socket.setTimeout(TIMEOUT_MS, () => {
      fail('no answer');
    });
    socket.on('error', ({ message }) => {
      fail(message);
    });
    createInterface({ input: socket }).on('line', (line) => {
      if (line !== word) return;
      socket.destroy();
      resolve();
    });
    socket.write(`${word}\n`);
  });
}

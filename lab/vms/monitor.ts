import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { hostFolder } from '../disks.ts';
import type { Node } from '../nodes.ts';
import type { RunRecord } from '../run-record.ts';
import { until } from '../shell.ts';

/** `savevm` of a gigabyte on a busy disk. */
const TIMEOUT_MS = 180_000;

interface Message {
  return?: unknown;
  error?: { desc: string };
}

/**
 * Gives commands to a host's emulator, as a person would type them, one after the other. Waits for its socket first, which is
 * there soon after its start. Throws where one answers anything: those that are used here answer only when they fail.
 */
export async function monitor(record: RunRecord, host: Node, commands: readonly string[]): Promise<void> {
  const socket = await until(`the monitor of ${host.name}`, () => open(record, host), { timeoutMs: 30_000 });
  try {
    const answers: AsyncIterator<string, undefined> = createInterface({ input: socket })[Symbol.asyncIterator]();
    const ask = async (request: object): Promise<unknown> => {
      socket.write(`${JSON.stringify(request)}\n`);
      for (;;) {
        const { value, done } = await answers.next();
        if (done === true)
          throw new Error(`the emulator of ${host.name} ended; see ${hostFolder(record, host.name)}/log`);
        const message = JSON.parse(value) as Message;
        if (message.error !== undefined) throw new Error(`the emulator of ${host.name}: ${message.error.desc}`);
        if ('return' in message) return message.return; // else a greeting or an event
      }
    };
    await ask({ execute: 'qmp_capabilities' });
    for (const command of commands) {
      const answer = await ask({ execute: 'human-monitor-command', arguments: { 'command-line': command } });
      if (answer !== '') throw new Error(`the emulator of ${host.name}: ${command}: ${String(answer).trim()}`);
    }
  } finally {
    socket.destroy();
  }
}

function open(record: RunRecord, host: Node): Promise<{ value: Socket } | { not: string }> {
  return new Promise((resolve) => {
    const socket = connect(join(hostFolder(record, host.name), 'monitor'));
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy());
    socket.on('connect', () => {
      resolve({ value: socket });
    });
    socket.on('error', (error) => {
      resolve({ not: error.message });
    });
  });
}

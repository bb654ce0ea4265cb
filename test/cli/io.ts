import { Writable } from 'node:stream';
import type { Io, Output } from '../../cli/io.ts';

/** A process for a command under test: what it wrote, and a Ctrl-C that a test can press. */
export interface TestIo extends Io {
  out: () => string;
  err: () => string;
  interrupt: () => void;
  /** Resolves when stdout has shown this. */
  shown: (text: string) => Promise<void>;
}

export interface TestIoOptions {
  cwd?: string;
  env?: Record<string, string>;
  columns?: number;
  isTTY?: boolean;
  /** What the person types when asked; absent: there is no terminal. */
  answer?: string;
}

export function testIo(options: TestIoOptions): TestIo {
  const listeners = new Set<() => void>();
  const waiting: { text: string; resolve: () => void }[] = [];
  const out = collector(options, (text) => {
    for (const each of waiting) if (text.includes(each.text)) each.resolve();
  });
  const err = collector(options, () => undefined);
  const { answer } = options;
  return {
    stdout: out.stream,
    stderr: err.stream,
    env: options.env ?? {},
    cwd: options.cwd ?? '/nowhere',
    now: () => Date.now(),
    onInterrupt: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    ...(answer === undefined ? {} : { ask: () => Promise.resolve(answer) }),
    out: out.text,
    err: err.text,
    interrupt: () => {
      for (const listener of listeners) listener();
    },
    shown: (text) =>
      new Promise((resolve) => {
        if (out.text().includes(text)) resolve();
        else waiting.push({ text, resolve });
      }),
  };
}

function collector(
  { columns, isTTY }: { columns?: number; isTTY?: boolean },
  onText: (all: string) => void,
): { stream: Output; text: () => string } {
  let all = '';
  const stream: Output = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      all += chunk.toString();
      onText(all);
      done();
    },
  });
  if (isTTY === true) stream.isTTY = true;
  if (columns !== undefined) stream.columns = columns;
  return { stream, text: () => all };
}

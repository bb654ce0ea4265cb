import { writeSync } from 'node:fs';
import { BrokenPipe } from './call.ts';

/**
 * Writes all of it to a file descriptor before it returns, so that what was printed before a kill is out.
 * Throws {@link BrokenPipe} where the reader is gone.
 */
export function writeAll(fd: number, data: Buffer): void {
  let rest = data;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'EAGAIN') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
      else if (code === 'EPIPE' || code === 'ECONNRESET') throw new BrokenPipe('The reader is gone.');
      else throw error;
    }
  }
}

/**
 * Takes the machine's root folder out of a stream of bytes. What may be the beginning of it is kept back until more comes.
 */
export function rootStripper(
  root: string,
  write: (data: Buffer) => void,
): { push: (chunk: Buffer) => void; end: () => void } {
  const needle = Buffer.from(root).toString('latin1');
  let held = '';
  const emit = (text: string): void => {
    const inside = text.replaceAll(`${needle}/`, '/').replaceAll(needle, '/');
    if (inside !== '') write(Buffer.from(inside, 'latin1'));
  };
  return {
    push: (chunk) => {
      const text = held + chunk.toString('latin1');
      const keep = partialMatch(text, `${needle}/`);
      held = text.slice(text.length - keep);
      emit(text.slice(0, text.length - keep));
    },
    end: () => {
      emit(held);
      held = '';
    },
  };
}

/** How many characters at the end of the text begin the needle. */
function partialMatch(text: string, needle: string): number {
  for (let length = Math.min(text.length, needle.length - 1); length > 0; length--)
    if (text.endsWith(needle.slice(0, length))) return length;
  return 0;
}

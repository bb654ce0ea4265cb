import { constants } from 'node:fs';
import { lstat, open } from 'node:fs/promises';

export type FleetText = { type: 'text'; text: string } | { type: 'unreadable'; message: string; whatToDo: string };

/** A little more than parseFleet accepts, so that it is the one to refuse. */
const MOST_BYTES = 2 * 1024 * 1024;

/**
 * Reads the text of a fleet file. Never throws; changes nothing.
 * `shownAs` is what messages call it: the path as the person knows it.
 */
export const readFleetText = async (path: string, shownAs = path): Promise<FleetText> => {
  try {
    // Bytes that are not UTF-8 become U+FFFD, which parseFleet refuses where it stands.
    return { type: 'text', text: new TextDecoder('utf-8', { ignoreBOM: true }).decode(await readBounded(path)) };
  } catch (error) {
    return { type: 'unreadable', ...explain(error, shownAs, await isSymbolicLink(path)) };
  }
};

const readBounded = async (path: string): Promise<Buffer> => {
  // Without O_NONBLOCK, opening a named pipe would wait for ever.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!(await file.stat()).isFile()) throw new NotAFile();
    const buffer = Buffer.alloc(MOST_BYTES);
    const { bytesRead } = await file.read(buffer, 0, MOST_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
};

class NotAFile extends Error {}

const isSymbolicLink = (path: string): Promise<boolean> =>
  lstat(path).then(
    (entry) => entry.isSymbolicLink(),
    () => false,
  );

const explain = (error: unknown, shownAs: string, isLink: boolean): { message: string; whatToDo: string } => {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ELOOP' || (code === 'ENOENT' && isLink)) {
    return {
      message: `${shownAs} is a link that leads to no file.`,
      whatToDo: 'Mend the link, or put the file there.',
    };
  }
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return { message: `There is no ${shownAs}.`, whatToDo: 'Go to the monorepo that has it, or name it with --repo.' };
  }
  if (error instanceof NotAFile) {
    return {
      message: `${shownAs} is not a file.`,
      whatToDo: 'runbook.yaml is a plain text file at the top of the monorepo.',
    };
  }
  const reason = error instanceof Error ? error.message : String(error);
  return { message: `${shownAs} cannot be read: ${reason}.`, whatToDo: 'Check its permissions.' };
};

import { open } from 'node:fs/promises';

/** A file that should have a secret cannot be used; the message names it, never what is in it. */
export class BadSecretFile extends Error {
  override readonly name = 'BadSecretFile';
}

const MAX_BYTES = 16 * 1024;

/** The one line that a file has, read where it is used and kept nowhere. Throws {@link BadSecretFile}. */
export async function readSecret(path: string): Promise<string> {
  const text = (await readSome(path)).trim();
  if (text === '') throw new BadSecretFile(`${path} is empty.`);
  if (/\p{Cc}/u.test(text))
    throw new BadSecretFile(`Expected one line of text in ${path}, got several, or control characters.`);
  return text;
}

async function readSome(path: string): Promise<string> {
  try {
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_BYTES + 1), 0, MAX_BYTES + 1, 0);
      if (bytesRead > MAX_BYTES) throw new BadSecretFile(`Expected one line of text in ${path}, got a large file.`);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof BadSecretFile) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new BadSecretFile(`${path} cannot be read by the worker's user: ${code}.`, { cause: error });
  }
}

/** The file's line where there is a file. */
export const readOptional = async (path: string | undefined): Promise<string | undefined> =>
  path === undefined ? undefined : readSecret(path);

/** A text of somebody else, who may have said a secret back. */
export const without = (text: string, secrets: readonly (string | undefined)[]): string =>
  secrets.reduce<string>(
    (masked, secret) => (secret === undefined ? masked : masked.replaceAll(secret, '[redacted]')),
    text,
  );

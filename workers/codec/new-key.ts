import { randomBytes } from 'node:crypto';
import { chownSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { BadSetting } from '../bad-setting.ts';
import { codeOf, KEY_BYTES, KEY_ID, privateText, readCodecKeys } from './keys.ts';

const HEAD = `# Keys of runbook. The first encrypts, every one decrypts. Keep a copy where Temporal's data are not:
# without its key nobody reads a history again.
`;

/**
 * Writes a file with one new key, for its owner alone. Throws BadSetting where something is there already, or the id cannot
 * be one.
 */
export function writeKeyFile(file: string, id: string): void {
  requireId(id);
  try {
    writeFileSync(file, HEAD + newLine(id), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EEXIST')
      throw new BadSetting(
        `Expected nothing at ${file}, found a file, which is left alone. Add a key to it:  runbook codec new-key --add ${file}`,
      );
    throw new BadSetting(`Expected to make ${file}, cannot (${String(code ?? error)}).`, { cause: error });
  }
}

/**
 * Adds a key behind those that are there: it only decrypts until somebody moves it to the top. The file is replaced at once,
 * so that no reader sees half of it. Throws BadSetting.
 */
export function addKey(file: string, id: string): void {
  requireId(id);
  if (readCodecKeys(file).keys.some((key) => key.id === id))
    throw new BadSetting(`Expected another id than those in ${file}, found "${id}" there.`);
  const path = realpathSync(file);
  const aside = `${path}.${process.pid}.tmp`;
  const text = privateText(path, 'a key file');
  try {
    writeFileSync(aside, `${text.trimEnd()}\n${newLine(id)}`, { flag: 'wx', mode: 0o600, flush: true });
    // Whoever reads it now is to read it still: a worker is not root, who may add the key.
    const { uid, gid } = statSync(path);
    chownSync(aside, uid, gid);
    renameSync(aside, path);
  } catch (error) {
    rmSync(aside, { force: true });
    throw new BadSetting(`Expected to write ${path}, cannot.`, { cause: error });
  }
}

function requireId(id: string): void {
  if (!KEY_ID.test(id))
    throw new BadSetting(`Expected the id to be letters, digits, dots and dashes, 64 at most, got "${id}".`);
}

const newLine = (id: string): string => `${id} ${randomBytes(KEY_BYTES).toString('base64')}\n`;

/** `2026-11-28-3f9c`: when it was made, and something that no other of that day has. */
export const newKeyId = (now: number): string =>
  `${new Date(now).toISOString().slice(0, 10)}-${randomBytes(2).toString('hex')}`;

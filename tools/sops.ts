import type { Host } from '../hosts/host.ts';
import { tail, unexpected, type Ran, type Unexpected } from './result.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

/** A key in hardware may ask its owner to touch it. */
const TIMEOUT_MS = 60_000;

/** What may be wrong with a file, or with the key. */
type Problem =
  /** None of its recipients is in the key file, or there is no key file. */
  | { type: 'no key'; message: string }
  /** It was changed by hand, or is not whole. */
  | { type: 'damaged'; message: string }
  | { type: 'not encrypted' }
  | { type: 'no rule' }
  | Unexpected;

export interface Sops {
  /** Decrypts into nothing: whether the key can, and whether the file is whole. */
  tryDecrypt(path: string): Promise<{ type: 'decryptable' } | Problem>;
  /** Encrypts the data key to whom the rules name now. Idempotent. Not atomic: for a copy that may be lost. */
  updateKeys(config: string, path: string): Promise<{ type: 'updated' } | Problem>;
  /** Another data key, for the recipients that the file has. Not atomic either. */
  rotate(path: string): Promise<{ type: 'rotated' } | Problem>;
}

/** `home`: an empty folder. SOPS would take keys from the user’s own as well. */
export function createSops(
  host: Host,
  { keyFile, home }: { keyFile: string; home: string },
  options: ToolOptions = {},
): Sops {
  const env = {
    LC_ALL: 'C',
    HOME: home,
    XDG_CONFIG_HOME: home,
    SOPS_AGE_KEY_FILE: keyFile,
    SOPS_DISABLE_VERSION_CHECK: 'true',
  };
  const sops = async (...args: string[]): Promise<Ran> => {
    const argv = ['sops', ...args];
    return { argv, result: await host.run(argv, { timeoutMs: TIMEOUT_MS, env, ...withSignal(options) }) };
  };
  return {
    tryDecrypt: async (path) => answer(await sops('decrypt', '--output', '/dev/null', path), 'decryptable'),
    updateKeys: async (config, path) => answer(await sops('--config', config, 'updatekeys', '--yes', path), 'updated'),
    rotate: async (path) => answer(await sops('rotate', '--in-place', path), 'rotated'),
  };
}

function answer<T extends string>({ argv, result }: Ran, well: T): { type: T } | Problem {
  const { exitCode, stderr } = result;
  if (exitCode === 0) return { type: well };
  const message = tail(stderr, 500);
  if (exitCode === 128) return { type: 'no key', message };
  if (exitCode === 51) return { type: 'damaged', message };
  if (/^sops metadata not found/m.test(stderr)) return { type: 'not encrypted' };
  if (/no matching creation rules found/.test(stderr)) return { type: 'no rule' };
  // What it has decrypted until then may be on standard output: it stays out of the failure.
  return unexpected('sops', { argv, result: { ...result, stdout: '' } });
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * Opens an address in the person's browser with `xdg-open` (freedesktop.org xdg-utils). Resolves when that was started;
 * the browser outlives us. Throws what spawning throws, as ENOENT where there is no desktop.
 */
export async function openAddress(address: string): Promise<void> {
  const opener = spawn('xdg-open', [address], { stdio: 'ignore', detached: true });
  await once(opener, 'spawn');
  opener.unref();
}

import type { Host } from '../hosts/host.ts';
import { readStoreError } from './nix.ts';
import { unexpected, type NotFound, type Ran, type Unexpected } from './result.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

/** Asks the store's database only. */
const QUERY_TIMEOUT_MS = 60_000;

/** Reads every file of what is verified; a system has some gigabytes. */
const VERIFY_TIMEOUT_MS = 60 * 60_000;

/** A system needs some thousand paths of about 60 bytes. */
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

/** As many as fit on a command line through ssh, 128 KiB, with the longest names that a store path can have. */
const BATCH = 500;

export interface NixStore {
  /** These paths and all that they need, what is needed first. */
  requisites(...paths: string[]): Promise<{ type: 'paths'; paths: string[] } | NotFound | Unexpected>;
  /** Those of them that the store takes itself to have, in their order. Their files are not looked at. */
  valid(paths: readonly string[]): Promise<{ type: 'paths'; paths: string[] } | Unexpected>;
  /** Those of them whose files are gone or changed, in their order. All have to be valid. */
  damaged(paths: readonly string[]): Promise<{ type: 'paths'; paths: string[] } | Unexpected>;
  /**
   * Takes them out of the store, with those of `among` that need them, also where a profile leads there. `unexpected`
   * where anything else needs one of them. `among` is in the order of `requisites`. Idempotent.
   */
  remove(paths: readonly string[], among: readonly string[]): Promise<{ type: 'removed' } | Unexpected>;
}

/** `host`: whose store it is, as root. */
export function createNixStore(host: Host, options: ToolOptions = {}): NixStore {
  const run = async (argv: string[], timeoutMs = QUERY_TIMEOUT_MS): Promise<Ran> => ({
    argv,
    result: await host.run(argv, { timeoutMs, maxOutputBytes: MAX_OUTPUT_BYTES, ...withSignal(options) }),
  });
  /** What the command says of each of the paths, in batches; the first answer that has another exit code ends it. */
  const inBatches = async (
    argv: readonly string[],
    paths: readonly string[],
    { exitCodes = [0], timeoutMs }: { exitCodes?: readonly number[]; timeoutMs?: number } = {},
  ): Promise<{ type: 'said'; text: string } | Unexpected> => {
    let text = '';
    for (let at = 0; at < paths.length; at += BATCH) {
      const ran = await run([...argv, ...paths.slice(at, at + BATCH)], timeoutMs);
      const { exitCode, stdout, stderr } = ran.result;
      if (!exitCodes.includes(exitCode)) return unexpected('nix', ran);
      if (exitCode !== 0 && storePaths(stderr).size === 0) return unexpected('nix', ran);
      text += `${stdout}\n${stderr}\n`;
    }
    return { type: 'said', text };
  };

  return {
    requisites: async (...paths) => {
      const ran = await run(['nix-store', '--query', '--requisites', ...paths]);
      if (ran.result.exitCode !== 0) return readStoreError(ran);
      const found = storePaths(ran.result.stdout);
      // A path is one of its own requisites: an answer that was cut short lacks it.
      if (paths.every((path) => found.has(path))) return { type: 'paths', paths: [...found] };
      return unexpected('nix', ran, `Expected ${paths.join(' and ')} among their requisites.`);
    },
    valid: async (paths) => {
      const said = await inBatches(['nix-store', '--check-validity', '--print-invalid'], paths);
      if (said.type !== 'said') return said;
      const invalid = storePaths(said.text);
      return { type: 'paths', paths: paths.filter((path) => !invalid.has(path)) };
    },
    damaged: async (paths) => {
      const said = await inBatches(VERIFY, paths, { exitCodes: [0, ...DAMAGED], timeoutMs: VERIFY_TIMEOUT_MS });
      if (said.type !== 'said') return said;
      const named = storePaths(said.text);
      return { type: 'paths', paths: paths.filter((path) => named.has(path)) };
    },
    remove: async (paths, among) => {
      const said = await inBatches(['nix-store', '--query', '--referrers-closure'], paths);
      if (said.type !== 'said') return said;
      const doomed = new Set([...paths, ...storePaths(said.text)]);
      const inOrder = among.filter((path) => doomed.has(path)).reverse();
      const removed = await inBatches(['nix-store', '--delete', '--ignore-liveness'], inOrder);
      return removed.type === 'said' ? { type: 'removed' } : removed;
    },
  };
}

/** It names what is damaged, and with `--quiet` nothing else. */
const VERIFY = [
  ...['nix', '--extra-experimental-features', 'nix-command'],
  ...['store', 'verify', '--quiet', '--no-trust'],
];

/** 1: contents differ from what was entered; 4: they could not be read. Both at once are 5. */
const DAMAGED = [1, 4, 5];

/** All that a text names, each once, in its order. */
function storePaths(text: string): Set<string> {
  return new Set(text.match(/\/nix\/store\/[0-9a-z]{32}-[0-9A-Za-z+._?=-]+/g));
}

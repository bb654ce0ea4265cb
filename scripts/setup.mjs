#!/usr/bin/env node
/**
 * Makes a clone ready to run: the right Node.js, the locked packages, a fresh build. Needs nothing installed,
 * does nothing (in some 50 ms) where nothing is to be done, and may be interrupted or run twice at once.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OLDEST_NODE = [20, 19];
const quiet = process.argv.includes('--quiet');
const say = (line) => {
  if (!quiet) console.error(line);
};

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  console.error(`runbook needs Node.js ${OLDEST_NODE.join('.')} or newer; this is ${process.version}.`);
  console.error(
    `  ${process.execPath}\nInstall a newer one (https://nodejs.org, or your system's packages) and try again.`,
  );
  process.exit(2);
}

/**
 * npm writes node_modules/.package-lock.json last of all, so an interrupted installation lacks it or has an old one.
 * Packages for other platforms are optional and rightly absent.
 */
function isInstalled() {
  const record = join(ROOT, 'node_modules', '.package-lock.json');
  if (!existsSync(record)) return false;
  const installed = JSON.parse(readFileSync(record, 'utf8')).packages;
  const wanted = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).packages;
  return Object.entries(wanted).every(
    ([path, { version, optional }]) => path === '' || (installed[path]?.version ?? (optional && version)) === version,
  );
}

/** @returns {{what: string, why: unknown} | undefined} */
function install() {
  say('Installing the packages of package-lock.json …');
  const argv = ['ci', '--no-audit', '--no-fund', ...(quiet ? ['--loglevel=error'] : [])];
  const { status, error, signal } = spawnSync('npm', argv, { cwd: ROOT, stdio: ['ignore', 2, 2] });
  if (status === 0) return undefined;
  return { what: '"npm ci" failed', why: error?.message ?? signal ?? `exit code ${String(status)}` };
}

async function setUp() {
  if (!isInstalled()) {
    const failure = install();
    if (failure) {
      console.error(`${failure.what} (${String(failure.why)}) in ${ROOT}`);
      console.error('Its messages are above. Mend the cause and type the same command again.');
      return 1;
    }
  }
  const { build } = await import('./build.mjs');
  await build({ say });
  return 0;
}

/** Whether there is anything to do, without loading what may not be installed yet. */
async function isReady() {
  if (!isInstalled()) return false;
  const { isFresh } = await import('./freshness.mjs');
  return isFresh();
}

/**
 * Runs this script again under flock(1), whose lock the kernel frees with the process that holds it.
 * Where there is no flock (macOS) it goes on without.
 */
function againUnderLock() {
  const argv = [join(ROOT, 'package.json'), process.execPath, ...process.argv.slice(1)];
  const env = { ...process.env, RUNBOOK_SETUP_LOCKED: '1' };
  const { error, status } = spawnSync('flock', argv, { stdio: 'inherit', env });
  return error ? setUp() : (status ?? 1);
}

checkNode();
if (!(await isReady())) process.exitCode = await (process.env['RUNBOOK_SETUP_LOCKED'] ? setUp() : againUnderLock());

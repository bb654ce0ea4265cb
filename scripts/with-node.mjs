#!/usr/bin/env node
/**
 * Runs a command with another Node.js, which the npm registry brings:
 * `node scripts/with-node.mjs 26 npm test`. It is kept in node_modules/.cache.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { ROOT } from './freshness.mjs';

const [version, program, ...args] = process.argv.slice(2);
if (!version || !program) {
  console.error('Expected a version and a command, as in: node scripts/with-node.mjs 26 npm test');
  process.exit(2);
}

function run(argv, env = process.env) {
  const { status, error, signal } = spawnSync(argv[0], argv.slice(1), { stdio: 'inherit', env });
  if (error) console.error(`${argv[0]}: ${error.message}`);
  return signal ? 1 : (status ?? 1);
}

const folder = join(ROOT, 'node_modules', '.cache', `node-${version}`);
mkdirSync(folder, { recursive: true });
// The registry's `node` package only fetches this one, in an install script that newer npm does not run.
const binary = `node-${process.platform}-${process.arch}`;
const npm = ['npm', 'install', '--prefix', folder, '--no-save', `${binary}@${version}`];
const installed = run([...npm, '--loglevel=error', '--no-audit', '--no-fund', '--prefer-offline']);
if (installed !== 0) process.exit(installed);
const bin = join(folder, 'node_modules', binary, 'bin');
const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` };
process.exitCode = run(['node', '--version'], env) || run([program, ...args], env);

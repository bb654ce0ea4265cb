#!/usr/bin/env node
/**
 * Builds dist/: the programs as split ES modules, and the workflow bundle that a worker loads.
 * Every file is written aside and moved; chunks are named by their content and stay for a day, so that a program
 * which runs while it is rebuilt still finds the parts that it has not loaded yet.
 */
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { performance } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import { PARTS, SERVE, WASM, cliFiles, compileCli } from './build-cli.mjs';
import { DIST, ROOT, fingerprint, isFreshPart, stampFile } from './freshness.mjs';

const PROGRAMS = ['lab/main.ts', 'simulator/main.ts', 'bench/main.ts', 'demo/main.ts'];
/** Loaded from JavaScript that is not bundled: the set-up of the tests. */
const MODULES = ['workers/temporal-cli.ts'];
/** Small and needed early: resolving them in node_modules would be most of the time. */
const BUNDLED = ['commander', '@commander-js/extra-typings', 'yoctocolors', 'string-width', 'fastest-levenshtein'];
const DAY_MS = 24 * 3600 * 1000;
const OPTIONS = {
  absWorkingDir: ROOT,
  write: false,
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  // Names stay, for stack traces and messages; the rest is time that every command would spend reading.
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  logLevel: 'warning',
};

async function moveIntoPlace(path, content, mode = 0o644) {
  const aside = `${path}.${process.pid}.tmp`;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(aside, content);
  await chmod(aside, mode);
  await rename(aside, path);
}

async function buildPrograms() {
  const { build } = await import('esbuild');
  const { dependencies } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  const entryPoints = [...PROGRAMS, ...MODULES].filter((path) => existsSync(join(ROOT, path)));
  const { outputFiles } = await build({
    ...OPTIONS,
    entryPoints: [...entryPoints, SERVE],
    outbase: '.',
    outdir: DIST,
    splitting: true,
    format: 'esm',
    chunkNames: 'chunks/[hash]',
    external: Object.keys(dependencies).filter((name) => !BUNDLED.includes(name)),
    // A bundled CommonJS package asks for Node.js's own modules with require().
    banner: { js: "import { createRequire as __cr } from 'node:module';const require = __cr(import.meta.url);" },
  });
  await writeAll(outputFiles);
  await buildCli();
}

async function writeAll(outputFiles) {
  const isProgram = (file) => PROGRAMS.includes(relative(DIST, file.path).replace(/[.]js$/, '.ts'));
  const chunksFirst = outputFiles.toSorted((a, b) => Number(isProgram(a)) - Number(isProgram(b)));
  for (const file of chunksFirst) {
    const text = isProgram(file) ? file.text.replace(/^(?:#!.*\n)?/, '#!/usr/bin/env node\n') : file.text;
    await moveIntoPlace(file.path, text, isProgram(file) ? 0o755 : 0o644);
  }
  await forgetOldChunks(join(DIST, 'chunks'), new Set(outputFiles.map((file) => file.path)));
}

async function buildCli() {
  const files = await cliFiles(OPTIONS);
  for (const { path, source } of WASM) await moveIntoPlace(path, await readFile(source));
  await moveIntoPlace(join(dirname(WASM[0].path), 'NOTICE.md'), await readFile(join(ROOT, 'rules/parse/NOTICE.md')));
  for (const { path, text } of files) {
    if (existsSync(path) && (await readFile(path, 'utf8')) === text) continue;
    // V8 tells by the length alone whether what it had compiled was of this text.
    await rm(`${path}.cache`, { force: true });
    await moveIntoPlace(path, text, path.endsWith('cli/main.js') ? 0o755 : 0o644);
  }
  await forgetOldChunks(PARTS, new Set(files.flatMap(({ path }) => [path, `${path}.cache`])));
  await compileCli();
}

async function forgetOldChunks(folder, current) {
  for (const name of existsSync(folder) ? await readdir(folder) : []) {
    const path = join(folder, name);
    if (!current.has(path) && (await stat(path)).mtimeMs < Date.now() - DAY_MS) await rm(path, { force: true });
  }
}

/** One bundle for workers without keys, and one whose failures are payloads, which a codec can encrypt. */
async function buildWorkflowBundles() {
  const workflowsPath = join(ROOT, 'workflows', 'index.ts');
  if (!existsSync(workflowsPath)) return;
  const { bundleWorkflowCode } = await import('@temporalio/worker');
  const quietly = { trace() {}, debug() {}, info() {}, warn: console.error, error: console.error, log() {} };
  const failureConverterPath = join(ROOT, 'workflows', 'failure-converter.ts');
  for (const [name, converter] of [
    ['workflow-bundle.js', {}],
    ['workflow-bundle-encoded.js', { failureConverterPath }],
  ]) {
    const { code } = await bundleWorkflowCode({ workflowsPath, logger: quietly, ...converter });
    await moveIntoPlace(join(DIST, name), code);
  }
  await buildFailureConverter(failureConverterPath);
}

/** The SDK loads it by require(). */
async function buildFailureConverter(path) {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    ...OPTIONS,
    entryPoints: [path],
    outfile: join(DIST, 'failure-converter.cjs'),
    format: 'cjs',
    packages: 'external',
  });
  for (const file of outputFiles) await moveIntoPlace(file.path, file.text);
}

const BUILDERS = { programs: buildPrograms, workflows: buildWorkflowBundles };

/** Builds the parts whose sources changed since. The stamp is written last, so what was interrupted is built again. */
export async function build({ say = () => {}, force = false } = {}) {
  for (const [part, run] of Object.entries(BUILDERS)) {
    if (!force && isFreshPart(part)) continue;
    const sources = fingerprint(part);
    const start = performance.now();
    await run();
    await moveIntoPlace(stampFile(part), sources);
    say(`Built the ${part} in ${((performance.now() - start) / 1000).toFixed(1)} s.`);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await build({ say: (line) => console.error(line), force: process.argv.includes('--force') });
}

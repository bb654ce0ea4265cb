/**
 * Builds dist/cli: the command line with the libraries that it needs, in parts that are loaded by require(). Reading ES
 * modules from node_modules would be most of the time of a short command, and what V8 compiled can be kept of scripts only.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http2';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DIST, ROOT } from './freshness.mjs';
import { usedProtocol } from './protocol.mjs';

const require = createRequire(import.meta.url);
const FOLDER = join(DIST, 'cli');
export const PARTS = join(FOLDER, 'parts');
const here = (name) => fileURLToPath(new URL(name, import.meta.url));

/** Worker and development server, with the SDK's native part, stay as they are: ES modules, libraries in node_modules. */
export const SERVE = { in: 'cli/actions/serve.ts', out: 'cli-serve' };
const SERVE_PATH = `../${SERVE.out}.js`;

const serveApart = {
  name: 'serve-apart',
  setup({ onResolve }) {
    onResolve({ filter: /[/]actions[/]serve[.]ts$/ }, () => ({ path: SERVE_PATH, external: true }));
  },
};

/** Commander asks for it at once, for a kind of command that runbook has none of. */
const laterChildProcess = {
  name: 'later-child-process',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      /[/]commander[/]/.test(importer) ? { path: 'child_process', namespace: 'later' } : undefined,
    );
    onLoad({ filter: /./, namespace: 'later' }, () => ({
      contents: `exports.spawn = (...args) => require('node:child_process').spawn(...args);`,
    }));
  },
};

/** Its tables take longer than all the rest of printing, and text without them is nearly all there is. */
const laterStringWidth = {
  name: 'later-string-width',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^string-width$/ }, ({ path, namespace }) =>
      namespace === 'narrow' ? undefined : { path, namespace: 'narrow' },
    );
    onLoad({ filter: /./, namespace: 'narrow' }, () => ({
      // Printable characters of Latin-1 take one column each.
      contents: `export default (text) =>
        /^[ -~\\xa1-\\xac\\xae-\\xff]*$/.test(text) ? text.length : require('string-width').default(text);`,
      resolveDir: ROOT,
    }));
  },
};

/**
 * The parsers of `runbook check`: the library as a script, since it looks for itself by import.meta where it is a module,
 * and what it loads from beside the parts.
 */
const wasmBeside = {
  name: 'wasm-beside',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^web-tree-sitter$/ }, () => ({ path: require.resolve('web-tree-sitter') }));
    onLoad({ filter: /[/]rules[/]parse[/]wasm[.]ts$/ }, () => ({
      contents: `import { readFile } from 'node:fs/promises';
        export const readWasm = (name) => readFile(__dirname + '/../wasm/' + name + '.wasm');`,
    }));
  },
};

/** The templates of `runbook init` are read where they are: in the package, beside dist/. */
const templatesBeside = {
  name: 'templates-beside',
  setup({ onLoad }) {
    onLoad({ filter: /[/]init[/]template-folder[.]ts$/ }, () => ({
      contents: `import { join } from 'node:path';
        export const TEMPLATES = join(__dirname, '../../../templates/homelab');`,
    }));
  },
};

/** So is the changelog, for `runbook upgrade-notes`. */
const changelogBeside = {
  name: 'changelog-beside',
  setup({ onLoad }) {
    onLoad({ filter: /[/]cli[/]changelog-file[.]ts$/ }, () => ({
      contents: `import { join } from 'node:path';
        export const CHANGELOG = join(__dirname, '../../../CHANGELOG.md');`,
    }));
  },
};

/** What {@link wasmBeside} has them look for: path, and the file that it is a copy of. */
export const WASM = Object.entries({
  'runtime.wasm': 'web-tree-sitter/web-tree-sitter.wasm',
  'nix.wasm': '@cursorless/tree-sitter-wasms/out/tree-sitter-nix.wasm',
  'hcl.wasm': '@cursorless/tree-sitter-wasms/out/tree-sitter-hcl.wasm',
}).map(([name, source]) => ({ path: join(FOLDER, 'wasm', name), source: require.resolve(source) }));

/** Path and text of every file of dist/cli, those first that others need. */
export async function cliFiles(options) {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    ...options,
    entryPoints: ['cli/main.ts'],
    outdir: PARTS,
    splitting: true,
    format: 'esm',
    chunkNames: '[hash]',
    alias: { '@commander-js/extra-typings': 'commander' },
    // Beside the parts: what the licences of the libraries want kept.
    legalComments: 'external',
    plugins: [
      serveApart,
      laterChildProcess,
      laterStringWidth,
      usedProtocol,
      wasmBeside,
      templatesBeside,
      changelogBeside,
    ],
  });
  const parts = outputFiles.map(async ({ path, text }) =>
    path.endsWith('.js') ? { path, text: await asScript(text) } : { path, text },
  );
  return [
    ...(await Promise.all(parts)),
    { path: join(FOLDER, 'package.json'), text: '{"type":"commonjs"}\n' },
    { path: join(FOLDER, 'main.js'), text: await readFile(here('cli-main.cjs'), 'utf8') },
  ];
}

/** An ES module as the function that cli-main.cjs calls. */
async function asScript(module) {
  const { transform } = await import('esbuild');
  // What V8 compiled before cannot import; cli-main.cjs does it.
  const { code, warnings } = await transform(module.replaceAll(`import("${SERVE_PATH}")`, 'require.serve()'), {
    supported: { 'dynamic-import': false },
    format: 'cjs',
    target: 'node20.19',
    minifyWhitespace: true,
    charset: 'ascii',
  });
  if (warnings.length > 0) throw new Error(`Expected what a script can do, got: ${warnings[0].text}`);
  // cli-main.cjs reads one byte per character, which is quicker.
  if (/[^\0-\x7f]/.test(code)) throw new Error('Expected ASCII alone in the parts of the command line.');
  return `(function(exports,require,module,__filename,__dirname){${code.replace(/^#!.*\n/, '')}\n})`;
}

/**
 * Has V8 compile what `--help` and `status` use, and keeps that. Where it cannot be had the commands only take longer.
 */
export async function compileCli() {
  const folder = await mkdtemp(join(tmpdir(), 'runbook-build-'));
  const server = createServer().on('stream', answerNothing).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await copyFile(join(ROOT, 'fleet', 'example.yaml'), join(folder, 'runbook.yaml'));
    await writeFile(join(folder, 'temporal.toml'), '[profile.default]\n');
    const env = {
      HOME: folder,
      TEMPORAL_ADDRESS: `127.0.0.1:${server.address().port}`,
      TEMPORAL_CONFIG_FILE: join(folder, 'temporal.toml'),
    };
    for (const argv of [['--help'], ['status']]) {
      const child = spawn(process.execPath, [here('compile-cli.cjs'), join(FOLDER, 'main.js'), ...argv], {
        cwd: folder,
        env,
        stdio: ['ignore', 'ignore', 'inherit'],
        timeout: 60_000,
      });
      await once(child, 'exit');
    }
  } finally {
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** An empty message to every question: to `status`, a namespace without runs. */
function answerNothing(stream) {
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.end(Buffer.alloc(5));
}

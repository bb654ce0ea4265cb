#!/usr/bin/env node
/** Writes docs/configuration.md from the schema of the fleet file; test/fleet/reference-page.test.ts guards it. */
import { Buffer } from 'node:buffer';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { format, resolveConfig } from 'prettier';

const root = fileURLToPath(new URL('..', import.meta.url));
const page = join(root, 'docs/configuration.md');

/** The sources are TypeScript: bundled into one module and loaded from memory. */
const { outputFiles } = await build({
  stdin: {
    contents: `export { referencePage } from './fleet/reference-page.ts'; export { fleetJsonSchema } from './fleet/json-schema.ts';`,
    resolveDir: root,
  },
  bundle: true,
  write: false,
  format: 'esm',
  platform: 'node',
});
const source = Buffer.from(outputFiles[0].contents).toString('base64');
const { referencePage, fleetJsonSchema } = await import(`data:text/javascript;base64,${source}`);

const example = await readFile(join(root, 'fleet/example.yaml'), 'utf8');
const options = { ...(await resolveConfig(page)), parser: 'markdown' };
await writeFile(page, await format(referencePage(fleetJsonSchema(), example), options));

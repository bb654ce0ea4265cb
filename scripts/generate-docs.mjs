#!/usr/bin/env node
/**
 * Writes docs/configuration.md from the schema of the fleet file, and docs/check.md from the rules.
 * test/fleet/reference-page.test.ts and test/rules/page.test.ts guard them.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { format, resolveConfig } from 'prettier';

const root = fileURLToPath(new URL('..', import.meta.url));
const script = join(root, 'node_modules/.cache/docs.cjs');

/** The sources are TypeScript: bundled into one script, with the libraries that they need. */
await build({
  stdin: {
    contents: `export { referencePage } from './fleet/reference-page.ts'; export { fleetJsonSchema } from './fleet/json-schema.ts'; export { rulesPage } from './rules/page.ts';`,
    resolveDir: root,
  },
  bundle: true,
  outfile: script,
  format: 'cjs',
  platform: 'node',
  // Where the parsers are is not asked for.
  logOverride: { 'empty-import-meta': 'silent' },
});
const { referencePage, fleetJsonSchema, rulesPage } = createRequire(import.meta.url)(script);

const example = await readFile(join(root, 'fleet/example.yaml'), 'utf8');
const pages = { 'configuration.md': referencePage(fleetJsonSchema(), example), 'check.md': rulesPage() };
for (const [name, text] of Object.entries(pages)) {
  const page = join(root, 'docs', name);
  const options = { ...(await resolveConfig(page)), parser: 'markdown' };
  await writeFile(page, await format(text, options));
}

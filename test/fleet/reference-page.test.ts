import { readFileSync } from 'node:fs';

import { describe, expect, it } from '@jest/globals';
import { format, resolveConfig } from 'prettier';

import type { JsonSchema } from '../../fleet/json-schema.ts';
import { fleetJsonSchema } from '../../fleet/json-schema.ts';
import { parseFleet } from '../../fleet/load.ts';
import { referencePage } from '../../fleet/reference-page.ts';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

describe('docs/configuration.md', () => {
  it('is what npm run docs makes of the schema', async () => {
    const options = await resolveConfig('docs/configuration.md');
    const page = await format(referencePage(fleetJsonSchema(), read('fleet/example.yaml')), {
      ...options,
      parser: 'markdown',
    });
    expect(read('docs/configuration.md')).toBe(page);
  });

  it('has an example that is right, without a warning', () => {
    expect(parseFleet(read('fleet/example.yaml'), 'example.yaml')).toMatchObject({ type: 'fleet', warnings: [] });
  });

  it('links only to headings that it has', () => {
    const page = read('docs/configuration.md');
    const headings = new Set(
      Array.from(page.matchAll(/^#+ (.*)$/gm), ([, title]) => title?.toLowerCase().replaceAll(' ', '-')),
    );
    const links = Array.from(page.matchAll(/\]\(#([^)]*)\)/g), ([, target]) => target);
    expect(links.length).toBeGreaterThan(10);
    for (const link of links) expect(headings).toContain(link);
  });
});

describe('a field of the page', () => {
  const name = { patternErrorMessage: 'Expected a name of letters' };
  const key = { patternErrorMessage: 'Expected a key of Incus like ipv4.address: letters and dots' };
  const text = { anyOf: [{ type: 'string' as const }, { type: 'boolean' as const }] };
  const config = { type: 'object' as const, propertyNames: key, additionalProperties: text };
  const rowOf = (schema: JsonSchema): string | undefined =>
    referencePage({ properties: { it: schema } }, '')
      .split('\n')
      .find((line) => line.startsWith('| `it`'));

  it.each<[string, JsonSchema, string]>([
    ['texts by key', { ...config, default: {} }, 'text by key | empty |  |'],
    ['such by name', { propertyNames: name, additionalProperties: config }, 'text by key, by name | – |  |'],
    [
      'mappings by name',
      { propertyNames: name, additionalProperties: { properties: {} } },
      '[mapping](#it) by name | – |  |',
    ],
    ['no text by default', { type: 'string', default: '' }, 'text | empty |  |'],
    [
      'a mapping as its example',
      { description: 'So.', examples: [{ root: { pool: 'zpool', size: 8, on: ['a', 'b'], none: {} } }] },
      'text | – | So. Example: `{ root: { pool: zpool, size: 8, on: [a, b], none: {} } }`. |',
    ],
  ])('shows %s', (_what, schema, row) => {
    expect(rowOf(schema)).toBe(`| \`it\` | ${row}`);
  });
});

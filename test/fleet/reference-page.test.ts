import { readFileSync } from 'node:fs';

import { describe, expect, it } from '@jest/globals';
import { format, resolveConfig } from 'prettier';

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

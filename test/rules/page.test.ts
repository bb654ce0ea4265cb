import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { format, resolveConfig } from 'prettier';
import { rulesPage } from '../../rules/page.ts';
import { RULES } from '../../rules/registry.ts';

it('docs/check.md is what npm run docs makes of the rules', async () => {
  const options = await resolveConfig('docs/check.md');
  const page = await format(rulesPage(), { ...options, parser: 'markdown' });
  expect(readFileSync(new URL('../../docs/check.md', import.meta.url), 'utf8')).toBe(page);
});

it('every rule has a name of its own, a section, and whole sentences', () => {
  expect(new Set(RULES.map(({ id }) => id)).size).toBe(RULES.length);
  for (const { id, section, title, why, whatToDo } of RULES) {
    expect(id).toMatch(/^[a-z]+(?:-[a-z]+)*$/);
    expect(section).toMatch(/^§\d+$/);
    expect(title).not.toMatch(/\.$/);
    for (const text of [why, whatToDo]) expect(text).toMatch(/[.)]$/);
  }
});

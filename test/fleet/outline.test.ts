import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { parseFleet } from '../../fleet/load.ts';
import { outlineOf } from '../../fleet/outline.ts';

const example = readFileSync(new URL('../../fleet/example.yaml', import.meta.url), 'utf8');

describe('the outline of a fleet file', () => {
  it('has the names that the whole file has', () => {
    const parsed = parseFleet(example, 'runbook.yaml');
    if (parsed.type !== 'fleet') throw new Error('Expected the example to be valid.');
    const { name, members, guests } = parsed.fleet;
    expect(outlineOf(example)).toEqual({ name, members: Object.keys(members), guests: Object.keys(guests) });
  });

  it('is there where only what it does not tell is wrong, and without guests', () => {
    expect(outlineOf('version: 1\nname: home\nmembers: { m1: { address: nowhere. } }\n')).toEqual({
      name: 'home',
      members: ['m1'],
      guests: [],
    });
  });

  it.each(['', 'name: home', 'name: [a]\nmembers: {}', 'name: home\nmembers: [m1]', 'name: "home', '\u0000', '- a'])(
    'is none of %j',
    (text) => {
      expect(outlineOf(text)).toBeUndefined();
    },
  );
});

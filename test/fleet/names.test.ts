import { readFileSync } from 'node:fs';

import { describe, expect, it } from '@jest/globals';

import { parseFleet } from '../../fleet/load.ts';
import { describeUnknownNode, findNode } from '../../fleet/names.ts';
import type { Fleet } from '../../fleet/schema.ts';

const example = (): Fleet => {
  const result = parseFleet(readFileSync(new URL('../../fleet/example.yaml', import.meta.url), 'utf8'), 'example.yaml');
  if (result.type === 'invalid') throw new Error('The example is invalid');
  return result.fleet;
};

describe('findNode', () => {
  const fleet = example();

  it('finds members and guests', () => {
    expect(findNode(fleet, 'nuc-1')).toMatchObject({ type: 'member', member: { address: '10.0.0.13' } });
    expect(findNode(fleet, 'edge-vm')).toMatchObject({ type: 'guest', guest: { member: 'elitedesk-1' } });
  });

  it('suggests what was probably meant', () => {
    const found = findNode(fleet, 'elitedsk-1');
    if (found.type !== 'unknown') throw new Error('found');
    expect(describeUnknownNode(found, 'runbook.yaml')).toBe(
      'runbook.yaml has no member or guest "elitedsk-1". Did you mean elitedesk-1?',
    );
  });

  it('lists what there is where nothing is alike', () => {
    const found = findNode(fleet, 'printer');
    if (found.type !== 'unknown') throw new Error('found');
    expect(describeUnknownNode(found, 'runbook.yaml')).toBe(
      'runbook.yaml has no member or guest "printer". It has elitedesk-1, elitedesk-2, nuc-1, edge-vm, metrics-vm, home-vm.',
    );
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', '', 'x'.repeat(100_000)])(
    'does not find the prototype’s or other strange names: %.20s',
    (name) => {
      expect(findNode(fleet, name).type).toBe('unknown');
    },
  );

  it('finds a member that is called as a property of every object is', () => {
    const { fleet: strange } = parseFleet('version: 1\nname: x\nmembers: {constructor: {address: a.lan}}', 'f') as {
      fleet: Fleet;
    };
    expect(findNode(strange, 'constructor').type).toBe('member');
    expect(findNode(strange, 'toString').type).toBe('unknown');
  });
});

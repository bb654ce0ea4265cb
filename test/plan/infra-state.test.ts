import { describe, expect, it } from '@jest/globals';
import { isInState, isSameAt, keepsNumbers, withEntryOf } from '../../plan/infra-state.ts';

const resource = (name: string, instances: object[], more: object = {}): object => ({
  ...{ mode: 'managed', type: 'incus_instance', name, provider: 'p', instances },
  ...more,
});
const one = (id: string): object => ({ schema_version: 0, attributes: { id } });
const stateOf = (serial: number, ...resources: object[]): string =>
  JSON.stringify({ version: 4, serial, lineage: 'l', outputs: {}, resources, check_results: null });
const EDGE = 'incus_instance.edge';

describe('what a state of Terraform holds at an address', () => {
  it('is found with its module and its key, and data is none of it', () => {
    const state = stateOf(
      1,
      resource('edge', [one('a')], { mode: 'data' }),
      resource('many', [
        { ...one('b'), index_key: 'x' },
        { ...one('c'), index_key: 1 },
      ]),
      resource('inner', [one('d')], { module: 'module.m["k"]' }),
    );
    expect(
      [
        EDGE,
        'incus_instance.many["x"]',
        'incus_instance.many[1]',
        'incus_instance.many',
        'module.m["k"].incus_instance.inner',
        'incus_instance.inner',
      ].map((address) => isInState(state, address)),
    ).toEqual([false, true, true, false, true, false]);
  });

  it('comes back as it was, and what else is there stays', () => {
    const backup = stateOf(3, resource('edge', [one('old')]), resource('other', [one('then')]));
    const current = stateOf(9, resource('other', [one('now')]), resource('edge', [one('new')]));
    const merged = withEntryOf(current, backup, EDGE);
    expect(JSON.parse(merged)).toEqual(
      JSON.parse(stateOf(10, resource('other', [one('now')]), resource('edge', [one('old')]))),
    );
    expect([isSameAt(merged, backup, EDGE), isSameAt(current, backup, EDGE)]).toEqual([true, false]);
    const without = stateOf(9, resource('other', [one('now')]));
    expect(isSameAt(withEntryOf(without, backup, EDGE), backup, EDGE)).toBe(true);
    expect(isInState(withEntryOf(current, without, EDGE), EDGE)).toBe(false);
  });

  it('comes back beside others of its resource', () => {
    const [a, b, c] = ['a', 'b', 'c'].map((key) => ({ ...one(key), index_key: key }));
    const backup = stateOf(1, resource('many', [a ?? {}, b ?? {}]));
    const merged = withEntryOf(stateOf(2, resource('many', [c ?? {}])), backup, 'incus_instance.many["b"]');
    expect(JSON.parse(merged)).toEqual(JSON.parse(stateOf(3, resource('many', [c ?? {}, b ?? {}]))));
  });

  it.each([
    ['{"a": 12, "b": -1.5, "c": "9007199254740993"}', true],
    ['{"a": 9007199254740993}', false],
    ['{"a": 1.0}', false],
    ['{"a\\"": "1.0", "b": [0]}', true],
  ])('can be written again only where its numbers stay: %s', (text, expected) => {
    expect(keepsNumbers(text)).toBe(expected);
  });
});

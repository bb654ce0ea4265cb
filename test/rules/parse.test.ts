import { describe, expect, it } from '@jest/globals';
import { hclBlocks } from '../../rules/parse/hcl.ts';
import { nixSettings } from '../../rules/parse/nix.ts';
import { loadParsers } from '../../rules/parse/syntax.ts';
import { readYaml } from '../../rules/parse/yaml.ts';

const parsers = await loadParsers();

describe('Nix', () => {
  const settings = (text: string): Record<string, unknown> =>
    Object.fromEntries(
      nixSettings(parsers.nix(text).tree).map(({ path, value }) => [
        path.join('.'),
        'value' in value ? value.value : value.type === 'list' ? value.items.length : value.type,
      ]),
    );

  it.each<[string, string, Record<string, unknown>]>([
    ['dots and sets', '{ a.b = { c.d = true; }; }', { 'a.b': 'set', 'a.b.c.d': true }],
    ['quoted and computed names', '{ "x.y".${n}.z = 1; }', { 'x.y.*.z': 'other' }],
    ['functions', '{ lib, ... }@args: a: { b = "c"; }', { b: 'c' }],
    ['let, with and assert', 'let x = 1; in with lib; assert x == 1; { b = false; }', { 'let.x': 'other', b: false }],
    ['both ways of an if', 'if c then { a = "x"; } else { b = "y"; }', { a: 'x', b: 'y' }],
    ['what is put together', '{ a = "x"; } // { b = "y"; }', { a: 'x', b: 'y' }],
    ['lists that are put together', '{ a = [ 1 ] ++ lib.optionals c [ 2 3 ]; }', { a: 3 }],
    ['lists of sets', '{ a = [ { b = "x"; } ]; }', { a: 1, 'a.0.b': 'x' }],
    ['mkMerge and mkIf', '{ a = lib.mkMerge [ (lib.mkIf c { b = lib.mkForce "x"; }) ]; }', { a: 1, 'a.b': 'x' }],
    ['inherited names', '{ inherit (x) a; inherit b; }', { a: 'other', b: 'other' }],
    ['texts of several lines', "{ a = ''\n  x ''${y} ${z}\n''; }", { a: '\n  x ${y} \n' }],
  ])('takes apart %s', (_what, text, expected) => {
    expect(settings(text)).toEqual(expected);
  });

  it('says where a setting is, behind letters of two units too', () => {
    const [setting] = nixSettings(parsers.nix('# 🙂 é\n{ a.b = true; }').tree);
    expect(setting).toMatchObject({ start: 9, end: 12, value: { start: 15, end: 19 } });
  });
});

describe('HCL', () => {
  it('takes apart blocks, objects, calls and references', () => {
    const root = hclBlocks(
      parsers.hcl('r "a" "b" {\n c = merge(local.x, { "d.e" = "f", g.h : 2, (k) = 3 })\n i { j = "${var.z}" }\n}').tree,
    );
    expect(root.blocks).toMatchObject([
      {
        type: 'r',
        labels: ['a', 'b'],
        attributes: [
          {
            key: 'c',
            value: {
              name: 'merge',
              args: [
                { path: 'local.x' },
                {
                  entries: [
                    { key: 'd.e', value: { value: 'f' } },
                    { key: 'g.h', value: { value: '2' } },
                    { key: undefined },
                  ],
                },
              ],
            },
          },
        ],
        blocks: [{ type: 'i', attributes: [{ key: 'j', value: { whole: false, references: ['var.z'] } }] }],
      },
    ]);
  });
});

describe('YAML', () => {
  it('has keys, items and comments with their places, of every document', () => {
    const { settings, comments } = readYaml('a: &x 1 # one\n---\nb: [c, { d: *x }] # "two"\ne: |\n  # text\n');
    expect(settings.map(({ path, value }) => `${path.join('.')}=${value ?? ''}`)).toEqual([
      'a=1',
      'b=',
      'b.0=c',
      'b.1=',
      'b.1.d=*x',
      'e=# text\n',
    ]);
    expect(comments.map(({ text }) => text)).toEqual(['# one', '# "two"']);
  });

  it.each(['', '\u0000', '{', '- - - -', 'a: *none', '%TAG', '\t- x', '['.repeat(500)])(
    'reads %j without an exception',
    (text) => {
      expect(() => readYaml(text)).not.toThrow();
    },
  );
});

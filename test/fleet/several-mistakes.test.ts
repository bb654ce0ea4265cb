import { describe, expect, it } from '@jest/globals';
import { Ajv } from 'ajv';

import { renderDiagnostics } from '../../fleet/diagnostic.ts';
import { fleetJsonSchema } from '../../fleet/json-schema.ts';
import { parseFleet } from '../../fleet/load.ts';

/** `line:column message`, and the help behind an arrow. */
const problems = (text: string): string[] => {
  const result = parseFleet(text, 'runbook.yaml');
  const diagnostics = result.type === 'fleet' ? result.warnings : result.diagnostics;
  return diagnostics.map(
    ({ line, column, message, help }) => `${line}:${column} ${message}${help === undefined ? '' : ` → ${help}`}`,
  );
};

const fleet = (members: string): string => `version: 1\nname: homelab\nmembers:\n${members}`;

describe('a syntax mistake', () => {
  it.each([
    ['a quote', '  b: { address: "10.0.0.2 }\n  c: { address: 10.0.0.3 }\n', '6:17 Expected a closing ", got none'],
    ['an apostrophe', "  b: { address: '10.0.0.2 }\n", "6:17 Expected a closing ', got none"],
    ['a brace', '  b: { address: 10.0.0.2\n  c: { address: 10.0.0.3 }\n', '6:6 Expected a closing }, got none'],
    ['a bracket', '  b:\n    address: 10.0.0.2\n    probes: [\n', '8:13 Expected a closing ], got none'],
  ])('of %s is shown where that was opened, beside the mistakes before it', (_what, rest, expected) => {
    const text = `version: 1\nnaem: homelab\nmembers:\n  a1: { address: 10.0.0.256 }\n  a2: { address: 10.0.0.9 }\n${rest}`;
    expect(problems(text)).toEqual([
      '2:1 Expected a known key, got "naem" → Did you mean name?',
      expect.stringMatching(/^4:18 Expected an address like 10\.0\.0\.11, got "10\.0\.0\.256"/),
      expected,
    ]);
  });

  it('says nothing of what stands behind it, or is missing because of it', () => {
    expect(problems('version: 1\nmembers:\n  a: { address: "10.0.0.1 }\nname: 7\n')).toEqual([
      '3:17 Expected a closing ", got none',
    ]);
  });

  it('does not hide others where it is a control character', () => {
    expect(problems(fleet('  a: { address: 10.0.0.256 }\n  b: { address: 10.\u0001.0.2 }\n'))).toEqual([
      '4:17 Expected an address like 10.0.0.11, got "10.0.0.256"',
      '5:20 Expected text, got the control character U+0001',
    ]);
  });

  it('is a tag that nobody knows', () => {
    expect(problems(fleet('  a: { address: !vault x }\n'))).toEqual([
      '4:17 Expected no tag, got an unknown one → Text that begins with "!" has to be quoted.',
    ]);
  });
});

describe('a key', () => {
  it('that is no name does not hide what stands under it', () => {
    expect(problems(fleet('  "a b": { address: 10.0.0.256, adress: x, probes: [{ type: tcp }] }\n'))).toEqual([
      '4:3 Expected a name like nuc-1: a letter, then letters, digits and inner hyphens; not all, got "a b"',
      '4:21 Expected an address like 10.0.0.11, got "10.0.0.256"',
      '4:33 Expected a known key, got "adress" → Did you mean address?',
      '4:53 Expected host (an address like 10.0.0.11) in probes, got nothing',
      '4:53 Expected port (a whole number from 1 to 65535) in probes, got nothing',
    ]);
  });

  it.each([
    ['  null: { address: 10.0.0.1 }\n', '5:3 Expected a name as key, got nothing → In quotes it is a name.'],
    ['  ? [x, y]\n  : { address: 10.0.0.1 }\n', '5:5 Expected a name as key, got a list, a mapping or an alias'],
  ])('that is no name is the one mistake, at its place: %j', (member, expected) => {
    expect(problems(fleet(`  a: { address: 10.0.0.1 }\n${member}`))).toEqual([expected]);
  });

  it('with two letters that changed places is recognized', () => {
    const text = fleet('  a: { address: 10.0.0.1, ssh: { prot: 22 } }\n');
    expect(problems(text)).toEqual(['4:34 Expected a known key, got "prot" → Did you mean port?']);
  });

  it('that merges is refused with the reason', () => {
    const text = fleet('  a: &a { address: 10.0.0.1 }\n  b: { <<: *a, address: 10.0.0.2 }\n');
    expect(problems(text)).toEqual([
      '5:8 Expected a known key, got "<<" → Merge keys are no part of YAML 1.2. An alias takes the whole of what its anchor names.',
    ]);
  });

  it('that begins with a digit is told what a name begins with', () => {
    expect(problems(fleet('  1: { address: 10.0.0.1 }\n'))).toEqual([
      '4:3 Expected a name like nuc-1: a letter, then letters, digits and inner hyphens; not all, got "1"',
    ]);
  });
});

it('points at the alias that brings an address a second time', () => {
  expect(problems(fleet('  a: &a { address: 10.0.0.1 }\n  b: *a\n'))).toEqual([
    '5:6 Expected an address of its own, got "10.0.0.1", which a has',
  ]);
});

describe('a secret in a fleet file', () => {
  const shown = (text: string): string => {
    const result = parseFleet(text, 'runbook.yaml');
    if (result.type === 'fleet') throw new Error('It was accepted.');
    return `${JSON.stringify(result.diagnostics)}\n${renderDiagnostics(result.diagnostics, text, { color: false, width: 80 })}`;
  };
  const probe = (url: string): string =>
    fleet(`  a:\n    address: 10.0.0.1\n    probes:\n      - { type: http, url: '${url}' }\n`);

  it.each([
    probe('http://u:geheim@edge.lan'),
    probe('http://u:ge/hei@m@edge.lan').replaceAll('ge/hei@m', 'geheim/geheim@geheim'),
    probe('https://geheim@edge.lan/'),
    probe(`http://u:${'x'.repeat(300)}geheim@edge.lan`),
    fleet('  a: { address: 10.0.0.1 }\npassword: geheim # geheim\n'),
    fleet('  a: { address: 10.0.0.1, api_key: "geheim geheim" }\n'),
    fleet('  a: { address: AGE-SECRET-KEY-1GEHEIM. }\n'),
  ])('is neither printed nor told: %s', (text) => {
    expect(shown(text)).not.toMatch(/geheim/i);
  });

  it('is masked in its place, and what only looks like one is not', () => {
    expect(shown(probe('http://u:geheim@edge.lan'))).toContain(
      "   7 |       - { type: http, url: 'http://********@edge.lan' }\n     |                            ^^^^^^^^^^^^^^^^^^^^^^^^^^",
    );
    expect(shown(probe('http://edge.lan:8080/a@b c'))).toContain('http://edge.lan:8080/a@b c');
  });
});

it('has a JSON Schema that refuses a file without members', () => {
  const accepts = new Ajv({ keywords: ['patternErrorMessage'] }).compile(fleetJsonSchema());
  expect(accepts({ version: 1, name: 'homelab', members: {} })).toBe(false);
});

import { readFileSync } from 'node:fs';

import { describe, expect, it } from '@jest/globals';
import { Ajv } from 'ajv';
import { parse } from 'yaml';

import type { JsonSchema } from '../../fleet/json-schema.ts';
import { fleetJsonSchema } from '../../fleet/json-schema.ts';
import { fleetSchema } from '../../fleet/schema.ts';
import { randomFleet } from './generated/fleet.ts';
import { MUTATIONS } from './generated/mutations.ts';
import { randomFrom } from './generated/random.ts';
import { write } from './generated/write.ts';

const example = readFileSync(new URL('../../fleet/example.yaml', import.meta.url), 'utf8');
/** The one keyword that is not JSON Schema's own. */
const FOR_EDITORS = 'patternErrorMessage';
const complaints: unknown[] = [];
const complain = (...words: unknown[]): void => {
  complaints.push(words);
};
const ajv = new Ajv({
  strict: true,
  allErrors: true,
  keywords: [FOR_EDITORS],
  logger: { log: complain, warn: complain, error: complain },
});
const accepts = ajv.compile(fleetJsonSchema());

const fieldsBelow = (schema: JsonSchema, path: string): { path: string; schema: JsonSchema }[] => {
  const own = Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const at = `${path}.${name}`;
    return typeof field === 'boolean' ? [] : [{ path: at, schema: field }, ...fieldsBelow(field, at)];
  });
  const inner = [schema.additionalProperties, schema.items, ...(schema.oneOf ?? [])].flatMap((each) =>
    typeof each === 'object' && !Array.isArray(each) ? fieldsBelow(each, path) : [],
  );
  return [...own, ...inner];
};
const fields = fieldsBelow(fleetJsonSchema(), '');

describe('the JSON Schema', () => {
  it('is strictly one, but for a keyword that docs/cli.md names', () => {
    expect(complaints).toEqual([]);
    expect(ajv.validateSchema(fleetJsonSchema())).toBe(true);
    expect(readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8')).toContain(
      `keywords: ['${FOR_EDITORS}']`,
    );
  });

  it('accepts the example', () => {
    expect(accepts(parse(example))).toBe(true);
  });

  it('refuses an invalid address, with the same words', () => {
    const text = example.replace('10.0.0.13', '10.0.0.256');
    expect(accepts(parse(text))).toBe(false);
    expect(JSON.stringify(fleetJsonSchema())).toContain('"Expected an address like 10.0.0.11"');
  });

  it('agrees with the schema of the command line on each kind of mistake', () => {
    let refused = 0;
    for (const [index, kind] of Object.keys(MUTATIONS).entries()) {
      for (const isMutated of [false, true]) {
        const random = randomFrom(index + 5000);
        const root = randomFleet(random);
        if (isMutated) MUTATIONS[kind]?.(root, random);
        const data = tryParse(write(root, random).text);
        if (data === undefined) continue;
        const byEditor = accepts(data);
        expect({ kind, accepted: byEditor }).toEqual({ kind, accepted: fleetSchema.safeParse(data).success });
        if (!byEditor) refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(25);
  });

  it('describes every field', () => {
    const silent = fields.filter(({ schema }) => schema.description === undefined);
    expect(silent.map(({ path }) => path)).toEqual([]);
    expect(fields.length).toBeGreaterThan(50);
  });

  it('has examples and defaults that are right where they stand', () => {
    const shown = fields.flatMap(({ path, schema }) => {
      const values = [...(schema.examples ?? []), ...(schema.default === undefined ? [] : [schema.default])];
      return values.map((value) => ({ path, value, isRight: ajv.validate(schema, value) }));
    });
    expect(shown.filter(({ isRight }) => !isRight)).toEqual([]);
    // zod drops both where a value is transformed.
    expect(shown.filter(({ path }) => path === '.cluster.profiles.devices')).toMatchObject([
      { value: { root: { type: 'disk' } } },
      { value: {} },
    ]);
  });

  it('takes text, whole numbers, true and false as Incus’s configuration, and nothing else', () => {
    const withConfig = (value: unknown): unknown => ({
      ...(parse(example) as object),
      cluster: { pools: { local: { type: 'dir', path: '/srv' } }, config: { 'core.https_address': value } },
    });
    for (const value of ['', 'a\nb', ':8443', 60, -5, true, false]) {
      expect(accepts(withConfig(value))).toBe(true);
      const { cluster } = fleetSchema.parse(withConfig(value));
      expect(cluster?.config).toEqual({ 'core.https_address': String(value) });
    }
    for (const value of ['\0', 0.5, null, [], {}, ['a']]) {
      expect({ value, accepted: accepts(withConfig(value)) }).toEqual({ value, accepted: false });
      const words = fleetSchema.safeParse(withConfig(value)).error?.issues.map(({ message }) => message);
      expect(words).toEqual(['text, a whole number, true or false']);
    }
    expect(JSON.stringify(fleetJsonSchema())).toContain('"Expected text, a whole number, true or false"');
  });
});

const tryParse = (text: string): unknown => {
  try {
    return parse(text, { logLevel: 'error' }) as unknown;
  } catch {
    return undefined;
  }
};

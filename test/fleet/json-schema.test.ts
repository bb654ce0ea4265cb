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
    const silent: string[] = [];
    const visit = (schema: JsonSchema, path: string): void => {
      for (const [name, field] of Object.entries(schema.properties ?? {})) {
        if (typeof field === 'boolean') continue;
        if (field.description === undefined) silent.push(`${path}.${name}`);
        visit(field, `${path}.${name}`);
      }
      for (const inner of [schema.additionalProperties, schema.items, ...(schema.oneOf ?? [])]) {
        if (typeof inner === 'object' && !Array.isArray(inner)) visit(inner, path);
      }
    };
    visit(fleetJsonSchema(), '');
    expect(silent).toEqual([]);
  });
});

const tryParse = (text: string): unknown => {
  try {
    return parse(text, { logLevel: 'error' }) as unknown;
  } catch {
    return undefined;
  }
};

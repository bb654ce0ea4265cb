import { describe, expect, it } from '@jest/globals';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileFunction } from 'node:vm';
import proto from '@temporalio/proto';
import protobuf from 'protobufjs/light.js';

interface Codec {
  encode: (message: object) => { finish: () => Uint8Array };
  decode: (bytes: Uint8Array) => object;
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const script = (await import(join(ROOT, 'scripts', 'protocol.mjs'))) as { usedCode: () => Promise<string> };
const module = { exports: {} };
(compileFunction(await script.usedCode(), ['require', 'module']) as (...args: unknown[]) => void)(
  createRequire(join(ROOT, 'package.json')),
  module,
);

const isCodec = (value: unknown): value is Codec => typeof value === 'function' && 'decode' in value;

/** The messages and enumerations of a namespace by their full names. */
function* allIn(space: object, prefix = ''): Generator<[string, unknown]> {
  for (const [name, value] of Object.entries(space) as [string, unknown][]) {
    const full = `${prefix}${name}`;
    if (isCodec(value) || isEnumeration(value)) yield [full, value];
    if ((typeof value === 'object' || isCodec(value)) && value !== null) yield* allIn(value, `${full}.`);
  }
}

const isEnumeration = (value: unknown): value is Record<string, number> =>
  typeof value === 'object' && value !== null && Object.values(value).some((each) => typeof each === 'number');

const found = [...allIn(module.exports)];
const messages = found.flatMap(([name, value]) => (isCodec(value) ? [{ name, codec: value }] : []));
const enumerations = found.flatMap(([name, value]) => (isEnumeration(value) ? [{ name, values: value }] : []));

const whole = proto as unknown as protobuf.Root;

/** A value that is not the default of the field. */
function valueFor(field: protobuf.Field): unknown {
  const { resolvedType } = field.resolve();
  const one = single(field.type, resolvedType);
  if (field.map) return { key: one };
  return field.repeated ? [one] : one;
}

function single(type: string, resolved: protobuf.Field['resolvedType']): unknown {
  if (resolved instanceof protobuf.Enum) return Math.max(...Object.values(resolved.values));
  if (resolved !== null) return {};
  if (type === 'string') return 'text';
  if (type === 'bytes') return Uint8Array.of(1, 2, 3);
  return type === 'bool' ? true : 7;
}

describe('the part of the protocol that the command line speaks', () => {
  it('has what quick answers and whole histories consist of', () => {
    const names = messages.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining([
        'temporal.api.workflowservice.v1.ListWorkflowExecutionsResponse',
        'temporal.api.history.v1.ActivityTaskFailedEventAttributes',
        'temporal.api.operatorservice.v1.ListSearchAttributesResponse',
      ]),
    );
    expect(names.length).toBeGreaterThan(150);
  });

  it('reads and writes every field of its messages as the whole does', () => {
    for (const { name, codec } of messages) {
      const type = whole.lookupType(name);
      for (const field of type.fieldsArray) {
        const bytes = type.encode(type.create({ [field.name]: valueFor(field) })).finish();
        const read = codec.decode(bytes);
        expect({ [`${name}.${field.name}`]: read }).toEqual({ [`${name}.${field.name}`]: type.decode(bytes) });
        expect(Buffer.from(codec.encode(read).finish())).toEqual(Buffer.from(bytes));
      }
    }
  });

  it('has the same numbers in its enumerations', () => {
    expect(enumerations.length).toBeGreaterThan(20);
    for (const { name, values } of enumerations)
      expect({ [name]: values }).toEqual({ [name]: whole.lookupEnum(name).values });
  });
});

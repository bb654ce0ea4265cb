import * as z from 'zod';

import type { Path } from './mistake.ts';

/** The mapping or choice of mappings that the schema has at a path. `value` decides where the schema has a choice. */
export const schemaAt = (schema: z.core.$ZodType, value: unknown, path: Path): z.core.$ZodType | undefined => {
  let at: z.core.$ZodType | undefined = schema;
  let data = value;
  for (const segment of path) {
    at = at && step(chosen(at, data), segment);
    data = valueAt(data, [segment]);
  }
  return at && unwrapped(at);
};

/** The value at a path; own properties only. */
export const valueAt = (value: unknown, path: Path): unknown =>
  path.reduce<unknown>(
    (at, segment) =>
      typeof at === 'object' && at !== null && Object.hasOwn(at, segment)
        ? (at as Record<string | number, unknown>)[segment]
        : undefined,
    value,
  );

/** The keys that the mapping at a path may have; none where anything goes. */
export const knownKeys = (schema: z.core.$ZodType, value: unknown, path: Path): string[] => {
  const at = schemaAt(schema, value, path);
  const mapping = at && chosen(at, valueAt(value, path));
  return mapping instanceof z.ZodObject ? Object.keys(mapping.shape) : [];
};

/** What `type` may be where the schema has a choice of mappings. */
export const knownTypes = (schema: z.core.$ZodType | undefined): string[] =>
  schema instanceof z.ZodDiscriminatedUnion ? schema.options.flatMap(typesOf) : [];

const typesOf = (option: z.core.$ZodType): string[] => {
  const type: unknown = option instanceof z.ZodObject ? option.shape['type'] : undefined;
  return type instanceof z.ZodLiteral ? [...type.values].map(String) : [];
};

const unwrapped = (schema: z.core.$ZodType): z.core.$ZodType =>
  schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional
    ? unwrapped(schema.unwrap())
    : schema;

const chosen = (schema: z.core.$ZodType, value: unknown): z.core.$ZodType => {
  const at = unwrapped(schema);
  if (!(at instanceof z.ZodDiscriminatedUnion)) return at;
  const type = valueAt(value, ['type']);
  return at.options.find((option) => typeof type === 'string' && typesOf(option).includes(type)) ?? at;
};

const step = (schema: z.core.$ZodType, segment: string | number): z.core.$ZodType | undefined => {
  if (schema instanceof z.ZodArray) return schema.element;
  if (schema instanceof z.ZodRecord) return schema.valueType;
  if (schema instanceof z.ZodObject && Object.hasOwn(schema.shape, segment)) {
    return (schema.shape as Record<string, z.core.$ZodType>)[segment];
  }
  return undefined;
};

import * as z from 'zod';

import { fleetSchema } from './schema.ts';

export type JsonSchema = z.core.JSONSchema.BaseSchema;

/**
 * The JSON Schema of `runbook.yaml` as a person writes it, with descriptions, defaults and examples.
 * Draft 7: yaml-language-server checks documents by it fully, and by later drafts in part
 * (https://github.com/redhat-developer/yaml-language-server/issues/856).
 */
export const fleetJsonSchema = (): JsonSchema => ({
  title: 'runbook.yaml',
  ...z.toJSONSchema(fleetSchema, {
    target: 'draft-7',
    io: 'input',
    override: ({ zodSchema, jsonSchema }) => {
      // zod leaves them out where values are transformed, as if they were examples of the result.
      const { examples } = z.globalRegistry.get(zodSchema) ?? {};
      if (examples) jsonSchema.examples = examples as unknown[];
    },
  }),
});

import type { JsonSchema } from './json-schema.ts';

const INTRODUCTION = `# The fleet file

\`runbook.yaml\`, at the top of your monorepo, tells runbook what it cannot see by looking: which machines there are and
how to reach them, which guest belongs on which member, which data is its own, what "healthy" means for it, and how
careful to be. Versions, states, pools, snapshots and generations are not in it; they are observed. Secrets are not in
it either, only the places where they are.

\`runbook check\` reads the file and shows every mistake at once, with the place, what was expected, and what to do:

\`\`\`
runbook.yaml:14:14  error  Expected an address like 10.0.0.11, got "10.0.0.256"
   13 |   elitedesk-2:
   14 |     address: 10.0.0.256
      |              ^^^^^^^^^^
\`\`\`

\`runbook schema > runbook.schema.json\` writes its JSON Schema. With the first line of the example below, editors that
use yaml-language-server (VS Code, Neovim, Helix, Emacs …) then complete and check it while you type.`;

const EXAMPLE = `## A complete example

Three members and three guests. Most of the file is optional: an address for each member and a member for each guest
are enough to begin with.`;

const FIELDS = `## Fields

Unknown fields are mistakes, so that a slip of the finger is found now and not during an upgrade. Durations are a whole
number and one of \`ms\`, \`s\`, \`m\`, \`h\`, \`d\`. Names of members and guests are unique across both, since \`--node\` takes
either. It is YAML 1.2 of at most 128 KB; anchors and aliases work, merge keys (\`<<\`) do not.`;

interface Section {
  title: string;
  schema: JsonSchema;
  /** The sections whose mappings have it. */
  usedIn: Set<string>;
}

/** docs/configuration.md as Markdown, from the JSON Schema of the fleet file and a complete example. */
export const referencePage = (schema: JsonSchema, example: string): string => {
  const sections = new Map<string, Section>();
  collectSections('', schema, '', sections);
  return [
    INTRODUCTION,
    EXAMPLE,
    `\`\`\`yaml\n${example.trimEnd()}\n\`\`\``,
    FIELDS,
    ...Array.from(sections.values(), renderSection),
    '',
  ].join('\n\n');
};

const isSchema = (value: unknown): value is JsonSchema => typeof value === 'object' && value !== null;

/** The mapping that a field leads to: its own, that of each name below it, or that of each item. */
const mappingOf = (schema: JsonSchema): JsonSchema | undefined => {
  if (schema.properties || schema.oneOf) return schema;
  const inner = schema.additionalProperties ?? schema.items;
  return isSchema(inner) && !Array.isArray(inner) ? mappingOf(inner) : undefined;
};

/** Depth first, each title once: `ssh` is the same for members and guests. */
const collectSections = (title: string, schema: JsonSchema, user: string, sections: Map<string, Section>): void => {
  const mapping = mappingOf(schema);
  if (!mapping) return;
  const known = sections.get(title);
  if (known) {
    known.usedIn.add(user);
    return;
  }
  sections.set(title, { title, schema, usedIn: new Set([user]) });
  for (const variant of mapping.oneOf ?? [mapping]) {
    for (const [name, field] of fieldsOf(variant)) collectSections(name, field, title, sections);
  }
};

const fieldsOf = (schema: JsonSchema): [string, JsonSchema][] =>
  Object.entries(schema.properties ?? {}).filter((entry): entry is [string, JsonSchema] => isSchema(entry[1]));

const renderSection = ({ title, schema, usedIn }: Section): string => {
  const mapping = mappingOf(schema) ?? schema;
  const heading = title === '' ? '### Top level' : `### ${title}`;
  const variants = mapping.oneOf?.map((variant) => [renderVariantTitle(variant), renderTable(variant)]);
  const body = variants?.flat() ?? [renderTable(mapping)];
  return [heading, introductionOf(schema, [...usedIn]), ...body].filter((part) => part !== '').join('\n\n');
};

/** As Markdown's readers make one of a heading. */
const anchorOf = (heading: string): string => heading.toLowerCase();

/** What is used in several places is described in each of their tables. */
const introductionOf = ({ description = '' }: JsonSchema, usedIn: string[]): string => {
  const users = usedIn.filter((user) => user !== '').map((user) => `[${user}](#${anchorOf(user)})`);
  if (users.length === 0) return description;
  return users.length === 1 ? `In ${users.join()}: ${description}` : `In ${users.join(' and ')}.`;
};

const typeOf = (variant: JsonSchema): string => String(fieldsOf(variant).find(([name]) => name === 'type')?.[1].const);

const renderVariantTitle = (variant: JsonSchema): string =>
  `**\`type: ${typeOf(variant)}\`** ${variant.description ?? ''}`;

const renderTable = (mapping: JsonSchema): string => {
  const rows = fieldsOf(mapping)
    .filter(([name, { const: only }]) => !(name === 'type' && only !== undefined))
    .map(([name, field]) => {
      const isRequired = mapping.required?.includes(name) === true;
      const columns = [`\`${name}\``, renderType(name, field), renderDefault(field, isRequired), meaningOf(field)];
      return `| ${columns.map((column) => column.replaceAll('|', '\\|')).join(' | ')} |`;
    });
  if (rows.length === 0) return '';
  return ['| Field | Type | Default | Meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
};

const meaningOf = ({ description = '', examples }: JsonSchema): string =>
  examples?.[0] === undefined ? description : `${description} Example: \`${inline(examples[0])}\`.`;

/** In YAML's flow style. */
const inline = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value).replaceAll('\n', '\\n');
  const fields = Object.entries(value).map(([name, inner]) => `${name}: ${inline(inner)}`);
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
};

const renderDefault = ({ default: value }: JsonSchema, isRequired: boolean): string => {
  if (isRequired) return 'required';
  if (value === undefined) return '–';
  return ['{}', '[]', ''].includes(inline(value)) ? 'empty' : `\`${inline(value)}\``;
};

const renderType = (name: string, schema: JsonSchema): string => {
  const inner = schema.additionalProperties;
  if (isSchema(inner))
    return `${mappingOf(inner) ? `[mapping](#${anchorOf(name)})` : nested(renderType(name, inner))} by ${keyOf(schema)}`;
  if (schema.type === 'array') {
    const item = schema.items;
    if (!isSchema(item) || Array.isArray(item)) return 'list';
    return mappingOf(item) ? `list of [mappings](#${anchorOf(name)})` : `list, each ${renderType(name, item)}`;
  }
  if (mappingOf(schema)) return `[mapping](#${anchorOf(name)})`;
  if (schema.const !== undefined) return `\`${inline(schema.const)}\``;
  if (schema.enum) return schema.enum.map((value) => `\`${inline(value)}\``).join(', ');
  if (schema.type === 'boolean') return '`true`, `false`';
  if (schema.type === 'integer') return `number, ${schema.minimum ?? ''} to ${schema.maximum ?? ''}`;
  const expected: unknown = schema['patternErrorMessage'];
  return typeof expected === 'string' ? shortened(expected) : 'text';
};

/** `text by key` → `text by key,`, for what comes by a name itself. */
const nested = (type: string): string => (type.includes(' by ') ? `${type},` : type);

/** What its keys are: a `name`, or one that Incus has as its own `key`. */
const keyOf = ({ propertyNames }: JsonSchema): string => {
  const expected: unknown = isSchema(propertyNames) ? propertyNames['patternErrorMessage'] : undefined;
  return typeof expected === 'string' && shortened(expected).startsWith('key') ? 'key' : 'name';
};

/** `Expected an address like 10.0.0.11` → `address`. */
const shortened = (expected: string): string =>
  expected
    .replace(/^Expected (?:an? )?/, '')
    .replace(/(?: like |, | of letters| of whole| as | without | with | that ).*$/, '');

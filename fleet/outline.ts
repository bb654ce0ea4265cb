import { readYaml } from './yaml-document.ts';

/** What a fleet file names. */
export interface FleetOutline {
  name: string;
  members: string[];
  guests: string[];
}

/**
 * The names in the text of a fleet file, which is not checked: loading the schema and checking takes longer than all
 * else that a quick answer does. Undefined where it has no such names. Pure; never throws.
 */
export const outlineOf = (text: string): FleetOutline | undefined => {
  const read = readYaml(text);
  if (read.type === 'broken' || read.mistakes.some(({ severity }) => severity === 'error')) return undefined;
  const { name, members, guests = {} } = asMapping(read.value) ?? {};
  const [machines, instances] = [asMapping(members), asMapping(guests)];
  if (typeof name !== 'string' || machines === undefined || instances === undefined) return undefined;
  return { name, members: Object.keys(machines), guests: Object.keys(instances) };
};

const asMapping = (value: unknown): Record<string, unknown> | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;

import type { Fleet, Guest, Member } from './schema.ts';
import { suggest } from './suggest.ts';
import { quote } from './visible.ts';

export type FoundNode =
  | { type: 'member'; name: string; member: Member }
  | { type: 'guest'; name: string; guest: Guest }
  /** `known`: members, then guests, as the file orders them. */
  | { type: 'unknown'; name: string; suggestion?: string; known: string[] };

/** The member or guest of that name. Names of Object's own properties are as unknown as any other. */
export const findNode = (fleet: Pick<Fleet, 'members' | 'guests'>, name: string): FoundNode => {
  const member = own(fleet.members, name);
  if (member) return { type: 'member', name, member };
  const guest = own(fleet.guests, name);
  if (guest) return { type: 'guest', name, guest };
  const known = [...Object.keys(fleet.members), ...Object.keys(fleet.guests)];
  const suggestion = suggest(name, known);
  return { type: 'unknown', name, ...(suggestion === undefined ? {} : { suggestion }), known };
};

const own = <Value>(record: Readonly<Record<string, Value>>, name: string): Value | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined;

/** What to tell whoever typed the name. */
export const describeUnknownNode = (
  { name, suggestion, known }: Extract<FoundNode, { type: 'unknown' }>,
  fileName: string,
): string => {
  const help = suggestion === undefined ? `It has ${known.join(', ')}.` : `Did you mean ${suggestion}?`;
  return `${fileName} has no member or guest ${quote(name)}. ${help}`;
};

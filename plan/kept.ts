/** What runs have set aside on the members, as `runbook list-kept` shows it. */
export interface KeptView {
  kept: KeptThing[];
  /** Members that did not answer: what is kept there is not known. */
  silent: { member: string; problem: string }[];
}

export interface KeptThing {
  member: string;
  kind: 'dataset' | 'folder' | 'instance';
  /** What it is released by: `tank/incus.old`, the name of a folder, `instance:edge-vm-runbook-…`. */
  name: string;
  /** What it was called before. */
  from?: string;
  /** ISO 8601. */
  since?: string;
  /** Absent of an instance: Incus tells it of those that run. */
  bytes?: number;
  why?: string;
}

/** The command that destroys it, for a person to type. */
export const releaseCommand = ({ member, name }: Pick<KeptThing, 'member' | 'name'>): string =>
  `runbook release-kept ${name} --node ${member}`;

const INSTANCE = 'instance:';

/** What an instance is released by. */
export const keptInstance = (name: string): string => `${INSTANCE}${name}`;
/** The instance’s own name. */
export const instanceOfKept = (name: string): string => name.slice(INSTANCE.length);

/** A dataset is below a pool; the folders that are set aside are in one place. */
export function kindOfKept(name: string): KeptThing['kind'] {
  if (name.startsWith(INSTANCE)) return 'instance';
  return name.includes('/') ? 'dataset' : 'folder';
}

/** What runs have set aside on the members, as `runbook list-kept` shows it. */
export interface KeptView {
  kept: KeptThing[];
  /** Members that did not answer: what is kept there is not known. */
  silent: { member: string; problem: string }[];
}

export interface KeptThing {
  member: string;
  kind: 'dataset' | 'folder';
  /** What it is released by: `tank/incus.old`, the name of a folder. */
  name: string;
  /** What it was called before. */
  from?: string;
  /** ISO 8601. */
  since?: string;
  bytes: number;
  why?: string;
}

/** The command that destroys it, for a person to type. */
export const releaseCommand = ({ member, name }: Pick<KeptThing, 'member' | 'name'>): string =>
  `runbook release-kept ${name} --node ${member}`;

/** A dataset is below a pool; the folders that are set aside are in one place. */
export const kindOfKept = (name: string): KeptThing['kind'] => (name.includes('/') ? 'dataset' : 'folder');

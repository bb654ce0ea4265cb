import { count } from './count.ts';
import type { StepView } from './run.ts';

/** What the fleet file says of Terraform for one member. */
export interface InfraScope {
  node: string;
  /** `terraform` or `tofu`, as people type it. */
  program: string;
  /** `infra/incus/nuc-1` */
  folder: string;
  /** Types of which no loss goes without a name. */
  protect: string[];
  approvalTimeout: string;
  remindEvery: string;
}

/** Provider terraform-provider-incus: what these hold is lost with them. */
export const PROTECTED_TYPES = [
  ...['incus_instance', 'incus_storage_volume', 'incus_storage_bucket', 'incus_storage_pool'],
  // Its option `force_destroy` takes all that is in it along.
  'incus_project',
] as const;

export type InfraAction = 'create' | 'update' | 'replace' | 'delete' | 'forget' | 'import' | 'move';

/** One attribute that changes. Absent: it is not there. What is sensitive, and what only the apply will know, has no text. */
export interface InfraAttribute {
  name: string;
  from?: string;
  to?: string;
  sensitive?: true;
  unknown?: true;
  /** It cannot be changed in place. */
  forces?: true;
}

export interface InfraChange {
  /** `incus_instance.home-vm` */
  address: string;
  type: string;
  action: InfraAction;
  /** Why it is replaced or deleted. */
  reason?: string;
  /** The first of them; `more`: how many are left out. */
  attributes: InfraAttribute[];
  more: number;
}

/** A plan as it leaves the worker: no value that is sensitive, and no more than fits into a history. */
export interface PlannedInfra {
  /** Of what would be done and of the state that it was made for; a person approves this. */
  hash: string;
  /** Of the file that is applied. */
  file: string;
  changes: InfraChange[];
  /** Beyond those that are listed, by action. */
  more: Partial<Record<InfraAction, number>>;
  /** Every deletion and replacement, listed or not, with its type. */
  lost: { address: string; type: string }[];
  /** Names of outputs that change. */
  outputs: string[];
  /** Resources that somebody has changed since the last apply. */
  drifted: string[];
}

/** What an apply came to. */
export type AppliedInfra =
  | { type: 'applied' }
  /** The state, or the plan, is not what was approved any more: nothing was done. */
  | { type: 'stale'; why: string }
  /** Something ended it from outside: what it did until then is in the state as far as it was written. */
  | { type: 'interrupted'; why: string }
  /** Terraform says why. `done`: what it had done by then. */
  | { type: 'failed'; message: string; done: string[] };

export const isEmpty = ({ changes, outputs }: Pick<PlannedInfra, 'changes' | 'outputs'>): boolean =>
  changes.length === 0 && outputs.length === 0;

/**
 * What a yes has to name: what is deleted or replaced of a type that is protected. One address can be lost twice, where an earlier
 * replacement left something behind.
 */
export const namesNeeded = (
  { protect }: Pick<InfraScope, 'protect'>,
  { lost }: Pick<PlannedInfra, 'lost'>,
): string[] => [...new Set(lost.filter(({ type }) => protect.includes(type)).map(({ address }) => address))];

/** As people type it. */
export const shortHash = (hash: string): string => hash.slice(0, 8);

const ORDER: readonly InfraAction[] = ['create', 'update', 'replace', 'delete', 'forget', 'import', 'move'];

/** `1 to create, 2 to replace` */
export function countsOf({ changes, more, outputs }: Pick<PlannedInfra, 'changes' | 'more' | 'outputs'>): string {
  const of = (action: InfraAction): number =>
    changes.filter((change) => change.action === action).length + (more[action] ?? 0);
  const parts = ORDER.flatMap((action) => (of(action) === 0 ? [] : [`${of(action)} to ${action}`]));
  const all = outputs.length === 0 ? parts : [...parts, `${count(outputs.length, 'output')} to change`];
  return all.length === 0 ? 'no changes' : all.join(', ');
}

/** Each change as a step, so that plan, report and Web UI show it as they show everything. */
export function changeSteps({ changes, more, outputs }: PlannedInfra): StepView[] {
  const left = Object.values(more).reduce((sum, number) => sum + number, 0);
  return [
    ...changes.map((change) => {
      const detail = detailOf(change);
      return {
        id: stepOf(change.address),
        ...{ phase: 'apply' as const, title: `${change.action} ${change.address}`, state: 'pending' as const },
        ...(detail === '' ? {} : { detail }),
      };
    }),
    ...(left === 0 ? [] : [pending('more', `and ${left} more`)]),
    ...(outputs.length === 0 ? [] : [pending('outputs', `outputs ${outputs.join(', ')}`)]),
  ];
}

const pending = (id: string, title: string): StepView => ({
  id: `change-${id}`,
  ...{ phase: 'apply', title, state: 'pending' },
});

/** Of a change, by its address. */
export const stepOf = (address: string): string => `change-${address}`;

/** `it cannot be changed in place: image: "a" → "b"` */
export function detailOf({ reason, attributes, more }: Pick<InfraChange, 'reason' | 'attributes' | 'more'>): string {
  const shown = attributes.map(attributeText);
  const all = more === 0 || shown.length === 0 ? shown : [...shown, `${more} more`];
  return [...(reason === undefined ? [] : [reason]), ...(all.length === 0 ? [] : [all.join(', ')])].join(': ');
}

function attributeText({ name, from, to, sensitive, unknown, forces }: InfraAttribute): string {
  const why = forces === true ? ' (forces it)' : '';
  if (sensitive === true) return `${name} (sensitive)${why}`;
  const now = unknown === true ? 'known after apply' : (to ?? 'nothing');
  return from === undefined ? `${name} ${now}${why}` : `${name} ${from} → ${now}${why}`;
}

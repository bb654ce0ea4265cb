import type { InfraAction, InfraAttribute, InfraChange, PlannedInfra } from './infra.ts';

/** What is read of a plan of Terraform: `show -json`, by its own names. */
export interface PlanJson {
  resource_changes: ResourceChange[];
  resource_drift: ResourceChange[];
  output_changes: Record<string, Change>;
}
interface ResourceChange {
  address: string;
  mode: string;
  type: string;
  deposed?: string | undefined;
  action_reason?: string | undefined;
  previous_address?: string | undefined;
  change: Change;
}
interface Change {
  actions: string[];
  before?: unknown;
  after?: unknown;
  after_unknown?: unknown;
  before_sensitive?: unknown;
  after_sensitive?: unknown;
  replace_paths?: (string | number)[][] | undefined;
  /** Of what is there already and comes into the state. */
  importing?: unknown;
}

/** Enough to judge by, and small enough for a history. */
const MOST_CHANGES = 60;
const MOST_ATTRIBUTES = 8;
const LONGEST_VALUE = 60;
const MOST_NAMES = 20;

/** Masks what looks like a secret in a text. */
type Mask = (text: string) => string;

/** What a person has to know of a plan, without what is sensitive. Pure. */
export function readPlan(plan: PlanJson, mask: Mask): Omit<PlannedInfra, 'hash' | 'file'> {
  const all = plan.resource_changes.flatMap((resource) => {
    const action = actionOf(resource);
    return action === undefined ? [] : [{ resource, action }];
  });
  const more: PlannedInfra['more'] = {};
  for (const { action } of all.slice(MOST_CHANGES)) more[action] = (more[action] ?? 0) + 1;
  return {
    changes: all.slice(0, MOST_CHANGES).map(({ resource, action }) => changeOf(resource, action, mask)),
    more,
    lost: all
      .filter(({ action }) => action === 'delete' || action === 'replace')
      .map(({ resource: { address, type } }) => ({ address, type })),
    outputs: Object.entries(plan.output_changes)
      .filter(([, { actions }]) => isChange(actions))
      .map(([name]) => name)
      .slice(0, MOST_NAMES),
    drifted: plan.resource_drift
      .filter(({ change }) => isChange(change.actions))
      .map(({ address }) => address)
      .slice(0, MOST_NAMES),
  };
}

/**
 * The text that the hash of a plan is made of: what is done to each resource and why, each value before and after, which values
 * are only known later, outputs, and the state that it was made for. Values that are sensitive are left out of it: who knows the
 * rest could try out weak ones until the hash fits. Keys are in one order. Pure.
 */
export function canonicalPlan(plan: PlanJson, state: { serial: number; lineage: string } | undefined): string {
  const changes = plan.resource_changes
    .filter(isPlanned)
    .map(({ change, address, deposed, action_reason: reason, previous_address: from }) => ({
      ...{ address, deposed, reason, from, imports: change.importing },
      ...masked(change),
    }))
    .sort((a, b) => compare(`${a.address} ${a.deposed ?? ''}`, `${b.address} ${b.deposed ?? ''}`));
  const outputs = Object.entries(plan.output_changes)
    .filter(([, { actions }]) => isChange(actions))
    .map(([name, change]) => ({ name, ...masked(change) }))
    .sort((a, b) => compare(a.name, b.name));
  const serial = state?.serial ?? null;
  return JSON.stringify(ordered({ changes, outputs, lineage: state?.lineage ?? null, serial }));
}

/** What something is done to. What else is in the plan may change meanwhile without any consequence. */
const isPlanned = (resource: ResourceChange): boolean =>
  isChange(resource.change.actions) || resource.change.actions.includes('read') || isTaken(resource);

/** Every value of what is done that is sensitive, with where it is, in one order: a secret, for a keyed digest only. Pure. */
export function sensitiveValues({ resource_changes: resources, output_changes: outputs }: PlanJson): string {
  const of = (where: string, change: Change): [string, unknown][] => [
    ...marked(change.before, change.before_sensitive, `${where} before`),
    ...marked(change.after, change.after_sensitive, `${where} after`),
  ];
  const all: [string, unknown][] = [
    ...resources.filter(isPlanned).flatMap(({ address, deposed = '', change }) => of(`${address} ${deposed}`, change)),
    ...Object.entries(outputs)
      .filter(([, { actions }]) => isChange(actions))
      .flatMap(([name, change]) => of(`output ${name}`, change)),
  ];
  return JSON.stringify(all.sort(([a], [b]) => compare(a, b)).map(([path, value]) => [path, ordered(value)]));
}

function marked(value: unknown, mark: unknown, path: string): [string, unknown][] {
  if (mark === true) return [[path, value]];
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    marked(item, childOf(mark, Array.isArray(value) ? Number(key) : key), `${path}.${key}`),
  );
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const masked = (change: Change): Record<string, unknown> => ({
  actions: change.actions,
  before: without(change.before, change.before_sensitive),
  after: without(change.after, change.after_sensitive),
  unknown: change.after_unknown,
  replaces: change.replace_paths,
});

/** Where the mark is `true`, whatever it is and whatever is in it. */
function without(value: unknown, mark: unknown): unknown {
  if (mark === true) return 'sensitive';
  if (Array.isArray(value)) return value.map((item: unknown, index) => without(item, childOf(mark, index)));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, without(item, childOf(mark, key))]));
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => compare(a, b))
      .map(([key, item]) => [key, ordered(item)]),
  );
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const childOf = (mark: unknown, key: string | number): unknown =>
  isObject(mark) ? (mark as Record<string | number, unknown>)[key] : undefined;

const isChange = (actions: readonly string[]): boolean =>
  actions.some((action) => action !== 'no-op' && action !== 'read');

/** Of these Terraform itself says `no-op`, and applies them. */
const isTaken = ({ address, previous_address: from, change }: ResourceChange): boolean =>
  change.importing !== undefined || (from !== undefined && from !== address);

/** What is only read is no change. */
function actionOf(resource: ResourceChange): InfraAction | undefined {
  const { mode, change } = resource;
  const { actions } = change;
  if (mode !== 'managed') return undefined;
  if (!isChange(actions) && isTaken(resource)) return change.importing === undefined ? 'move' : 'import';
  if (!isChange(actions)) return undefined;
  if (actions.includes('delete')) return actions.includes('create') ? 'replace' : 'delete';
  if (actions.includes('create')) return 'create';
  return actions.includes('update') ? 'update' : 'forget';
}

function changeOf(resource: ResourceChange, action: InfraAction, mask: Mask): InfraChange {
  const { address, type, change, deposed } = resource;
  const attributes = action === 'delete' || action === 'forget' ? [] : attributesOf(change, mask);
  const reason = reasonOf(resource, action);
  return {
    ...{ address: deposed === undefined ? address : `${address} (deposed ${deposed})`, type, action },
    ...(reason === undefined ? {} : { reason }),
    attributes: attributes.slice(0, MOST_ATTRIBUTES),
    more: Math.max(0, attributes.length - MOST_ATTRIBUTES),
  };
}

/** By Terraform's own words for it: https://developer.hashicorp.com/terraform/internals/json-format#plan-representation */
const REASONS: Readonly<Record<string, string>> = {
  replace_because_tainted: 'an earlier apply left it half-made',
  replace_because_cannot_update: 'it cannot be changed in place',
  replace_by_request: 'it was asked for',
  replace_by_triggers: 'what it is to be replaced with changes',
  delete_because_no_resource_config: 'it is not declared any more',
  delete_because_no_module: 'its module is not declared any more',
  delete_because_wrong_repetition: 'it is declared with other instances',
  delete_because_count_index: 'count is lower',
  delete_because_each_key: 'for_each lacks its key',
  delete_because_no_move_target: 'it moves to what is not declared',
};

function reasonOf(
  { action_reason: reason, previous_address: from, deposed, change }: ResourceChange,
  action: InfraAction,
): string | undefined {
  if (deposed !== undefined) return 'an earlier replacement left it';
  if (reason !== undefined) return REASONS[reason] ?? reason.replaceAll('_', ' ');
  if (from !== undefined) return `it was ${from}`;
  if (change.importing !== undefined) return 'it is there already, and comes into the state';
  return action === 'replace' ? 'it cannot be changed in place' : undefined;
}

/** Those that change first that force a replacement. */
function attributesOf({ replace_paths: paths = [], ...change }: Change, mask: Mask): InfraAttribute[] {
  const before = leaves(change.before, change.before_sensitive);
  const after = leaves(change.after, change.after_sensitive);
  const unknown = leaves(change.after_unknown, undefined);
  const forcing = paths.map((path) => path.join('.'));
  const names = new Set([
    ...before.keys(),
    ...after.keys(),
    ...[...unknown].flatMap(([name, { text }]) => (text === 'true' ? name : [])),
  ]);
  return [...names]
    .flatMap((name) => attribute(name, before.get(name), after.get(name), unknown.get(name)?.text === 'true'))
    .map(({ from, to, ...rest }) => ({
      ...rest,
      ...(from === undefined ? {} : { from: shown(from, mask) }),
      ...(to === undefined ? {} : { to: shown(to, mask) }),
    }))
    .map((found) =>
      forcing.some((path) => found.name === path || found.name.startsWith(`${path}.`))
        ? { ...found, forces: true as const }
        : found,
    )
    .sort((a, b) => Number(b.forces ?? false) - Number(a.forces ?? false));
}

interface Leaf {
  /** Of the whole value, to compare by. */
  text: string;
  sensitive: boolean;
}

function attribute(name: string, from: Leaf | undefined, to: Leaf | undefined, unknown: boolean): InfraAttribute[] {
  if (!unknown && from?.text === to?.text) return [];
  if (from?.sensitive === true || to?.sensitive === true) return [{ name, sensitive: true }];
  return [
    {
      name,
      ...(from === undefined ? {} : { from: from.text }),
      ...(to === undefined || unknown ? {} : { to: to.text }),
      ...(unknown ? { unknown: true as const } : {}),
    },
  ];
}

/** Names of which the value is nobody's business, though nobody marked it. */
const SECRET_NAME = /(?:pass(?:word|wd|phrase)?|secret|token|api[-_]?key|private[-_]?key|access[-_]?key|credential)/i;

/** Every value that is no list or map, by its path; nulls and what is empty are none. */
function leaves(value: unknown, mark: unknown, path = ''): Map<string, Leaf> {
  if (value === null || value === undefined) return new Map();
  const isMarked = mark === true || SECRET_NAME.test(path);
  if (isMarked) return new Map([[path, { text: JSON.stringify(value), sensitive: true }]]);
  if (!isObject(value)) return new Map([[path, { text: JSON.stringify(value), sensitive: false }]]);
  return new Map(
    Object.entries(value).flatMap(([key, item]) => [
      ...leaves(item, childOf(mark, Array.isArray(value) ? Number(key) : key), path === '' ? key : `${path}.${key}`),
    ]),
  );
}

/** A text of several lines can hold anything, as cloud-init's does: it is told that it changes, not what it says. */
function shown(text: string, mask: Mask): string {
  if (text.includes('\\n')) return `text of ${text.split('\\n').length} lines`;
  const masked = mask(text);
  return masked.length <= LONGEST_VALUE ? masked : `${masked.slice(0, LONGEST_VALUE)}…`;
}

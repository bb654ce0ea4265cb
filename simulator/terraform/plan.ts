import type { DeclaredResource, Module } from './module.ts';
import type { StoredResource, TerraformState } from './state.ts';

export type Actions = ['create'] | ['update'] | ['delete'] | ['delete', 'create'] | ['no-op'];

export interface SimulatedChange {
  address: string;
  type: string;
  name: string;
  actions: Actions;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
  unknown: string[];
  sensitive: string[];
  replaces: string[];
  reason?: string;
  command?: string;
}

/** A saved plan. */
export interface SimulatedPlan {
  simulated: 'plan';
  lineage: string | undefined;
  serial: number | undefined;
  changes: SimulatedChange[];
  outputs: Record<string, { before: unknown; after: unknown }>;
}

/** What cannot be changed in place: of terraform_data as it is, of Incus's as its provider says. */
const REPLACES: Readonly<Record<string, readonly string[]>> = {
  terraform_data: ['triggers_replace'],
  incus_instance: ['image', 'name', 'project', 'target', 'type'],
  incus_storage_volume: ['name', 'pool', 'project', 'target', 'content_type'],
  incus_network: ['name', 'type'],
};

export const addressOf = ({ type, name }: { type: string; name: string }): string => `${type}.${name}`;

/** What would be done, resource by resource in the order of their addresses. */
export function planFor(module: Module, state: TerraformState | undefined): SimulatedPlan {
  const stored = new Map((state?.resources ?? []).map((each) => [addressOf(each), each]));
  const addresses = [...new Set([...module.resources.keys(), ...stored.keys()])].sort();
  const known = state?.outputs ?? {};
  const outputs = [...new Set([...Object.keys(module.outputs), ...Object.keys(known)])].flatMap((name) => {
    const [before, after] = [known[name]?.value ?? null, module.outputs[name] ?? null];
    return before === after ? [] : [[name, { before, after }] as const];
  });
  return {
    ...{ simulated: 'plan', lineage: state?.lineage, serial: state?.serial },
    changes: addresses.map((address) => changeOf(address, module.resources.get(address), stored.get(address))),
    outputs: Object.fromEntries(outputs),
  };
}

function changeOf(
  address: string,
  declared: DeclaredResource | undefined,
  stored: StoredResource | undefined,
): SimulatedChange {
  const { type = '', name = '' } = declared ?? stored ?? {};
  const before = stored === undefined ? null : unwrapped(stored);
  const common = { address, type, name, before, unknown: [], sensitive: declared?.sensitive ?? [], replaces: [] };
  if (declared === undefined)
    return { ...common, actions: ['delete'], after: null, reason: 'delete_because_no_resource_config' };
  const withCommand = declared.command === undefined ? {} : { command: declared.command };
  const wanted = complete(declared);
  if (before === null)
    return { ...common, ...withCommand, actions: ['create'], after: wanted, unknown: computed(type) };
  const differing = Object.keys({ ...wanted, ...before }).filter(
    (key) => !computed(type).includes(key) && JSON.stringify(wanted[key]) !== JSON.stringify(before[key]),
  );
  const isTainted = stored?.instances[0]?.status === 'tainted';
  const forcing = differing.filter((key) => (REPLACES[type] ?? []).includes(key));
  if (isTainted || forcing.length > 0)
    return {
      ...common,
      ...withCommand,
      ...{ actions: ['delete', 'create'], after: wanted, unknown: computed(type) },
      replaces: isTainted ? [] : forcing,
      reason: isTainted ? 'replace_because_tainted' : 'replace_because_cannot_update',
    };
  if (differing.length === 0) return { ...common, actions: ['no-op'], after: before };
  // What it puts out follows what is put in.
  const unknown = type === 'terraform_data' && differing.includes('input') ? ['output'] : [];
  return { ...common, ...withCommand, actions: ['update'], after: { ...before, ...wanted }, unknown };
}

const computed = (type: string): string[] => (type === 'terraform_data' ? ['id', 'output'] : ['id']);

/** Attributes that are absent are null. */
const complete = ({ type, values }: DeclaredResource): Record<string, unknown> =>
  type === 'terraform_data' ? { input: null, triggers_replace: null, ...values } : values;

/** Of terraform_data each value has its type beside it, since any may be there. */
const DYNAMIC = ['input', 'output', 'triggers_replace'];

function unwrapped({ type, instances }: StoredResource): Record<string, unknown> {
  const { attributes = {} } = instances[0] ?? {};
  if (type !== 'terraform_data') return attributes;
  return Object.fromEntries(
    Object.entries(attributes).map(([key, value]) => [
      key,
      DYNAMIC.includes(key) && value !== null ? (value as { value: unknown }).value : value,
    ]),
  );
}

/** As a state keeps it. */
export function stored(change: SimulatedChange, id: string, status?: 'tainted'): StoredResource {
  const { type, name, after, sensitive } = change;
  const given = { ...after, id };
  const values = type === 'terraform_data' ? { ...given, output: after?.['input'] ?? null } : given;
  const attributes = Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      key,
      type === 'terraform_data' && DYNAMIC.includes(key) && value !== null ? { value, type: typeof value } : value,
    ]),
  );
  const provider = type === 'terraform_data' ? 'terraform.io/builtin/terraform' : 'registry.terraform.io/lxc/incus';
  return {
    ...{ mode: 'managed', type, name, provider: `provider["${provider}"]` },
    instances: [
      {
        ...(status === undefined ? {} : { status }),
        ...{ schema_version: 0, attributes },
        sensitive_attributes: sensitive.map((value) => [{ type: 'get_attr', value }]),
      },
    ],
  };
}

/** As `show -json` has it. */
export function planJson({ changes, outputs }: SimulatedPlan): Record<string, unknown> {
  const marks = (keys: readonly string[]): Record<string, true> => Object.fromEntries(keys.map((key) => [key, true]));
  const without = (value: Record<string, unknown> | null, keys: readonly string[]) =>
    value === null ? null : Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)));
  return {
    ...{ format_version: '1.2', terraform_version: '1.5.7' },
    resource_changes: changes.map(({ address, type, name, actions, before, after, unknown, sensitive, ...more }) => ({
      ...{ address, mode: 'managed', type, name },
      change: {
        ...{ actions, before, after: without(after, unknown), after_unknown: marks(unknown) },
        before_sensitive: before === null ? false : marks(sensitive),
        after_sensitive: after === null ? false : marks(sensitive),
        ...(more.replaces.length === 0 ? {} : { replace_paths: more.replaces.map((key) => [key]) }),
      },
      ...(more.reason === undefined ? {} : { action_reason: more.reason }),
    })),
    ...(Object.keys(outputs).length === 0 ? {} : { output_changes: outputsJson(outputs) }),
  };
}

const outputsJson = (outputs: SimulatedPlan['outputs']): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(outputs).map(([name, { before, after }]) => [
      name,
      {
        ...{
          actions: [before === null ? 'create' : after === null ? 'delete' : 'update'],
          before,
          after,
          after_unknown: false,
        },
        ...{ before_sensitive: false, after_sensitive: false },
      },
    ]),
  );

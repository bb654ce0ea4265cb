/** A state of Terraform as it writes it, version 4: what is read of it. What else is in it stays as it is. */
interface State {
  serial: number;
  lineage: string;
  resources: Resource[];
}
interface Resource {
  module?: string;
  mode: string;
  type: string;
  name: string;
  instances: { index_key?: string | number; attributes?: Record<string, unknown> }[];
}
type Instance = Resource['instances'][number];

/** `module.edge.incus_instance.vm["a"]` */
function addressOf({ module, type, name }: Resource, { index_key: key }: Instance): string {
  const index = key === undefined ? '' : `[${JSON.stringify(key)}]`;
  return `${module === undefined ? '' : `${module}.`}${type}.${name}${index}`;
}

/** What the state holds at an address: a resource with that one instance alone. */
function entryAt({ resources }: State, address: string): Resource | undefined {
  for (const resource of resources) {
    if (resource.mode !== 'managed') continue;
    const instances = resource.instances.filter((instance) => addressOf(resource, instance) === address);
    if (instances.length > 0) return { ...resource, instances };
  }
  return undefined;
}

const parsed = (text: string): State => JSON.parse(text) as State;

export const isInState = (text: string, address: string): boolean => entryAt(parsed(text), address) !== undefined;

/** What the provider has written of it; empty where there is nothing at the address. */
export const attributesAt = (text: string, address: string): Record<string, unknown> =>
  entryAt(parsed(text), address)?.instances[0]?.attributes ?? {};

export const lineageOf = (text: string): string => parsed(text).lineage;
export const serialOf = (text: string): number => parsed(text).serial;

/** The same with the next serial: Terraform refuses plans that were saved before it. Pure. */
export const withNextSerial = (text: string): string => {
  const state = parsed(text);
  return JSON.stringify({ ...state, serial: state.serial + 1 }, null, 2);
};

/** Whether both hold the same at the address. */
export const isSameAt = (one: string, other: string, address: string): boolean =>
  JSON.stringify(entryAt(parsed(one), address)) === JSON.stringify(entryAt(parsed(other), address));

/**
 * The current state with what another one holds at the address, and with nothing else of that one. It has the next serial:
 * Terraform takes it only where nobody has written since. Pure.
 */
export function withEntryOf(current: string, other: string, address: string): string {
  const state = parsed(current);
  const entry = entryAt(parsed(other), address);
  const kept = state.resources.flatMap((resource) => {
    if (resource.mode !== 'managed') return [resource];
    const instances = resource.instances.filter((instance) => addressOf(resource, instance) !== address);
    return instances.length === 0 ? [] : [{ ...resource, instances }];
  });
  const serial = state.serial + 1;
  return JSON.stringify({ ...state, serial, resources: entry === undefined ? kept : merged(kept, entry) }, null, 2);
}

function merged(resources: readonly Resource[], entry: Resource): Resource[] {
  const isIt = ({ module, mode, type, name }: Resource): boolean =>
    module === entry.module && mode === entry.mode && type === entry.type && name === entry.name;
  if (!resources.some(isIt)) return [...resources, entry];
  return resources.map((each) => (isIt(each) ? { ...each, instances: [...each.instances, ...entry.instances] } : each));
}

/** Whether every number in a text of JSON is the same after it was read and written. Pure. */
export const keepsNumbers = (text: string): boolean =>
  [...text.matchAll(/"(?:[^"\\]|\\.)*"|(-?\d[\d.eE+-]*)/g)].every(
    ([, number]) => number === undefined || String(Number(number)) === number,
  );

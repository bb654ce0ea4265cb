import type { InstanceRecord } from '../tools/incus-recreate.ts';

/** What runs note in the configuration of instances, so that whoever comes next knows what was begun. */
const RUN = 'user.runbook.run';
const ASIDE = 'user.runbook.aside';
const KEPT = 'user.runbook.kept';

/** How an instance was before a run began to set it aside. */
interface Aside {
  run: string;
  guest: string;
  ran: boolean;
  /** `boot.autostart`, where it was set. */
  autostart?: string;
  devices: InstanceRecord['devices'];
  /** `volatile.eth0.hwaddr` and the like: Incus forgets them with the devices, and leases and firewalls know them. */
  addresses?: Record<string, string>;
}

/** Why an instance is kept. */
interface KeptMark {
  from: string;
  at: string;
  why: string;
}

export const ofRun = (run: string): Record<string, string> => ({ [RUN]: run });
/** Terraform takes for drift what it has not set itself. */
export const withoutRun = (record: InstanceRecord): InstanceRecord => ({
  ...record,
  config: without(record.config, RUN),
});
export const isOfRun = ({ config }: InstanceRecord, run: string): boolean =>
  config[RUN] === run && config[ASIDE] === undefined;
function asideOf({ config }: InstanceRecord): Aside | undefined {
  const text = config[ASIDE];
  return text === undefined ? undefined : (JSON.parse(text) as Aside);
}

export function readKeptMark(text: string | undefined): KeptMark | undefined {
  return text === undefined ? undefined : (JSON.parse(text) as KeptMark);
}

/** The note of that run; what another one has noted says nothing of it. */
export function noteOf(record: InstanceRecord, run: string): Aside | undefined {
  const note = asideOf(record);
  return note?.run === run ? note : undefined;
}

/**
 * With the note, and not to be started by a host that boots. The run's own note stays: it knows how the instance was before
 * anything was done to it.
 */
export function noted(record: InstanceRecord, run: string, guest: string): InstanceRecord {
  const note = noteOf(record, run) ?? { run, guest, ...howItIs(record) };
  return { ...record, config: { ...record.config, 'boot.autostart': 'false', [ASIDE]: JSON.stringify(note) } };
}

/** What a run that was terminated has taken from it is in the note of that run. A person may have gone on since. */
function howItIs(record: InstanceRecord): Omit<Aside, 'run' | 'guest'> {
  const { config, status } = record;
  const left = asideOf(record);
  const hasAll = Object.values(record.devices).some(({ path }) => path !== '/');
  const { devices, addresses = {} } =
    left !== undefined && !hasAll ? left : { ...record, addresses: addressesIn(config) };
  const set = config['boot.autostart'];
  const autostart = left !== undefined && set === 'false' ? left.autostart : set;
  return {
    ...{ ran: status === 'Running' || left?.ran === true, devices, addresses },
    ...(autostart === undefined ? {} : { autostart }),
  };
}

const addressesIn = (config: InstanceRecord['config']): Record<string, string> =>
  Object.fromEntries(Object.entries(config).filter(([key]) => key.startsWith('volatile.') && key.endsWith('.hwaddr')));

/** Volumes, network interfaces with their addresses, and hardware: what no two instances may have. */
export const stripped = (record: InstanceRecord): InstanceRecord => ({
  ...record,
  devices: Object.fromEntries(Object.entries(record.devices).filter(([, { path }]) => path === '/')),
});

/** With its devices again; the note stays. */
export const withDevices = (record: InstanceRecord, { devices, addresses }: Aside): InstanceRecord => ({
  ...record,
  devices,
  config: { ...record.config, ...addresses },
});

/** As it was before {@link noted}. */
export function asBefore(record: InstanceRecord, note: Aside): InstanceRecord {
  const { autostart } = note;
  const config = without(record.config, ASIDE, KEPT, 'boot.autostart');
  return withDevices(
    { ...record, config: { ...config, ...(autostart === undefined ? {} : { 'boot.autostart': autostart }) } },
    note,
  );
}

/** What the run has made and does not bring to its end: of the protection that was declared for the guest it has no need. */
export const givenUp = (record: InstanceRecord): InstanceRecord => ({
  ...stripped(record),
  config: { ...without(record.config, 'security.protection.delete'), 'boot.autostart': 'false' },
});

/** Without the note: whoever gives it its name again has it as it is then. */
export const markedAsKept = (record: InstanceRecord, mark: KeptMark): InstanceRecord => ({
  ...record,
  config: { ...without(record.config, ASIDE), [KEPT]: JSON.stringify(mark) },
});

export const isMarkedAsKept = ({ config }: InstanceRecord): boolean => config[KEPT] !== undefined;

const without = (config: InstanceRecord['config'], ...keys: string[]): InstanceRecord['config'] =>
  Object.fromEntries(Object.entries(config).filter(([key]) => !keys.includes(key)));

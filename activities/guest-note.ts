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
}

/** Why an instance is kept. */
interface KeptMark {
  from: string;
  at: string;
  why: string;
}

export const ofRun = (run: string): Record<string, string> => ({ [RUN]: run });
export const isOfRun = ({ config }: InstanceRecord, run: string): boolean =>
  config[RUN] === run && config[ASIDE] === undefined;
export function asideOf({ config }: InstanceRecord): Aside | undefined {
  const text = config[ASIDE];
  return text === undefined ? undefined : (JSON.parse(text) as Aside);
}

export function readKeptMark(text: string | undefined): KeptMark | undefined {
  return text === undefined ? undefined : (JSON.parse(text) as KeptMark);
}

/**
 * With the note, and not to be started by a host that boots. A note that is there stays: it knows how the instance was before
 * anything was done to it.
 */
export function noted(record: InstanceRecord, run: string, guest: string): InstanceRecord {
  const { config, devices, status } = record;
  const before = asideOf(record);
  const autostart = config['boot.autostart'];
  const note: Aside = before ?? {
    ...{ run, guest, ran: status === 'Running', devices },
    ...(autostart === undefined ? {} : { autostart }),
  };
  return {
    ...record,
    config: { ...config, 'boot.autostart': 'false', [ASIDE]: JSON.stringify({ ...note, run }) },
  };
}

/** Volumes, network interfaces with their addresses, and hardware: what no two instances may have. */
export const stripped = (record: InstanceRecord): InstanceRecord => ({
  ...record,
  devices: Object.fromEntries(Object.entries(record.devices).filter(([, { path }]) => path === '/')),
});

/** As it was before {@link noted}. */
export function asBefore(record: InstanceRecord, { autostart, devices }: Aside): InstanceRecord {
  const own = [ASIDE, KEPT, 'boot.autostart'];
  const config = Object.fromEntries(Object.entries(record.config).filter(([key]) => !own.includes(key)));
  return {
    ...record,
    devices,
    config: { ...config, ...(autostart === undefined ? {} : { 'boot.autostart': autostart }) },
  };
}

export const markedAsKept = (record: InstanceRecord, mark: KeptMark): InstanceRecord => ({
  ...record,
  config: { ...record.config, [KEPT]: JSON.stringify(mark) },
});

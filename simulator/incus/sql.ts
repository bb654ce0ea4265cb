import { Unknown, type Call } from '../core/call.ts';
import type { Cluster, Instance, State } from '../core/state.ts';
import { seenBy } from './servers.ts';

type Row = (string | number | null)[];

/** As Incus numbers the devices that the simulation has. */
const DEVICE_TYPES = ['none', 'nic', 'disk'];

/** Questions that are asked of the database, by how they begin; the member is named at their end. */
const QUESTIONS: readonly { begins: RegExp; columns: string[]; rows(cluster: Cluster, member: string): Row[] }[] = [
  {
    begins: /^SELECT projects\.name, instances\.name FROM instances_config .*'volatile\.last_state\.power'/,
    columns: ['name', 'name'],
    rows: (cluster, member) =>
      instancesOn(cluster, member)
        .filter(({ status }) => status !== 'Stopped')
        .map(({ project, name }) => [project, name]),
  },
  {
    begins: /^SELECT projects\.name, instances\.name, instances\.type FROM instances /,
    columns: ['name', 'name', 'type'],
    rows: (cluster, member) =>
      instancesOn(cluster, member).map(({ project, name, type }) => [
        project,
        name,
        type === 'virtual-machine' ? 1 : 0,
      ]),
  },
  {
    begins: /^SELECT projects\.name, instances\.name, instances_config\.key, instances_config\.value FROM /,
    columns: ['name', 'name', 'key', 'value'],
    rows: (cluster, member) =>
      instancesOn(cluster, member).flatMap(({ project, name, config }) =>
        Object.entries(config).map(([key, value]) => [project, name, key, value]),
      ),
  },
  {
    begins: /^SELECT projects\.name, instances\.name, instances_devices\.name, instances_devices\.type, /,
    columns: ['name', 'name', 'name', 'type', 'key', 'value'],
    rows: (cluster, member) =>
      instancesOn(cluster, member).flatMap(({ project, name, devices }) =>
        Object.entries(devices).flatMap(([device, { type = 'none', ...keys }]) =>
          Object.entries(keys).map(([key, value]) => [
            ...[project, name, device, DEVICE_TYPES.indexOf(type)],
            ...[key, value],
          ]),
        ),
      ),
  },
  {
    begins: /^SELECT projects\.name, instances\.name, profiles\.name FROM instances_profiles .* ORDER BY /,
    columns: ['name', 'name', 'name'],
    rows: (cluster, member) => instancesOn(cluster, member).map(({ project, name }) => [project, name, 'default']),
  },
  {
    begins: /^SELECT DISTINCT projects\.name, images\.fingerprint FROM images .* nodes\.name <> /,
    columns: ['name', 'fingerprint'],
    rows: ({ images = {} }, member) =>
      Object.entries(images).flatMap(([fingerprint, { members }]) =>
        members.some((name) => name !== member) ? [['default', fingerprint]] : [],
      ),
  },
  {
    begins: /^SELECT storage_pools\.name, projects\.name, storage_volumes\.name, snapshots\.name, /,
    columns: ['name', 'name', 'name', 'name', 'description', 'expiry_date'],
    rows: ({ volumes }, member) =>
      Object.values(volumes)
        .filter(({ location }) => location === member)
        .flatMap(({ pool, project, name, snapshots }) =>
          Object.entries(snapshots).map(([snapshot, { expiresAt }]) => [
            ...[pool, project, name, snapshot],
            ...['', expiresAt],
          ]),
        ),
  },
];

const instancesOn = ({ instances }: State['cluster'], member: string): Instance[] =>
  Object.values(instances).filter(({ location }) => location === member);

/** `incus admin sql global QUERY -f json`. */
export function sql({ args, store, machine, out }: Call): number {
  const [, , database, query = '', ...rest] = args;
  const question = QUESTIONS.find(({ begins }) => begins.test(query));
  const member = /nodes\.name (?:=|<>) '([^']+)'/.exec(query)?.[1];
  if (database !== 'global' || question === undefined || member === undefined || rest.join(' ') !== '-f json')
    throw new Unknown('expected global, a question about a member, and -f json');
  const rows = question.rows(seenBy(store.read(), machine).cluster, member);
  const answer = { type: 'select', columns: question.columns, rows: rows.length === 0 ? null : rows, rows_affected: 0 };
  out(`${JSON.stringify(answer)}\n`);
  return 0;
}

import { machineOf } from '../core/store.ts';
import type { State } from '../core/state.ts';
import { json, type Route } from './routes.ts';
import { certificateOf, incusVersion, listenAddress, ownAddresses } from './servers.ts';

/** Members must agree on the number of these as well as on the version. */
export function apiExtensions(version: string): string[] {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  return Array.from({ length: 300 + major * 20 + minor * 5 + patch }, (_, i) => `extension_${i + 1}`);
}

/** Of what the kernel and Incus bring. */
const VERSIONS: Readonly<Record<string, string>> = { zfs: '2.3.9-1', dir: '1' };

export const isClustered = ({ cluster }: State): boolean => Object.keys(cluster.members).length > 0;

/** A cluster beside the simulation's has one member, which may be called otherwise than its machine. */
function serverName({ cluster }: State, machine: string): string {
  const [first = machine] = Object.keys(cluster.members);
  return cluster.members[machine] === undefined ? first : machine;
}

function addressesOf(whole: State, machine: string): Record<string, string> {
  const { incus, address } = machineOf(whole, machine);
  return incus ? incus.addresses : ownAddresses(`${address}:8443`).addresses;
}

export const serverRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/1.0',
    handle: (state, { member, whole }) => {
      const version = incusVersion(whole, member);
      const { pem, fingerprint } = certificateOf(whole, member);
      const address = listenAddress(machineOf(whole, member));
      const [pool] = Object.values(state.cluster.pools).flatMap((places) => Object.values(places));
      const storage = pool === undefined ? '' : (pool.driver ?? 'zfs');
      return json({
        api_extensions: apiExtensions(version),
        api_status: 'stable',
        api_version: '1.0',
        auth: 'trusted',
        config: { ...addressesOf(whole, member), ...listedSettings(state.cluster.config) },
        environment: {
          addresses: address === undefined ? [] : [address],
          certificate: pem,
          certificate_fingerprint: fingerprint,
          server: 'incus',
          server_name: serverName(state, member),
          server_clustered: isClustered(state),
          server_event_mode: 'full-mesh',
          server_version: version,
          storage,
          storage_version: VERSIONS[storage] ?? '',
          kernel_version: '6.12.1',
          os_name: 'NixOS',
          driver: 'lxc | qemu',
        },
      });
    },
  },
  {
    method: 'GET',
    path: '/1.0/cluster',
    handle: (state, { member }) =>
      json({
        enabled: isClustered(state),
        server_name: isClustered(state) ? serverName(state, member) : '',
        member_config: Object.keys(state.cluster.pools).map((name) => ({
          ...{ entity: 'storage-pool', name, key: 'source', value: '' },
          description: `"source" property for storage pool "${name}"`,
        })),
      }),
  },
];

/** Where one has its default, Incus does not list it. */
const DEFAULTS: Readonly<Record<string, string>> = { 'cluster.offline_threshold': '20', 'cluster.max_voters': '3' };

const listedSettings = (config: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(config).filter(([key, value]) => DEFAULTS[key] !== value));

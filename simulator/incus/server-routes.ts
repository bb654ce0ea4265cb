import { machineOf } from '../core/store.ts';
import { json, type Route } from './routes.ts';

/** Members must agree on the number of these as well as on the version. */
function apiExtensions(version: string): string[] {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  return Array.from({ length: 300 + major * 20 + minor * 5 + patch }, (_, i) => `extension_${i + 1}`);
}

export const serverRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/1.0',
    handle: (state, { member }) => {
      const version = state.cluster.members[member]?.version ?? '';
      return json({
        api_extensions: apiExtensions(version),
        api_status: 'stable',
        api_version: '1.0',
        auth: 'trusted',
        config: { 'cluster.https_address': `${machineOf(state, member).address}:8443`, ...state.cluster.config },
        environment: {
          server: 'incus',
          server_name: member,
          server_clustered: true,
          server_event_mode: 'full-mesh',
          server_version: version,
          storage: 'zfs',
          storage_version: '2.3.9-1',
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
    handle: (_, { member }) => json({ enabled: true, server_name: member, member_config: [] }),
  },
];

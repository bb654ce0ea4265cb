/** The lab's names and those of the simulated fleet. */
export const NAMES: readonly (readonly [RegExp, string])[] = [
  [/\bg1-data\b/g, 'edge-data'],
  [/\bg2-data\b/g, 'metrics-data'],
  [/\bg1\b/g, 'edge-vm'],
  [/\bg2\b/g, 'metrics-vm'],
  [/\bg3\b/g, 'dns-ct'],
  [/\bn1\b/g, 'elitedesk-1'],
  [/\bn2\b/g, 'elitedesk-2'],
  [/\bn3\b/g, 'nuc-1'],
  [/\blab-app\.service\b/g, 'prometheus-node-exporter.service'],
  [/\bweb\.service\b/g, 'podman-caddy.service'],
  [/(?<=storage-pools\/|pool ")local\b/g, 'zpool'],
  // As NixOS calls them.
  [/\bkernel-modules-(\d+\.\d+\.\d+)\b/g, 'linux-$1-modules'],
  [/\b10\.89\.1\.1([1-3])\b/g, '10.0.0.1$1'],
  [/\b10\.89\.1\.2([12])\b/g, '10.0.0.2$1'],
  [/\b10\.89\.1\.99\b/g, '10.0.0.99'],
  [/\b10\.89\.0\.2:5000\/web:latest\b/g, 'registry.example/caddy:stable'],
  [/\b10\.89\.0\.2:5000\b/g, 'registry.example'],
];

const OF_SUBJECT: Readonly<Record<string, readonly (readonly [RegExp, string])[]>> = {
  zfs: [[/\btank\b/g, 'zpool']],
  disks: [
    [/\btank\b/g, 'zpool'],
    [/\/dev\/vd(?=[ab])/g, '/dev/sd'],
  ],
  'zfs-kept': [[/\btank\b/g, 'zpool']],
  replication: [
    [/\btank\b/g, 'zpool'],
    [/\b10\.89\.0\.12\b/g, '10.0.0.12'],
  ],
  'incus-formation': [[/\b10\.89\.0\.(1[1-3]|99)\b/g, '10.0.0.$1']],
  podman: [[/^web$/g, 'caddy']],
  docker: [
    [/^n2$/g, 'home-vm'],
    [/\/srv\/web\b/g, '/srv/home'],
    [/\b10\.89\.0\.2:5000\/web:latest\b/g, 'registry.example/home-assistant:stable'],
    [/\bweb-web-1\b/g, 'home-assistant'],
  ],
};

/** Those that are other ones in one subject, before all others. */
export function namesOf(subject: string): readonly (readonly [RegExp, string])[] {
  return OF_SUBJECT[subject] ?? [];
}

import { address, nodeNamed } from '../nodes.ts';
import type { Recorder } from './recorder.ts';

export interface Deployment {
  magicRollback?: boolean;
  autoRollback?: boolean;
  boot?: boolean;
  dryActivate?: boolean;
  /** Instead of the node's own. */
  hostname?: string;
  /** Instead of the lab's. */
  knownHosts?: string;
  profile?: string;
}

/** As the product quotes it. */
export const profileAttribute = (recorder: Recorder, revision: string, node: string, profile = 'system'): string =>
  `${flake(recorder, revision)}#deploy.nodes."${node}".profiles."${profile}".path`;

export const flake = ({ lab }: Recorder, revision: string): string => `git+file://${lab.repo}?rev=${revision}`;

/** As the product starts deploy-rs, with short time-outs. */
export function deployArgv(recorder: Recorder, node: string, revision: string, options: Deployment = {}): string[] {
  const { lab } = recorder;
  const { magicRollback = true, autoRollback = true, profile = 'system' } = options;
  const own = address(lab.record.number, nodeNamed(node));
  return [
    ...['deploy', '--skip-checks', '--hostname', options.hostname ?? own, '--ssh-user', 'root'],
    ...['--ssh-opts', sshOptions(recorder, options.knownHosts ?? 'known_hosts', own)],
    ...['--magic-rollback', String(magicRollback), '--auto-rollback', String(autoRollback)],
    ...['--confirm-timeout', '8', '--activation-timeout', '25'],
    ...(options.boot === true ? ['--boot'] : []),
    ...(options.dryActivate === true ? ['--dry-activate'] : []),
    `${flake(recorder, revision)}#${node}.${profile}`,
  ];
}

const UNTIL_CONNECTIONS_END =
  '"$@"; code=$?; while pgrep -g 0 -x ssh >/dev/null 2>&1; do sleep 0.1; done; exit "$code"';

/** As it stands in the product's job. */
export const deployJobArgv = (...deployment: Parameters<typeof deployArgv>): string[] => [
  ...['sh', '-c', UNTIL_CONNECTIONS_END, 'sh'],
  ...deployArgv(...deployment),
];

function sshOptions(recorder: Recorder, knownHosts: string, alias: string): string {
  return [
    ...['-p', '22', '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=yes', '-o', 'ConnectTimeout=15'],
    ...['-o', 'ControlPath=none', '-o', 'ServerAliveInterval=5', '-o', 'ServerAliveCountMax=3'],
    ...['-i', recorder.lab.identityFile, '-o', 'IdentitiesOnly=yes'],
    ...['-o', `UserKnownHostsFile=${recorder.file(knownHosts)}`, '-o', `HostKeyAlias=${alias}`],
  ].join(' ');
}

import type { Fleet, Ssh } from '../fleet/schema.ts';
import { sshFailure } from '../hosts/ssh-failure.ts';
import { tryDeployLogin } from '../tools/deploy-login.ts';
import type { Deps } from './deps.ts';
import { sshTarget } from './deployment.ts';
import { failed, passed, warning, type MachineCheck } from './doctor-check.ts';
import { stateFolders } from './machines.ts';

/** What to do where ssh was refused, by its words, which are those of OpenSSH 9. */
export function sshRemedy(said: string, address: string, { user, port, hostKey }: Ssh): string | undefined {
  const to = port === 22 ? '' : `-p ${port} `;
  if (/host key/i.test(said))
    return hostKey === undefined
      ? `ssh-keyscan ${to}${address} on the worker shows it. Compare it on the host (cat /etc/ssh/ssh_host_*_key.pub), ` +
          'then declare it as ssh.hostKey in runbook.yaml, or add it to known_hosts of the worker’s user.'
      : 'Compare it on the host (cat /etc/ssh/ssh_host_*_key.pub), and correct ssh.hostKey in runbook.yaml if that is another.';
  if (/PRIVATE KEY FILE|Load key /.test(said))
    return 'The key has to be a private key of OpenSSH that only the worker’s user can read (chmod 600): correct it, or ssh.identityFile.';
  if (/Permission denied|authentication/i.test(said))
    return `ssh ${to}${user}@${address} has to work for the worker’s user without a password: let its key in there.`;
  return undefined;
}

export const hostKeyState = ({ hostKey }: Ssh): string =>
  hostKey === undefined ? 'host key in known_hosts' : 'host key as declared';

/** deploy-rs logs in by itself, also into guests, which are reached through their member otherwise. */
export function deployLogin(
  { local, stateDir }: Pick<Deps, 'local' | 'stateDir'>,
  fleet: Fleet,
  name: string,
  { address = '', ssh }: { address?: string | undefined; ssh: Ssh },
): MachineCheck {
  return {
    what: 'deploy-rs login',
    look: async (signal) => {
      const target = await sshTarget(fleet, name, stateFolders(stateDir).knownHosts);
      const login = await tryDeployLogin(local, target, { signal });
      const as = `${ssh.user}@${address}`;
      switch (login.type) {
        case 'logged in':
          return passed(`${as}, ${hostKeyState(ssh)}`);
        case 'no sudo':
          return warning(
            `${as} may not become root: ${login.said}`,
            `Give ${ssh.user} sudo without a password there, or set ssh.user to root.`,
          );
        case 'refused': {
          const { type, meaning } = sshFailure(login.said, 255);
          return failed(
            `${as}: ${type === 'Refused' ? meaning : login.said}`,
            sshRemedy(login.said, address, ssh) ??
              `See whether sshd runs there, and whether ${address} is its address.`,
          );
        }
      }
    },
  };
}

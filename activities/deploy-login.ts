import type { Fleet } from '../fleet/schema.ts';
import { HostError } from '../hosts/host.ts';
import type { LoginTrouble } from '../plan/observation.ts';
import { tryDeployLogin } from '../tools/deploy-login.ts';
import { again } from './again.ts';
import type { Deps } from './deps.ts';
import { sshTarget, wayIn } from './deployment.ts';
import { stateFolders } from './machines.ts';
import { sshRemedy } from './ssh-remedy.ts';

/**
 * What keeps deploy-rs from logging in to a node, undefined where it can: it does so by itself, also into guests, which
 * the worker reaches through their member. Over a new connection; changes nothing.
 */
export async function loginTrouble(
  { local, stateDir }: Pick<Deps, 'local' | 'stateDir'>,
  fleet: Fleet,
  name: string,
  signal: AbortSignal,
): Promise<LoginTrouble | undefined> {
  const { address, ssh } = wayIn(fleet, name);
  const target = await sshTarget(fleet, name, stateFolders(stateDir).knownHosts);
  const as = `${ssh.user}@${address}`;
  const remedy = (said: string): string =>
    sshRemedy(said, address, ssh) ?? `See whether sshd runs there, and whether ${address} is its address.`;
  try {
    const login = await again(() => tryDeployLogin(local, target, { signal }), signal);
    switch (login.type) {
      case 'logged in':
        return undefined;
      case 'refused':
        return { fatal: true, message: `${as}: ${login.meaning}`, whatToDo: remedy(login.said) };
      // The flake may have deploy-rs ask another program than sudo.
      case 'no sudo': {
        const whatToDo = `Give ${ssh.user} sudo without a password there, or set ssh.user to root.`;
        return { fatal: false, message: `${as} may not become root: ${login.said}`, whatToDo };
      }
    }
  } catch (error) {
    if (!(error instanceof HostError) || error.type === 'Cancelled') throw error;
    const said = error.output === '' ? error.message : error.output;
    return { fatal: true, message: `${as}: ${said}`, whatToDo: remedy(said) };
  }
}

import type { Fleet } from '../fleet/schema.ts';
import { loginTrouble } from './deploy-login.ts';
import { wayIn } from './deployment.ts';
import type { Deps } from './deps.ts';
import { failed, passed, warning, type MachineCheck } from './doctor-check.ts';

/** deploy-rs's own login, which is a new connection: the worker's may be older than a change of the host key. */
export function deployLogin(deps: Pick<Deps, 'local' | 'stateDir'>, fleet: Fleet, name: string): MachineCheck {
  return {
    what: 'deploy-rs login',
    look: async (signal) => {
      const trouble = await loginTrouble(deps, fleet, name, signal);
      if (trouble === undefined) {
        const { address, ssh } = wayIn(fleet, name);
        const key = ssh.hostKey === undefined ? 'host key in known_hosts' : 'host key as declared';
        return passed(`${ssh.user}@${address}, ${key}`);
      }
      return (trouble.fatal ? failed : warning)(trouble.message, trouble.whatToDo);
    },
  };
}

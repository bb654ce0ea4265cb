import type { Ssh } from '../fleet/schema.ts';

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

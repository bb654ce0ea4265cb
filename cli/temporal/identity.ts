import { hostname, userInfo } from 'node:os';

/** Who asks, as runs, approvals and the Web UI show it: `ada@laptop`. */
export function actorOf(env: Readonly<Record<string, string | undefined>>): string {
  return `${env['SUDO_USER'] ?? userName(env)}@${hostname()}`;
}

/** The identity of this client towards Temporal: `ada@laptop runbook`. */
export const identityOf = (env: Readonly<Record<string, string | undefined>>): string => `${actorOf(env)} runbook`;

/** Who was behind a client: the identity without the name of this program. */
export const actorOfIdentity = (identity: string): string => identity.replace(/ runbook$/, '');

function userName(env: Readonly<Record<string, string | undefined>>): string {
  try {
    return userInfo().username;
  } catch {
    // A user id without an entry in passwd, as in containers.
    return env['USER'] ?? 'unknown';
  }
}

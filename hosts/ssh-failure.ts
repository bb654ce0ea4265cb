import type { HostErrorType } from './host.ts';

/** Texts of OpenSSH 9 (sshconnect.c, sshconnect2.c, kex.c, readconf.c, authfile.c) after which trying again does not help. */
const REFUSALS: readonly { text: RegExp; meaning: string }[] = [
  {
    text: /REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed|No \S+ host key is known/,
    meaning: 'its host key is not the one that is declared',
  },
  // Then the login is refused as well, which is no use to know.
  { text: /UNPROTECTED PRIVATE KEY FILE|Load key .*(?:invalid|error)/, meaning: 'the private key can’t be used' },
  {
    text: /Permission denied|Too many authentication failures|No supported authentication/,
    meaning: 'it refused the login',
  },
  { text: /Unable to negotiate with|no matching (?:host key|key exchange|cipher|MAC)/, meaning: 'no common algorithm' },
  {
    text: /Bad (?:configuration option|owner or permissions)|terminating, \d+ bad/,
    meaning: 'ssh’s configuration is wrong',
  },
];

export interface SshFailure {
  type: Extract<HostErrorType, 'Refused' | 'Unreachable'>;
  /** A clause that completes “<host> could not be used: …”. */
  meaning: string;
}

/** Why ssh ended without the other side's mark of the end. `said` is what ssh itself printed, nothing of a command's. */
export function sshFailure(said: string, exitCode: number): SshFailure {
  const refusal = REFUSALS.find(({ text }) => text.test(said));
  if (refusal !== undefined) return { type: 'Refused', meaning: refusal.meaning };
  // ssh uses 255 for its own failures, and a signal tells nothing: anything else came from a login shell that ran no command.
  if (exitCode < 128)
    return { type: 'Refused', meaning: `its login shell ended with ${exitCode} instead of running the command` };
  return { type: 'Unreachable', meaning: 'no connection' };
}

import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newNonce } from './process.ts';

export interface SshConnection {
  /** As the fleet file names the host. */
  name: string;
  address: string;
  user: string;
  port: number;
  /** Private key; only this one is offered then. */
  identityFile?: string;
  /** `ssh-ed25519 AAAA…`: the only host key that is accepted then. */
  hostKey?: string;
  /** Private folder for the sockets of multiplexed connections; short, because a socket's path is. */
  controlDir: string;
  /** Instead of ssh's own, where no `hostKey` is declared. */
  knownHostsFile?: string;
}

/** `sun_path` of Linux is 108 bytes, of others 104; ssh appends 17 characters while it makes the socket (mux.c). */
const MAX_SOCKET_PATH = 104 - 18;
const HOST_KEY = /^[a-z0-9@.-]+ [A-Za-z0-9+/]+=*$/;
const WORD = /^[A-Za-z0-9_:[][\w.:%@[\]-]*$/;

/** Path of the control socket: one per connection that differs in anything. @throws {TypeError} where it is too long. */
export function controlPath(to: SshConnection): string {
  const identity = JSON.stringify([
    to.name,
    to.address,
    to.user,
    to.port,
    to.identityFile,
    to.hostKey,
    to.knownHostsFile,
  ]);
  const path = join(to.controlDir, createHash('sha256').update(identity).digest('hex').slice(0, 16));
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH) return path;
  throw new TypeError(
    `Expected a folder for ssh's sockets of at most ${MAX_SOCKET_PATH - 17} bytes, got ${to.controlDir}: choose a shorter one.`,
  );
}

/**
 * The arguments that come before the remote command. The user's own configuration still applies (ProxyJump, for one),
 * but what is given here wins, because ssh takes the first value of each option.
 * @throws {TypeError} where a part of the address could be taken for something else.
 */
export function sshArguments(to: SshConnection): string[] {
  if (to.hostKey !== undefined) hostKey(to.hostKey);
  const master = { ControlMaster: 'auto', ControlPath: literal(controlPath(to)), ControlPersist: '60' };
  return loginWords(to, master, hostKeyOptions(to));
}

/**
 * What every login has: nobody is asked, nothing is forwarded, a dead peer is noticed after fifteen seconds.
 * @throws {TypeError} where a part of the address could be taken for something else.
 */
export function loginWords(
  to: Pick<SshConnection, 'address' | 'user' | 'port' | 'identityFile'>,
  master: Record<string, string>,
  hostKeys: Record<string, string>,
): string[] {
  const options: Record<string, string> = {
    // Newer than OpenSSH 8.4.
    IgnoreUnknown: 'KnownHostsCommand',
    BatchMode: 'yes',
    StrictHostKeyChecking: 'yes',
    UpdateHostKeys: 'no',
    ConnectTimeout: '10',
    ServerAliveInterval: '5',
    ServerAliveCountMax: '3',
    ...master,
    RequestTTY: 'no',
    RemoteCommand: 'none',
    PermitLocalCommand: 'no',
    ClearAllForwardings: 'yes',
    ForwardAgent: 'no',
    ForwardX11: 'no',
    EscapeChar: 'none',
    LogLevel: 'INFO',
    ...hostKeys,
    ...(to.identityFile === undefined ? {} : { IdentityFile: literal(to.identityFile), IdentitiesOnly: 'yes' }),
  };
  const pairs = Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  return [...pairs, '-l', word(to.user, 'user'), '-p', String(to.port), '--', word(to.address, 'address')];
}

/**
 * Makes the private folder and the file of the declared host key. Idempotent.
 * @throws {Error} where the folder belongs to somebody else.
 */
export async function prepareConnection(to: SshConnection): Promise<void> {
  await mkdir(to.controlDir, { recursive: true, mode: 0o700 });
  const found = await lstat(to.controlDir);
  if (!found.isDirectory() || found.uid !== process.getuid?.())
    throw new Error(`Expected ${to.controlDir} to be a folder of this user, since ssh's sockets let anybody in.`);
  if ((found.mode & 0o077) !== 0) await chmod(to.controlDir, 0o700);
  if (to.hostKey === undefined) return;
  const path = declaredKeyFile(to);
  const aside = `${path}.${newNonce()}`;
  await writeFile(aside, knownHostsLine(to.name, to.hostKey), { mode: 0o600, flag: 'wx' });
  await rename(aside, path);
}

function hostKeyOptions(to: SshConnection): Record<string, string> {
  if (to.hostKey !== undefined) return pinnedHostOptions(to.name, declaredKeyFile(to));
  return to.knownHostsFile === undefined ? {} : { UserKnownHostsFile: literal(to.knownHostsFile) };
}

/** Only the host key of that file is accepted. */
export function pinnedHostOptions(name: string, knownHostsFile: string): Record<string, string> {
  return {
    HostKeyAlias: alias(name),
    UserKnownHostsFile: literal(knownHostsFile),
    GlobalKnownHostsFile: '/dev/null',
    KnownHostsCommand: 'none',
    VerifyHostKeyDNS: 'no',
    CheckHostIP: 'no',
  };
}

/** A file of known hosts for {@link pinnedHostOptions}. @throws {TypeError} where the key is none. */
export function knownHostsLine(name: string, key: string): string {
  return `${alias(name)} ${hostKey(key)}\n`;
}

function declaredKeyFile(to: SshConnection): string {
  return `${controlPath(to)}.known_hosts`;
}

/** One name that no pattern of known_hosts can match by accident; ssh shows it in its messages. */
function alias(name: string): string {
  return `runbook-${name.replaceAll(/[^A-Za-z0-9.-]/g, '_')}`;
}

function hostKey(key: string): string {
  const [type = '', base64 = ''] = key.trim().split(/\s+/);
  const both = `${type} ${base64}`;
  if (HOST_KEY.test(both) && !key.trim().includes('\n')) return both;
  throw new TypeError(`Expected a host key such as "ssh-ed25519 AAAA…", got ${JSON.stringify(key.slice(0, 80))}.`);
}

/** ssh expands % in paths and splits at blanks outside of double quotes (ssh_config, TOKENS). */
export function literal(path: string): string {
  return `"${path.replaceAll('%', '%%')}"`;
}

export function word(text: string, what: string): string {
  if (WORD.test(text)) return text;
  throw new TypeError(`Expected the ${what} of an ssh connection, got ${JSON.stringify(text.slice(0, 80))}.`);
}

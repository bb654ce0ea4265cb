import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { check } from '../shell.ts';
import { address, nodeNamed } from '../nodes.ts';
import { NOBODY } from './addresses.ts';
import type { Recorder } from './recorder.ts';

interface Login {
  to?: string;
  port?: string;
  user?: string;
  /** False: those of the user. */
  identity?: string | false;
  knownHosts?: string;
  /** False: nothing is declared of the host's key. */
  ownKnownHosts?: boolean;
  /** Before everything else: the first value of an option counts. */
  first?: readonly string[];
}

/** Needs root's own ssh configuration to be none that changes anything. */
export async function recordSsh(recorder: Recorder): Promise<void> {
  const n1 = address(recorder.lab.record.number, nodeNamed('n1'));
  await prepare(recorder);
  const ssh = (note: string, login: Login = {}, ...command: string[]): Promise<unknown> =>
    recorder.here(note, ['ssh', ...argumentsOf(recorder, { to: n1, ...login }), ...command]);
  const control = (note: string, what: string): Promise<unknown> =>
    recorder.here(note, ['ssh', '-O', what, ...argumentsOf(recorder, { to: n1 })]);
  await recorder.here('version', ['ssh', '-V']);
  await control('no connection to end', 'stop');
  await ssh('a command', {}, 'echo out; echo err >&2; exit 3');
  await ssh('over the same connection', {}, ':');
  await control('no new commands over it', 'stop');
  await ssh('over another one', {}, ':');
  await control('the end of the connection', 'exit');
  await ssh('an unknown host key', { knownHosts: 'ssh/none' }, ':');
  await ssh('another host key', { knownHosts: 'ssh/changed' }, ':');
  await ssh('a key that it does not know', { identity: 'ssh/stranger' }, ':');
  await ssh('without a key of its own', { identity: false }, ':');
  await ssh('no such user', { user: 'nobody-here' }, ':');
  await ssh('a port where nobody listens', { port: '9' }, ':');
  await ssh('no such host', { to: 'nowhere.invalid' }, ':');
  await ssh('an address where nobody is', { to: NOBODY(recorder.lab) }, ':');
  await ssh('a key that others can read', { identity: 'ssh/readable' }, ':');
  await ssh('a key that is none', { identity: 'ssh/garbage' }, ':');
  await ssh('a key of the wrong form', { identity: 'ssh/invalid' }, ':');
  await ssh('no common cipher', { first: ['-o', 'Ciphers=aes128-cbc'] }, ':');
  await ssh('no common MAC', { first: ['-o', 'Ciphers=aes128-ctr', '-o', 'MACs=hmac-md5'] }, ':');
  await ssh('no common key exchange', { first: ['-o', 'KexAlgorithms=diffie-hellman-group1-sha1'] }, ':');
  await ssh('no common kind of host key', { first: ['-o', 'HostKeyAlgorithms=ecdsa-sha2-nistp256'] }, ':');
  await ssh('an option that is none', { first: ['-o', 'Nope=yes'] }, ':');
  await ssh('a configuration with an option that is none', { first: ['-F', recorder.file('ssh/config')] }, ':');
  await ssh('the known hosts of the user', { ownKnownHosts: false, identity: false }, ':');
  await recorder.here('as deploy-rs logs in', deployLogin(recorder, n1, ['-i', recorder.file('id')]));
  await recorder.here('as deploy-rs logs in, without a key', deployLogin(recorder, n1));
  await ssh('too many keys', { first: await manyKeys(recorder) }, ':');
}

async function prepare(recorder: Recorder): Promise<void> {
  const file = (name: string): string => recorder.file(`ssh/${name}`);
  const { hostKeys } = recorder.lab.facts;
  await mkdir(recorder.file('ssh'), { recursive: true });
  await writeFile(file('known'), `runbook-n1 ${hostKeys['n1'] ?? ''}\n`);
  await writeFile(file('changed'), `runbook-n1 ${hostKeys['n2'] ?? ''}\n`);
  await writeFile(file('none'), '');
  await writeFile(file('config'), 'Nope yes\n');
  const key = (text: string): string =>
    `-----BEGIN OPENSSH PRIVATE KEY-----\n${text}\n-----END OPENSSH PRIVATE KEY-----\n`;
  await writeFile(file('garbage'), key('nope'), { mode: 0o600 });
  await writeFile(file('invalid'), key('bm9wZQ=='), { mode: 0o600 });
  await check(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'stranger', '-f', file('stranger')]);
  await copyFile(recorder.lab.identityFile, file('readable'));
  await chmod(file('readable'), 0o644);
}

/** sshd hears six of them out. */
async function manyKeys(recorder: Recorder): Promise<string[]> {
  const options: string[] = [];
  for (let i = 0; i < 7; i++) {
    const key = recorder.file(`ssh/many-${i}`);
    await check(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'stranger', '-f', key]);
    options.push('-i', key);
  }
  return options;
}

/** As the product calls it. */
function argumentsOf(recorder: Recorder, login: Login & { to: string }): string[] {
  const { first = [], user = 'root', port = '22', to, knownHosts = 'ssh/known' } = login;
  const { identity = 'id', ownKnownHosts = true } = login;
  const options = [
    'IgnoreUnknown=KnownHostsCommand',
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    'UpdateHostKeys=no',
    'ConnectTimeout=10',
    'ServerAliveInterval=5',
    'ServerAliveCountMax=3',
    'ControlMaster=auto',
    `ControlPath="${recorder.file('ssh/control')}"`,
    'ControlPersist=60',
    'RequestTTY=no',
    'RemoteCommand=none',
    'PermitLocalCommand=no',
    'ClearAllForwardings=yes',
    'ForwardAgent=no',
    'ForwardX11=no',
    'EscapeChar=none',
    'LogLevel=INFO',
    ...(ownKnownHosts ? declaredKey(recorder, knownHosts) : []),
    ...(identity === false ? [] : [`IdentityFile="${recorder.file(identity)}"`, 'IdentitiesOnly=yes']),
  ];
  return [...first, ...options.flatMap((option) => ['-o', option]), '-l', user, '-p', port, '--', to];
}

const declaredKey = (recorder: Recorder, knownHosts: string): string[] => [
  'HostKeyAlias=runbook-n1',
  `UserKnownHostsFile="${recorder.file(knownHosts)}"`,
  'GlobalKnownHostsFile=/dev/null',
  'KnownHostsCommand=none',
  'VerifyHostKeyDNS=no',
  'CheckHostIP=no',
];

/** Of a node whose key is declared: whether deploy-rs could log in by itself. */
const deployLogin = (recorder: Recorder, to: string, identity: readonly string[] = []): string[] => [
  ...['ssh', '-p', '22', '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=yes', '-o', 'ConnectTimeout=15'],
  ...['-o', 'ControlPath=none', '-o', 'ServerAliveInterval=5', '-o', 'ServerAliveCountMax=3', ...identity],
  ...['-o', `UserKnownHostsFile=${recorder.file('known_hosts')}`, '-l', 'root', '--', to, 'true'],
];

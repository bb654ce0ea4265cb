import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Simulation } from '../../simulator/create.ts';
import { keyFile, recipientsIn } from '../../simulator/hosts/age-keygen.ts';
import { encryptedFile } from '../../simulator/hosts/sops.ts';
import { referenceFleetFile } from '../../simulator/reference-fleet.ts';

export const GUEST = 'edge-vm';
export const KEY_FILE = 'var/lib/sops-nix/key.txt';
/** Nobody but the operator and the guest may ever see it. */
export const CANARY = 'canary-in-the-coal-mine';
export const OPERATOR = `age1${'p'.repeat(58)}`;
export const EDGE = `age1${'e'.repeat(58)}`;
export const HOME = `age1${'h'.repeat(58)}`;
export const FILES = ['secrets/edge.enc.yaml', 'secrets/shared.enc.yaml'];

const RULES = `# who reads what
keys:
  - &operator ${OPERATOR} # in the safe
  - &edge-vm ${EDGE}
  - &home-vm ${HOME}
creation_rules:
  - path_regex: edge
    key_groups:
      - age:
          - *operator
          - *edge-vm # the edge
  - path_regex: shared
    age: ${OPERATOR},${EDGE},${HOME}
  - path_regex: home
    key_groups: [{ age: [*operator, *home-vm] }]
`;

export const git = (folder: string, ...args: string[]): string =>
  execFileSync('git', ['-C', folder, '-c', 'user.name=T', '-c', 'user.email=t@example.org', ...args], {
    encoding: 'utf8',
    env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
  }).trim();

/**
 * Gives the simulated fleet what a rotation is about: rules, files, the keys of operator and guest, and a remote that the clone is
 * pushed to. Returns the folder of the remote.
 */
export function addSecrets(
  simulation: Simulation,
  { push = true, operatorKey = OPERATOR }: { push?: boolean; operatorKey?: string } = {},
  change: (fleetFile: string) => string = (text) => text,
): string {
  const { repoDir, dir, store } = simulation;
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode: 0o600 });
  };
  const identityFile = join(dir, 'operator.txt');
  write(identityFile, keyFile(operatorKey));
  write(join(store.root(GUEST), KEY_FILE), keyFile(EDGE));
  write(join(repoDir, 'secrets/sops.yaml'), RULES);
  const values = { caddy: { token: CANARY }, other: `${CANARY} too` };
  write(join(repoDir, FILES[0] ?? ''), encryptedFile(values, [OPERATOR, EDGE]));
  write(join(repoDir, FILES[1] ?? ''), encryptedFile(values, [OPERATOR, EDGE, HOME]));
  write(join(repoDir, 'secrets/home.enc.yaml'), encryptedFile(values, [OPERATOR, HOME]));
  const section = push ? '\n  push: { remote: origin, branch: main }' : '';
  simulation.setFleetFile(`${change(referenceFleetFile())}secrets:\n  identityFile: ${identityFile}${section}\n`);
  const remote = join(dir, 'remote.git');
  git(dir, 'clone', '--quiet', '--bare', repoDir, remote);
  git(repoDir, 'remote', 'add', 'origin', remote);
  return remote;
}

/** The public keys of what is in the guest's key file. */
export const keysInGuest = ({ store }: Simulation): string[] =>
  recipientsIn(readFileSync(join(store.root(GUEST), KEY_FILE), 'utf8'));

/** What a file of a commit says who can decrypt it. */
export const recipientsAt = (repo: string, revision: string, path: string): string[] =>
  git(repo, 'show', `${revision}:${path}`).match(/(?<=recipient: )age1\w+/g) ?? [];

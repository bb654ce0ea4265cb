import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { keyFile, recipientsIn } from '../../simulator/hosts/age-keygen.ts';
import { decrypted } from '../../simulator/hosts/age.ts';
import type { Simulation } from '../../simulator/create.ts';
import { workflowId } from '../../workflows/messages.ts';
import { addRecreation, addTerraformGuest, fileIn, holdersOf, instancesOf } from '../temporal/recreating.ts';
import { addSecrets, EDGE, FILES, git, GUEST, KEY_FILE, keysInGuest, OPERATOR } from '../temporal/rotating.ts';
import type { Procedure } from './procedures.ts';
import { patient, type Beginning } from './scenarios.ts';

const remoteOf = ({ dir }: Simulation): string => join(dir, 'remote.git');

function beginningOf(workflow: string, runbook: string, more: object = {}): Beginning {
  const input = { actor: 'tester', planOnly: false, guest: GUEST, ...more };
  return {
    workflow,
    workflowId: workflowId(runbook, GUEST),
    input: (revision) => ({ ...input, fleet: { revision } }),
  };
}

/** Pushed as well. */
function makePatient(simulation: Simulation): Promise<void> {
  simulation.setFleetFile(patient(readFileSync(join(simulation.repoDir, 'runbook.yaml'), 'utf8')));
  git(simulation.repoDir, 'push', '--quiet', 'origin', 'HEAD:main');
  return Promise.resolve();
}

const keysOf = (simulation: Simulation, instance: string): string[] =>
  existsSync(join(simulation.store.root(instance), KEY_FILE))
    ? recipientsIn(fileIn(simulation, instance, KEY_FILE))
    : [];

/** Each pushed file is for the operator and for a key that a guest has, and all whom it names get the same data key. */
function wrongFiles(simulation: Simulation): string[] {
  const there = instancesOf(simulation).flatMap(({ name }) => keysOf(simulation, name));
  return FILES.flatMap((path) => {
    const { sops } = parse(git(remoteOf(simulation), 'show', `main:${path}`)) as {
      sops: { age: { recipient: string; enc: string }[] };
    };
    const recipients = sops.age.map(({ recipient }) => recipient);
    const dataKeys = new Set(sops.age.map(({ recipient, enc }) => decrypted(enc, keyFile(recipient)).toString('hex')));
    const isReadable = recipients.includes(OPERATOR) && recipients.some((key) => there.includes(key));
    return isReadable && dataKeys.size === 1
      ? []
      : [`${path} is for ${recipients.join(', ')}; there are ${there.join(', ')}`];
  });
}

/** Only the new key is in the guest, and the files are for it instead of the old one. */
function wrongKeys(simulation: Simulation): string[] {
  const [next = '', ...more] = keysInGuest(simulation);
  const named = FILES.filter((path) => {
    const text = git(remoteOf(simulation), 'show', `main:${path}`);
    return !text.includes(next) || text.includes(EDGE);
  });
  return next === '' || next === EDGE || more.length > 0 || named.length > 0
    ? [`keys ${[next, ...more].join(', ')}; not for the new one alone: ${named.join(', ')}`]
    : [];
}

const RECREATION: Pick<Procedure, 'wrongEver' | 'wrongAtEnd'> = {
  wrongEver: ({ simulation }) => {
    const instances = instancesOf(simulation);
    const running = instances.filter(({ status }) => status === 'Running').map(({ name }) => name);
    const holders = holdersOf(simulation);
    return [
      ...(running.length > 1 ? [`both run: ${running.join(', ')}`] : []),
      ...(holders.length > 1 ? [`its volume is attached to ${holders.join(', ')}`] : []),
      ...(instances.some(({ name }) => keysOf(simulation, name).includes(EDGE)) ? [] : ['the old one is gone']),
      ...wrongFiles(simulation),
    ];
  },
  wrongAtEnd: ({ simulation }, { name }) => {
    const is = instancesOf(simulation)
      .map((each) => `${each.name} ${each.status}`)
      .sort()
      .join(', ');
    const wanted = `${GUEST} Running, ${GUEST}-${name} Stopped`;
    const holders = holdersOf(simulation).join(', ');
    return [
      ...(is === wanted ? [] : [`Expected ${wanted}, got ${is}`]),
      ...(holders === GUEST ? [] : [`its volume is attached to ${holders}`]),
      ...wrongKeys(simulation),
    ];
  },
};

export const SECRET_PROCEDURES: readonly Procedure[] = [
  {
    name: 'vm-recreate',
    outcome: 'Done',
    begin: beginningOf('vmRecreate', 'vm-recreate', { keepOld: '7d' }),
    prepare: (simulation) => {
      addRecreation(simulation);
      return makePatient(simulation);
    },
    ...RECREATION,
  },
  {
    name: 'vm-recreate by Terraform',
    outcome: 'Done',
    begin: beginningOf('vmRecreate', 'vm-recreate', { keepOld: '7d' }),
    prepare: (simulation) => {
      addTerraformGuest(simulation, join(simulation.dir, 'terraform'));
      return makePatient(simulation);
    },
    ...RECREATION,
  },
  {
    name: 'rotate-keys',
    outcome: 'Done',
    begin: beginningOf('rotateKeys', 'rotate-keys'),
    prepare: (simulation) => {
      addSecrets(simulation);
      return makePatient(simulation);
    },
    wrongEver: ({ simulation }) => wrongFiles(simulation),
    wrongAtEnd: ({ simulation }) => wrongKeys(simulation),
  },
];

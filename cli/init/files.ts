import type { Answers, InitGuest, InitMember } from './answers.ts';
import { fleetFile } from './fleet-file.ts';
import { fleetNix } from './fleet-nix.ts';
import { backupsNote, machinesTable } from './readme.ts';
import { sopsRules } from './sops-rules.ts';
import { filled } from './templates.ts';
import { hclList } from './text.ts';

/** The release of NixOS that hosts and guests are made of. */
export const RELEASE = '26.05';

/** A file of the monorepo. */
export interface InitFile {
  path: string;
  text: string;
  executable?: true;
}

/** Files that every monorepo has, and where they come from where that is another name. npm takes no .gitignore along. */
const COMMON: readonly (string | [path: string, template: string])[] = [
  ['.gitignore', 'gitignore'],
  '.github/workflows/check.yml',
  'README.md',
  'deploy.nix',
  'flake.nix',
  'guests/common.nix',
  'guests/image.nix',
  'host/common/base.nix',
  'host/common/incus.nix',
  'host/common/monitoring.nix',
  'host/common/storage.nix',
];
const SCRIPTS = ['scripts/guest-image.sh', 'scripts/guest-key.sh', 'scripts/hooks/pre-commit'];

const SERVICES = {
  edge: ['Caddyfile', 'caddy.nix'],
  metrics: [
    'config.alloy',
    'datasources.yaml',
    'fetch-journal.sh',
    'grafana.nix',
    'logs.nix',
    'loki.nix',
    'loki.yaml',
    'prometheus.nix',
    'rules.yaml',
  ],
  home: ['home-assistant.nix'],
  plain: ['default.nix'],
} as const;

/** Every file of the monorepo that was asked for, in the order of their paths. */
export async function monorepoFiles(answers: Answers): Promise<InitFile[]> {
  const values = {
    name: answers.name,
    release: RELEASE,
    pool: answers.pool,
    first: answers.members[0]?.address ?? '',
    table: machinesTable(answers),
    backups: backupsNote(answers),
  };
  const common = COMMON.map(async (each) => {
    const [path, template] = typeof each === 'string' ? [each, each] : each;
    return { path, text: await filled(template, values) };
  });
  const scripts = SCRIPTS.map(async (path): Promise<InitFile> => ({
    path,
    text: await filled(path, values),
    executable: true,
  }));
  const machines = [
    ...answers.members.map((member) => memberFiles(member, values)),
    ...answers.guests.map((guest) => guestFiles(guest, answers, values)),
  ];
  const files = [
    ...(await Promise.all([...common, ...scripts])),
    ...(await Promise.all(machines)).flat(),
    { path: 'fleet.nix', text: fleetNix(answers) },
    { path: 'runbook.yaml', text: fleetFile(answers) },
    { path: 'secrets/sops.yaml', text: sopsRules(answers) },
  ];
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

type Values = Readonly<Record<string, string>>;

async function memberFiles({ name, address }: InitMember, common: Values): Promise<InitFile[]> {
  const values = { ...common, member: name, address };
  const node = (file: string): string => `host/nodes/MEMBER/${file}`;
  return Promise.all(
    [node('configuration.nix'), node('hardware-configuration.nix'), 'infra/incus/MEMBER/main.tf'].map(
      async (template) => ({
        path: template.replace('MEMBER', name),
        text: await filled(template, values),
      }),
    ),
  );
}

async function guestFiles(guest: InitGuest, { network }: Answers, common: Values): Promise<InitFile[]> {
  const { name, address, member, role, short, service } = guest;
  const values = {
    ...common,
    guest: name,
    address,
    member,
    short,
    service,
    prefix: String(network.prefix),
    gateway: network.gateway,
    nameservers: hclList(network.nameservers),
  };
  const templates: [path: string, template: string][] = [
    [`guests/${name}/configuration.nix`, `guests/${role}/configuration.nix`],
    [`infra/incus/${member}/${name}.tf`, 'infra/incus/MEMBER/GUEST.tf'],
    ...SERVICES[role].map((file): [string, string] => [`services/${service}/${file}`, `services/${role}/${file}`]),
  ];
  return Promise.all(templates.map(async ([path, template]) => ({ path, text: await filled(template, values) })));
}

import type { Answers, InitGuest, Role } from './answers.ts';
import { backedUpTo } from './backups.ts';
import { yamlText } from './text.ts';

/** runbook.yaml for these answers. */
export function fleetFile(answers: Answers): string {
  const { name, members, guests, pool, recipients } = answers;
  const hasBackups = guests.length > 0 && members.length > 1;
  return `# yaml-language-server: $schema=./runbook.schema.json
# What cannot be seen by looking at the fleet. \`runbook check\` reads it, \`runbook schema > runbook.schema.json\` gives your
# editor completion.
version: 1
name: ${yamlText(name)}

members: # the machines of the Incus cluster
${members.map(memberEntry).join('')}
${guests.length === 0 ? 'guests: {}' : `guests: # virtual machines, each placed on one member\n${guests.map((guest) => guestEntry(guest, answers)).join('\n')}`}
cluster: # what it is formed with, once: runbook plan cluster-bootstrap
  pools:
    ${yamlText(pool)}: { type: zfs, dataset: ${yamlText(`${pool}/incus`)} }
  profiles:
    default:
      config: { cluster.evacuate: stop } # instances are stopped, not moved
      devices:
        root: { type: disk, path: /, pool: ${yamlText(pool)} }
        eth0: { type: nic, nictype: bridged, parent: br0, name: eth0 } # the hosts' own network

infra: # Terraform, a folder and a state for each member
  state: { type: local, dir: /var/lib/runbook-terraform } # on the worker's machine
  stateBackups: { dir: /var/lib/runbook-terraform/backups }

secrets:
  identityFile: ~/.config/sops/age/keys.txt # the operator's key, on the worker

${identity(recipients)}
${hasBackups ? backups(answers) : ''}${schedules(answers, hasBackups)}${guests.length > 0 && !hasBackups ? NO_BACKUPS : ''}
# Where Temporal and the worker run, if on this fleet: that machine is upgraded last.
# orchestrator: { guest: NAME }

# Who is told when something fails, waits or is overdue; then: runbook notify test
# notifications:
#   channels:
#     phone: { type: ntfy, topic: NAME, tokenFile: /run/secrets/ntfy-token }
`.replace(/\n{3,}/g, '\n\n');
}

const memberEntry = ({ name, address }: { name: string; address: string }): string =>
  `  ${yamlText(name)}:
    address: ${address}
    probes:
      - type: systemd
        units: [prometheus-node-exporter.service, systemd-journal-gatewayd.socket]
`;

function guestEntry(guest: InitGuest, { guests, pool }: Answers): string {
  const { name, address, member, short, role } = guest;
  const edge = guests.find((each) => each.role === 'edge' && each !== guest);
  return `  ${yamlText(name)}:
    member: ${yamlText(member)}
    address: ${address}
    deploy: { node: ${yamlText(name)} }
    volumes:
      - { pool: ${yamlText(pool)}, name: ${yamlText(`${short}-data`)} }
    secrets: [secrets/${short}.enc.yaml]
${edge === undefined ? '' : `    dependsOn: [${yamlText(edge.name)}] # upgraded, and healthy, before this one\n`}${OF_ROLE[role](address)}`;
}

const units = (...names: string[]): string => `    containers:
      type: units
      engine: podman
      units:
${names.map((name) => `        - { unit: podman-${name}.service, container: ${name} }\n`).join('')}`;

const OF_ROLE: Record<Role, (address: string) => string> = {
  edge: (address) => `${units('caddy')}    probes:
      - { type: http, url: "http://${address}/health" }
`,
  metrics: () => `${units('prometheus', 'loki')}    probes:
      - type: http
        url: http://localhost:9090/-/ready
        from: guest # asked from inside the guest
        for: 3m # it reads its write-ahead log first
      - { type: http, url: "http://localhost:3100/ready", from: guest, for: 3m }
    rollback:
      snapshot: automatic # a few minutes of metrics may be lost
`,
  home: (address) => `${units('home-assistant')}    probes:
      - { type: tcp, host: ${address}, port: 8123, for: 5m }
    rollback:
      snapshot: ask # a person decides whether newer data may be lost
`,
  plain: () => `    probes:
      - { type: command, argv: [systemctl, is-system-running, --wait] }
`,
};

/** Without recipients nobody could read the copies. */
const identity = (recipients: readonly string[]): string =>
  recipients.length === 0
    ? `# Who each member is to the cluster, kept on the others: a lost root disk is no lost member. It needs your public key of age.
# identity:
#   recipients: [age1…]
`
    : `identity: # who each member is to the cluster, kept on the others: a lost root disk is no lost member
  recipients:
${recipients.map((key) => `    - ${yamlText(key)}\n`).join('')}`;

const backups = (answers: Answers): string => `backups: # every volume is copied to the next member each night
${answers.guests
  .map(
    ({ name, member, short }) => `  ${yamlText(`${short}-data`)}:
    guest: ${yamlText(name)}
    volumes: [${yamlText(`${short}-data`)}]
    to:
      - { type: zfs, member: ${yamlText(backedUpTo(answers, member) ?? '')}, dataset: ${yamlText(`${answers.pool}/replicas`)} }
`,
  )
  .join('')}
`;

/** At hours at which no clock of the world changes: before 04:00 some do, and after 21:00. */
function schedules({ timeZone, recipients, members }: Answers, hasBackups: boolean): string {
  const entry = (name: string, runbook: string, at: string, more = ''): string => `  ${name}:
    runbook: ${runbook}
    at: "${at}"
    timeZone: ${yamlText(timeZone)}
${more}`;
  const entries = [
    ...(hasBackups ? [entry('nightly-backups', 'nightly-backup', '04:15')] : []),
    ...(recipients.length > 0 && members.length > 1 ? [entry('nightly-identities', 'identity-backup', '05:15')] : []),
    ...(hasBackups ? [entry('weekly-drill', 'restore-drill', '07:15', '    days: [sunday]\n')] : []),
  ];
  return entries.length === 0
    ? ''
    : `schedules: # what runs by itself; \`runbook schedules apply\` after each change\n${entries.join('')}\n`;
}

const NO_BACKUPS = `# With one member there is no other machine for copies. Name one in backupHosts, or a repository of restic, and what goes
# there in backups; then take this away.
policies:
  upgrade:
    backup: "off"

`;

import * as z from 'zod';
import { isTimeZone } from '../../fleet/calendar.ts';
import * as field from '../../fleet/fields.ts';
import { quote } from '../../fleet/visible.ts';
import { CliError } from '../errors.ts';

/** What is asked for, as typed: flags, or lines on a terminal. */
export interface InitOptions {
  name?: string;
  member?: string[];
  guest?: string[];
  gateway?: string;
  dns?: string[];
  timeZone?: string;
  sshKey?: string[];
  recipient?: string[];
  pool?: string;
}

/** What a guest is for: which of the template’s services it has. `plain`: none yet. */
export const ROLES = ['edge', 'metrics', 'home', 'plain'] as const;
export type Role = (typeof ROLES)[number];

export interface InitMember {
  name: string;
  address: string;
}

export interface InitGuest extends InitMember {
  member: string;
  role: Role;
  /** Names its volume and its file of secrets: the guest’s name without `-vm`. */
  short: string;
  /** Names its folder below services/ and below /srv. */
  service: string;
}

/** What a monorepo is written for. Every name and address in it was found right. */
export interface Answers {
  name: string;
  members: InitMember[];
  guests: InitGuest[];
  network: { prefix: number; gateway: string; nameservers: string[] };
  timeZone: string;
  sshKeys: string[];
  recipients: string[];
  pool: string;
}

const ipv4 = z.string().regex(z.regexes.ipv4, 'an address like 10.0.0.11');
const sshKey = z
  .string()
  .regex(
    /^(?:ssh-ed25519|ecdsa-sha2-nistp(?:256|384|521)|ssh-rsa|sk-ssh-ed25519@openssh\.com) [A-Za-z0-9+/]{40,}=*(?: [^\p{Cc}]*)?$/u,
    'a public ssh key like "ssh-ed25519 AAAA… ada@laptop"',
  );
/** What zpool itself would refuse is left out: names of kinds of devices. */
const pool = z
  .string()
  .regex(/^(?!(?:mirror|raidz|draid|spare|log|c\d))[a-zA-Z][a-zA-Z0-9_.-]{0,62}$/, 'a pool of ZFS like zpool');

/** Throws CliError `wrong usage` that names the flag, what was expected and what was found. */
export function readAnswers(options: InitOptions, defaults: { name: string; timeZone: string }): Answers {
  const name = taken('--name', field.nodeName, options.name ?? defaults.name);
  if (['local', 'images'].includes(name))
    throw wrong('--name', 'a name that incus has not given to a remote itself', name);
  const members = required('--member', 'elitedesk-1=10.0.0.11', options.member).map(readMember);
  const network = readNetwork(options, members[0]?.address ?? '');
  const guests = readGuests(options.guest ?? [], members);
  checkNames(members, guests);
  checkAddresses([...members, ...guests], network);
  const timeZone = options.timeZone ?? defaults.timeZone;
  if (!isTimeZone(timeZone)) throw wrong('--time-zone', 'a time zone like Europe/Berlin or UTC', timeZone);
  return {
    name,
    members,
    guests,
    network,
    timeZone,
    sshKeys: required('--ssh-key', 'the worker’s public key', options.sshKey).map((key) =>
      taken('--ssh-key', sshKey, key),
    ),
    recipients: (options.recipient ?? []).map((key) => taken('--recipient', field.recipient, key)),
    pool: taken('--pool', pool, options.pool ?? 'zpool'),
  };
}

function readMember(text: string): InitMember {
  const [name, address] = divided('--member', 'elitedesk-1=10.0.0.11', text);
  return { name: taken('--member', field.nodeName, name), address: taken('--member', ipv4, address) };
}

/** `edge-vm=10.0.0.21`, `edge-vm=10.0.0.21@nuc-1:edge`. Without a member they take turns. */
function readGuests(texts: readonly string[], members: readonly InitMember[]): InitGuest[] {
  return texts.map((text, index) => {
    const [name, rest] = divided('--guest', 'edge-vm=10.0.0.21@elitedesk-1', text);
    const [, address = '', , member, , role] = /^([^@:]*)(@([^:]*))?(:(.*))?$/.exec(rest)?.map(String) ?? [];
    return readGuest(name, {
      address,
      member: member === 'undefined' ? members[index % members.length]?.name : member,
      role: role === 'undefined' ? undefined : role,
      members,
    });
  });
}

/** A file of each member’s folder, and the anchors of the operator’s keys. */
const TAKEN = /^(?:main|operator(?:-\d+)?)$/;

function readGuest(
  name: string,
  {
    address,
    member,
    role,
    members,
  }: { address: string; member: string | undefined; role: string | undefined; members: readonly InitMember[] },
): InitGuest {
  const guest = taken('--guest', field.nodeName, name);
  const short = guest.replace(/(?<=.)-vm$/, '');
  const home = members.find((each) => each.name === member);
  if (home === undefined)
    throw wrong('--guest', `a member to be on: ${members.map((each) => each.name).join(', ')}`, member ?? '');
  if (TAKEN.test(guest)) throw wrong('--guest', 'a name that the template does not use itself', guest);
  const wanted = role ?? (ROLES.some((each) => each === short) ? short : 'plain');
  const found = ROLES.find((each) => each === wanted);
  if (found === undefined) throw wrong('--guest', `one of ${ROLES.join(', ')} behind the colon`, wanted);
  return {
    name: guest,
    address: taken('--guest', ipv4, address),
    member: home.name,
    role: found,
    short,
    service: found === 'plain' ? short : found,
  };
}

function readNetwork({ gateway, dns }: InitOptions, first: string): Answers['network'] {
  const [address = '', prefix = '24', ...more] = (gateway ?? first.replace(/\d+$/, '1')).split('/');
  const length = /^\d{1,2}$/.test(prefix) ? Number(prefix) : 0;
  if (length < 8 || length > 30 || more.length > 0)
    throw wrong('--gateway', 'an address and its network like 10.0.0.1/24', gateway ?? '');
  const router = taken('--gateway', ipv4, address);
  return { prefix: length, gateway: router, nameservers: (dns ?? [router]).map((each) => taken('--dns', ipv4, each)) };
}

function checkNames(members: readonly InitMember[], guests: readonly InitGuest[]): void {
  const seen = new Set<string>();
  for (const { name } of [...members, ...guests]) {
    if (seen.has(name)) throw new CliError('wrong usage', `Expected each name once, got ${quote(name)} again.`);
    seen.add(name);
  }
  const services = new Map<string, string>();
  for (const { name, short, service } of guests) {
    // A service that two have is one file, imported by both; a file of secrets is of one guest.
    for (const key of new Set([`secrets of ${short}`, `services of ${service}`])) {
      const other = services.get(key);
      if (other !== undefined)
        throw new CliError(
          'wrong usage',
          `Expected guests that differ in more than -vm and in what they are for, got ${quote(other)} and ${quote(name)}.`,
          {
            description: [`Both would have the ${key}. Give one another name, or :plain behind its address.`],
          },
        );
      services.set(key, name);
    }
  }
}

const GATEWAY = 'the gateway';
const GATEWAY_HELP = '--gateway names the router and how long the prefix of its network is.';

/** Everything is in one network, each at an address of its own. */
function checkAddresses(machines: readonly InitMember[], { gateway, prefix }: Answers['network']): void {
  const size = 2 ** (32 - prefix);
  const base = Math.floor(numberOf(gateway) / size) * size;
  const seen = new Map<string, string>([[gateway, GATEWAY]]);
  for (const { name, address } of machines) {
    const other = seen.get(address);
    if (other !== undefined)
      throw new CliError(
        'wrong usage',
        `Expected an address of its own for ${name}, got ${address}, which is that of ${other}.`,
        { description: other === GATEWAY ? [GATEWAY_HELP] : [] },
      );
    seen.set(address, name);
    const offset = numberOf(address) - base;
    if (offset <= 0 || offset >= size - 1)
      throw new CliError(
        'wrong usage',
        `Expected an address in the network of ${gateway}/${prefix} for ${name}, got ${address}.`,
        {
          description: [GATEWAY_HELP],
        },
      );
  }
}

const numberOf = (address: string): number => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);

/** Name and the rest of `name=rest`. */
function divided(flag: string, example: string, text: string): [string, string] {
  const at = text.indexOf('=');
  if (at === -1) throw wrong(flag, `a name and an address like ${example}`, text);
  return [text.slice(0, at), text.slice(at + 1)];
}

function taken(flag: string, schema: z.ZodType<string>, value: string): string {
  const read = schema.safeParse(value);
  if (read.success) return read.data;
  throw wrong(flag, read.error.issues[0]?.message ?? '', value);
}

function required(flag: string, example: string, values: readonly string[] | undefined): readonly string[] {
  if (values !== undefined && values.length > 0) return values;
  throw new CliError('wrong usage', `Expected ${flag}, as in ${flag} ${quote(example)}, got none.`, {
    description: ['On a terminal, `runbook init` asks for what is not given.'],
  });
}

const wrong = (flag: string, expected: string, got: string): CliError =>
  new CliError('wrong usage', `${flag}: Expected ${expected}, got ${quote(got)}.`);

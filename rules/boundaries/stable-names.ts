import { filesOfMembers, hostFiles, type Monorepo, type NixFile } from '../monorepo.ts';
import { isAt, isOption } from '../nix-options.ts';
import { configKeys } from '../config-keys.ts';
import type { NixSetting } from '../parse/nix.ts';
import type { Rule, Violation } from '../rule.ts';

export const stableNames: Rule = {
  id: 'stable-names',
  title: 'A member’s name and address are its own and stay',
  section: '§5',
  severity: 'error',
  why: 'The cluster knows each member by its name and address, for good. A name that a DHCP server or a copied file gives is another one some day.',
  whatToDo: 'Set networking.hostName to the member’s name, in its own folder.',
  check: (repo) => [...ofMembers(repo), ...ofHosts(repo), ...ofAddresses(repo), ...ofFleet(repo)],
};

function ofMembers(repo: Monorepo): Violation[] {
  // As one function may give each its name.
  const isComputed = repo.nix.some(({ area, text }) => area.type === 'other' && text.includes('hostName'));
  return [...filesOfMembers(repo)].flatMap(([member, files]) => {
    const [own] = files.filter(({ area }) => area.type === 'host' && area.member === member);
    const names = files.flatMap((file) =>
      file.settings.filter((setting) => isOption(setting, 'networking.hostName')).map((setting) => ({ file, setting })),
    );
    if (names.length > 0) return names.flatMap(({ file, setting }) => ofName(repo, file, setting, member));
    const main = files.find(({ path }) => path.endsWith(`${member}/configuration.nix`)) ?? own;
    if (main === undefined || isComputed || !Object.hasOwn(repo.fleet.members, member)) return [];
    return [
      {
        file: main.path,
        at: { start: 0, end: 1 },
        message: `${member} has no networking.hostName: NixOS would call it nixos, or what a DHCP server says.`,
        whatToDo: `Add networking.hostName = "${member}".`,
      },
    ];
  });
}

function ofName(repo: Monorepo, file: NixFile, { value }: NixSetting, member: string): Violation[] {
  if (value.type !== 'string' || !value.whole || value.value === member) return [];
  const isShared = file.area.type !== 'host' || file.area.member === undefined;
  const isMember = Object.hasOwn(repo.fleet.members, member);
  if (!isMember && !isShared && value.value !== '') return [];
  return [
    {
      file: file.path,
      at: value,
      message:
        value.value === ''
          ? `${member} has an empty networking.hostName: a DHCP server would give it one.`
          : `${member} has the networking.hostName "${value.value}".`,
      whatToDo: `Set it to "${member}"${isShared ? ', in its own folder' : ''}.`,
    },
  ];
}

/** A name that comes from elsewhere. */
const ofHosts = (repo: Monorepo): Violation[] =>
  hostFiles(repo).flatMap(({ path: file, settings }) =>
    settings
      .filter(
        (setting) =>
          /^UseHostname$/.test(setting.path.at(-1) ?? '') &&
          isAt(setting, 'systemd.network.networks') &&
          !(setting.value.type === 'bool' && !setting.value.value),
      )
      .map((at) => ({
        file,
        at,
        message: 'The host takes its name from a DHCP server.',
        whatToDo: 'Set UseHostname = false.',
      })),
  );

/** `:8443`, `0.0.0.0:8443`, `[::]:8443` */
const WILDCARD = /^(?:0\.0\.0\.0|\[::\]|\*)?:\d+$|^(?:0\.0\.0\.0|\[::\]|::)$/;

/** Members would be told to reach this one at no address at all. */
const ofAddresses = (repo: Monorepo): Violation[] =>
  configKeys(repo)
    .filter(
      ({ key, value }) => /^(?:core|cluster)\.https_address$/.test(key) && value !== undefined && WILDCARD.test(value),
    )
    .map(({ file, at, key, value = '' }) => ({
      file,
      at,
      message: `${key} = "${value}" is no address of this member.`,
      whatToDo: 'Name the address that runbook.yaml has for it, with the port.',
    }));

/** As DHCP servers and clouds make them of an address: `dhcp-10-0-0-11.lan`, `ip-10-0-0-11`. */
const GENERATED = /^(?:dhcp|ip|host|client|pc)?-?(?:\d{1,3}-){3}\d{1,3}(?:\.|$)|^dhcp-?\d+(?:\.|$)/i;

const ofFleet = ({ fleet, fleetFile, yaml }: Monorepo): Violation[] =>
  Object.entries(fleet.members).flatMap(([name, { address }]) => {
    if (!GENERATED.test(address)) return [];
    const setting = yaml
      .find(({ path }) => path === fleetFile)
      ?.settings.find(({ path }) => path.join('\n') === ['members', name, 'address'].join('\n'));
    return [
      {
        file: fleetFile,
        at: setting?.valueAt ?? { start: 0, end: 1 },
        message: `${name} has the address ${address}, a name that a DHCP server makes up.`,
        whatToDo: 'Give the member a fixed address, or a name of its own in DNS.',
      },
    ];
  });

import type { Answers } from './answers.ts';
import { nixListSetting, nixName, nixString } from './text.ts';

/** What Nix has to know of the fleet: addresses, and who may log in. */
export function fleetNix({ name, members, guests, network, timeZone, sshKeys }: Answers): string {
  const addresses = (machines: readonly { name: string; address: string }[]): string =>
    machines.length === 0
      ? '{ }'
      : ['{', ...machines.map((each) => `    ${nixName(each.name)} = ${nixString(each.address)};`), '  }'].join('\n');
  const collectors = guests.filter(({ role }) => role === 'metrics').map(({ address }) => address);
  return `# What Nix has to know of ${name}: the addresses that runbook.yaml has too, the network, and who may log in as root.
{
  timeZone = ${nixString(timeZone)};

  network = {
    prefixLength = ${network.prefix};
    gateway = ${nixString(network.gateway)};
${nixListSetting('nameservers', network.nameservers, '    ')}
  };

  # Public keys: of the machine that the worker of runbook is on, and of people.
${nixListSetting('sshKeys', sshKeys, '  ')}

  members = ${addresses(members)};

  guests = ${addresses(guests)};

  # Guests that may read the metrics and the journals of hosts.
${nixListSetting('monitoring', collectors, '  ')}
}
`;
}

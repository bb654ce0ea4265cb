import { filesOfMembers, hostFiles, resourcesOf, type Monorepo } from '../monorepo.ts';
import { isAt } from '../nix-options.ts';
import type { NixSetting } from '../parse/nix.ts';
import type { Range } from '../place.ts';
import type { Rule, Violation } from '../rule.ts';
import { attributeOf, literal, resourceName } from '../terraform.ts';

/** A pool of one member. */
interface Pool {
  name: string;
  member: string;
  file: string;
  at: Range;
}

export const samePoolNames: Rule = {
  id: 'same-pool-names',
  title: 'Pools have one name on every member',
  section: '§5',
  severity: 'error',
  why: 'A pool of the cluster has one name on all members. Where they differ, a guest or a backup cannot be moved to another member by hand either.',
  whatToDo: 'Give the pool the name that it has on the others. zpool import <old> <new> renames one of ZFS.',
  check: (repo) => [
    ...differing(zfsPools(repo), 'pool of ZFS'),
    ...differing(incusPools(repo), 'pool of Incus'),
    ...unknownPools(repo),
  ],
};

/** Those that not every member has that has any. */
function differing(pools: readonly Pool[], what: string): Violation[] {
  const members = [...new Set(pools.map(({ member }) => member))];
  return pools.flatMap(({ name, member, file, at }) => {
    const without = members.filter((other) => !pools.some((each) => each.member === other && each.name === name));
    const others = [...new Set(pools.filter((each) => without.includes(each.member)).map((each) => each.name))];
    if (without.length === 0) return [];
    return [
      {
        file,
        at,
        message: `${what} "${name}" of ${member} has no counterpart on ${without.join(', ')}, which ${without.length === 1 ? 'has' : 'have'} ${others.join(', ')}.`,
      },
    ];
  });
}

function zfsPools(repo: Monorepo): Pool[] {
  return [...filesOfMembers(repo)].flatMap(([member, files]) => {
    const found = files.flatMap(({ path: file, settings }) =>
      settings.flatMap((setting) => zfsNames(setting).map((name) => ({ name, member, file, at: setting }))),
    );
    return [...new Map(found.map((pool) => [pool.name, pool])).values()];
  });
}

function zfsNames(setting: NixSetting): string[] {
  const { path, value } = setting;
  if (isAt(setting, 'disko.devices.zpool.*')) {
    const name = path[path.indexOf('zpool') + 1];
    return name === undefined || name === '*' ? [] : [name];
  }
  if (!isAt(setting, 'boot.zfs.extraPools') || value.type !== 'list') return [];
  return value.items.flatMap((item) => (item.type === 'string' && item.whole ? [item.value] : []));
}

function incusPools(repo: Monorepo): Pool[] {
  const inTerraform = resourcesOf(repo, 'incus_storage_pool').flatMap(({ file, block }) => {
    const folder = file.area.type === 'infra' ? file.area.member : undefined;
    const member = literal(repo, file, attributeOf(block, 'target')?.value) ?? folder;
    return member === undefined ? [] : [{ name: resourceName(repo, file, block), member, file: file.path, at: block }];
  });
  const inPreseed = [...filesOfMembers(repo)].flatMap(([member, files]) =>
    files.flatMap(({ path: file, settings }) =>
      settings.flatMap((setting) =>
        isAt(setting, 'virtualisation.incus.preseed.storage_pools.*.name') && setting.value.type === 'string'
          ? [{ name: setting.value.value, member, file, at: setting.value }]
          : [],
      ),
    ),
  );
  return [...inTerraform, ...inPreseed];
}

/** Pools that something lies in, and that nothing here makes. */
function unknownPools(repo: Monorepo): Violation[] {
  const declared = Object.keys(repo.fleet.cluster?.pools ?? {});
  const made = resourcesOf(repo, 'incus_storage_pool').map(({ file, block }) => resourceName(repo, file, block));
  const preseeded = hostFiles(repo).some(({ settings }) =>
    settings.some((setting) => isAt(setting, 'virtualisation.incus.preseed.storage_pools')),
  );
  const known = new Set([...declared, ...made]);
  if (known.size === 0 || preseeded) return [];
  return resourcesOf(repo, 'incus_storage_volume').flatMap(({ file, block }) => {
    const value = attributeOf(block, 'pool')?.value;
    const pool = literal(repo, file, value);
    if (value === undefined || pool === undefined || known.has(pool)) return [];
    return [
      {
        file: file.path,
        at: value,
        message: `incus_storage_volume "${resourceName(repo, file, block)}" is in the pool "${pool}"; the members have ${[...known].join(', ')}.`,
        whatToDo: 'Name a pool that every member has.',
      },
    ];
  });
}

import { suggest } from '../../fleet/suggest.ts';
import { resourcesOf, type HclFile, type Monorepo } from '../monorepo.ts';
import type { HclBlock } from '../parse/hcl.ts';
import type { Rule, Violation } from '../rule.ts';
import { attributeOf, literal, resourceName } from '../terraform.ts';

/** What lies on one member. */
const PLACED = ['incus_instance', 'incus_storage_volume', 'incus_storage_bucket'];

export const noImplicitPlacement: Rule = {
  id: 'no-implicit-placement',
  title: 'Every instance and every volume names its member',
  section: '§8',
  severity: 'error',
  why: 'Instances are placed explicitly: without a target Incus chooses a member for you, and a volume may come to be on another member than its instance.',
  whatToDo: 'Add target = "<member>".',
  check: (repo) => resourcesOf(repo, ...PLACED).flatMap(({ file, block }) => ofResource(repo, file, block)),
};

function ofResource(repo: Monorepo, file: HclFile, block: HclBlock): Violation[] {
  const name = `${block.labels[0] ?? ''} "${resourceName(repo, file, block)}"`;
  const target = attributeOf(block, 'target');
  if (target === undefined) {
    const member = memberOf(repo, file, block) ?? '<member>';
    return [{ file: file.path, at: block, message: `${name} has no target.`, whatToDo: `Add target = "${member}".` }];
  }
  const at = target.value;
  const value = literal(repo, file, target.value);
  if (value === undefined) return [];
  const violation = (message: string, whatToDo: string): Violation[] => [{ file: file.path, at, message, whatToDo }];
  if (value === '') return violation(`${name} has an empty target.`, 'Name the member.');
  if (value.startsWith('@'))
    return violation(`${name} has the group ${value} as its target.`, 'Name the member: of a group Incus chooses one.');
  const members = Object.keys(repo.fleet.members);
  if (!members.includes(value)) {
    const meant = suggest(value, members);
    return violation(
      `${name} has the target "${value}", which runbook.yaml has no member of.`,
      meant === undefined ? `It has ${members.join(', ')}.` : `Did you mean ${meant}?`,
    );
  }
  return [...ofFleet(repo, file, block, value), ...ofFolder(file, name, value, at)];
}

/** The member that the fleet file says, or that the folder is for. */
function memberOf(repo: Monorepo, file: HclFile, block: HclBlock): string | undefined {
  const guest = repo.fleet.guests[resourceName(repo, file, block)];
  if (block.labels[0] === 'incus_instance' && guest !== undefined) return guest.member;
  return file.area.type === 'infra' ? file.area.member : undefined;
}

function ofFleet(repo: Monorepo, file: HclFile, block: HclBlock, target: string): Violation[] {
  const guest = block.labels[0] === 'incus_instance' ? repo.fleet.guests[resourceName(repo, file, block)] : undefined;
  if (guest === undefined || guest.member === target) return [];
  return [
    {
      file: file.path,
      at: attributeOf(block, 'target')?.value ?? block,
      message: `${resourceName(repo, file, block)} has the target ${target} here, and the member ${guest.member} in runbook.yaml.`,
      whatToDo: 'Make both say the same. A changed target deletes the instance and makes it anew.',
    },
  ];
}

/** One state per member: what is in its folder is on it. */
function ofFolder({ path, area }: HclFile, name: string, target: string, at: Violation['at']): Violation[] {
  if (area.type !== 'infra' || area.member === undefined || area.member === target) return [];
  return [
    {
      file: path,
      at,
      message: `${name} is placed on ${target}, from the folder of ${area.member}.`,
      whatToDo: `Move it to the folder of ${target}: there is one state for each member.`,
    },
  ];
}

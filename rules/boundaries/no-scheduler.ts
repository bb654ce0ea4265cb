import { configKeys, type ConfigKey } from '../config-keys.ts';
import type { Rule } from '../rule.ts';

/** What would choose members by itself. `harmless`: values with which it does not. */
const KEYS: Readonly<Record<string, { harmless: readonly string[]; what: string }>> = {
  'scheduler.instance': { harmless: ['manual'], what: 'lets Incus choose this member for instances' },
  'instances.placement.scriptlet': { harmless: [''], what: 'has a script choose members' },
  'cluster.rebalance.interval': { harmless: ['', '0'], what: 'has Incus move instances between members' },
};

export const noScheduler: Rule = {
  id: 'no-scheduler',
  title: 'Nothing chooses members by itself',
  section: '§4',
  severity: 'error',
  why: 'Placement is explicit. What a scheduler has placed is in no file, and the next plan of Terraform wants it back.',
  whatToDo: 'Remove it, or set what leaves placement to you: scheduler.instance = "manual".',
  check: (repo) =>
    configKeys(repo)
      .filter(isForbidden)
      .map(({ file, at, key, value }) => ({
        file,
        at,
        message: `${key}${value === undefined ? '' : ` = "${value.split('\n')[0] ?? ''}"`} ${KEYS[key]?.what ?? ''}.`,
      })),
};

function isForbidden({ key, value }: ConfigKey): boolean {
  const known = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined;
  return known !== undefined && (value === undefined || !known.harmless.includes(value));
}

import { hostFiles, type Monorepo, type NixFile } from '../monorepo.ts';
import { isAt, isOn } from '../nix-options.ts';
import type { NixSetting } from '../parse/nix.ts';
import type { Rule, Violation } from '../rule.ts';

/** Options of NixOS that bring such a thing to a host. */
export interface Family {
  /** Each has an `enable`, of its own or below a name: `services.redis.servers.*`. */
  switched: readonly string[];
  /** Whatever is set there brings it. */
  always?: readonly string[];
}

/** A rule that forbids a family of services on hosts. */
export const hostRule = (
  { switched, always = [] }: Family,
  texts: Omit<Rule, 'check' | 'severity'> & { noun: string },
): Rule => {
  const { noun, ...rule } = texts;
  return {
    ...rule,
    severity: 'error',
    check: (repo) =>
      hostFiles(repo).flatMap((file) =>
        [
          ...switched.flatMap((option) => switchedOn(file, `${option}.enable`)),
          ...always.flatMap((option) => firstAt(file, option)),
        ].map((setting): Violation => ({
          file: file.path,
          at: setting,
          message: `${setting.path.join('.')}: ${noun} on a host${importedBy(repo, file)}.`,
        })),
      ),
  };
};

const switchedOn = ({ settings }: NixFile, option: string): NixSetting[] =>
  settings.filter((setting) => isAt(setting, option) && isOn(setting));

/** One for each name is enough. */
function firstAt({ settings }: NixFile, option: string): NixSetting[] {
  const parts = option.split('.').length;
  const seen = new Set<string>();
  return settings.filter((setting) => {
    if (!isAt(setting, option)) return false;
    const key = setting.path.slice(0, parts + (setting.path[0] === 'config' ? 1 : 0)).join('.');
    return seen.has(key) ? false : seen.add(key);
  });
}

/** A host is also what it imports from elsewhere. */
const importedBy = (_repo: Monorepo, { area }: NixFile): string =>
  area.type === 'host' ? '' : ', as one of host/ imports this file';

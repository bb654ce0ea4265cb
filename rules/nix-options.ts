import type { NixSetting } from './parse/nix.ts';

/** Whether a setting is of that option. `*` stands for one part; the path may go on. */
export function isAt({ path }: NixSetting, option: string): boolean {
  const wanted = option.split('.');
  const own = path[0] === 'config' ? path.slice(1) : path;
  return own.length >= wanted.length && wanted.every((word, index) => word === '*' || word === own[index]);
}

/** Whether a setting is of exactly that option. */
export const isOption = (setting: NixSetting, option: string): boolean =>
  isAt(setting, option) && setting.path.length - (setting.path[0] === 'config' ? 1 : 0) === option.split('.').length;

/** Not `enable = false`: what is computed may be on. */
export const isOn = ({ value }: NixSetting): boolean => value.type !== 'bool' || value.value;

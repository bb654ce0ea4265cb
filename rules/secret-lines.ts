import type { Range } from './place.ts';
import { isPasswordHash, isPasswordName, isSecretName, isSecretValue } from './secret-names.ts';

/** A secret in plain text, or its hash. */
interface Told extends Range {
  name: string;
  isHash: boolean;
}

/** What is wrong with a value by that name. */
export function tellValue(name: string, value: string): 'secret' | 'hash' | undefined {
  if (isPasswordHash(value)) return isPasswordName(name) ? 'hash' : undefined;
  return isSecretName(name) && isSecretValue(value) ? 'secret' : undefined;
}

/** `DB_PASSWORD=x`, `--password=x`: as environments and commands have them in lists. */
export function tellItem(item: string): { name: string; told: 'secret' | 'hash' } | undefined {
  const [, name = '', value = ''] = /^(?:--)?([A-Za-z][\w-]*)=(.*)$/.exec(item) ?? [];
  const told = tellValue(name, value);
  return told === undefined ? undefined : { name, told };
}

const LINE =
  /^[ \t]*(?:export |local |- )?["']?([A-Za-z_][\w.-]{0,80})["']?[ \t]{0,8}[:=][ \t]{0,8}(\S[^\r\n]{0,300})$/gm;

/**
 * Lines `name = value` and `name: value` of a text of several lines: a configuration file, a script, cloud-init. Only values
 * of one word: more are a program.
 */
export const secretLines = (text: string, offset: number): Told[] =>
  Array.from(text.matchAll(LINE)).flatMap(({ index, 0: { length }, 1: name = '', 2: rest = '' }) => {
    const told = tellValue(name, wordOf(rest));
    return told === undefined
      ? []
      : [{ name, isHash: told === 'hash', start: offset + index, end: offset + index + length }];
  });

/** Without its quotes and what ends it. Empty: it is no word, or names what a program has. */
function wordOf(rest: string): string {
  const [, quote = '', word = ''] = /^(["']?)([^\s"']+)\1[;,]?(?:\s+#.*)?\s*$/.exec(rest) ?? [];
  const bare = quote === '' ? word.replace(/[;,]$/, '') : word;
  const isCode = quote === '' && (/[()[\]{}<>|&]/.test(bare) || /^[a-z_]\w*(?:\.\w+)+$/i.test(bare));
  return isCode && !isPasswordHash(bare) ? '' : bare;
}

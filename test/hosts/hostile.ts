import fc from 'fast-check';

/** Names that a careless command line would run, split, expand or take for an option. */
export const HOSTILE: readonly string[] = [
  '; rm -rf /tmp/nothing-of-ours',
  '$(touch /tmp/runbook-was-here)',
  '`touch /tmp/runbook-was-here`',
  '${IFS}',
  "it's",
  "'; exit 1; '",
  '"',
  '\\',
  '\\n',
  '\n',
  'a\nb\n\n',
  '\r\n',
  '-rf',
  '--help',
  '-',
  '',
  ' ',
  '\t*\t?',
  '~',
  '!!',
  '#no comment',
  '&& false',
  '| cat',
  '> /dev/null',
  '%s%n%%',
  'ünï çødé 日本 🦀',
  '\u202Egnp.exe',
  '\u0001\u001b[31m\u007f',
  'x'.repeat(4096),
  "'".repeat(1000),
];

/** Any text that a program can be given: no NUL, and no half of a surrogate pair, which UTF-8 does not have. */
const anyWord = fc
  .oneof(fc.string({ unit: 'binary', maxLength: 60 }), fc.string({ unit: 'grapheme', maxLength: 60 }))
  .filter((text) => !text.includes('\0') && Buffer.from(text).toString() === text);

export const words = fc.array(fc.oneof(fc.constantFrom(...HOSTILE), anyWord), { minLength: 1, maxLength: 12 });

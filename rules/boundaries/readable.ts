import type { Rule } from '../rule.ts';

export const readable: Rule = {
  id: 'readable',
  title: 'Nix, HCL and YAML can be read',
  section: '§2',
  severity: 'error',
  why: 'Behind a mistake in its syntax a file may hold anything: no rule is sure of it.',
  whatToDo: 'Correct it: nix-instantiate --parse, terraform fmt, or an editor says what is wrong.',
  check: ({ errors }) => errors.map(({ file, at }) => ({ file, at, message: at.message })),
};

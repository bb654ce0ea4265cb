import { posix } from 'node:path';
import { resolvePath } from '../layout.ts';
import { nixValue } from './nix.ts';
import { part, type Tree } from './syntax.ts';

/** What stands for the folder of flake.nix. */
const SELF = /^(?:inputs\.)?self(?:\.outPath)?$/;

/**
 * Every file of the monorepo that an expression names, wherever in it: in a condition, behind `import`, or put together of
 * parts that are known. `from`: the file that it is in.
 */
export function nixPaths(tree: Tree, from: string): string[] {
  const path = pathOf(tree, from);
  return path === undefined ? tree.children.flatMap((child) => nixPaths(child, from)) : [path];
}

function pathOf(tree: Tree, from: string): string | undefined {
  switch (tree.type) {
    case 'path_expression':
      return resolvePath(from, tree.text);
    case 'binary_expression': {
      const [left, right] = [part(tree, 'left'), part(tree, 'right')];
      if (part(tree, 'operator')?.text !== '+' || left === undefined || right === undefined) return undefined;
      const behind = nixValue(right);
      return behind.type === 'string' && behind.whole ? joined(left, behind.value, from) : undefined;
    }
    case 'string_expression': {
      const [, first, ...others] = tree.children;
      const inner = first?.type === 'interpolation' ? part(first, 'expression') : undefined;
      if (inner === undefined || others.some(({ type }) => type === 'interpolation')) return undefined;
      return joined(inner, others.map(({ type, text }) => (type === 'string_fragment' ? text : '')).join(''), from);
    }
    default:
      return undefined;
  }
}

/** `./a + "/b.nix"`, `"${self}/b.nix"`. */
function joined(base: Tree, behind: string, from: string): string | undefined {
  const inner = base.type === 'parenthesized_expression' ? (part(base, 'expression') ?? base) : base;
  const folder = SELF.test(inner.text) ? '.' : pathOf(inner, from);
  if (folder === undefined) return undefined;
  const whole = posix.normalize(`${folder}${behind}`);
  return whole.startsWith('..') ? undefined : whole;
}

import { nixSettings, type NixSetting } from './nix.ts';
import { nixPaths } from './nix-paths.ts';
import { ofType, part, parts, type Tree } from './syntax.ts';

/** What one machine is put together of where that is written down, as in flake.nix. */
export interface NixModules {
  /** Of `nixosConfigurations.<machine>`; undefined where that is computed, as in a function of its own. */
  machine: string | undefined;
  /** Files that are named. */
  paths: string[];
  /** What modules set that are written there. */
  settings: NixSetting[];
}

/** Every list of modules of a file. Names that `let` binds are followed. */
export function nixModules(tree: Tree, from: string): NixModules[] {
  const bound = new Map<string, Tree>();
  bindLets(tree, bound);
  return expressionsOf(tree, []).map(({ machine, expression }) => {
    const all = [expression, ...namedIn(expression, bound)];
    return {
      machine,
      paths: all.flatMap((each) => nixPaths(each, from)),
      settings: all.flatMap(nixSettings),
    };
  });
}

interface Found {
  machine: string | undefined;
  expression: Tree;
}

/** What `modules` is bound to, and outermost lists: functions of a monorepo’s own take those as they like. */
function expressionsOf(tree: Tree, path: readonly string[]): Found[] {
  const machine = path[path.lastIndexOf('nixosConfigurations') + 1];
  const found = { machine: path.includes('nixosConfigurations') ? machine : undefined, expression: tree };
  if (tree.type === 'list_expression') return [found];
  if (tree.type !== 'binding') return tree.children.flatMap((child) => expressionsOf(child, path));
  const [name, expression] = [part(tree, 'attrpath'), part(tree, 'expression')];
  if (name === undefined || expression === undefined) return [];
  const words = parts(name, 'attr').map(({ text }) => text.replace(/^"(.*)"$/, '$1'));
  if (words.at(-1) === 'modules') return [{ ...found, expression }];
  return expressionsOf(expression, [...path, ...words]);
}

function bindLets(tree: Tree, into: Map<string, Tree>): void {
  if (tree.type === 'let_expression')
    for (const binding of ofType(tree, 'binding_set')?.children ?? []) {
      const [name, expression] = [part(binding, 'attrpath'), part(binding, 'expression')];
      if (name !== undefined && expression !== undefined) into.set(name.text, expression);
    }
  for (const child of tree.children) bindLets(child, into);
}

/** What the names in an expression stand for; each once, so that one which names itself ends. */
function namedIn(expression: Tree, bound: ReadonlyMap<string, Tree>): Tree[] {
  const seen = new Set<string>();
  const todo = [expression];
  const found: Tree[] = [];
  for (let tree = todo.pop(); tree !== undefined; tree = todo.pop()) {
    todo.push(...tree.children);
    const value = tree.type === 'variable_expression' ? bound.get(tree.text) : undefined;
    if (value === undefined || seen.has(tree.text)) continue;
    seen.add(tree.text);
    found.push(value);
    todo.push(value);
  }
  return found;
}

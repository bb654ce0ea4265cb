import type { Range } from '../place.ts';
import { ofType, part, parts, type Tree } from './syntax.ts';

/** What an option of NixOS, or any other attribute, is set to. */
export type NixValue = Range &
  (
    | { type: 'bool'; value: boolean }
    /** `whole`: nothing of it is computed. What is computed is left out of `value`. */
    | { type: 'string'; value: string; whole: boolean }
    | { type: 'path'; value: string }
    | { type: 'list'; items: NixValue[] }
    | { type: 'set' }
    /** Computed: its source. */
    | { type: 'other'; text: string }
  );

/** One attribute with its whole path, as `services.nginx.enable`, however it was nested. */
export interface NixSetting extends Range {
  /** Parts that are computed are `*`, items of lists their number; what `let` binds begins with `let`. */
  path: string[];
  value: NixValue;
}

/** Functions of nixpkgs’ lib that give their last argument on, whatever the others say. */
const HAND_ON = new Set(
  'mkDefault mkForce mkOverride mkBefore mkAfter mkOrder mkIf mkMerge optionalAttrs optional optionals'.split(' '),
);

/**
 * Every attribute that a Nix file sets, flat. Both ways of an `if` count, and so does what a condition holds back: what may
 * be, is looked at. Functions are not called.
 */
export function nixSettings(tree: Tree): NixSetting[] {
  const settings: NixSetting[] = [];
  collect(tree, [], settings);
  return settings;
}

function collect(tree: Tree, path: string[], into: NixSetting[]): void {
  switch (tree.type) {
    case 'attrset_expression':
    case 'rec_attrset_expression':
    case 'let_attrset_expression':
      bindingsOf(tree).forEach((binding) => {
        collectBinding(binding, path, into);
      });
      return;
    case 'let_expression':
      for (const binding of bindingsOf(tree)) collectBinding(binding, ['let'], into);
      break;
    case 'list_expression':
      parts(tree, 'element').forEach((element, index) => {
        // Modules in a list set the options of all.
        collect(element, path.length === 0 ? path : [...path, String(index)], into);
      });
      return;
    case 'apply_expression':
      for (const argument of argumentsOf(tree))
        for (const each of functionName(tree) === 'mkMerge' ? elementsOf(argument) : [argument])
          collect(each, path, into);
      return;
    case 'comment':
    case 'formals':
      return;
  }
  for (const inner of insideOf(tree)) collect(inner, path, into);
}

/** What the value of an expression comes from. */
function insideOf(tree: Tree): Tree[] {
  switch (tree.type) {
    case 'function_expression':
    case 'let_expression':
    case 'with_expression':
    case 'assert_expression':
      return parts(tree, 'body');
    case 'parenthesized_expression':
      return parts(tree, 'expression');
    case 'if_expression':
      return [...parts(tree, 'consequence'), ...parts(tree, 'alternative')];
    case 'binary_expression':
      return ['//', '++', '|>', '<|'].includes(operatorOf(tree))
        ? [...parts(tree, 'left'), ...parts(tree, 'right')]
        : [];
    // What could not be read is still looked into.
    case 'source_code':
    case 'ERROR':
      return tree.children;
    default:
      return [];
  }
}

const elementsOf = (tree: Tree): Tree[] => (tree.type === 'list_expression' ? parts(tree, 'element') : [tree]);

const operatorOf = (tree: Tree): string => part(tree, 'operator')?.text ?? '';

const bindingsOf = (tree: Tree): Tree[] => ofType(tree, 'binding_set')?.children ?? [];

function collectBinding(binding: Tree, path: string[], into: NixSetting[]): void {
  if (binding.type === 'inherit' || binding.type === 'inherit_from') {
    const names = ofType(binding, 'inherited_attrs')?.children ?? [];
    for (const { text, start, end } of names)
      into.push({ path: [...path, text], start, end, value: { type: 'other', text: binding.text, start, end } });
    return;
  }
  const [name, expression] = [part(binding, 'attrpath'), part(binding, 'expression')];
  if (name === undefined || expression === undefined) return;
  const whole = [...path, ...parts(name, 'attr').map(attributeName)];
  into.push({ path: whole, start: name.start, end: name.end, value: nixValue(expression) });
  const isImports = whole.length === 1 && whole[0] === 'imports';
  collect(expression, isImports ? [] : whole, into);
}

const attributeName = (tree: Tree): string => {
  if (tree.type === 'identifier') return tree.text;
  const value = nixValue(tree);
  return value.type === 'string' && value.whole ? value.value : '*';
};

/** What an expression is, as far as that can be said without evaluating it. */
export function nixValue(tree: Tree): NixValue {
  const { start, end, text } = tree;
  const place = { start, end };
  switch (tree.type) {
    case 'variable_expression':
      return text === 'true' || text === 'false'
        ? { type: 'bool', value: text === 'true', ...place }
        : { type: 'other', text, ...place };
    case 'string_expression':
    case 'indented_string_expression':
      return { type: 'string', ...stringOf(tree), ...place };
    case 'uri_expression':
      return { type: 'string', value: text, whole: true, ...place };
    case 'path_expression':
    case 'hpath_expression':
    case 'spath_expression':
      return { type: 'path', value: text, ...place };
    case 'list_expression':
      return { type: 'list', items: parts(tree, 'element').map(nixValue), ...place };
    case 'attrset_expression':
    case 'rec_attrset_expression':
      return { type: 'set', ...place };
    case 'parenthesized_expression':
    case 'with_expression':
    case 'let_expression':
    case 'assert_expression': {
      const [inner] = insideOf(tree);
      return inner === undefined ? { type: 'other', text, ...place } : nixValue(inner);
    }
    case 'binary_expression':
      return joined(tree);
    case 'apply_expression': {
      const last = argumentsOf(tree).at(-1);
      return last !== undefined && HAND_ON.has(functionName(tree)) ? nixValue(last) : { type: 'other', text, ...place };
    }
    default:
      return { type: 'other', text, ...place };
  }
}

/** Lists that are put together are one list. */
function joined(tree: Tree): NixValue {
  const { start, end, text } = tree;
  const sides = insideOf(tree).map(nixValue);
  const lists = sides.flatMap((side) => (side.type === 'list' ? [side] : []));
  return lists.length > 0 && operatorOf(tree) === '++'
    ? { type: 'list', items: sides.flatMap((side) => (side.type === 'list' ? side.items : [side])), start, end }
    : { type: 'other', text, start, end };
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

function stringOf({ children }: Tree): { value: string; whole: boolean } {
  const inner = children.filter(({ type }) => !['"', "''"].includes(type));
  const value = inner.map(({ type, text }) => {
    if (type === 'string_fragment') return text;
    if (type !== 'escape_sequence') return '';
    const escaped = text.replace(/^(?:''\\|\\|''(?=\$))/, '');
    return ESCAPES[escaped] ?? escaped;
  });
  return { value: value.join(''), whole: inner.every(({ type }) => type !== 'interpolation') };
}

/** `f a b` is `(f a) b`. */
function argumentsOf(tree: Tree): Tree[] {
  const [inner, argument] = [part(tree, 'function'), part(tree, 'argument')];
  return [
    ...(inner?.type === 'apply_expression' ? argumentsOf(inner) : []),
    ...(argument === undefined ? [] : [argument]),
  ];
}

/** `mkIf` of `lib.mkIf cond`. */
function functionName(tree: Tree): string {
  const inner = part(tree, 'function');
  if (inner?.type === 'apply_expression') return functionName(inner);
  return inner?.text.split('.').at(-1) ?? '';
}

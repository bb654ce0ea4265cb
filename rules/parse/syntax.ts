import { Language, Parser, type Node } from 'web-tree-sitter';
import { tooDeep, wrongSyntax, type Range, type Unreadable } from '../place.ts';
import { readWasm } from './wasm.ts';

/** A node of a syntax tree, as plain data: reading a node of WebAssembly again and again takes time. */
export interface Tree extends Range {
  type: string;
  /** Which part of its parent it is: `attrpath`, `expression`. */
  field?: string;
  text: string;
  children: Tree[];
}

export interface Parsed {
  tree: Tree;
  comments: Comment[];
  /** Where the parser stumbled. */
  errors: Unreadable[];
}

export interface Comment extends Range {
  text: string;
}

export type Parse = (text: string) => Parsed;

let loading: Promise<Record<'nix' | 'hcl', Parse>> | undefined;

/** Levels of a syntax tree; a bracket is up to four. */
const DEEPEST = 600;

/** The grammars are read once: that takes longer than most files. */
export const loadParsers = (): Promise<Record<'nix' | 'hcl', Parse>> => (loading ??= load());

async function load(): Promise<Record<'nix' | 'hcl', Parse>> {
  const [runtime, nix, hcl] = await Promise.all([readWasm('runtime'), readWasm('nix'), readWasm('hcl')]);
  await Parser.init({ wasmBinary: runtime });
  return { nix: parserOf(await Language.load(nix)), hcl: parserOf(await Language.load(hcl)) };
}

function parserOf(language: Language): Parse {
  const parser = new Parser().setLanguage(language);
  return (text) => {
    const parsed = parser.parse(text);
    if (parsed === null) throw new Error('Expected a syntax tree: no parser was cancelled.');
    const found: Omit<Parsed, 'tree'> = { comments: [], errors: [] };
    const tree = plain(parsed.rootNode, text, undefined, found, 0);
    parsed.delete();
    return { tree, ...found };
  };
}

function plain(node: Node, text: string, field: string | undefined, found: Omit<Parsed, 'tree'>, depth: number): Tree {
  const { type, startIndex: start, endIndex: end } = node;
  if ((node.isError || node.isMissing) && !isLastComma(node, text)) found.errors.push(wrongSyntax(start, end));
  if (type === 'comment') found.comments.push({ start, end, text: text.slice(start, end) });
  if (depth > DEEPEST) found.errors.push(tooDeep(start, end));
  const children =
    depth > DEEPEST
      ? []
      : node.children.map((child, index) =>
          plain(child, text, node.fieldNameForChild(index) ?? undefined, found, depth + 1),
        );
  return { type, start, end, text: text.slice(start, end), children, ...(field === undefined ? {} : { field }) };
}

/** `{ a, b, }: …` is Nix, which the grammar does not know; it reads on as if the comma were not there. */
const isLastComma = ({ parent, startIndex, endIndex }: Node, text: string): boolean =>
  [parent?.type, parent?.parent?.type].includes('formals') &&
  /^,?$/.test(text.slice(startIndex, endIndex)) &&
  /^[\s,]*\}/.test(text.slice(startIndex));

/** The child that is that part. */
export const part = ({ children }: Tree, field: string): Tree | undefined =>
  children.find((child) => child.field === field);

export const parts = ({ children }: Tree, field: string): Tree[] => children.filter((child) => child.field === field);

export const ofType = ({ children }: Tree, type: string): Tree | undefined =>
  children.find((child) => child.type === type);

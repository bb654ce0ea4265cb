import { isAlias, isMap, isScalar, isSeq, parseDocument, visit, type Document, type Node, type YAMLSeq } from 'yaml';

/** One creation rule: which files it is for, and who can decrypt them. */
export interface SopsRule {
  /** Of the rule in the file, from 1. */
  line: number;
  /** Absent: it takes every file. */
  pathRegex?: string;
  /** Recipients of age: public keys. */
  recipients: string[];
  /** Of other kinds: `pgp 85D7…`. */
  others: string[];
}

export interface SopsConfig {
  rules: SopsRule[];
  /** What a person calls each recipient: its anchor, or a comment beside or above it. */
  names: Record<string, string>;
}

const AGE_KEY = /age1[02-9ac-hj-np-z]{58}/;
const OTHER_KINDS = ['pgp', 'kms', 'gcp_kms', 'azure_keyvault', 'hc_vault_transit_uri'];

/** Reads the rules by which SOPS chooses recipients. `wrong`: it is no such file; the message says where. */
export function readSopsConfig(
  text: string,
): { type: 'config'; config: SopsConfig } | { type: 'wrong'; message: string } {
  const document = parseDocument(text, { logLevel: 'silent' });
  const [error] = document.errors;
  if (error !== undefined) return { type: 'wrong', message: `line ${error.linePos?.[0].line ?? 1}: ${error.code}` };
  const found = document.get('creation_rules');
  if (!isSeq(found)) return { type: 'wrong', message: 'Expected creation_rules, a list, got none.' };
  const rules: SopsRule[] = [];
  for (const item of found.items) {
    if (!isMap(item)) return { type: 'wrong', message: 'Expected each of creation_rules to be a map.' };
    const line = lineAt(text, item.range?.[0] ?? 0);
    const { path_regex: pathRegex, ...rest } = item.toJS(document) as Record<string, unknown>;
    if (pathRegex !== undefined && !isPattern(pathRegex))
      return { type: 'wrong', message: `line ${line}: Expected path_regex, a regular expression.` };
    const groups = Array.isArray(rest['key_groups']) ? (rest['key_groups'] as Record<string, unknown>[]) : [];
    rules.push({
      line,
      ...(typeof pathRegex === 'string' ? { pathRegex } : {}),
      recipients: [rest, ...groups].flatMap((group) => words(group['age'])),
      others: [rest, ...groups].flatMap((group) =>
        OTHER_KINDS.flatMap((kind) => words(group[kind]).map((name) => `${kind} ${name}`)),
      ),
    });
  }
  return { type: 'config', config: { rules, names: { ...namesBeside(text), ...anchorsOf(document) } } };
}

/** The rule that SOPS takes for a file: the first that matches. `path`: from the folder of the rules' own file. */
export function ruleFor({ rules }: SopsConfig, path: string): SopsRule | undefined {
  return rules.find(({ pathRegex }) => pathRegex === undefined || patternOf(pathRegex).test(path));
}

/** `next` stands wherever `old` stood; comments, order and form stay. */
export function replaceRecipient(text: string, old: string, next: string): string {
  return text.replaceAll(recipientPattern(old), next);
}

/** Wherever a rule has `old`, `next` comes after it; nothing else changes. Expects a file that {@link readSopsConfig} takes. */
export function addRecipientBeside(text: string, old: string, next: string): string {
  const document = parseDocument(text, { logLevel: 'silent' });
  const edits: { at: number; insert: string }[] = [];
  const rules = document.get('creation_rules');
  if (!isSeq(rules)) return text;
  visit(rules, {
    Node: (key, node, path) => {
      if (!isScalar(node) && !isAlias(node)) return;
      const value: unknown = node.toJS(document);
      if (typeof value !== 'string' || !words(value).includes(old)) return;
      const parent = path.at(-1);
      const edit = isSeq(parent) ? besideItem(text, node, parent, next) : afterWord(text, node, old, next);
      if (edit !== undefined) edits.push(edit);
    },
  });
  return edits
    .sort((a, b) => b.at - a.at)
    .reduce((before, { at, insert }) => before.slice(0, at) + insert + before.slice(at), text);
}

function besideItem(text: string, node: Node, list: YAMLSeq, next: string): { at: number; insert: string } | undefined {
  const [start, end] = node.range ?? [0, 0];
  if (list.flow === true) return { at: end, insert: `, ${next}` };
  const lineStart = text.lastIndexOf('\n', start) + 1;
  const lineEnd = text.indexOf('\n', end);
  const dash = text.lastIndexOf('-', start);
  // The first item may stand behind the dash of a list around it.
  const indent = ' '.repeat(dash - lineStart);
  return lineEnd === -1
    ? { at: text.length, insert: `\n${indent}- ${next}` }
    : { at: lineEnd, insert: `\n${indent}- ${next}` };
}

/** In a text of several, with commas between them. */
function afterWord(text: string, node: Node, old: string, next: string): { at: number; insert: string } | undefined {
  const [start, end] = node.range ?? [0, 0];
  const found = recipientPattern(old).exec(text.slice(start, end));
  return found === null ? undefined : { at: start + found.index + old.length, insert: `,${next}` };
}

const recipientPattern = (recipient: string): RegExp =>
  new RegExp(`(?<![0-9A-Za-z])${recipient.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')}(?![0-9A-Za-z])`, 'g');

function words(value: unknown): string[] {
  const all = Array.isArray(value) ? value : [value];
  return all.flatMap((each) => {
    if (typeof each === 'string')
      return each
        .split(',')
        .map((word) => word.trim())
        .filter((word) => word !== '');
    const arn: unknown =
      typeof each === 'object' && each !== null ? (each as Record<string, unknown>)['arn'] : undefined;
    return typeof arn === 'string' ? [arn] : [];
  });
}

/** Go's flags at the beginning are JavaScript's beside. */
function patternOf(source: string): RegExp {
  const [, flags = '', rest = source] = /^\(\?([ims]+)\)([^]*)$/.exec(source) ?? [];
  return new RegExp(rest, flags);
}

function isPattern(value: unknown): boolean {
  try {
    return typeof value === 'string' && patternOf(value) instanceof RegExp;
  } catch {
    return false;
  }
}

function anchorsOf(document: Document): Record<string, string> {
  const names: Record<string, string> = {};
  visit(document, {
    Scalar: (key, { anchor, value }) => {
      if (anchor !== undefined && typeof value === 'string') names[value] = anchor;
    },
  });
  return names;
}

/** `- age1… # edge-vm`, or a comment on the line above. */
function namesBeside(text: string): Record<string, string> {
  const names: Record<string, string> = {};
  const lines = text.split('\n');
  lines.forEach((line, at) => {
    const key = AGE_KEY.exec(line.replace(/(?:^|\s)#.*$/, ''))?.[0];
    if (key === undefined) return;
    const name = /\s#\s*(.+?)\s*$/.exec(line)?.[1] ?? /^\s*#\s*(.+?)\s*$/.exec(lines[at - 1] ?? '')?.[1];
    if (name !== undefined) names[key] ??= name;
  });
  return names;
}

const lineAt = (text: string, offset: number): number => text.slice(0, offset).split('\n').length;

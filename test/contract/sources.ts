import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Where programs are called and their answers read. */
const FILES = [
  ...readdirSync(`${ROOT}tools`).map((name) => `tools/${name}`),
  'hosts/ssh-failure.ts',
  'activities/doctor.ts',
].filter((path) => path.endsWith('.ts'));

/** Words that stand together in one list of a source, in their order; those that begin with a fixed text as that text. */
export interface WordsOfCommand {
  file: string;
  line: number;
  words: string[];
}

/** Every list of fixed words that becomes part of a command line. Values of a type and the like are left out. */
export function commandWords(): WordsOfCommand[] {
  return visitAll((node, file) => {
    if (!ts.isArrayLiteralExpression(node) || isSpreadInList(node) || isNoCommand(node)) return undefined;
    const words = wordsOf(node);
    return words.length === 0 ? undefined : { ...placeOf(node, file), words };
  });
}

export interface Text {
  file: string;
  line: number;
  /** A regular expression or, where a whole text is compared, that text. */
  source: string;
  flags: string;
  isPattern: boolean;
}

/** Every regular expression, and every text of several words that something is compared with. */
export function textsOfAnswers(): Text[] {
  return visitAll((node, file) => {
    if (ts.isRegularExpressionLiteral(node)) {
      const end = node.text.lastIndexOf('/');
      const [source, flags] = [node.text.slice(1, end), node.text.slice(end + 1)];
      return { ...placeOf(node, file), source, flags, isPattern: true };
    }
    if (!ts.isStringLiteral(node) || !node.text.includes(' ') || !isCompared(node)) return undefined;
    return { ...placeOf(node, file), source: node.text, flags: '', isPattern: false };
  });
}

export interface ExitCode {
  file: string;
  line: number;
  code: number;
}

/** Every exit code but 0 that something is compared with. */
export function exitCodes(): ExitCode[] {
  return visitAll((node, file) => {
    if (!ts.isNumericLiteral(node) || !isCompared(node) || Number(node.text) === 0) return undefined;
    const { left } = node.parent as ts.BinaryExpression;
    return /exitCode$/.test(left.getText()) ? { ...placeOf(node, file), code: Number(node.text) } : undefined;
  });
}

function visitAll<T>(look: (node: ts.Node, file: string) => T | undefined): T[] {
  const found: T[] = [];
  for (const file of FILES) {
    const visit = (node: ts.Node): void => {
      const seen = look(node, file);
      if (seen !== undefined) found.push(seen);
      ts.forEachChild(node, visit);
    };
    visit(ts.createSourceFile(file, readFileSync(ROOT + file, 'utf8'), ts.ScriptTarget.ES2022, true));
  }
  return found;
}

function placeOf(node: ts.Node, file: string): { file: string; line: number } {
  return { file, line: node.getSourceFile().getLineAndCharacterOfPosition(node.getStart()).line + 1 };
}

/** With those of lists that are spread in it. */
function wordsOf(list: ts.ArrayLiteralExpression): string[] {
  return list.elements.flatMap((element) => {
    if (ts.isStringLiteral(element) || ts.isNoSubstitutionTemplateLiteral(element)) return [element.text];
    if (ts.isTemplateExpression(element)) return element.head.text === '' ? [] : [element.head.text];
    if (ts.isSpreadElement(element) && ts.isArrayLiteralExpression(element.expression))
      return wordsOf(element.expression);
    return [];
  });
}

function isSpreadInList(node: ts.Node): boolean {
  return ts.isSpreadElement(node.parent) && ts.isArrayLiteralExpression(node.parent.parent);
}

/** Values of a type, what something is looked up in, pairs of a table, schemas. */
function isNoCommand({ parent }: ts.ArrayLiteralExpression): boolean {
  if (ts.isAsExpression(parent) || ts.isSatisfiesExpression(parent) || ts.isPropertyAccessExpression(parent))
    return true;
  if (ts.isArrayLiteralExpression(parent)) return true;
  // States on the way to another.
  if (ts.isPropertyAssignment(parent) && parent.name.getText() === 'underway') return true;
  return isCallOf(parent, 'z.enum');
}

function isCallOf(node: ts.Node, ...names: string[]): boolean {
  return ts.isCallExpression(node) && names.includes(node.expression.getText());
}

function isCompared(node: ts.Node): boolean {
  const { parent } = node;
  // A `type` is a word of ours.
  return (
    ts.isBinaryExpression(parent) &&
    parent.right === node &&
    !/\.type$/.test(parent.left.getText()) &&
    [ts.SyntaxKind.EqualsEqualsEqualsToken, ts.SyntaxKind.ExclamationEqualsEqualsToken].includes(
      parent.operatorToken.kind,
    )
  );
}

import type { CST, Document, LineCounter } from 'yaml';
import { isCollection, isScalar, Lexer, Parser, visit } from 'yaml';

import type { TextMistake } from './mistake.ts';

/** A fleet of a hundred guests takes 60 KB. */
const MOST_CHARACTERS = 128 * 1024;
/** A fleet file nests nine levels; each is at most four tokens of the parser's stack. */
const DEEPEST = 100;

export const error = (start: number, end: number, message: string, help?: string): TextMistake => ({
  start,
  end,
  severity: 'error',
  message,
  ...(help === undefined ? {} : { help }),
});

/**
 * The tokens of a text, or why its data must not be built: it would take too long, or end the whole process by running
 * out of stack.
 */
export const readTokens = (text: string, lines: LineCounter): CST.Token[] | TextMistake => {
  if (text.length > MOST_CHARACTERS) {
    return error(
      0,
      1,
      `Expected a file of at most ${MOST_CHARACTERS / 1024} KB, got ${Math.ceil(text.length / 1024)} KB`,
    );
  }
  const parser = new Parser(lines.addNewLine);
  const tokens: CST.Token[] = [];
  lines.addNewLine(0);
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) {
      tokens.push(token);
      if (parser.stack.length > DEEPEST) break;
    }
    if (parser.stack.length > DEEPEST) {
      const at = Math.min(parser.offset, text.length);
      return error(at - lexeme.length, at, 'Expected a fleet file, got something nested far deeper than one');
    }
  }
  return [...tokens, ...parser.end()];
};

/**
 * Control characters but for tabs and ends of lines, and what stands for bytes that are no UTF-8. A terminal's sequence is
 * one, as its bracket would be read as that of a list.
 */
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const NO_TEXT = /\u001b\[[0-9;?]*[A-Za-z]?|[^\P{Cc}\t\n\r]|\uFFFD/gu;

/** The text without characters that no fleet file has, as long as before, and where they were. */
export const withoutControls = (text: string): { readable: string; mistakes: TextMistake[] } => ({
  readable: text.replace(NO_TEXT, (found) => '_'.repeat(found.length)),
  mistakes: Array.from(text.matchAll(NO_TEXT), ({ 0: character, index }) =>
    error(
      index,
      index + 1,
      character === '\uFFFD'
        ? 'Expected UTF-8, got something in another encoding'
        : `Expected text, got the control character U+${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
    ),
  ),
});

const PLAIN_WORDS: Partial<Record<string, [message: string, help?: string]>> = {
  TAB_AS_INDENT: ['Expected spaces as indentation, got a tab'],
  BLOCK_AS_IMPLICIT_KEY: [
    'Expected one key on this line, got a second colon',
    'Text with ": " in it has to be quoted. A mapping begins on a line of its own.',
  ],
  MULTIPLE_DOCS: ['Expected one document, got a second one after ---'],
  TAG_RESOLVE_FAILED: ['Expected no tag, got an unknown one', 'Text that begins with "!" has to be quoted.'],
};

/** What the library says of the syntax, where a person would look for it. */
export const syntaxMistakes = (document: Document.Parsed, text: string): TextMistake[] => {
  const openings = findOpenings(document, text);
  return [...document.errors, ...document.warnings].map(({ code, message, pos: [start, end] }) => {
    const opening = openings.get(start);
    if (opening) return opening;
    const [plain, help] = PLAIN_WORDS[code] ?? [`Expected valid YAML, got a mistake in its syntax: ${message}`];
    return error(start, end, plain, help);
  });
};

const CLOSING: Partial<Record<string, string>> = { '"': '"', "'": "'", '{': '}', '[': ']' };

/** By where it breaks off: each quote or bracket that is never closed, which may be many lines before. */
const findOpenings = (document: Document.Parsed, text: string): Map<number, TextMistake> => {
  const openings = new Map<number, TextMistake>();
  if (document.errors.length === 0) return openings;
  visit(document, {
    Node: (_key, node) => {
      if (!node.range || !(isScalar(node) || isCollection(node))) return;
      const [start, end] = node.range;
      const closing = CLOSING[text[start] ?? ''];
      const written = text.slice(start + 1, end).trimEnd();
      // The outermost comes first, and what it holds ends where it does: the innermost is what was forgotten.
      if (closing !== undefined && !written.endsWith(closing))
        openings.set(end, error(start, start + 1, `Expected a closing ${closing}, got none`));
    },
  });
  return openings;
};

/** One slip makes the parser stumble several times; what it says first about a line is what helps. */
export const firstOfEachLine = (mistakes: TextMistake[], lines: LineCounter): TextMistake[] => {
  const seen = new Set<number>();
  return mistakes.filter(({ start }) => {
    const { line } = lines.linePos(start);
    return seen.has(line) ? false : seen.add(line);
  });
};

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Page {
  /** From the root: `docs/cli.md`. */
  path: string;
  text: string;
  /** Lines of fenced blocks. */
  blocks: string[];
  /** Texts between backquotes, outside of blocks. */
  code: string[];
}

/** Every page that a person reads. */
export function readPages(): Page[] {
  const docs = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
  return ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...docs.map((name) => `docs/${name}`)].map((path) =>
    parsePage(path, readFileSync(join(ROOT, path), 'utf8')),
  );
}

export function parsePage(path: string, text: string): Page {
  const fence = /^```[^\n]*\n([\s\S]*?)^```/gm;
  const blocks = [...text.matchAll(fence)].flatMap(([, body = '']) => body.split('\n'));
  const prose = text.replace(fence, '');
  return { path, text: prose, blocks, code: [...prose.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code) };
}

/** The anchors that GitHub gives a page's headings. */
export function anchorsOf({ text }: Page): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** Targets of links and pictures that are not elsewhere on the net. */
export function localLinks({ text }: Page): string[] {
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target));
}

/** What a person would type, as words, without `runbook`; lines that leave something out are not among them. */
export function runbookCommands({ blocks, code }: Page): string[][] {
  const lines = [...blocks.map((line) => line.trim().replace(/^\$ /, '')), ...code];
  return lines.filter((line) => /^runbook( |$)/.test(line) && !/[…<]/.test(line)).map((line) => wordsOf(line).slice(1));
}

/** `npm run demo -- --once` gives `demo`. */
export function npmScripts({ blocks, code }: Page): string[] {
  return [...blocks, ...code].flatMap((line) => {
    const [, run, test] = /^(?:\$ )?npm (?:run ([\w:-]+)|(test))/.exec(line.trim()) ?? [];
    return run ?? test ?? [];
  });
}

function wordsOf(line: string): string[] {
  // What a command is for stands three blanks behind it.
  const typed = line.split(/ {3,}/)[0] ?? '';
  const words = [...typed.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([all, double, single]) => double ?? single ?? all,
  );
  const end = words.findIndex((word) => /^(#|>|\||&&)/.test(word));
  return words.slice(0, end === -1 ? undefined : end);
}

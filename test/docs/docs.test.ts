import { describe, expect, it } from '@jest/globals';
import type { Command } from '@commander-js/extra-typings';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildProgram } from '../../cli/program.ts';
import { FAILURES } from '../../plan/failures.ts';
import { testIo } from '../cli/io.ts';
import { anchorsOf, localLinks, npmScripts, parsePage, readPages, ROOT, runbookCommands } from './pages.ts';

const pages = readPages();
const page = (path: string) => {
  const found = pages.find((each) => each.path === path);
  if (found === undefined) throw new Error(`Expected a page ${path}.`);
  return found;
};

/** The real command tree, whose actions do nothing. */
function inertProgram(): Command {
  const program = buildProgram({ io: testIo({}), ending: 'done' });
  const still = (command: Command): void => {
    if (command.commands.length === 0) command.action(() => undefined);
    for (const each of command.commands) still(each as Command);
  };
  still(program);
  return program;
}

/** Only names of commands: it is spoken of, not typed. */
function isMention(words: readonly string[]): boolean {
  let command: Command | undefined = inertProgram();
  for (const word of words) {
    command = command.commands.find((each) => each.name() === word) as Command | undefined;
    if (command === undefined) return false;
  }
  return true;
}

async function mistakeIn(words: readonly string[]): Promise<string | undefined> {
  if (isMention(words)) return undefined;
  try {
    await inertProgram().parseAsync(words, { from: 'user' });
    return undefined;
  } catch (error) {
    // Help and version end by an error as well.
    if ((error as { exitCode?: number }).exitCode === 0) return undefined;
    return `runbook ${words.join(' ')}: ${(error as Error).message}`;
  }
}

describe('the docs', () => {
  it.each(pages.map(({ path }) => path))('%s links to what exists', (path) => {
    const broken = localLinks(page(path)).filter((target) => {
      const [file = '', anchor] = target.split('#');
      const at = file === '' ? path : join(dirname(path), file);
      if (!existsSync(join(ROOT, at))) return true;
      return anchor !== undefined && !anchorsOf(page(at)).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  it('show commands that the program takes', async () => {
    const typed = pages.flatMap(runbookCommands);
    const mistakes = await Promise.all(typed.map(mistakeIn));
    expect(mistakes.filter((mistake) => mistake !== undefined)).toEqual([]);
    expect(typed.length).toBeGreaterThan(60);
  });

  it('find a command that the program would not take', async () => {
    const wrong = parsePage(
      'x.md',
      '```\n$ runbook start safe-upgrade --nod nuc-1   # typo\n```\nor `runbook aprove x`',
    );
    const mistakes = await Promise.all(runbookCommands(wrong).map(mistakeIn));
    expect(mistakes).toEqual([
      expect.stringContaining("unknown option '--nod'"),
      expect.stringContaining("unknown command 'aprove'"),
    ]);
  });

  it('name npm scripts that there are', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object };
    const named = [...new Set(pages.flatMap(npmScripts))];
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
    expect(named).toEqual(expect.arrayContaining(['demo', 'test', 'test:lab', 'setup']));
  });

  it('name files of the project that there are', () => {
    const folders =
      '\\.ci|activities|bench|cli|compose|demo|docs|fleet|hosts|lab|plan|scripts|simulator|test|tools|workers|workflows';
    const path = new RegExp(`^(?:${folders})/[\\w./-]+$`);
    const named = pages.flatMap(({ code }) => code.filter((text) => path.test(text)));
    expect(named.filter((text) => !existsSync(join(ROOT, text)))).toEqual([]);
    expect(named).toContain('hosts/quote.ts');
  });

  it('list every kind of failure with its remedy', () => {
    const { text } = page('docs/operations.md');
    const rows = text.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
    for (const [kind, { retryable, whatToDo }] of Object.entries(FAILURES))
      expect(rows).toContainEqual(['', `\`${kind}\``, retryable ? 'yes' : 'no', whatToDo, '']);
  });

  it('list every gate', () => {
    const source = readFileSync(join(ROOT, 'plan/gates.ts'), 'utf8');
    const names = [...(/name:((?:\s*\| '[a-z ]+')+);/.exec(source)?.[1] ?? '').matchAll(/'([a-z ]+)'/g)];
    const gates = names.map(([, name = '']) => name);
    expect(gates).toContain('orchestrator');
    const listed = page('docs/safe-upgrade.md').text;
    expect(gates.filter((gate) => !listed.includes(`| \`${gate}\` `))).toEqual([]);
  });

  it('say of each room what it may import', async () => {
    const { default: config } = (await import(join(ROOT, '.dependency-cruiser.mjs'))) as {
      default: { forbidden: { name: string; to: { path?: string } }[] };
    };
    const rows = page('docs/architecture.md')
      .text.split('\n')
      .map((line) => line.split('|').map((cell) => cell.trim()));
    const listed = new Map(
      rows.flatMap(([, room = '', , may = '']) => (/^`\w+\/`$/.test(room) ? [[room.slice(1, -2), may]] : [])),
    );
    listed.delete('test');
    for (const [room, may] of listed) {
      const rule = config.forbidden.find(({ name }) => name === `${room}-imports-only-its-neighbours`);
      const allowed = [...listed.keys()].filter((other) => other !== room && !rule?.to.path?.includes(other));
      const said = [...listed.keys()].filter((other) => new RegExp(`\\b${other.replace(/s$/, 's?')}\\b`).test(may));
      expect([room, ...said]).toEqual([room, ...allowed]);
    }
    expect(listed.size).toBeGreaterThan(8);
  });

  it('have pictures that load fast', () => {
    const pictures = pages.flatMap(({ path, text }) =>
      [...text.matchAll(/!\[[^\]]+\]\(([^)]+)\)/g)].map(([, file = '']) => join(ROOT, dirname(path), file)),
    );
    expect(pictures.length).toBeGreaterThan(0);
    for (const picture of pictures) expect(readFileSync(picture).length).toBeLessThan(300_000);
  });
});

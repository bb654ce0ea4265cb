import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { cacheFolder, ROOT } from '../../lab/paths.ts';
import { findFreePort, isFree } from '../../workers/ports.ts';
import { openTerminal } from './terminal.ts';
import { blocksOf, isShown, withOutputs, type TypedBlock } from './tutorial-page.ts';

/** `RUNBOOK_TUTORIAL=write` puts what came in place of what the page shows, where they differ. Shorten it by hand. */
const WRITES = process.env['RUNBOOK_TUTORIAL'] === 'write';
const PAGE = join(ROOT, 'docs', 'tutorial.md');
const page = readFileSync(PAGE, 'utf8');
const blocks = blocksOf(page);
const sections = [...new Set(blocks.map(({ section }) => section))];

describe('docs/tutorial.md, typed', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'runbook-tutorial-'));
  const env = aNewcomer(scratch);
  const here = openTerminal(scratch, ROOT, env);
  const other = openTerminal(scratch, ROOT, env);
  const outputs = new Map<TypedBlock, string>();
  /** The page says 1; another lab may have that. */
  let lab = '1';

  afterAll(async () => {
    await other.close();
    await here.close();
    // Also where the page's own `lab down` was not reached.
    execFileSync(process.execPath, [join(ROOT, 'dist', 'lab', 'main.js'), 'down'], { env });
    rmSync(scratch, { recursive: true, force: true });
  }, 60_000);

  const asHere = (text: string): string =>
    text.replaceAll('/runbook-lab/1/', `/runbook-lab/${lab}/`).replaceAll('10.89.1.', `10.89.${lab}.`);
  const asOnThePage = (text: string): string => {
    lab = /^repository: \/var\/lib\/runbook-lab\/(\d+)\//m.exec(text)?.[1] ?? lab;
    return text.replaceAll(`/runbook-lab/${lab}/`, '/runbook-lab/1/').replaceAll(`10.89.${lab}.`, '10.89.1.');
  };

  const check = async (block: TypedBlock): Promise<void> => {
    const commands = asHere(await onFreePort(block.commands));
    const shown = block.shown?.text ?? '';
    const { output, failed } = block.elsewhere
      ? { output: await other.leave(commands, (so) => isShown(shown, asOnThePage(so))), failed: 0 }
      : await here.type(commands);
    const came = asOnThePage(output);
    if (failed !== 0) throw new Error(`A command ended with ${failed}:\n${commands}\n${came}`);
    if (isShown(shown, came)) return;
    if (!WRITES) expect(came).toBe(shown);
    outputs.set(block, came);
    writeFileSync(PAGE, withOutputs(page, outputs));
  };

  let broken: string | undefined;
  it.each(sections)(
    '%s',
    async (section) => {
      if (broken !== undefined)
        throw new Error(`Nothing was typed: "${broken}" has failed, and this goes on from there.`);
      broken = section;
      for (const block of blocks.filter((each) => each.section === section)) await check(block);
      broken = undefined;
    },
    20 * 60_000,
  );
});

/** Somebody who has nothing yet but `runbook` in the PATH; the lab ends with this process, beside other labs. */
function aNewcomer(scratch: string): NodeJS.ProcessEnv {
  const bin = join(scratch, 'bin');
  mkdirSync(bin);
  symlinkSync(join(ROOT, 'dist', 'cli', 'main.js'), join(bin, 'runbook'));
  const kept = Object.entries(process.env).filter(([name]) => !/^(TEMPORAL|RUNBOOK|XDG|GIT|npm)_/i.test(name));
  const who = { NAME: 'you', EMAIL: 'you@example.org' };
  return {
    ...Object.fromEntries(kept),
    ...Object.fromEntries(
      ['AUTHOR', 'COMMITTER'].flatMap((role) => Object.entries(who).map(([name, it]) => [`GIT_${role}_${name}`, it])),
    ),
    ...{ HOME: scratch, RUNBOOK_STATE: join(scratch, 'state'), RUNBOOK_CACHE: dirname(cacheFolder()), COLUMNS: '100' },
    ...{ RUNBOOK_LAB_OWNER: String(process.pid), PATH: [bin, process.env['PATH'] ?? ''].join(delimiter) },
  };
}

/** Where somebody has the ports of `runbook dev` already, it gets others. */
async function onFreePort(commands: string): Promise<string> {
  if (!/^runbook dev$/m.test(commands) || ((await isFree(7233)) && (await isFree(8233)))) return commands;
  return commands.replace(/^runbook dev$/m, `runbook dev --port ${await findFreePort()}`);
}

import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { CommandContext } from '../context.ts';
import { CliError, errorCode } from '../errors.ts';
import type { Ending } from '../exit-codes.ts';
import { print } from '../io.ts';
import { renderHtml } from '../report/html.ts';
import { renderMarkdown } from '../report/markdown.ts';
import { parseRun, type RunOptions } from '../run-argument.ts';
import { withTemporal } from '../temporal/session.ts';
import { readRecord } from './show.ts';

/** Writes what happened in a run as one HTML page, or prints it as Markdown. `-` prints the page. */
export function report(
  context: CommandContext,
  typed: string,
  options: RunOptions & { html?: string; markdown?: true },
): Promise<Ending> {
  const ref = parseRun(typed, options);
  const { io } = context;
  return withTemporal(context, async (connected) => {
    const record = await readRecord(connected, ref);
    const now = new Date(io.now()).toISOString();
    if (options.html === undefined || options.html === '-') {
      io.stdout.write(options.html === undefined ? renderMarkdown(record, now) : renderHtml(record, now));
      return 'done';
    }
    const path = resolve(io.cwd, options.html);
    await writeReport(path, renderHtml(record, now));
    print(io, [path]);
    return 'done';
  });
}

async function writeReport(path: string, page: string): Promise<void> {
  try {
    await writeFile(path, page, { mode: 0o600 });
  } catch (cause) {
    if (errorCode(cause) === undefined) throw cause;
    throw new CliError('wrong usage', `The report cannot be written to ${path}.`, { cause });
  }
}

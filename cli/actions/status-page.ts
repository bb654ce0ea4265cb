import { rename, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { CommandContext } from '../context.ts';
import { CliError, errorCode } from '../errors.ts';
import { COPY_RUNBOOKS } from '../fleet-copies.ts';
import type { FleetStatus } from '../fleet-status.ts';
import { print } from '../io.ts';
import { sinceOf, type FleetHistory } from '../page/history.ts';
import { renderPage } from '../page/page.ts';
import type { Connected } from '../temporal/connect.ts';
import { listClosedSince } from '../temporal/list-runs.ts';
import { toldOf } from './fleet-now.ts';

/** A backup each night and a drill each week are some 100 in 90 days. */
const MOST_READ = 250;

/** Writes the page, or prints it where `file` is `-`. Throws CliError `wrong usage` where it cannot be written. */
export async function writePage(
  { io }: CommandContext,
  connected: Connected,
  status: FleetStatus,
  file: string,
): Promise<void> {
  const page = renderPage(status, await readHistory(connected, io.now()));
  if (file === '-') {
    io.stdout.write(page);
    return;
  }
  const path = resolve(io.cwd, file);
  await replace(path, page);
  print(io, [path]);
}

async function readHistory(connected: Connected, now: number): Promise<FleetHistory> {
  const { runs, isCutOff } = await listClosedSince(connected, sinceOf(now));
  const telling = runs.filter(({ runbook }) => COPY_RUNBOOKS.includes(runbook));
  const told = await toldOf(connected, telling.slice(0, MOST_READ));
  return { now, runs, told, isCutOff, unread: Math.max(0, telling.length - MOST_READ) };
}

/** A web server never sees half of it: it is written beside, and takes the place of the old one at once. */
async function replace(path: string, page: string): Promise<void> {
  const aside = `${path}.${process.pid}.part`;
  try {
    await writeFile(aside, page);
    await rename(aside, path);
  } catch (cause) {
    await rm(aside, { force: true }).catch(() => undefined);
    if (errorCode(cause) === undefined) throw cause;
    throw new CliError('wrong usage', `The page cannot be written to ${path}.`, { cause });
  }
}

import { z } from 'zod';
import type { Host } from '../hosts/host.ts';
import { unexpected, type Ran, type Unexpected } from './result.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

/** Where it is written down what was done to a repository, on the machine where restic runs: the repository itself does not tell. */
const FOLDER = '/var/lib/runbook/restic';
const TIMEOUT_MS = 30_000;

const ledgerSchema = z.object({
  backups: z
    .record(
      z.string(),
      z.object({
        at: z.iso.datetime(),
        snapshot: z.string(),
        run: z.string(),
        files: z.number(),
        bytes: z.number(),
        added: z.number(),
      }),
    )
    .default({}),
  forgets: z.record(z.string(), z.iso.datetime()).default({}),
  prune: z.iso.datetime().optional(),
  check: z
    .object({ at: z.iso.datetime(), subset: z.number(), of: z.number(), damage: z.string().optional() })
    .optional(),
});
export type StoredResticLedger = z.output<typeof ledgerSchema>;

/** Always prints something: `incus exec` can lose what a command printed, and no ledger is another thing than a lost one. */
const READ = `if [ -e "$1" ]; then cat -- "$1" && echo && echo end; else echo none; fi`;

/** None is as good as an empty one. A ledger that cannot be read is not written over. */
export async function readResticLedger(
  host: Host,
  repository: string,
  options: ToolOptions = {},
): Promise<{ type: 'ledger'; ledger: StoredResticLedger } | Unexpected> {
  const argv = ['sh', '-c', READ, 'sh', pathOf(repository)];
  const ran: Ran = { argv, result: await host.run(argv, { timeoutMs: TIMEOUT_MS, ...withSignal(options) }) };
  const lines = ran.result.stdout.trimEnd().split('\n');
  const last = lines.pop();
  if (ran.result.exitCode === 0 && last === 'none') return { type: 'ledger', ledger: ledgerSchema.parse({}) };
  if (ran.result.exitCode !== 0 || last !== 'end') return unexpected('sh', ran);
  const read = ledgerSchema.safeParse(parsed(lines.join('\n')));
  return read.success ? { type: 'ledger', ledger: read.data } : unexpected('sh', ran, 'Expected a ledger of restic.');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whole or not at all. For who holds the mutex of the repository: the ledger was read before. */
export async function writeResticLedger(
  host: Host,
  repository: string,
  ledger: StoredResticLedger,
  options: ToolOptions = {},
): Promise<{ type: 'written' } | Unexpected> {
  const argv = ['mkdir', '-p', '-m', '700', FOLDER];
  const result = await host.run(argv, { timeoutMs: TIMEOUT_MS, ...withSignal(options) });
  if (result.exitCode !== 0) return unexpected('mkdir', { argv, result });
  await host.putFile(pathOf(repository), `${JSON.stringify(ledger)}\n`, withSignal(options));
  return { type: 'written' };
}

/** `repository`: its short id. */
function pathOf(repository: string): string {
  if (/^[a-z0-9]+$/.test(repository)) return `${FOLDER}/${repository}.json`;
  throw new TypeError(`Expected the id of a repository, got ${JSON.stringify(repository)}.`);
}

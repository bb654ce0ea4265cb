import type { Host } from '../hosts/host.ts';
import { readResticLedger, writeResticLedger, type StoredResticLedger } from '../tools/restic-ledger.ts';
import type { ToolOptions } from '../tools/tool-options.ts';
import { toolFailure } from './failure.ts';

/** What is written down on the host about the repository. */
export async function ledgerOf(host: Host, repository: string, options: ToolOptions): Promise<StoredResticLedger> {
  const read = await readResticLedger(host, repository, options);
  if (read.type !== 'ledger') throw toolFailure(`What ${host.name} knows of its restic backups`, read);
  return read.ledger;
}

export async function keepLedger(
  host: Host,
  repository: string,
  ledger: StoredResticLedger,
  options: ToolOptions,
): Promise<void> {
  const written = await writeResticLedger(host, repository, ledger, options);
  if (written.type !== 'written') throw toolFailure(`Writing down on ${host.name} what restic did`, written);
}

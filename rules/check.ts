import type { Fleet } from '../fleet/schema.ts';
import { readMonorepo, type SourceFile } from './monorepo.ts';
import { applyRules, type Outcome } from './run.ts';
import { readSecrets } from './secret-files.ts';

/** Holds the files of a monorepo to every rule. `fleetFile`: the name of runbook.yaml among them. `now`: milliseconds since 1970. */
export async function checkMonorepo(
  files: readonly SourceFile[],
  { fleet, fleetFile, now }: { fleet: Fleet; fleetFile: string; now: number },
): Promise<Outcome> {
  return applyRules(await readMonorepo({ files, fleet, fleetFile, now, ...readSecrets(files, fleet) }));
}

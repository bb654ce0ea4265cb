import { isProblem, unknownRow, type DriftRow, type DriftScope } from './drift-seen.ts';
import type { Problem } from './problem.ts';
import { secretsView, type SecretsFacts } from './secrets.ts';

/** What `runbook secrets status` calls drift, of the commit instead of the work tree. Pure. */
export function secretRows({ node, guests }: DriftScope, facts: SecretsFacts | Problem): DriftRow[] {
  if (isProblem(facts)) return [unknownRow('secrets', 'monorepo', facts)];
  const names = guests.map(({ name }) => name);
  const isInScope = (path: string): boolean =>
    node === undefined || names.some((guest) => facts.guests[guest]?.includes(path) === true);
  return secretsView(facts)
    .files.filter(({ path }) => isInScope(path))
    .flatMap(({ path, drift }) =>
      drift.map(({ message, whatToDo }): DriftRow => ({
        ...{ kind: 'secrets', subject: path, where: 'monorepo', declared: `as ${facts.config} says` },
        ...{ found: message, whatToDo },
      })),
    );
}

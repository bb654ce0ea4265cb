import { isProblem, unknownRow, type DriftRow, type DriftScope } from './drift-seen.ts';
import type { Problem } from './problem.ts';
import { secretsView, type SecretFileView, type SecretsFacts } from './secrets.ts';

/** What `runbook secrets status` calls drift, of the commit instead of the work tree. Pure. */
export function secretRows(scope: DriftScope, facts: SecretsFacts | Problem): DriftRow[] {
  if (isProblem(facts)) return [unknownRow('secrets', 'monorepo', facts)];
  return secretsView(facts)
    .files.filter((file) => scope.node === undefined || scope.guests.some(({ name }) => isOf(facts, file, name)))
    .flatMap(({ path, drift }) =>
      drift.map(({ message, whatToDo }): DriftRow => ({
        ...{ kind: 'secrets', subject: path, where: 'monorepo', declared: `as ${facts.config} says` },
        ...{ found: message, whatToDo },
      })),
    );
}

/** The fleet file, the rules or the file itself name the guest. */
function isOf({ guests, names }: SecretsFacts, { path, recipients, rule }: SecretFileView, guest: string): boolean {
  const keys = [...recipients.map(({ key }) => key), ...(rule?.recipients ?? [])];
  return guests[guest]?.includes(path) === true || keys.some((key) => names[key] === guest);
}

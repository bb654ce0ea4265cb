import type { ConnectionLike } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../workflows/messages.ts';
import { StartError } from './start-error.ts';

/** `temporal.api.enums.v1.IndexedValueType`. */
const KEYWORD = 2;
/** gRPC status codes. */
const ALREADY_EXISTS = 6;
const DEADLINE_MS = 15_000;

type Connection = Pick<ConnectionLike, 'withDeadline'> & {
  operatorService: {
    listSearchAttributes(request: {
      namespace: string;
    }): Promise<{ customAttributes?: Record<string, unknown> | null }>;
    addSearchAttributes(request: { namespace: string; searchAttributes: Record<string, number> }): Promise<unknown>;
  };
};

/** The names of runbook's search attributes that the namespace lacks. */
export async function missingSearchAttributes(connection: Connection, namespace: string): Promise<string[]> {
  const { customAttributes } = await connection.withDeadline(Date.now() + DEADLINE_MS, () =>
    connection.operatorService.listSearchAttributes({ namespace }),
  );
  return SEARCH_ATTRIBUTES.filter((name) => !(name in (customAttributes ?? {})));
}

/**
 * Registers runbook's search attributes where they are missing; a run could not record its phase without them.
 * Idempotent. Throws StartError `refused`, with the commands for whoever may do it, where the server says no.
 */
export async function ensureSearchAttributes(connection: Connection, namespace: string): Promise<void> {
  let missing: readonly string[] = SEARCH_ATTRIBUTES;
  try {
    missing = await missingSearchAttributes(connection, namespace);
    if (missing.length === 0) return;
    const searchAttributes = Object.fromEntries(missing.map((name) => [name, KEYWORD]));
    await connection.withDeadline(Date.now() + DEADLINE_MS, () =>
      connection.operatorService.addSearchAttributes({ namespace, searchAttributes }),
    );
  } catch (error) {
    // Another worker was faster.
    if (error instanceof Error && 'code' in error && error.code === ALREADY_EXISTS) return;
    const message = `The namespace "${namespace}" needs the search attributes ${missing.join(', ')}.`;
    throw new StartError('refused', message, howToAdd(namespace, missing), error);
  }
}

const howToAdd = (namespace: string, names: readonly string[]): string =>
  [
    'Somebody who may change the namespace types (on Temporal Cloud: adds them in its own interface):',
    ...names.map(
      (n) => `  temporal operator search-attribute create --namespace ${namespace} --name ${n} --type Keyword`,
    ),
  ].join('\n');

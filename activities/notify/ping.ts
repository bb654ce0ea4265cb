import type { Notifications } from '../../fleet/schema.ts';
import type { Delivery } from '../../plan/notice.ts';
import { request } from './http.ts';
import { BadSecretFile, readOptional } from './secret-file.ts';
import { refused } from './trouble.ts';

type DeadMan = NonNullable<Notifications['deadMan']>;

/** Asks the URL that somebody watches. Resolves whatever happens. */
export async function ping({ url = '', urlFile }: DeadMan, signal: AbortSignal): Promise<Delivery> {
  try {
    const secret = await readOptional(urlFile);
    return await request({ method: 'GET', url: secret ?? url, secrets: [secret] }, signal);
  } catch (error) {
    if (error instanceof BadSecretFile) return refused(error.message);
    throw error;
  }
}

/**
 * As `Promise.all`, and waits for each also where one fails. What is still being asked when its connection is closed is asked
 * again by the SDK (@temporalio/client 1.24), on a channel that is shut down: an error that nobody can catch.
 */
export async function allOf<T extends readonly unknown[]>(
  asked: readonly [...T],
): Promise<{ -readonly [Each in keyof T]: Awaited<T[Each]> }> {
  await Promise.allSettled(asked);
  return Promise.all(asked);
}

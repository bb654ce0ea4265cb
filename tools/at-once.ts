/**
 * The answers of looks that were begun together, once all have come: none is at work any more when this returns. Where
 * several fail, the first in the order of the arguments is thrown, as if they had been asked one after another.
 */
export async function atOnce<T extends readonly unknown[]>(...looks: { [K in keyof T]: Promise<T[K]> }): Promise<T> {
  await Promise.allSettled(looks);
  return Promise.all(looks);
}

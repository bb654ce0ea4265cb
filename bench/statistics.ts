/** The middle one, or the mean of the two in the middle. Throws where there is none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(half) - 1], sorted[Math.floor(half)]];
  if (low === undefined || high === undefined) throw new Error('Expected numbers, got none.');
  return (low + high) / 2;
}

export const ratios = (values: readonly number[], bases: readonly number[]): number[] =>
  values.map((value, index) => value / (bases[index] ?? Number.NaN));

type Json = Record<string, unknown>;

/** Maps whose keys are names that somebody chose. */
const NAMED =
  /(^|\.)(config|devices|expanded_config|expanded_devices|network|disk|storage_pools|resources|memory|entries)$/;

/**
 * Where the first value has fields that the second lacks, or of another type. The first may have less: a simulation says only
 * what it models. Lists are compared by their first entries.
 */
export function shapeProblems(simulated: unknown, real: unknown, path = ''): string[] {
  if (real === null || simulated === null) return simulated === null && real !== null ? [`${path}: got null`] : [];
  const [a, b] = [kind(simulated), kind(real)];
  if (a !== b) return [`${path}: expected ${b}, got ${a}`];
  if (Array.isArray(simulated) && Array.isArray(real))
    return simulated.length > 0 && real.length > 0 ? shapeProblems(simulated[0], real[0], `${path}[]`) : [];
  if (a !== 'object' || NAMED.test(path)) return [];
  return Object.entries(simulated as Json).flatMap(([key, value]) => {
    const at = path === '' ? key : `${path}.${key}`;
    return key in (real as Json)
      ? shapeProblems(value, (real as Json)[key], at)
      : [`${at}: the real one has no such field`];
  });
}

function kind(value: unknown): string {
  return Array.isArray(value) ? 'array' : typeof value;
}

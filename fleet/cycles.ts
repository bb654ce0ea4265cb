interface Dependency {
  to: string;
  /** Its place in the list that it was written in. */
  index: number;
}

/**
 * The circles among dependencies, each once, at the dependency that closes it. Without recursion, so that a long
 * chain is as good as a short one.
 */
export const findCycles = (
  dependencies: ReadonlyMap<string, readonly Dependency[]>,
): { from: string; index: number; cycle: string[] }[] => {
  const cycles: { from: string; index: number; cycle: string[] }[] = [];
  const done = new Set<string>();
  for (const start of dependencies.keys()) {
    const way: { name: string; next: number }[] = done.has(start) ? [] : [{ name: start, next: 0 }];
    const onWay = new Set([start]);
    for (let here = way.at(-1); here; here = way.at(-1)) {
      const dependency = dependencies.get(here.name)?.[here.next++];
      if (!dependency) {
        done.add(here.name);
        onWay.delete(here.name);
        way.pop();
      } else if (onWay.has(dependency.to)) {
        const names = way.map(({ name }) => name);
        const cycle = [...names.slice(names.indexOf(dependency.to)), dependency.to];
        cycles.push({ from: here.name, index: dependency.index, cycle });
      } else if (dependencies.has(dependency.to) && !done.has(dependency.to)) {
        way.push({ name: dependency.to, next: 0 });
        onWay.add(dependency.to);
      }
    }
  }
  return cycles;
};

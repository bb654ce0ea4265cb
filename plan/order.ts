/** What decides the order in which members are upgraded. */
export interface RollingInput {
  members: string[];
  guests: { name: string; member: string; dependsOn: string[] }[];
  /** The member that Temporal or the worker runs on, if any. */
  orchestrator?: string;
}

/**
 * Members one at a time: those that others depend on later, the orchestrator's own last,
 * otherwise in the order of the fleet file. Pure and total: members that depend on each other keep file order.
 */
export function rollingOrder({ members, guests, orchestrator }: RollingInput): string[] {
  const memberOf = new Map(guests.map(({ name, member }) => [name, member]));
  const needs = (from: string): Set<string> =>
    new Set(
      guests
        .filter(({ member }) => member === from)
        .flatMap(({ dependsOn }) => dependsOn.flatMap((guest) => memberOf.get(guest) ?? []))
        .filter((member) => member !== from),
    );
  const ordered: string[] = [];
  const remaining = members.filter((member) => member !== orchestrator);
  while (remaining.length > 0) {
    const isFree = (member: string): boolean =>
      !remaining.some((other) => other !== member && needs(other).has(member));
    ordered.push(...remaining.splice(Math.max(remaining.findIndex(isFree), 0), 1));
  }
  return orchestrator !== undefined && members.includes(orchestrator) ? [...ordered, orchestrator] : ordered;
}

/** Guests of one member: those that others depend on first, so that a dependent comes up on what it needs. */
export function guestOrder(guests: readonly { name: string; dependsOn: readonly string[] }[]): string[] {
  const remaining = [...guests];
  const ordered: string[] = [];
  while (remaining.length > 0) {
    const waits = (guest: (typeof remaining)[number]): boolean =>
      guest.dependsOn.some((name) => remaining.some((other) => other !== guest && other.name === name));
    const free = remaining.findIndex((guest) => !waits(guest));
    ordered.push(...remaining.splice(Math.max(free, 0), 1).map(({ name }) => name));
  }
  return ordered;
}

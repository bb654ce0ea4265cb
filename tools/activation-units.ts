/** What an activation does, or with `dry-activate` would do, to the system's units. */
export interface UnitChanges {
  stop: string[];
  start: string[];
  restart: string[];
  reload: string[];
  /** Changed, and left alone because their unit says so. */
  skip: string[];
  failed: string[];
  /** systemd itself is executed anew. */
  systemd: boolean;
}

type Verb = Exclude<keyof UnitChanges, 'systemd'>;

/**
 * The lines of switch-to-configuration, in Perl and (from NixOS 24.11) Rust alike. `unit` in the singular was printed
 * by older ones. Lines about `user units` concern the managers of logged-in users and are left out.
 */
const LINES: readonly [Verb, RegExp][] = [
  ['skip', /\b(?:would NOT (?:stop|restart)|NOT restarting) the following changed units?: (.+)$/],
  ['stop', /\b(?:would stop|stopping) the following units?: (.+)$/],
  ['start', /\b(?:would start|starting) the following units?: (.+)$/],
  ['restart', /\b(?:would restart|restarting) the following units?: (.+)$/],
  ['reload', /\b(?:would reload|reloading) the following units?: (.+)$/],
  ['failed', /warning: the following units? failed: (.+)$/],
];

/** Reads the output of an activation, whole or so far. Lines that say nothing of units are passed over. */
export function readUnitChanges(output: string | readonly string[]): UnitChanges {
  const changes: UnitChanges = { stop: [], start: [], restart: [], reload: [], skip: [], failed: [], systemd: false };
  for (const line of typeof output === 'string' ? output.split('\n') : output) {
    if (/(?:would restart|restarting) systemd(?:\.\.\.)?\s*$/.test(line)) changes.systemd = true;
    for (const [verb, pattern] of LINES) {
      const units =
        pattern
          .exec(line)?.[1]
          ?.split(',')
          .map((unit) => unit.trim()) ?? [];
      changes[verb].push(...units.filter((unit) => unit !== '' && !changes[verb].includes(unit)));
    }
  }
  return changes;
}

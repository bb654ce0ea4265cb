import type { BackupsView } from './backups-view.ts';
import { describeCopy } from './copy-age.ts';
import { count } from './count.ts';
import { durationMs } from './duration.ts';
import type { DueNotice, Notice } from './notice.ts';
import type { Telling } from './run-notices.ts';
import { asSentence } from './sentence.ts';

/** One place of copies, or the entries of `backups`, with what is not as it should be there. */
export interface CopyTrouble {
  /** `nuc-1 tank/replicas`, `restic rest:https://backup.lan/edge`; '' is the fleet file itself. */
  place: string;
  lines: TroubleLine[];
}

interface TroubleLine {
  text: string;
  /** The same without reasons. */
  short: string;
  /** The copy is too old: no look at another time would find it otherwise. */
  isCertain: boolean;
}

/** A target that is being restarted does not answer either: what may be so for a moment is told after this. */
const PATIENCE_MS = durationMs('1h');

/** Every place that there is, also those without trouble. Pure. */
export function troublesOf({ copies, problems, upkeep }: BackupsView): CopyTrouble[] {
  const places = new Map<string, TroubleLine[]>([['', []]]);
  const at = (place: string): TroubleLine[] => {
    const lines = places.get(place) ?? [];
    places.set(place, lines);
    return lines;
  };
  for (const copy of copies) {
    const { of, outcome, place } = copy;
    const lines = at(place);
    if (outcome !== 'fresh')
      lines.push({ text: describeCopy(copy), short: `${of}: ${outcome}`, isCertain: outcome === 'stale' });
  }
  for (const { repository, message } of upkeep)
    at(`restic ${repository}`).push({ text: message, short: 'upkeep is overdue', isCertain: true });
  for (const { message } of problems) at('').push({ text: message, short: 'an entry is wrong', isCertain: false });
  return [...places].map(([place, lines]) => ({ place, lines }));
}

/** Since when each place has had trouble, as seen by one worker. Pure. */
export const troubledSince = (
  before: ReadonlyMap<string, number>,
  troubles: readonly CopyTrouble[],
  now: number,
): Map<string, number> =>
  new Map(
    troubles
      .filter(({ lines }) => lines.length > 0)
      .map(({ place }): [string, number] => [place, before.get(place) ?? now]),
  );

export interface CopiesTelling extends Telling {
  now: number;
  since: ReadonlyMap<string, number>;
  /** What a place is called in keys, which Temporal keeps in the clear. */
  keyOf: (place: string) => string;
  /** Keys that were told lately. */
  told: ReadonlySet<string>;
}

/** One message for each place and day, and one when all is well again. Pure. */
export const noticesOfCopies = (troubles: readonly CopyTrouble[], telling: CopiesTelling): DueNotice[] =>
  troubles.flatMap((trouble) => {
    if (trouble.lines.length === 0) return wellAgain(trouble, telling);
    const waited = telling.now - (telling.since.get(trouble.place) ?? telling.now);
    const isTold = waited >= PATIENCE_MS || trouble.lines.some(({ isCertain }) => isCertain);
    return isTold ? [overdue(trouble, telling)] : [];
  });

const COMMAND = 'runbook backups';
const EVENT = 'stale-backup';
const whereOf = ({ place }: CopyTrouble): string => (place === '' ? 'the section backups' : place);

function overdue(trouble: CopyTrouble, { fleet, now, discreet, keyOf }: CopiesTelling): DueNotice {
  const at = new Date(now).toISOString();
  const texts = [...new Set(trouble.lines.map(({ text, short }) => (discreet ? short : text)))];
  return {
    key: `${EVENT}/${keyOf(trouble.place)}/${at.slice(0, 10)}`,
    event: EVENT,
    notice: {
      ...{ event: EVENT, fleet, at, command: COMMAND },
      headline: `backups: ${count(trouble.lines.length, 'problem')} at ${whereOf(trouble)}`,
      what: texts.map(asSentence).join('\n'),
    },
  };
}

/** The newest that was told of it and is not taken back yet. */
function wellAgain(trouble: CopyTrouble, { fleet, now, keyOf, told }: CopiesTelling): DueNotice[] {
  const prefix = `${EVENT}/${keyOf(trouble.place)}/`;
  const latest = [...told]
    .filter((key) => key.startsWith(prefix))
    .sort()
    .at(-1);
  if (latest === undefined || told.has(`recovered/${latest}`)) return [];
  const event = 'recovered';
  const headline = `backups: all is well again at ${whereOf(trouble)}`;
  const notice: Notice = { event, fleet, headline, what: '', command: COMMAND, at: new Date(now).toISOString() };
  return [{ key: `recovered/${latest}`, event, notice }];
}

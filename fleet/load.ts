import type { LineCounter } from 'yaml';

import { checkConfiguration } from './config-values.ts';
import type { Diagnostic } from './diagnostic.ts';
import { expectation, explainIssues } from './explain.ts';
import { locate } from './locate.ts';
import type { TextMistake } from './mistake.ts';
import { type FleetText, readFleetText } from './read-text.ts';
import { checkReferences } from './references.ts';
import type { Fleet } from './schema.ts';
import { fleetSchema } from './schema.ts';
import { readYaml } from './yaml-document.ts';

export type ParsedFleet =
  | { type: 'fleet'; fleet: Fleet; warnings: Diagnostic[] }
  /** At least one error, and the warnings, in the order of the file. */
  | { type: 'invalid'; diagnostics: Diagnostic[] };

/** More than anybody mends in one go. */
const MOST_DIAGNOSTICS = 200;

/**
 * Reads the text of a fleet file and reports all mistakes at once. Pure; never throws, in bounded time for any text.
 * `fileName` is only for the diagnostics; with `now` there are warnings of what the clocks will do.
 */
export const parseFleet = (text: string, fileName: string, now?: number): ParsedFleet => {
  const read = readYaml(text);
  if (read.type === 'broken') {
    return { type: 'invalid', diagnostics: place(read.mistakes, text, fileName, read.lines) };
  }
  const { yaml, value, brokenFrom } = read;
  const isWhole = brokenFrom === undefined;
  const parsed = fleetSchema.safeParse(value, { error: expectation });
  const configuration = checkConfiguration(value, yaml);
  const told = new Set(configuration.map(({ path }) => JSON.stringify(path)));
  const issues = explainIssues(parsed.error?.issues ?? [], fleetSchema, value, isWhole).filter(
    ({ path }) => !told.has(JSON.stringify(path)),
  );
  // Looking for a place takes time, so only for as many as are shown.
  const mistakes = [...issues, ...configuration, ...(isWhole ? checkReferences(value, now) : [])]
    .sort((a, b) => bySeverity(a) - bySeverity(b))
    .slice(0, MOST_DIAGNOSTICS)
    .map((mistake) => locate(mistake, yaml))
    .filter(({ end }) => isWhole || end <= brokenFrom);
  const all = [...read.mistakes, ...mistakes];
  const diagnostics = place(all, text, fileName, yaml.lines);
  return parsed.success && all.every(({ severity }) => severity === 'warning')
    ? { type: 'fleet', fleet: parsed.data, warnings: diagnostics }
    : { type: 'invalid', diagnostics };
};

const byPlace = (a: TextMistake, b: TextMistake): number => a.start - b.start || a.end - b.end;
const bySeverity = ({ severity }: Pick<TextMistake, 'severity'>): number => (severity === 'error' ? 0 : 1);

/** From offsets to lines, in the order of the file, each once. */
const place = (mistakes: readonly TextMistake[], text: string, file: string, lines: LineCounter): Diagnostic[] => {
  const unique = new Map(mistakes.map((mistake) => [`${mistake.start} ${mistake.message}`, mistake]));
  return [...unique.values()]
    .sort((a, b) => bySeverity(a) - bySeverity(b) || byPlace(a, b))
    .slice(0, MOST_DIAGNOSTICS)
    .sort(byPlace)
    .map(({ start, end, ...rest }) => {
      const { line, col } = lines.linePos(Math.min(start, text.length));
      const lineEnd = /\r?\n|$/g;
      lineEnd.lastIndex = start;
      const last = Math.min(end, lineEnd.exec(text)?.index ?? text.length);
      const column = Math.max(col, 1);
      return { file, line: Math.max(line, 1), column, endColumn: column + Math.max(1, last - start), ...rest };
    });
};

export type FleetFile =
  /** `text` is what the diagnostics refer to. */
  (ParsedFleet & { text: string }) | Extract<FleetText, { type: 'unreadable' }>;

/**
 * Reads and parses a fleet file. Never throws; changes nothing.
 * `shownAs` is what messages call it: the path as the person knows it. `now`: as for {@link parseFleet}.
 */
export const readFleet = async (path: string, shownAs = path, now?: number): Promise<FleetFile> => {
  const read = await readFleetText(path, shownAs);
  return read.type === 'text' ? { ...parseFleet(read.text, shownAs, now), text: read.text } : read;
};

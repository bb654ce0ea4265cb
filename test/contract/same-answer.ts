import { stripVTControlCharacters } from 'node:util';
import { isCommand, type Command, type Entry } from '../../lab/record/entry.ts';
import { shapeProblems } from '../simulator/shape.ts';
import { jsonIn } from './transcripts.ts';

/**
 * What real programs answer otherwise than it is recorded: exit codes, shapes of JSON, texts. Ids, times, hashes, sizes and
 * versions may differ; so may all of an answer that is marked to vary.
 */
export function changesOf(subject: string, recorded: readonly Entry[], now: readonly Entry[]): string[] {
  const [before, after] = [stable(recorded), stable(now)];
  const [was, is] = [before, after].map((entries) => entries.map(({ host, note }) => `${host}: ${note}`));
  if (JSON.stringify(was) !== JSON.stringify(is))
    return [`${subject}: its scenario is another one than the recorded one; record it anew`];
  return before.flatMap((entry, i) =>
    changes(entry, after[i] ?? entry).map((problem) => `${subject}: ${entry.note}: ${problem}`),
  );
}

/** In an order of its own: commands that overlap end in any. */
function stable(entries: readonly Entry[]): Command[] {
  const commands = entries.filter(isCommand).filter(({ varies }) => varies === undefined);
  return commands
    .map((entry, i) => ({ entry, i }))
    .sort((a, b) => order(a, b))
    .map(({ entry }) => entry);
}

function order(a: { entry: Command; i: number }, b: { entry: Command; i: number }): number {
  return a.entry.note < b.entry.note ? -1 : a.entry.note > b.entry.note ? 1 : a.i - b.i;
}

function changes(recorded: Command, now: Command): string[] {
  if (neutral(recorded.argv.join(' ')) !== neutral(now.argv.join(' ')))
    return [`the command line is another one: ${now.argv.join(' ')}`];
  const read = isAskedForVersion(now) ? upToVersion : lines;
  const textChanges = (stream: string, was: string, is: string): string[] => differences(stream, read(was), read(is));
  const problems: string[] = [];
  if (recorded.exitCode !== now.exitCode)
    problems.push(`exit code ${recorded.exitCode}, now ${now.exitCode}: ${now.stderr.trim()}`);
  const [was, is] = [jsonIn(recorded.stdout), jsonIn(now.stdout)];
  if (was !== undefined && is !== undefined)
    problems.push(...shapeProblems(was, is).map((problem) => `no longer: ${problem}`));
  else problems.push(...textChanges('stdout', recorded.stdout, now.stdout));
  return [...problems, ...textChanges('stderr', recorded.stderr, now.stderr)];
}

function differences(stream: string, before: readonly string[], after: readonly string[]): string[] {
  return JSON.stringify(before) === JSON.stringify(after)
    ? []
    : [`${stream} was ${JSON.stringify(before)}, is ${JSON.stringify(after)}`];
}

/** Which version it is changes with every update of the machine. */
const isAskedForVersion = ({ argv }: Command): boolean => ['--version', '-V'].includes(argv.at(-1) ?? '');
const upToVersion = (text: string): string[] => [text.replace(/\d[^]*$/, '')];

/** Sorted, because what two programs print into one stream comes in any order. */
function lines(text: string): string[] {
  return neutral(text)
    .split('\n')
    .filter((line) => line !== '' && !PROGRESS.test(line))
    .sort();
}

/** How far something is, what depends on what was built or fetched before, and what deploy-rs passes on if it comes in time. */
const PROGRESS =
  /^(copying \d+ paths|copying path |building '|(this|these \d+) derivations? will be built| +\/nix\/store\/\S+\.drv$)|Container \S+ +\w+$|^(Evacuating|Restoring) cluster member: |^\d\d:\d\d:\d\d \S+ \S+@|^\{"message_type":"status"|^📠 (?:no$|Activation script snippet |⭐ ⚠️ \[activate\] \[WARN\] De-activating )|^switching profile from version \d+ to \d+$/;

/** Numbers after the GUID of a snapshot or bookmark, and `txg`, are those of transaction groups. */
function neutral(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/\r/g, '')
    .replace(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?/g, 'THEN')
    .replace(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, 'UUID')
    .replace(/\b[0-9a-z]{32}(?=-)/g, 'HASH')
    .replace(/(?<=\/deploy-rs-(?:canary|cancel)-)[0-9a-z]{32}\b/g, 'HASH')
    .replace(/\b[0-9a-f]{64}\b|(?<=\bsha256:)[0-9a-z]{52}\b/g, 'SHA256')
    .replace(/(?<=saves )-?[\d.]+(?= MiB)/g, 'N')
    .replace(/\b1-[0-9a-f]+-[0-9a-f]+-[0-9a-f]+\b/g, 'TOKEN')
    .replace(/\b0x[0-9a-f]+\b/g, '0xN')
    .replace(/\b(?!0{40})[0-9a-f]{40}\b/g, 'REVISION')
    .replace(/\b[0-9a-f]{32}\b/g, 'ID')
    .replace(/^[0-9a-f]{8}(?= )|(?<=tree |data\/|snapshot\/|storage ID )(?:[0-9a-f]{10}|[0-9a-f]{8})\b/gm, 'SHORT')
    .replace(/^\{"message_type":"summary".*/gm, (line) => line.replace(/(?<=:)-?\d[\d.]*/g, 'N'))
    .replace(/(?<=\bPID )\d+/g, 'N')
    .replace(/\([\d.]+m?s ago\)/g, 'AGO')
    .replace(/(?<=complete after )\d+s\b|(?<="elapsed_seconds":)\d+/g, 'N')
    .replace(/SHA256:[A-Za-z0-9+/]{43}/g, 'FINGERPRINT')
    .replace(/\d+(?= ms\b)|(?<=port )\d{5}/g, 'N')
    .replace(/^\d+(?= )/gm, 'N')
    .replace(/(?<=[ \t])\d{4,}(?=[ \t]|$)/gm, 'N')
    .replace(/[ \t]+/g, ' ')
    .replace(/\b[A-Z][a-z]{2} [A-Z][a-z]{2} \d{1,2} \d\d:\d\d:\d\d \S+/g, 'THEN')
    .replace(/(?<=[@#][^N\n]* N )\d+|(?<=^ txg: )\d+/gm, 'N')
    .replace(/\b\d+%/g, 'N%')
    .replace(/\b\d{10}\.\d{9}\b/g, 'SECONDS');
}

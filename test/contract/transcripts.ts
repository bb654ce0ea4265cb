import { readdirSync, readFileSync } from 'node:fs';
import { isCommand, type Command, type Entry } from '../../lab/record/entry.ts';

const FOLDER = new URL('../simulator/transcripts/', import.meta.url);

/** The scenarios of one subject as they went on the lab's real hosts, recorded by `npm run lab -- record`. */
export function transcript(subject: string): Entry[] {
  return JSON.parse(readFileSync(new URL(`${subject}.json`, FOLDER), 'utf8')) as Entry[];
}

export function subjects(): string[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.slice(0, -'.json'.length))
    .sort();
}

/** Every command that a scenario runs, with what the real program answered. */
export function recordedCommands(): Command[] {
  return subjects().flatMap((subject) => transcript(subject).filter(isCommand));
}

/** Undefined where a text is no JSON: a page may begin like it. */
export function jsonIn(text: string): unknown {
  if (!/^[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

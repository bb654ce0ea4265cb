import { basename } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { NOT_PRODUCED, NO_ANSWERS } from './not-produced.ts';
import { NOT_RECORDED } from './not-recorded.ts';
import { commandWords, exitCodes, textsOfAnswers } from './sources.ts';
import { jsonIn, recordedCommands } from './transcripts.ts';
import { coveredShapes } from './uncovered.ts';
import { variantsOf } from './variants.ts';

const COMMANDS = recordedCommands();

/** The programs that a file of tools/ is about; of the others the words are enough. */
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  'activations.ts': ['pgrep', 'flock', 'find', 'rm'],
  'containers.ts': ['podman', 'docker'],
  'incus-exec.ts': ['incus'],
  'restic.ts': ['restic', 'bash'],
  'restic-backup.ts': ['restic', 'unshare'],
  'restic-command.ts': ['restic', 'sh'],
  'restic-maintenance.ts': ['restic'],
  'restic-restore.ts': ['restic'],
  'zfs.ts': ['zfs', 'zpool'],
};

const commandsOf = (file: string) => {
  const programs = PROGRAMS[basename(file)];
  return COMMANDS.filter(({ argv: [program = ''] }) => programs?.includes(basename(program)) !== false);
};

describe('every command line of tools/', () => {
  it('is in a scenario that ran on real hosts', () => {
    const waits = (words: readonly string[]): boolean =>
      Object.keys(NOT_RECORDED).some((shape) => has(shape.split(' '), words));
    const missing = commandWords().filter(
      ({ file, words }) => !waits(words) && !commandsOf(file).some(({ argv }) => has(argv, words)),
    );
    expect(missing.map(({ file, line, words }) => `${file}:${line}: ${words.join(' ')}`)).toEqual([]);
  });

  it('does not wait to be recorded where it has been', () => {
    expect(Object.keys(NOT_RECORDED).filter((shape) => coveredShapes().has(shape))).toEqual([]);
  });
});

describe('every text by which tools/ tells answers apart', () => {
  const answers = answersOf();
  const texts = textsOfAnswers().filter(({ source }) => !NO_ANSWERS.has(source));
  const unmatched = texts.flatMap(({ file, line, source, flags, isPattern }) => {
    const variants = isPattern ? variantsOf(source, flags) : [source];
    const missing = variants.filter((variant) =>
      isPattern
        ? !answers.some((answer) => new RegExp(variant, flags.replace('g', '')).test(answer))
        : !answers.includes(variant),
    );
    return missing.map((variant) => ({ where: `${file}:${line}`, variant }));
  });

  it('was said by the real program in a scenario, or is listed with the reason why it is not produced', () => {
    const open = unmatched.filter(({ variant }) => !(variant in NOT_PRODUCED));
    expect(open.map(({ where, variant }) => `${where}: ${variant}`)).toEqual([]);
  });

  it('is not listed where it was said', () => {
    const listed = Object.keys(NOT_PRODUCED).filter(
      (variant) => !variant.startsWith('exit code ') && !unmatched.some((each) => each.variant === variant),
    );
    expect(listed).toEqual([]);
  });

  it('is not listed as no answer where there is no such text', () => {
    const all = new Set(textsOfAnswers().map(({ source }) => source));
    expect([...NO_ANSWERS.keys()].filter((source) => !all.has(source))).toEqual([]);
  });
});

describe('every exit code by which tools/ tells answers apart', () => {
  it('was the real program’s in a scenario, or is listed with the reason why it is not produced', () => {
    const missing = exitCodes().filter(
      ({ file, code }) =>
        !commandsOf(file).some(({ exitCode }) => exitCode === code) &&
        !(`exit code ${code} of ${file}` in NOT_PRODUCED),
    );
    expect(missing.map(({ file, line, code }) => `${file}:${line}: exit code ${code}`)).toEqual([]);
  });
});

/** In this order, other words between them; also within a word: the parts of a path, and options of ssh for deploy-rs. */
function has(argv: readonly string[], words: readonly string[]): boolean {
  const whole = argv.map((word, i) => (i === 0 ? basename(word) : word));
  return [whole, ...argv.map((word) => word.split(/[\s/?&]/))].some((all) => isWithin(words, all));
}

function isWithin(wanted: readonly string[], all: readonly string[]): boolean {
  let at = 0;
  for (const word of all) {
    const next = wanted[at];
    if (next === undefined) break;
    if (word === next || (/[=:]$/.test(next) && word.startsWith(next))) at += 1;
  }
  return at === wanted.length;
}

/** What patterns are held against: a stream, a line, a text in JSON, and what `incus` says after `Error: `. */
function answersOf(): string[] {
  const streams = COMMANDS.flatMap(({ stdout, stderr }) => [stdout, stderr, `${stdout}\n${stderr}`]);
  const fields = COMMANDS.flatMap(({ stdout }) => textsIn(jsonIn(stdout)));
  const all = [...streams, ...fields].flatMap((text) => [
    text,
    text.trim(),
    ...text.split('\n').flatMap((line) => [line, line.trim(), line.replace(/^Error: /, '')]),
  ]);
  return [...new Set(all)];
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

/** What a tutorial's page has to type and to show: its `sh` blocks, each with the `text` block that may follow it. */
export interface TypedBlock {
  /** The heading that it is under. */
  section: string;
  commands: string;
  /** In the other terminal, where its last command stays. */
  elsewhere: boolean;
  /** Absent where the page shows nothing. */
  shown?: { text: string; from: number; to: number };
}

const BLOCK = /^```sh( other terminal)?\n([^]*?)^```\n(?:\n```text\n([^]*?)^```\n)?/gm;

export function blocksOf(page: string): TypedBlock[] {
  return [...page.matchAll(BLOCK)].map((match) => {
    const [whole, other, commands = '', text] = match;
    const to = match.index + whole.length - '```\n'.length;
    return {
      section:
        page
          .slice(0, match.index)
          .match(/^#+ .*/gm)
          ?.at(-1)
          ?.replace(/^#+ /, '') ?? '',
      commands,
      elsewhere: other !== undefined,
      ...(text === undefined ? {} : { shown: { text, from: to - text.length, to } }),
    };
  });
}

/** The page with other texts under its commands. */
export function withOutputs(page: string, outputs: ReadonlyMap<TypedBlock, string>): string {
  return [...outputs].reverse().reduce((text, [{ shown }, output]) => {
    if (shown === undefined) return text;
    return `${text.slice(0, shown.from)}${output.trimEnd()}\n${text.slice(shown.to)}`;
  }, page);
}

/** What differs from run to run, in the order in which it is looked for. */
const PASSING: readonly [RegExp, string][] = [
  [/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'ID'],
  [/\b(runbook|backup)-\d{8}-\d{4}-[0-9a-f]{4}/g, 'NAME'],
  [/\d{4}-\d\d-\d\d(T[\d:]+Z| \d\d:\d\d(:\d\d)?)?/g, 'DATE'],
  [/\b\d+(\.\d+)? (ms|s|min|h)( \d+ (s|min))?\b/g, 'AGE'],
  [/\b(?=[a-f]*\d)[0-9a-f]{7,40}\b/g, 'HASH'],
  [/127\.0\.0\.1:\d+/g, 'LOCAL'],
];

const inGeneral = (text: string): string =>
  PASSING.reduce((so, [pattern, word]) => so.replace(pattern, word), text)
    .split('\n')
    .map((line) => line.replace(/\s+/g, ' ').trim())
    .join('\n')
    .trim();

/** Whether output is what the page shows, but for times, ages and ids; a line `…` is any lines, `…` in a line any words. */
export function isShown(shown: string, output: string): boolean {
  const pattern = inGeneral(shown)
    .split('\n')
    .map((line) => (line === '…' ? '(?:.*\\n)*?' : `${line.split('…').map(escape).join('.*')}\\n`))
    .join('');
  return new RegExp(`^${pattern}$`).test(`${inGeneral(output)}\n`);
}

const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

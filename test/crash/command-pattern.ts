/** What differs from run to run in a command: its label in a test's name, and the regular expression that finds it. */
const VARIABLE = [
  { what: /runbook-\d{8}-\d{4}-[0-9a-f]{4}/g, label: 'RUN', pattern: 'runbook-\\d{8}-\\d{4}-[0-9a-f]{4}' },
  // The simulation's folders: a path of a machine has the machine's root before it.
  { what: /\/[^\s"'=:]*\/fleet\/(machines\/[a-z0-9-]+)?/g, label: '', pattern: '\\S*' },
  { what: /\/[^\s"'=:]*\/worker\//g, label: '', pattern: '\\S*' },
  { what: /\/nix\/store\/[a-z0-9]{32}-/g, label: '', pattern: '/nix/store/[a-z0-9]{32}-' },
  { what: /(?<=rev=)[0-9a-f]{40}/g, label: 'REV', pattern: '[0-9a-f]{40}' },
  { what: /age1[02-9ac-hj-np-z]{58}/g, label: 'KEY', pattern: 'age1[0-9a-z]{58}' },
  { what: /(?<![0-9a-f])[0-9a-f]{40}(?![0-9a-f])/g, label: 'COMMIT', pattern: '[0-9a-f]{40}' },
  { what: /(?<![0-9a-f])[0-9a-f]{64}/g, label: 'IMAGE', pattern: '[0-9a-f]{64}' },
  { what: /\d{4}-\d\d-\d\dT[\d:.]+Z/g, label: 'THEN', pattern: '[-0-9T:.]+Z' },
];

/** Of the arguments as they stand at the end of a command line, so that it is found inside `incus exec …` as well. */
export function patternOf(args: readonly string[]): string {
  const mark = (i: number): string => `\u0000${i}\u0000`;
  const marked = VARIABLE.reduce((text, { what }, i) => text.replace(what, mark(i)), args.join(' '));
  const escaped = marked.replace(/[\\.[\]*^$+?(){}|]/g, '\\$&');
  return `(^| )${VARIABLE.reduce((text, { pattern }, i) => text.replaceAll(mark(i), pattern), escaped)}$`;
}

export function describeCommand(tool: string, args: readonly string[]): string {
  const said = VARIABLE.reduce((text, { what, label }) => text.replace(what, label), args.join(' '));
  const text = said.replace(/\s+/g, ' ');
  return `${tool} ${text.length > 110 ? `${text.slice(0, 60)}…${text.slice(-49)}` : text}`;
}

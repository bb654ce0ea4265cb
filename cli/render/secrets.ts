import { count } from '../../plan/count.ts';
import { shortName, type SecretFileView, type SecretsView } from '../../plan/secrets.ts';
import { marked } from './marked.ts';
import { painter } from './paint.ts';
import type { RenderOptions } from './run.ts';
import { renderTable, type Column } from './table.ts';
import { wrap } from './text.ts';
import { age } from './units.ts';

/** Every file with its recipients, and below the table what differs from the rules. Pure. */
export function renderSecrets({ config, files, drift }: SecretsView, options: RenderOptions): string[] {
  const paint = painter(options.colour);
  const all = count(files.length, 'file');
  const head =
    files.length === 0
      ? `No file with secrets was found by ${config}.`
      : drift === 0
        ? `${all} as ${config} says.`
        : `${count(drift, 'difference')} between ${config} and ${all}.`;
  const table = renderTable(columns(options.now), files, { width: options.width, paint });
  return [
    ...wrap(head, options.width).map((line) => paint('bold', line)),
    ...(files.length === 0 ? [] : ['', ...table]),
    ...(drift === 0 ? [] : ['']),
    ...files
      .flatMap((file) => file.drift)
      .flatMap(({ message, whatToDo }) => [
        ...marked('!', message, options, paint),
        ...marked(' ', whatToDo, options, paint),
      ]),
  ];
}

const columns = (now: number): readonly Column<SecretFileView>[] => [
  { title: 'file', value: ({ path }) => path, shrinksTo: 16 },
  { title: 'can decrypt it', value: readers, shrinksTo: 14 },
  {
    title: 'data key',
    align: 'right',
    value: ({ dataKey }) =>
      dataKey === undefined
        ? '?'
        : `${dataKey.atLeast === true ? '≥ ' : ''}${age(Math.max(0, now - Date.parse(dataKey.since)))}`,
  },
  {
    title: 'rule',
    value: ({ rule }) => (rule === undefined ? 'none' : `line ${rule.line}`),
    dispensable: true,
  },
  {
    title: 'state',
    value: ({ drift }) => (drift.length === 0 ? 'as it should be' : 'differs'),
    paint: ({ drift }, text, paint) => paint(drift.length === 0 ? 'green' : 'yellow', text),
  },
];

const readers = ({ state, recipients }: SecretFileView): string =>
  state === 'plain'
    ? 'everybody'
    : recipients.map(({ key, name }) => shortName(name === undefined ? {} : { [key]: name }, key)).join(', ') || '–';

import { describe, expect, it } from '@jest/globals';
import { parse, type DefaultTreeAdapterMap } from 'parse5';
import { agesByDay, DAYS, durations, lastDays, transfersByDay } from '../../cli/page/history.ts';
import { renderPage } from '../../cli/page/page.ts';
import { ninetyDays, NOW, summary, troubled } from './status-fixture.ts';

type Node = DefaultTreeAdapterMap['node'];
type Element = DefaultTreeAdapterMap['element'];

/** Every element of the page, and what the parser had to put up with. */
function read(page: string): { elements: Element[]; errors: string[] } {
  const errors: string[] = [];
  const elements: Element[] = [];
  const walk = (node: Node): void => {
    if ('tagName' in node) elements.push(node);
    if ('childNodes' in node) node.childNodes.forEach(walk);
  };
  walk(parse(page, { onParseError: ({ code }) => errors.push(code) }));
  return { elements, errors };
}

const textOf = (node: Node): string =>
  'value' in node ? node.value : 'childNodes' in node ? node.childNodes.map(textOf).join('') : '';
const page = renderPage(troubled(), ninetyDays());
const { elements, errors } = read(page);
const named = (tag: string): Element[] => elements.filter(({ tagName }) => tagName === tag);

describe('the page', () => {
  it('is well-formed', () => {
    expect(errors).toEqual([]);
    // A tag that is not closed would swallow what follows.
    expect(named('main')[0]?.childNodes.at(-2)).toMatchObject({ tagName: 'footer' });
    for (const tag of ['section', 'table', 'svg', 'g', 'li'])
      expect(page.split(`</${tag}>`).length - 1).toBe(named(tag).length);
  });

  it('has nothing that runs or loads, whatever comes from outside', () => {
    expect(elements.map(({ tagName }) => tagName)).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(script|link|img|iframe|object|use|image|b|i)$/)]),
    );
    const attributes = elements.flatMap(({ attrs }) => attrs);
    expect(attributes.filter(({ name }) => /^on|^(src|href|style|xlink:href)$/.test(name))).toEqual([]);
    expect(page).not.toMatch(/https?:|@import|url\(/);
    expect(textOf(named('main')[0] as Node)).toContain('Replace <script>alert("1")</script> & more?');
    expect(textOf(named('main')[0] as Node)).toContain('cannot receive: <b onclick="x">no space</b>');
    expect(named('title').some((title) => textOf(title).startsWith('safe-upgrade/<i>nuc-1</i>, ended '))).toBe(true);
  });

  it('answers first', () => {
    const [title] = named('title');
    expect(title && textOf(title)).toBe('homelab: 2 runs, 1 copy and the fleet need you');
    expect(page).toContain('<p class="state warn">2 runs, 1 copy and the fleet need you</p>');
    const well = renderPage({ open: [], schedules: [], failed: [] }, { ...ninetyDays(), runs: [], told: [] });
    expect(well).toContain('<p class="state good">Nothing needs you</p>');
    expect(well).toContain('Temporal has no run that ended in the last 90 days.');
    expect(read(well).errors).toEqual([]);
    expect(well).not.toContain('<svg');
  });

  it('says in words what each picture shows, and has its numbers as a table', () => {
    const pictures = named('svg');
    expect(pictures).toHaveLength(3);
    for (const { attrs } of pictures) {
      expect(attrs).toContainEqual({ name: 'role', value: 'img' });
      expect(attrs.find(({ name }) => name === 'aria-label')?.value).toMatch(/^(How|Bytes) /);
    }
    expect(named('details')).toHaveLength(3);
    for (const table of named('table')) expect(table.attrs[0]?.name).toBe('aria-label');
    expect(named('html')[0]?.attrs).toContainEqual({ name: 'lang', value: 'en' });
  });

  it('says what it left out', () => {
    const cut = renderPage(troubled(), { ...ninetyDays(), isCutOff: true, unread: 3 });
    expect(cut).toContain('There are more, which were not looked at. 3 older backups and drills were not read.');
  });

  it('marks unproven and late copies in red, also without colours', () => {
    expect(page).toContain('<td class="bad">never proven</td>');
    expect(page).toContain('<td class="good">2 days ago</td>');
  });
});

describe('ninety days', () => {
  const { told, runs } = ninetyDays();

  it('end today, each at its midnight', () => {
    const days = lastDays(NOW);
    expect(days).toHaveLength(DAYS);
    expect(days.at(-1)).toEqual({ day: '2026-11-28', end: NOW });
    expect(days.at(-2)).toEqual({ day: '2026-11-27', end: Date.parse('2026-11-28T00:00:00Z') });
    expect(days[0]?.day).toBe('2026-08-31');
  });

  it('show a copy that grows older while none succeeds', () => {
    const [row] = agesByDay(told, [{ of: 'edge-data', place: 'nuc-1 tank/replicas' }], NOW);
    const hours = (row?.ages ?? []).map((each) => (each === undefined ? undefined : Math.round(each / 3_600_000)));
    // The oldest of 89 nights was on the second day; until its own night nothing is known.
    expect(hours.slice(0, 3)).toEqual([undefined, 14, 14]);
    expect(hours.slice(-44, -39)).toEqual([14, 38, 62, 86, 14]);
    expect(hours.at(-1)).toBe(2);
  });

  it('show what was moved, and where a copy failed', () => {
    const days = transfersByDay(told, NOW);
    expect(days.at(-1)).toMatchObject({ bytes: 1_000_000_000, copied: 1, failed: 0 });
    expect(days.at(-42)).toMatchObject({ bytes: 0, copied: 0, failed: 1 });
  });

  it('show runs by runbook, those that did not as well, and none that is older', () => {
    const rows = durations([...runs, summary('old', 91)], NOW);
    expect(rows.map(({ runbook, good, runs: all }) => [runbook, all.length, good])).toEqual([
      ['nightly-backup', 89, 86],
      ['safe-upgrade', 7, 7],
    ]);
    expect(rows[0]).toMatchObject({ medianMs: 864_000, longestMs: 864_000 });
  });
});

import { describe, expect, it } from '@jest/globals';
import { stripVTControlCharacters } from 'node:util';
import stringWidth from 'string-width';
import type { CopySeen } from '../../cli/fleet-copies.ts';
import { renderStatusWatch } from '../../cli/render/status-watch.ts';
import { renderStatus } from '../../cli/render/status.ts';
import { ago, NOW, troubled } from './status-fixture.ts';

const options = (width: number, colour = false): { width: number; colour: boolean; now: number } => ({
  ...{ width, colour, now: NOW },
});

describe('the fleet in one screen', () => {
  it('answers first, then says what to type, then how copies, drift and schedules are', () => {
    expect(renderStatus(troubled(), options(110)).join('\n')).toBe(
      `homelab · 1 of 2 members Online, Incus 6.0.4 · 1 guest running · 1 run open · 2 runs, 1 copy and the fleet
need you
  nuc-1   Offline   no answer within 8 s
      runbook doctor --node nuc-1
  infra-apply/nuc-1   waits for you   28 min
      Replace <script>alert("1")</script> & more?   asked 14 min ago, until 2026-11-28 16:48:00 UTC
      runbook approve infra-apply/nuc-1 --plan 7be1aa00 --reason …   or   runbook reject infra-apply/nuc-1
      --reason …
  nightly-backup/all   failed 1 day ago
      runbook show nightly-backup/all   or   runbook retry nightly-backup/all

Copies: 1 of 2 late, as they are now   runbook backups
  what       place                newest copy    last proven restore
  edge-data  nuc-1 tank/replicas  4 h            2 days ago
  home-data  nuc-1 tank/replicas  3 days, stale  never proven

Drift, 7 h ago: 2 things are not as declared.   runbook drift

Next
  schedule  when     what                   at
  nightly   in 12 h  nightly-backup of all  2026-11-29 01:00 Europe/Berlin
  drift     paused   drift of all           2026-11-29 02:24 UTC`,
    );
  });

  it('says whence it knows, and why nobody looked', () => {
    const copies = {
      ...{ from: 'runs' as const, problem: 'the repository is away' },
      copies: [{ of: 'edge-data', place: 'nuc-1', proof: { type: 'unseen' as const } }],
    };
    const text = renderStatus({ open: [], schedules: [], failed: [], copies }, options(120)).join('\n');
    expect(text).toContain(
      'Copies: 1, as the newest runs saw them; whether one is too old says --live (not looked at now: the repository is',
    );
    expect(text).toMatch(/edge-data {2}nuc-1 {2}none {7} {2}no proof known/);
    expect(text).toContain('nothing that is known needs you');
  });

  it('does not take what nobody could look at for well', () => {
    const copies = { from: 'look' as const, problem: 'no worker', copies: [] };
    const [first, , words] = renderStatus({ open: [], schedules: [], failed: [], copies }, options(120));
    expect(first).toContain('nothing that is known needs you');
    expect(words).toBe('Copies: nobody knows (not looked at now: no worker)');
  });

  it('paints only what was judged: what runs told is neither fresh nor late', () => {
    const copy = { of: 'edge-data', place: 'nuc-1', newestAt: ago(40) };
    const proof = { type: 'proven' as const, at: ago(400) };
    const line = (from: 'look' | 'runs', more: Partial<CopySeen>): string => {
      const copies = { from, copies: [{ ...copy, proof, ...more }] };
      const lines = renderStatus({ open: [], schedules: [], failed: [], copies }, options(110, true));
      return lines.find((each) => each.includes('edge-data')) ?? '';
    };
    expect(line('runs', {})).not.toContain('\u001b[32m40 days');
    expect(line('look', { outcome: 'stale' })).toContain('\u001b[33m40 days, stale');
    expect(line('look', { outcome: 'fresh', proof: { ...proof, isOld: true } })).toContain('\u001b[33m400 days ago !');
  });

  it('paints what was never proven red, and what is proven green', () => {
    const lines = renderStatus(troubled(), options(110, true));
    const line = (what: string): string => lines.find((each) => each.includes(what)) ?? '';
    expect(line('never proven')).toContain('\u001b[31mnever proven');
    expect(line('edge-data')).toContain('\u001b[32m2 days ago');
  });

  it('shows those that need somebody first where they are too many', () => {
    const copy = (index: number): CopySeen => ({
      ...{ of: `volume-${index}`, place: 'nuc-1', newestAt: ago(0.1), outcome: index === 19 ? 'stale' : 'fresh' },
      proof: index === 18 ? { type: 'never' } : { type: 'proven', at: ago(1) },
    });
    const copies = { from: 'look' as const, copies: Array.from({ length: 20 }, (_, index) => copy(index)) };
    const lines = renderStatus({ open: [], schedules: [], failed: [], copies }, options(80));
    expect(lines.slice(4, 6).map((each) => each.trim().split(' ')[0])).toEqual(['volume-19', 'volume-18']);
    expect(lines.at(-1)).toBe('  8 more: runbook backups');
  });

  it.each(Array.from({ length: 17 }, (_, index) => 40 + index * 10))('keeps to %i columns', (width) => {
    const plain = renderStatus(troubled(), options(width));
    expect(Math.max(...plain.map((line) => stringWidth(line)))).toBeLessThanOrEqual(width);
    const painted = renderStatus(troubled(), options(width, true));
    // What fills up the last column is painted, and not cut off.
    expect(painted.map((line) => stripVTControlCharacters(line).trimEnd())).toEqual(plain);
  });
});

describe('the screen that is redrawn', () => {
  const watch = { seconds: 5, status: troubled(), at: NOW - 3000 };

  it('fits the terminal, and counts what does not', () => {
    const lines = renderStatusWatch(watch, { ...options(110), height: 12 });
    expect(lines.length).toBeLessThan(12);
    expect(lines.slice(-3)).toEqual([
      '… 14 lines more: runbook status',
      '',
      'looked 3 s ago, each 5 s · Ctrl-C leaves',
    ]);
    expect(renderStatusWatch(watch, options(110)).slice(0, -2)).toEqual(renderStatus(troubled(), options(110)));
  });

  it('keeps what was known where Temporal does not answer any more', () => {
    const lines = renderStatusWatch({ ...watch, lost: 'no route' }, options(110));
    expect(lines[0]).toContain('homelab');
    expect(lines.at(-1)).toBe('  ! Temporal does not answer: no route. This is from 3 s ago; still trying.');
  });
});

import { describe, expect, it } from '@jest/globals';
import { renderHtml } from '../../cli/report/html.ts';
import { renderMarkdown } from '../../cli/report/markdown.ts';
import { recordOf, type RunHistory } from '../../cli/run-history.ts';
import { aRolledBackRun, aRun, at, aView } from './run-fixture.ts';

const history = (rest: Partial<RunHistory> = {}): RunHistory => ({
  startedBy: 'ada@laptop',
  workflowType: 'safeUpgrade',
  taskQueue: 'runbook',
  input: [],
  activities: [
    {
      activityId: 'deploy',
      activityType: 'deploy',
      scheduledAt: at(5),
      startedAt: at(6),
      endedAt: at(63),
      attempts: 3,
      state: 'done',
      lastError: 'No route to host',
    },
  ],
  interventions: [{ at: at(50), text: 'cancel asked for by ada@laptop' }],
  ...rest,
});

const NOW = '2026-12-24T00:00:00.000Z';
const record = recordOf(aRolledBackRun(), history());

describe('a report', () => {
  it('tells what happened as Markdown', () => {
    const text = renderMarkdown(record, NOW);
    expect(text).toContain('# safe-upgrade/elitedesk-1: rolled back\n\nelitedesk-1 runs 26.05.3;');
    expect(text).toContain('**Why:** edge-vm answered 502.\n\n**What to do:** Look at the release of caddy.');
    expect(text).toContain('- Took: 2 min 10 s');
    expect(text).toContain(
      '| ✔ done | deploy | host → 26.05.3 | 2026-11-23 02:14:05 | 58 s | 3 | after: No route to host |',
    );
    expect(text).toContain('- 2026-11-23 02:14:04 reboot approved by ada\\@laptop: nobody is at home');
    expect(text).toContain('- 2026-11-23 02:14:50 cancel asked for by ada\\@laptop');
    expect(text).toContain('- `runbook report safe-upgrade/elitedesk-1` — what happened, minute by minute');
  });

  it('shows a step of a rollback by the sign that watching shows, and not in green', () => {
    expect(renderMarkdown(record, NOW)).toMatch(/^\| ↩ done \| roll back \| containers caddy/m);
    expect(renderMarkdown(recordOf(aRun(), history()), NOW)).toMatch(/^\| = already so \| deploy \| home/m);
    const page = renderHtml(record, NOW);
    expect(page).toContain('<tr class="rolled-back"><td><b>↩</b> done</td><td>roll back</td>');
    expect(page).toContain('<rect class="bar rolled-back"');
  });

  it('lists what refused with its remedy, and gives no other reason', () => {
    const gate = {
      name: 'members',
      verdict: 'refused',
      message: 'nuc-1 is Offline.',
      whatToDo: 'Power it on.',
    } as const;
    const failure = { type: 'GateRefused', message: gate.message, whatToDo: gate.whatToDo };
    const summary = 'Not started: 1 gate refuses. Nothing was changed.';
    const view = aView({ gates: [gate], result: { outcome: 'Failed', summary, failure, left: [], next: [] } });
    const refused = recordOf(aRun({ status: 'Failed', closedAt: at(9), view }), history());
    for (const text of [renderMarkdown(refused, NOW), renderHtml(refused, NOW)])
      expect([text.split('is Offline').length - 1, text.split('Power it on').length - 1]).toEqual([1, 1]);
  });

  it('keeps the lines of a mistake in the fleet file', () => {
    const message = 'runbook.yaml:2:3  error\n   2 | address: <x>\n     | ^^^';
    const failure = { type: 'BadConfig', message, whatToDo: 'Correct it.' };
    const view = aView({ result: { outcome: 'Failed', summary: 'Nothing was changed.', failure, left: [], next: [] } });
    const mistaken = recordOf(aRun({ status: 'Failed', closedAt: at(9), view }), history());
    expect(renderHtml(mistaken, NOW)).toContain(`<pre>${message.replace('<x>', '&lt;x&gt;')}</pre>`);
    expect(renderMarkdown(mistaken, NOW)).toContain('\n    runbook.yaml:2:3  error\n       2 | address: <x>\n');
  });

  it('names who asked for a run that another run started', () => {
    const child = recordOf(aRun(), history({ startedBy: '', input: [{ actor: 'grace@desk' }] }));
    expect(renderMarkdown(child, NOW)).toContain('by grace\\@desk');
  });

  it('is one HTML page that loads and runs nothing', () => {
    const page = renderHtml(record, NOW);
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).not.toMatch(/<script|<link|<img|\bon[a-z]+=|https?:\/\/(?!edge\.lan)|@import|url\(/i);
    expect(page).toContain("content=\"default-src 'none'; style-src 'unsafe-inline'\"");
    expect(page).toContain('<span class="outcome rolled-back">rolled back</span>');
    expect(page).toContain('prefers-color-scheme: dark');
    expect(page).toContain('<strong>What to do:</strong>');
  });

  it('shows in its timeline when each step ran, to scale', () => {
    const page = renderHtml(record, NOW);
    const [, x, width] = /<rect class="bar failed" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/.exec(page) ?? [];
    // 63 s to 93 s of 130 s, on the 720 units behind the labels.
    expect(Number(x)).toBeCloseTo(270 + (63 / 130) * 720, 0);
    expect(Number(width)).toBeCloseTo((30 / 130) * 720, 0);
    expect(page).toContain('×3');
    expect(page.match(/class="mark"/g)).toHaveLength(2);
  });

  it.each([
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    "' onload='x",
    '&lt;b&gt;',
    '\u001b[31m</style>',
  ])('takes %j for text', (hostile) => {
    const view = aView({
      subject: hostile,
      revision: hostile,
      name: hostile,
      steps: aView().steps.map((step) => ({ ...step, title: hostile, detail: hostile })),
      warnings: [hostile],
      gates: [{ name: hostile, verdict: 'refused', message: hostile }],
      decisions: [{ approvalId: hostile, approved: false, actor: hostile, reason: hostile, at: at(9) }],
      result: {
        outcome: 'Failed',
        summary: hostile,
        failure: { type: hostile, message: hostile, whatToDo: hostile },
        left: [hostile],
        next: [{ command: hostile, purpose: hostile }],
      },
    });
    const run = aRun({
      workflowId: hostile,
      runId: hostile,
      status: 'Failed',
      closedAt: at(99),
      closeReason: hostile,
      view,
    });
    const other = history({ startedBy: hostile, interventions: [{ at: at(7), text: hostile }] });
    const page = renderHtml(recordOf(run, other), NOW);
    const tags = [...page.matchAll(/<([a-z!/][^\s>]*)/gi)].map(([, tag = '']) => tag.replace('/', '').toLowerCase());
    expect(tags).not.toEqual(expect.arrayContaining(['script']));
    expect(tags).not.toEqual(expect.arrayContaining(['img']));
    expect(page.match(/<\/style>/g)).toHaveLength(1);
    expect(page).not.toContain(hostile);
    // Every attribute's value is in quotes that what came from outside cannot end.
    expect(page).not.toMatch(/<[^>]*\s(onerror|onload)=/);

    const markdown = renderMarkdown(recordOf(run, other), NOW);
    expect(markdown.replace(/`[^`\n]*`/g, '')).not.toMatch(/<(script|img|\/style)/);
  });

  it('is written of an open run too, and of one whose steps only the history knows', () => {
    expect(renderMarkdown(recordOf(aRun(), history()), at(60))).toContain('- Open for: 1 min');
    const terminated = aRun({ status: 'Terminated', closedAt: at(30), closeReason: 'power cut' });
    delete terminated.view;
    const text = renderHtml(
      recordOf(
        terminated,
        history({
          activities: [
            {
              activityId: 'deploy',
              activityType: 'd',
              summary: 'deploy: host',
              scheduledAt: at(1),
              attempts: 1,
              state: 'open',
            },
            {
              activityId: 'deploy/2',
              activityType: 'd',
              summary: 'deploy: host',
              scheduledAt: at(2),
              attempts: 1,
              state: 'open',
            },
          ],
        }),
      ),
      NOW,
    );
    expect(text).toContain('<p class="summary">power cut</p>');
    expect(text.match(/<tr class="failed">/g)).toHaveLength(1);
    expect(text).toContain('the steps are those of the run’s history');
  });
});

import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { GAUGES } from '../../plan/metrics.ts';
import { createMetrics } from '../../workers/metrics/registry.ts';

const RULES = 'ops/prometheus/runbook.rules.yaml';
const DASHBOARD = 'ops/grafana/runbook.json';

interface Rule {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: { summary: string; description: string };
}
const rules = (parse(readFileSync(RULES, 'utf8')) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) =>
  group.rules.filter((rule) => 'alert' in rule),
);

interface Panel {
  id: number;
  type: string;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets: { expr: string; refId: string }[];
}
const dashboard = JSON.parse(readFileSync(DASHBOARD, 'utf8')) as {
  title: string;
  uid: string;
  schemaVersion: number;
  panels: Panel[];
};

const namesIn = (expr: string): string[] =>
  [...expr.matchAll(/\brunbook_[a-z_]+/g)].map(([name]) => name.replace(/_(bucket|sum|count)$/, ''));
const served = async (): Promise<string[]> => {
  const text = await createMetrics('0', { backups: 1, runs: 1 }).text();
  return [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name);
};

describe('rules and dashboard', () => {
  it('every gauge is served, and every metric that they name', async () => {
    const names = await served();
    const named = [...rules, ...dashboard.panels.flatMap(({ targets }) => targets)].flatMap(({ expr }) =>
      namesIn(expr),
    );
    expect(named.length).toBeGreaterThan(20);
    for (const name of [...Object.keys(GAUGES), ...named]) expect(names).toContain(name);
  });

  it.each(rules.map((rule) => [rule.alert, rule] as const))(
    '%s says what is, what it means and what to type',
    (_name, { annotations, labels }) => {
      expect(annotations.summary).toMatch(/\S/);
      expect(annotations.description).toMatch(/ {2}runbook |runbook show /);
      expect(['warning', 'critical']).toContain(labels.severity);
    },
  );

  it('the dashboard shows a nought only where somebody has looked: what is unknown has no data', () => {
    const noughts = dashboard.panels
      .flatMap(({ targets }) => targets)
      .flatMap(({ expr }) => expr.match(/or .*/g) ?? []);
    expect(noughts).toHaveLength(3);
    for (const nought of noughts) expect(nought).toMatch(/0 \* count\(runbook_observation_timestamp_seconds\{source=/);
  });

  it('the dashboard is one that Grafana takes: panels with a place of their own and a question each', () => {
    expect(dashboard).toMatchObject({ title: 'runbook', uid: 'runbook', schemaVersion: 39 });
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    const taken = new Set<string>();
    for (const { gridPos, targets, title, type } of dashboard.panels) {
      expect([title, type, ...targets.map(({ refId }) => refId)].every((text) => text !== '')).toBe(true);
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken).not.toContain(`${x},${y}`);
          taken.add(`${x},${y}`);
        }
    }
  });
});

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
const withPromtool = hasPromtool ? it : it.skip;

describe(hasPromtool ? 'promtool' : 'promtool, which is not here (Debian: prometheus), so it is skipped', () => {
  const promtool = (...argv: string[]): { status: number | null; said: string } => {
    const { status, stdout, stderr } = spawnSync('promtool', argv, { encoding: 'utf8' });
    return { status, said: stdout + stderr };
  };

  withPromtool('takes the rules', () => {
    expect(promtool('check', 'rules', RULES)).toMatchObject({ status: 0 });
  });

  withPromtool(
    'sees every alert come when it should, and not before',
    () => {
      const tests = readFileSync(RULES.replace('.yaml', '.test.yaml'), 'utf8');
      for (const { alert } of rules) expect(tests).toContain(`alertname: ${alert}`);
      const files = ['.test.yaml', '.weeks.test.yaml'].map((end) => RULES.replace('.yaml', end));
      expect(promtool('test', 'rules', ...files)).toMatchObject({ status: 0 });
    },
    120_000,
  );

  withPromtool('finds nothing to say of the exposition', async () => {
    const metrics = createMetrics('0.1.0', { backups: 900, runs: 30 });
    metrics.ended({ runbook: 'drift', outcome: 'Done', seconds: 1 });
    const input = await metrics.text();
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' });
    expect({ status, said: stdout + stderr }).toEqual({ status: 0, said: '' });
  });
});

import { beforeAll, describe, expect, it } from '@jest/globals';
import { DeterminismViolationError } from '@temporalio/workflow';
import * as registry from '../../workflows/index.ts';
import { listHistories, readHistory, withoutHistory, type JsonHistory } from './histories.ts';
import { bundleWithMutations } from './mutant.ts';
import { findLeaks } from './neutral.ts';
import { replay, WORKFLOW_BUNDLE } from './replay.ts';

const histories: Record<string, JsonHistory> = {};
beforeAll(async () => {
  for (const recorded of await listHistories())
    histories[`${recorded.workflow}/${recorded.name}`] = await readHistory(recorded);
});

describe('recorded runs', () => {
  it('are there for every workflow that a worker offers', () => {
    const workflows = Object.keys(registry);
    expect(workflows.length).toBeGreaterThan(0);
    expect(withoutHistory(workflows, Object.keys(histories))).toEqual([]);
  });

  it('are missed where a workflow has none, and where there are none at all', () => {
    const others = Object.keys(histories).filter((name) => !name.startsWith('doctor/'));
    expect(withoutHistory(Object.keys(registry), others)).toEqual(['doctor']);
    expect(withoutHistory(Object.keys(registry), [])).toEqual(Object.keys(registry));
  });

  it('are there of plans that change nothing, too', () => {
    expect(Object.keys(histories).filter((name) => name.endsWith('/plan-only'))).toEqual([
      'clusterBootstrap/plan-only',
      'clusterUpgrade/plan-only',
      'identityBackup/plan-only',
      'infraApply/plan-only',
      'infraApplyAll/plan-only',
      'memberRemove/plan-only',
      'nightlyBackup/plan-only',
      'nodeReinstall/plan-only',
      'nodeRejoin/plan-only',
      'quorumRecover/plan-only',
      'restore/plan-only',
      'restoreDrill/plan-only',
      'restoreFiles/plan-only',
      'rotateKeys/plan-only',
      'safeUpgrade/plan-only',
      'safeUpgradeAll/plan-only',
      'vmRecreate/plan-only',
    ]);
  });

  it('are of workflows that a worker offers', () => {
    expect(Object.keys(histories).filter((name) => !((name.split('/')[0] ?? '') in registry))).toEqual([]);
  });

  it('are replayed by the workflows as they are now', async () => {
    const verdicts = await replay(WORKFLOW_BUNDLE, histories);
    expect(Object.keys(verdicts).sort()).toEqual(Object.keys(histories).sort());
    expect(Object.entries(verdicts).filter(([, verdict]) => verdict !== undefined)).toEqual([]);
  }, 300_000);

  it('have no secret and no trace of the machine that recorded them', () => {
    for (const [name, history] of Object.entries(histories))
      expect({ name, leaks: findLeaks(JSON.stringify(history)) }).toEqual({ name, leaks: [] });
  });
});

describe('the look for secrets', () => {
  const payload = (text: string): string =>
    JSON.stringify({ events: [{ payloads: [{ data: Buffer.from(text).toString('base64') }] }] });

  it.each(['-----BEGIN OPENSSH PRIVATE KEY-----', 'AGE-SECRET-KEY-1QQQ', 'password: hunter22', '/home/ada/runbook'])(
    'finds %s inside a payload',
    (text) => {
      expect(findLeaks(payload(text))).toHaveLength(1);
    },
  );

  it('takes a folder of the fleet for no home', () => {
    expect(findLeaks(payload('those of /srv/home/compose.yaml'))).toEqual([]);
  });
});

/** What a workflow asked the server for. */
const COMMANDS = [
  'EVENT_TYPE_ACTIVITY_TASK_SCHEDULED',
  'EVENT_TYPE_TIMER_STARTED',
  'EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED',
  'EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED',
];

function askForOneLess({ events }: JsonHistory): void {
  const at = events.findIndex(({ eventType }) => COMMANDS.includes(eventType));
  const later = events.splice(at).slice(1);
  // The server's numbers have no gap.
  events.push(...later.map((event) => ({ ...event, eventId: String(Number(event.eventId) - 1) })));
}

function activityIn({ events }: JsonHistory): object | undefined {
  const found = events.find(({ eventType }) => eventType === 'EVENT_TYPE_ACTIVITY_TASK_SCHEDULED');
  return found?.['activityTaskScheduledEventAttributes'] as object | undefined;
}

describe('a run that was altered', () => {
  it('by one thing less that was asked for is refused, of every workflow', async () => {
    const altered = structuredClone(histories);
    for (const history of Object.values(altered)) askForOneLess(history);
    for (const [name, verdict] of Object.entries(await replay(WORKFLOW_BUNDLE, altered)))
      expect({ name, verdict }).toEqual({ name, verdict: expect.any(DeterminismViolationError) });
  }, 300_000);

  it('by another activity is refused, of every workflow that uses one', async () => {
    const altered = Object.fromEntries(Object.entries(histories).filter(([, history]) => activityIn(history)));
    expect(Object.keys(altered).length).toBeGreaterThan(0);
    for (const name of Object.keys(altered)) {
      const history = (altered[name] = structuredClone(altered[name] ?? { events: [] }));
      Object.assign(activityIn(history) ?? {}, { activityType: { name: 'somethingElse' } });
    }
    for (const [name, verdict] of Object.entries(await replay(WORKFLOW_BUNDLE, altered)))
      expect({ name, verdict }).toEqual({ name, verdict: expect.any(DeterminismViolationError) });
  }, 300_000);
});

describe('workflows that were altered', () => {
  it('are refused by the runs that they have not made like that, and by no others', async () => {
    const mutant = await bundleWithMutations([
      {
        file: 'workflows/safe-upgrade.ts',
        from: '    await takeSnapshots(upgrade);\n    await deployAll(upgrade);\n',
        to: '    await deployAll(upgrade);\n    await takeSnapshots(upgrade);\n',
      },
      {
        file: 'workflows/cluster-upgrade.ts',
        from: 'await previewUnits(run, plan.deployments)',
        to: 'await previewUnits(run, plan.deployments.slice(1))',
      },
      {
        file: 'workflows/all/plan-members.ts',
        from: 'for (const member of members)',
        to: 'for (const member of members.slice(1))',
      },
    ]);
    const verdicts = await replay(mutant, histories);
    for (const refused of ['safeUpgrade/done', 'clusterUpgrade/plan-only', 'safeUpgradeAll/plan-only'])
      expect({ refused, by: verdicts[refused] }).toEqual({ refused, by: expect.any(DeterminismViolationError) });
    for (const fine of ['safeUpgrade/plan-only', 'clusterUpgrade/done', 'safeUpgradeAll/done', 'doctor/healthy'])
      expect({ fine, by: verdicts[fine] }).toEqual({ fine, by: undefined });
  }, 300_000);
});

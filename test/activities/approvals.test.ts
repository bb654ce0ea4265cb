import { describe, expect, it } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createApprovalActivities } from '../../activities/approvals.ts';
import { parseFleet } from '../../fleet/load.ts';
import type { ApprovalRule } from '../../plan/who-approves.ts';
import { referenceFleetFile } from '../../simulator/reference-fleet.ts';

const RUN = 'a'.repeat(40);
const HEAD = 'b'.repeat(40);

const fleetWith = (rule: string) => {
  const policy = rule === '' ? '' : `\n  approvals: { destructive: { ${rule} } }\n`;
  const parsed = parseFleet(referenceFleetFile() + policy, 'runbook.yaml');
  if (parsed.type !== 'fleet') throw new Error('It is no fleet file.');
  return parsed.fleet;
};
const ruleOf = (atRun: string, atHead: string): Promise<ApprovalRule> => {
  const activities = createApprovalActivities({
    fleetAt: ({ revision }) => Promise.resolve(fleetWith(revision === RUN ? atRun : atHead)),
    head: () => Promise.resolve({ revision: HEAD }),
  });
  return new MockActivityEnvironment().run((input) => activities.approvalPolicy(input), { fleet: { revision: RUN } });
};

describe('who has to say yes', () => {
  it.each([
    ['an older commit has no rule', '', 'people: 2, otherThanStarter: true', { people: 2, otherThanStarter: true }],
    ['a newer one has it no more', 'people: 2, otherThanStarter: true', '', { people: 2, otherThanStarter: true }],
    ['each is stricter in one thing', 'people: 3', 'otherThanStarter: true', { people: 3, otherThanStarter: true }],
    ['neither has one', '', '', { people: 1, otherThanStarter: false }],
  ])('is the stricter of both commits: %s', async (_, atRun, atHead, expected) => {
    expect(await ruleOf(atRun, atHead)).toEqual(expected);
  });
});

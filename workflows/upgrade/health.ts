import { sleep } from '@temporalio/workflow';
import type { HealthInput, HealthReport } from '../../activities/contract.ts';
import { durationMs, durationWords } from '../../plan/duration.ts';
import type { Finding } from '../../plan/observation.ts';
import { describeFailure, failure } from '../support/failures.ts';
import type { StepSpec } from '../support/run.ts';
import { isNews, type Upgrade } from './upgrade.ts';

/** Probes, cluster and units; then a time of quiet, after which all has to hold still. */
export async function verify(upgrade: Upgrade): Promise<void> {
  const { run, scope } = upgrade;
  const planned = run.view.steps.find(({ id }) => id === 'verify')?.title ?? 'health';
  await requireHealth(upgrade, { id: 'verify', phase: 'verify', title: planned, kind: 'act' });
  const { soak } = scope.policy;
  await requireHealth(
    upgrade,
    { id: 'soak', phase: 'verify', title: `${durationWords(soak)} of quiet`, kind: 'act' },
    soak,
  );
}

/** A look that could not be had counts as trouble. */
export async function lookForTrouble(upgrade: Upgrade, name: string): Promise<Finding[]> {
  try {
    return await findTrouble(upgrade, {
      id: `health-${name}`,
      phase: 'roll back',
      title: 'health now',
      kind: 'rollBack',
    });
  } catch (error) {
    return [{ node: upgrade.scope.node, check: 'health', healthy: false, detail: describeFailure(error).message }];
  }
}

/** What is unhealthy now and was not before. A step of its own, which does not fail. */
async function findTrouble(upgrade: Upgrade, spec: StepSpec): Promise<Finding[]> {
  let news: Finding[] = [];
  await upgrade.run.step(
    spec,
    async (act) => {
      const report = await act.checkHealth(healthInput(upgrade));
      news = report.findings.filter((finding) => isNews(upgrade, finding));
      return report;
    },
    () => ({ state: 'done', detail: news.length === 0 ? 'healthy' : `unhealthy: ${describeFindings(news)}` }),
  );
  return news;
}

async function requireHealth(upgrade: Upgrade, spec: StepSpec, quiet?: string): Promise<void> {
  await upgrade.run.step(
    spec,
    async (act) => {
      if (quiet !== undefined) await sleep(durationMs(quiet), { summary: `${durationWords(quiet)} of quiet` });
      const report = await act.checkHealth(healthInput(upgrade));
      const news = report.findings.filter((finding) => isNews(upgrade, finding));
      if (news.length > 0) throw failure('Unhealthy', describeFindings(news));
      return report;
    },
    ({ findings }: HealthReport) => ({ state: 'done', detail: countHealthy(findings) }),
  );
}

function healthInput({ ref, scope, plan, input }: Upgrade): HealthInput {
  return {
    ...ref,
    member: scope.member,
    nodes: scope.targets.map(({ node }) => node),
    failedBefore: plan.failedBefore,
    allowOffline: input.allowOffline,
    patience: 'patient',
  };
}

export function describeFindings(findings: readonly Finding[]): string {
  // Some checks name themselves in what they found: `502 for https://…`.
  const line = ({ check, detail }: Finding): string => (detail.includes(check) ? detail : `${check}: ${detail}`);
  return findings.map((finding) => `${finding.node} ${line(finding)}`).join('; ');
}

function countHealthy(findings: readonly Finding[]): string {
  const healthy = findings.filter((finding) => finding.healthy).length;
  const exempt = findings.length - healthy;
  return `${healthy} of ${findings.length} hold${exempt === 0 ? '' : `; ${exempt} did not before either`}`;
}

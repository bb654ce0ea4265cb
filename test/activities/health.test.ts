import { describe, expect, it } from '@jest/globals';
import type { Deps } from '../../activities/deps.ts';
import { checkHealth } from '../../activities/health.ts';
import { parseFleet } from '../../fleet/load.ts';
import type { Finding } from '../../plan/observation.ts';
import { fakeHost, json, refusal } from '../tools/fake-host.ts';

const PASSWORD = 'hunter2hunter2';
const read = parseFleet(
  `version: 1
name: homelab
members:
  n1:
    address: 10.0.0.11
    probes: [{ type: command, argv: [check, '--token', 'x', 'password=${PASSWORD}'], for: 1s }]
`,
  'runbook.yaml',
);

const ONLINE = {
  ...{ server_name: 'n1', url: 'https://10.0.0.11:8443', database: true, status: 'Online', message: '' },
  ...{ roles: [], failure_domain: 'default', description: '', config: {}, groups: [] },
};

async function findings(): Promise<Finding[]> {
  if (read.type !== 'fleet') throw new Error('Expected a fleet.');
  const { fleet } = read;
  const host = fakeHost(([program = '']) => {
    if (program === 'check') return refusal(`no: password=${PASSWORD}`);
    return program === 'systemctl' ? json([]) : json([ONLINE]);
  });
  const machines = { member: () => host, node: () => host };
  const deps = { machines, fleetAt: () => Promise.resolve(fleet) } as unknown as Deps;
  const input = { fleet: { revision: '' }, name: '', member: 'n1', nodes: ['n1'], failedBefore: {}, allowOffline: [] };
  const context = { signal: new AbortController().signal, report: () => undefined, attempt: 1 };
  return (await checkHealth(deps, { ...input, patience: 'brief' }, context)).findings;
}

describe('what is told of health', () => {
  it('has no password in it, neither of a probe’s command nor of what that printed', async () => {
    const found = await findings();
    const [probe] = found.filter(({ check }) => check.startsWith('check '));
    expect(probe).toMatchObject({
      check: 'check --token x password=[redacted]',
      healthy: false,
      detail: expect.stringMatching(/^check exited with 1: no: password=\[redacted\]/) as unknown,
    });
    expect(JSON.stringify(found)).not.toContain(PASSWORD);
  });
});

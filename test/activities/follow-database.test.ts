import { describe, expect, it } from '@jest/globals';
import { followDatabase } from '../../activities/follow-database.ts';
import { createIncus } from '../../tools/incus.ts';
import { fakeHost, json, refusal, type FakeHost } from '../tools/fake-host.ts';

const LIST = 'incus cluster list -f json';
const RESTART = 'systemctl restart -- incus.service';
const member = (server_name: string, roles: string[]): object => ({
  ...{ server_name, url: `https://${server_name}:8443`, database: true, status: 'Online', message: '' },
  roles,
});
const CLUSTER = json([member('n1', ['database']), member('n2', ['database-leader', 'database'])]);
const NO_LOG = refusal('Error: Failed to begin transaction: context deadline exceeded');
const pace = { byItselfMs: 20, afterRestartMs: 20, everyMs: 1 };
const PATIENT = { ...pace, byItselfMs: 60_000 };

/** n3 answers once `follows()`; n1 lists n2 as the leader. */
function follow(
  follows: (restarted: boolean) => boolean,
  within = pace,
): { hosts: Record<string, FakeHost>; end: Promise<object> } {
  const isRestarted = (): boolean => hosts['n2']?.calls.some(({ argv }) => argv.join(' ') === RESTART) === true;
  const hosts: Record<string, FakeHost> = {
    n1: fakeHost((argv) => (argv.join(' ') === LIST ? CLUSTER : undefined)),
    n2: fakeHost((argv) => (argv.join(' ') === RESTART ? {} : undefined)),
    n3: fakeHost((argv) => (argv.join(' ') === LIST ? (follows(isRestarted()) ? CLUSTER : NO_LOG) : undefined)),
  };
  const host = (name: string): FakeHost => hosts[name] as FakeHost;
  const end = followDatabase(
    { member: 'n3', incus: createIncus(host('n3')), via: 'n1', viaIncus: createIncus(host('n1')), host },
    { signal: new AbortController().signal, report: () => undefined },
    within,
  );
  return { hosts, end };
}

describe('a member whose database is to follow', () => {
  it('is left alone, as the leader is, where it follows by itself', async () => {
    let looks = 0;
    const { hosts, end } = follow(() => (looks += 1) > 3, PATIENT);
    await expect(end).resolves.toEqual({});
    expect(hosts['n2']?.calls).toEqual([]);
  });

  it('gets another leader where it does not', async () => {
    const { hosts, end } = follow((restarted) => restarted);
    await expect(end).resolves.toEqual({ restarted: 'n2' });
    expect(hosts['n2']?.calls).toHaveLength(1);
  });

  it('fails by its name where that does not help', async () => {
    const { end } = follow(() => false);
    await expect(end).rejects.toMatchObject({
      type: 'TimedOut',
      message: 'The database of n3 does not answer, also after Incus on its leader, n2, was restarted.',
    });
  });
});

import { describe, expect, it } from '@jest/globals';
import type { Deps } from '../../activities/deps.ts';
import { memberChecks } from '../../activities/doctor-member.ts';
import { parseFleet } from '../../fleet/load.ts';
import type { Check } from '../../plan/checks.ts';
import { fakeHost, json, refusal, type Answer } from '../tools/fake-host.ts';

const read = parseFleet('version: 1\nname: homelab\nmembers: { n1: { address: 10.0.0.11 } }\n', 'runbook.yaml');
const server = (storage: string, version: string): Answer =>
  json({
    api_extensions: [],
    environment: {
      ...{ server_version: '6.0.4', server_name: 'n1', server_clustered: true },
      ...{ storage, storage_version: version },
    },
  });

/** One check of a member whose programs answer so. */
async function look(what: string, answers: Record<string, Answer>): Promise<Pick<Check, 'verdict' | 'found'>> {
  if (read.type !== 'fleet') throw new Error('Expected a fleet.');
  const member = read.fleet.members['n1'];
  if (member === undefined) throw new Error('Expected n1.');
  const host = fakeHost(([program = '']) => answers[program]);
  const deps = { machines: { member: () => host } } as unknown as Deps;
  const check = memberChecks(deps, read.fleet, 'n1', member).find((each) => each.what === what);
  if (check === undefined) throw new Error(`Expected a check of ${what}.`);
  const { verdict, found } = await check.look(new AbortController().signal);
  return { verdict, found };
}

describe('a member', () => {
  it('has to be logged into as root', async () => {
    expect(await look('rights', { id: { stdout: '0\n' } })).toEqual({ verdict: 'passed', found: 'root' });
    expect(await look('rights', { id: { stdout: '1000\n' } })).toEqual({
      verdict: 'failed',
      found: 'logs in with user id 1000, not as root',
    });
  });

  it('has to have nix for root', async () => {
    expect(await look('nix', { 'nix-env': { stdout: 'nix-env (Nix) 2.28.5\n' } })).toMatchObject({ verdict: 'passed' });
    expect(await look('nix', { 'nix-env': refusal('sh: nix-env: not found', 127) })).toEqual({
      verdict: 'failed',
      found: 'nix-env is not there',
    });
  });

  it.each([
    ['no storage of Incus is on it', server('dir | lvm', '1 | 2.03'), {}, 'passed'],
    ['2.3.9-1: tank ONLINE', server('zfs', '2.3.9-1'), { stdout: 'tank\tONLINE\t10\t3\t7\n' }, 'passed'],
    [
      'back DEGRADED',
      server('dir | zfs', '1 | 2.3.9-1'),
      { stdout: 'tank\tONLINE\t10\t3\t7\nback\tDEGRADED\t10\t3\t7\n' },
      'failed',
    ],
  ])('with ZFS: %s', async (found, incus, zpool, verdict) => {
    expect(await look('zfs', { incus, zpool })).toEqual({ verdict, found });
  });
});

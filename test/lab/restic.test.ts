import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fleetSchema } from '../../fleet/schema.ts';
import type { Host } from '../../hosts/host.ts';
import { createSshHost } from '../../hosts/ssh.ts';
import { createGuestHost } from '../../tools/incus-exec.ts';
import { createIncus } from '../../tools/incus.ts';
import { eventually } from '../hosts/eventually.ts';
import { aLab } from './a-lab.ts';
import { handsOn } from './hands.ts';
import { aRun, DAMAGE, describeRestic, resticOver, type Place } from './restic-repository.ts';

const lab = aLab();
const { text } = handsOn(lab);
const SERVED = '/root/served';

/** Two servers of one folder on n1, and restic on n3 and in its guest. */
describe('a restic repository', () => {
  let controlDir: string;
  let member: Host;
  let guest: Host;
  const server = (port: number): string => `rest:http://${lab().address('n1')}:${port}`;
  const placeOn = (host: Host, folder: string): Place => ({
    ...{ host, folder, server: server(8101), appendOnly: server(8102) },
    damage: async (repository) => {
      await text('n1', 'sh', '-c', DAMAGE, 'sh', SERVED, repository);
    },
  });

  beforeAll(async () => {
    controlDir = mkdtempSync(join(tmpdir(), 'rb-'));
    member = createSshHost({
      ...{ name: 'n3', address: lab().address('n3'), user: 'root', port: 22, controlDir },
      ...{ identityFile: lab().identityFile, hostKey: lab().facts.hostKeys['n3'] ?? '' },
    });
    guest = createGuestHost({ member, project: 'default', instance: 'g3' });
    const password = `edge:{SHA}${createHash('sha1').update('pass').digest('base64')}`;
    await text('n1', 'sh', '-c', 'mkdir -p "$1" && echo "$2" >"$1/.htpasswd"', 'sh', SERVED, password);
    for (const [port, ...more] of [['8101'], ['8102', '--append-only']])
      await text(
        'n1',
        ...['systemd-run', '--quiet', `--unit=served-${port ?? ''}`, 'restic-rest-server', '--path', SERVED],
        ...['--listen', `:${port ?? ''}`, ...more],
      );
    const answers = async (): Promise<boolean> =>
      (await lab().run('n3', ['curl', '-s', '-o', '/dev/null', `http://${lab().address('n1')}:8102/`])).exitCode === 0;
    await eventually('the servers answer', answers, 20_000);
  }, 60_000);
  afterAll(async () => {
    await member.close();
    rmSync(controlDir, { recursive: true, force: true });
  });

  describe('by restic on a member', () => {
    describeRestic(() => placeOn(member, '/root/on-member'));
  });

  describe('by restic in a guest', () => {
    describeRestic(() => placeOn(guest, '/srv/data/in-guest'));
  });

  it('takes the snapshot of a volume, and leaves nothing mounted', async () => {
    const { server: address } = placeOn(member, '/root/on-member');
    const repository = `${address}/volume`;
    const passwordFile = '/root/on-member/password';
    const environmentFile = '/root/on-member/environment';
    await text(
      'n3',
      ...['sh', '-c', 'set -a; . "$1"; exec restic init --repo="$2" --password-file="$3"', 'sh'],
      ...[environmentFile, repository, passwordFile],
    );
    await text('g3', 'sh', '-c', 'echo before >/srv/data/of-volume');
    const run = aRun();
    const volume = { pool: 'local', project: 'default', volume: 'g3-data', member: 'n3', snapshot: run.name };
    expect(await createIncus(member).createVolumeSnapshot(volume)).toMatchObject({ type: 'created' });
    await text('g3', 'sh', '-c', 'echo after >/srv/data/of-volume');
    const to = [{ type: 'restic', from: 'member', repository, passwordFile, environmentFile }];
    const fleet = fleetSchema.parse({
      ...{ version: 1, name: 'lab', members: { n3: { address: '10.0.0.3' } } },
      guests: { g3: { member: 'n3', volumes: [{ pool: 'local', name: 'g3-data' }] } },
      backups: { data: { guest: 'g3', volumes: ['g3-data'], to } },
    });
    const of = resticOver(member, fleet);
    const made = await of.backUp(run, { snapshot: run.name });
    if (made.type !== 'complete') throw new Error(JSON.stringify(made));
    expect(await text('n3', 'cat', '/proc/self/mountinfo')).not.toContain('/run/runbook');
    expect(await of.restore({ snapshot: made.snapshot, target: '/root/of-volume' })).toMatchObject({});
    expect(await text('n3', 'cat', '/root/of-volume/of-volume')).toBe('before');
    const gone = await of.backUp(aRun(), { snapshot: 'runbook-20000101-0000-0000' });
    expect(gone).toMatchObject({ type: 'failed', message: expect.stringContaining('could not be mounted') });
  }, 120_000);
});

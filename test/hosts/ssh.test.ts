import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Host } from '../../hosts/host.ts';
import { type SshHostSettings, createSshHost } from '../../hosts/ssh.ts';
import { controlPath } from '../../hosts/ssh-options.ts';
import { eventually, processesWith, uniqueSeconds } from './eventually.ts';
import { describeJobs } from './jobs-contract.ts';
import { describeRun } from './run-contract.ts';
import { type TestSshd, findSshd, startSshd } from './sshd.ts';
import { type WorkerProgram, buildWorker, sigkill } from './worker.ts';

const sshd = findSshd();

if ('missing' in sshd)
  describe.skip(`an ssh host: NOT TESTED, ${sshd.missing}`, () => {
    it.todo('needs a real sshd');
  });
else describeSshHost(sshd.path);

function describeSshHost(path: string): void {
  describe('an ssh host', () => {
    const short = { timeoutMs: 20_000 };
    let server: TestSshd;
    let worker: WorkerProgram;
    const settings = (more: Partial<SshHostSettings> = {}): SshHostSettings => ({
      ...server.connection,
      stateDir: join(server.folder, 'state'),
      ...more,
    });
    const withHost = async (host: Host, use: (host: Host) => Promise<void>): Promise<void> => {
      try {
        await use(host);
      } finally {
        await host.close();
      }
    };

    beforeAll(async () => {
      [server, worker] = await Promise.all([startSshd(path), buildWorker()]);
    });
    afterAll(async () => {
      worker.remove();
      await server.stop();
    });

    describeRun(() => Promise.resolve({ host: createSshHost(settings({ name: 'run' })), folder: server.folder }), {
      runs: 30,
    });

    // This machine may have systemd: then these are units, as they are on the hosts.
    describeJobs(() => {
      const subject = settings({ name: 'jobs' });
      return Promise.resolve({ host: createSshHost(subject), another: createSshHost(subject), folder: server.folder });
    });

    it('uses one connection for all commands, and close ends it', async () => {
      const host = createSshHost(settings({ name: 'one' }));
      const socket = controlPath(settings({ name: 'one' }));
      const clientPorts = await Promise.all(
        ['a', 'b', 'c'].map(async () => (await host.run(['sh', '-c', 'echo "$SSH_CONNECTION"'], short)).stdout),
      );
      const again = await host.run(['sh', '-c', 'echo "$SSH_CONNECTION"'], short);
      // Three at once on no connection may open three; from then on there is one.
      expect(clientPorts).toContain(again.stdout);
      expect(statSync(socket).isSocket()).toBe(true);
      expect(statSync(join(socket, '..')).mode & 0o777).toBe(0o700);
      await host.close();
      await eventually('the socket is gone', () => statSync(socket, { throwIfNoEntry: false }) === undefined);
      await host.close();
    });

    it('runs more commands at the same time than a connection takes', () =>
      withHost(createSshHost(settings({ name: 'many' })), async (host) => {
        await host.run(['true'], short);
        const begun = Array.from({ length: 24 }, () => host.run(['sh', '-c', 'sleep 0.3; echo done'], short));
        // ssh says so on standard error where it is refused a session.
        for (const { stdout, stderr } of await Promise.all(begun))
          expect({ stdout, stderr }).toEqual({ stdout: 'done\n', stderr: '' });
      }));

    it('calls a connection that is cut in the middle of a command unreachable, whatever ssh exits with', () =>
      withHost(createSshHost(settings({ name: 'cut' })), async (host) => {
        const seconds = uniqueSeconds();
        const running = host.run(['sh', '-c', 'echo part; sleep "$1"', 'sh', seconds], short);
        const failed = expect(running).rejects.toMatchObject({
          type: 'Unreachable',
          output: expect.stringContaining('part') as unknown,
        });
        await eventually('the command runs', () => processesWith(seconds).length > 1);
        server.cutConnections();
        await failed;
        expect(await host.run(['echo', 'again'], short)).toMatchObject({ stdout: 'again\n' });
      }));

    it('leaves nothing on the host when the worker is killed', async () => {
      const seconds = uniqueSeconds();
      const argv = ['sh', '-c', 'sleep "$1" & sleep "$1"', 'sh', seconds];
      const running = worker.start({
        host: { type: 'ssh', settings: settings({ name: 'killed' }) },
        task: { type: 'run', argv },
      });
      await eventually(
        'it runs on the host',
        () => processesWith('sleep').filter((pid) => processesWith(seconds).includes(pid)).length === 2,
      );
      await sigkill(running);
      await eventually('none is left', () => processesWith(seconds).length === 0, 2000);
      await createSshHost(settings({ name: 'killed' })).close();
    });

    it('leaves a job on the host when the worker is killed, and adopts it', async () => {
      const task = { type: 'start job' as const, name: 'kept', argv: ['sleep', uniqueSeconds()], timeoutMs: 60_000 };
      const running = worker.start({ host: { type: 'ssh', settings: settings({ name: 'adopt' }) }, task });
      await withHost(createSshHost(settings({ name: 'adopt' })), async (host) => {
        await eventually('it runs', async () => (await host.jobs.status('kept')).type === 'running', 10_000);
        await sigkill(running);
        expect(await host.jobs.start(task)).toEqual({ type: 'attached' });
        await host.jobs.stop('kept');
        expect(await host.jobs.status('kept')).toMatchObject({ how: 'stopped' });
      });
    });

    it('does not wait for a connection of before a reboot', async () => {
      let now = 0;
      await withHost(createSshHost(settings({ name: 'stale', clock: () => now })), async (host) => {
        const before = await host.run(['sh', '-c', 'echo "$SSH_CONNECTION"'], short);
        server.freezeConnections();
        now += 60_000;
        const start = performance.now();
        const after = await host.run(['sh', '-c', 'echo "$SSH_CONNECTION"'], short);
        expect(performance.now() - start).toBeLessThan(9000);
        expect(after.stdout).not.toBe(before.stdout);
        expect(await host.run(['true'], short)).toMatchObject({ exitCode: 0 });
      });
    });

    it.each([['another key', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGZ4H5y2TWQjWSX0kTfAyhW4aYz4vY2zXG9cQW7X2K1a']])(
      'refuses a host with %s than the declared one, and never learns it',
      (_, hostKey) =>
        withHost(createSshHost(settings({ name: 'impostor', hostKey })), async (host) => {
          const error = {
            type: 'Refused',
            message: expect.stringContaining('its host key is not the one that is declared') as unknown,
          };
          await expect(host.run(['true'], short)).rejects.toMatchObject(error);
          await expect(host.run(['true'], short)).rejects.toMatchObject(error);
        }),
    );

    it('refuses an unknown host where no key is declared', async () => {
      const knownHostsFile = join(server.folder, 'known hosts');
      writeFileSync(knownHostsFile, '');
      const rest = settings({ name: 'unknown', knownHostsFile });
      delete rest.hostKey;
      await withHost(createSshHost(rest), async (host) => {
        await expect(host.run(['true'], short)).rejects.toMatchObject({ type: 'Refused' });
        expect(readFileSync(knownHostsFile, 'utf8')).toBe('');
      });
    });

    it('takes the host key of a known_hosts file', async () => {
      const knownHostsFile = join(server.folder, 'known hosts too');
      const { hostKey, ...rest } = settings({ name: 'known', knownHostsFile });
      writeFileSync(knownHostsFile, `[127.0.0.1]:${rest.port} ${hostKey ?? ''}\n`);
      await withHost(createSshHost(rest), async (host) => {
        expect(await host.run(['true'], short)).toMatchObject({ exitCode: 0 });
      });
    });

    it('says that the login was refused', async () => {
      const identityFile = join(server.folder, 'other');
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', identityFile]);
      await withHost(createSshHost(settings({ name: 'login', identityFile })), async (host) => {
        await expect(host.run(['true'], short)).rejects.toMatchObject({
          type: 'Refused',
          message: expect.stringContaining('refused the login') as unknown,
        });
      });
    });

    it.each([
      ['that is none', 0o600],
      ['that others can read', 0o644],
    ])('says that the private key can’t be used, for one %s', async (_, mode) => {
      const identityFile = join(server.folder, `unusable-${mode}`);
      writeFileSync(identityFile, 'no key\n');
      chmodSync(identityFile, mode);
      await withHost(createSshHost(settings({ name: `unusable-${mode}`, identityFile })), async (host) => {
        await expect(host.run(['true'], short)).rejects.toMatchObject({
          type: 'Refused',
          message: expect.stringContaining('the private key can’t be used') as unknown,
        });
      });
    });

    it('says that nobody listens', () =>
      withHost(createSshHost(settings({ name: 'nobody', port: 1 })), async (host) => {
        await expect(host.run(['true'], short)).rejects.toMatchObject({ type: 'Unreachable' });
      }));

    it('says that ssh is not installed', () =>
      withHost(createSshHost(settings({ name: 'no-ssh', sshProgram: 'runbook-no-such-ssh' })), async (host) => {
        await expect(host.run(['true'], short)).rejects.toMatchObject({ type: 'NotRun' });
      }));

    it('refuses a command that is longer than Linux takes, before anything runs', () =>
      withHost(createSshHost(settings({ name: 'long' })), async (host) => {
        await expect(host.run(['echo', 'x'.repeat(131_072)], short)).rejects.toThrow('send data as input');
      }));
  });
}

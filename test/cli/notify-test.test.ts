import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { main } from '../../cli/program.ts';
import { httpServer, mailServer, type HttpServer } from '../activities/notify/servers.ts';
import { testIo } from './io.ts';

const PROGRAM = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const HEAD = 'version: 1\nname: homelab\nmembers: { n1: { address: 10.0.0.11 } }\n';

describe('runbook notify test', () => {
  let repo: string;
  let server: HttpServer;
  beforeEach(async () => {
    repo = await mkdtemp(join(tmpdir(), 'notify-test-'));
    server = await httpServer(
      (response, _number, { path }) => void response.writeHead(path === '/no' ? 403 : 200).end(),
    );
  });
  afterEach(async () => {
    await server.close();
    await rm(repo, { recursive: true });
  });
  const declare = (channels: string): Promise<void> =>
    writeFile(join(repo, 'runbook.yaml'), `${HEAD}notifications:\n  channels:\n${channels}`);
  const type = async (...options: string[]) => {
    const io = testIo({ cwd: repo });
    const code = await main(['notify', 'test', ...options], io);
    return { code, out: io.out(), err: io.err() };
  };

  it('sends on each channel, says what was answered, and ends with 1 where one did not take it', async () => {
    await declare(
      `    phone: { type: ntfy, url: "${server.url}", topic: t }\n    hook: { type: webhook, url: "${server.url}/no" }\n`,
    );
    const { code, out } = await type();
    expect(code).toBe(1);
    expect(out).toContain('✔ phone: sent, answered 200\n');
    expect(out).toMatch(/✘ hook: not sent\. 127\.0\.0\.1:\d+ answered 403\n/);
    const one = await type('--channel', 'phone', '--json');
    expect(one).toEqual({ code: 0, out: '{"channel":"phone","type":"sent","answer":"200"}\n', err: '' });
    expect(server.asked.map(({ path }) => path).sort()).toEqual(['/', '/', '/no']);
  });

  it('names the channels that there are, and where none is', async () => {
    await declare(`    phone: { type: ntfy, topic: t }\n`);
    const wrong = await type('--channel', 'fone');
    expect([wrong.code, wrong.err]).toEqual([2, 'runbook.yaml has no channel "fone".\nIt has phone.\n']);
    await writeFile(join(repo, 'runbook.yaml'), HEAD);
    const none = await type();
    expect([none.code, none.err]).toEqual([2, expect.stringContaining('no channel to send on')]);
    expect(server.asked).toEqual([]);
  });

  it('logs in by SMTP with STARTTLS, as it is built, where the CA is trusted', async () => {
    const [key, cert] = [join(repo, 'key.pem'), join(repo, 'cert.pem')];
    const name = ['-subj', '/CN=mail', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    execFileSync('openssl', [...made, '-keyout', key, '-out', cert, ...name], { stdio: 'ignore' });
    const { port, mails, close } = await mailServer({
      ...{ key: await readFile(key), cert: await readFile(cert) },
      onAuth: ({ username, password }, { secure }, done) => {
        if (secure && username === 'runbook' && password === 'pa55') done(undefined, { user: username });
        else done(new Error('no'));
      },
    });
    try {
      await writeFile(join(repo, 'password'), 'pa55\n');
      await declare(
        `    mail: { type: email, host: 127.0.0.1, port: ${port}, user: runbook, passwordFile: ${join(repo, 'password')}, from: a@b.net, to: [c@d.net] }\n`,
      );
      const env = { ...process.env, NODE_EXTRA_CA_CERTS: cert };
      const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, 'notify', 'test'], { cwd: repo, env });
      expect(stdout).toMatch(/✔ mail: sent, answered 250 /);
      expect(mails).toEqual([
        { to: ['c@d.net'], text: expect.stringContaining('a test message'), secure: true, user: 'runbook' },
      ]);
    } finally {
      await close();
    }
  });
});

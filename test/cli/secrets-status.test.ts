import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { main } from '../../cli/program.ts';
import type { SecretsView } from '../../plan/secrets.ts';
import { testIo } from './io.ts';

const [OPERATOR, EDGE] = ['q', 'e'].map((letter) => `age1${letter.repeat(58)}`);
const FLEET = `version: 1
name: homelab
members: { n1: { address: 10.0.0.11 } }
guests: { edge-vm: { member: n1, secrets: [secrets/edge.enc.yaml] } }
`;
const CONFIG = `keys: [&operator ${OPERATOR}, &edge-vm ${EDGE}]
creation_rules:
  - { path_regex: '^edge', key_groups: [{ age: [*operator, *edge-vm] }] }
`;
const encrypted = (...recipients: (string | undefined)[]): string =>
  `token: ENC[AES256_GCM,data:a,type:str]\nsops:\n  lastmodified: "2026-11-28T00:00:00Z"\n  age:\n${recipients
    .map((key) => `    - { recipient: ${key}, enc: x }\n`)
    .join('')}`;

describe('runbook secrets status', () => {
  let repo: string;
  const git = (...args: string[]): void => {
    const identity = ['-c', 'user.name=T', '-c', 'user.email=t@example.org', '-c', 'commit.gpgsign=false'];
    execFileSync('git', ['-C', repo, ...identity, ...args], {
      env: { ...process.env, GIT_COMMITTER_DATE: '2026-11-01T00:00:00Z' },
    });
  };
  beforeEach(async () => {
    repo = await mkdtemp(join(tmpdir(), 'secrets-status-'));
    await mkdir(join(repo, 'secrets'));
    const files = {
      'runbook.yaml': FLEET,
      'secrets/sops.yaml': CONFIG,
      'secrets/edge.enc.yaml': encrypted(OPERATOR, EDGE),
    };
    for (const [path, text] of Object.entries(files)) await writeFile(join(repo, path), text);
    git('init', '--quiet', '--initial-branch=main');
    git('add', '.');
    git('commit', '--quiet', '-m', 'first');
  });
  afterEach(() => rm(repo, { recursive: true }));

  const status = async (...options: string[]) => {
    const io = { ...testIo({ cwd: repo }), now: () => Date.parse('2026-11-28T00:00:00Z') };
    const code = await main(['secrets', 'status', ...options], io);
    return { code, out: io.out(), err: io.err() };
  };

  it('shows recipients by name, the age of the data key, and ends with 0 where all is as the rules say', async () => {
    const { code, out } = await status();
    expect(code).toBe(0);
    expect(out).toContain('1 file as secrets/sops.yaml says.');
    expect(out).toMatch(/secrets\/edge\.enc\.yaml +operator, edge-vm +27 days +line 3 +as it should be/);
  });

  it('ends with 1 and says what to do where a file differs, or is plain', async () => {
    await writeFile(join(repo, 'secrets/edge.enc.yaml'), encrypted(OPERATOR));
    await writeFile(join(repo, 'secrets/edge-new.yaml'), 'token: hunter2\n');
    const { code, out } = await status();
    expect(code).toBe(1);
    expect(out).toContain('sops --config secrets/sops.yaml updatekeys secrets/edge.enc.yaml');
    expect(out).toContain('secrets/edge-new.yaml is not encrypted');
    expect(out).not.toContain('hunter2');
    const json = await status('--json');
    expect(json.code).toBe(1);
    const view = JSON.parse(json.out) as SecretsView;
    expect(view.files.map(({ path, drift }) => [path, drift.map(({ type }) => type)])).toEqual([
      ['secrets/edge-new.yaml', ['plain']],
      ['secrets/edge.enc.yaml', ['missing', 'guest']],
    ]);
  });

  it('ends with 2 where there are no rules, and says where they are looked for', async () => {
    await rm(join(repo, 'secrets/sops.yaml'));
    const { code, err } = await status();
    expect(code).toBe(2);
    expect(err).toContain('There is no secrets/sops.yaml: secrets.config in runbook.yaml names it.');
  });
});

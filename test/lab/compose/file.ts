import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';

export interface Service {
  image: string;
  user?: string;
  entrypoint?: string[];
  command?: string[];
  environment?: Record<string, string>;
  secrets?: string[];
  volumes?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
  restart: 'unless-stopped' | `on-failure:${number}`;
}

export interface Compose {
  services: Record<string, Service>;
  secrets: Record<string, { file: string }>;
}

/** Files of Compose, the later over the earlier, with `env` for the variables in them, as `docker compose config` has them. */
export async function readCompose(files: readonly URL[], env: Record<string, string>): Promise<Compose> {
  const all: Compose = { services: {}, secrets: {} };
  for (const file of files) {
    const raw = parse(await readFile(file, 'utf8'), { merge: true, logLevel: 'error' }) as Partial<Compose>;
    const { services = {}, secrets = {} } = interpolated(raw, env) as Partial<Compose>;
    Object.assign(all.secrets, secrets);
    for (const [name, service] of Object.entries(services)) {
      const under: Partial<Service> = all.services[name] ?? {};
      all.services[name] = {
        ...under,
        ...service,
        environment: { ...under.environment, ...service.environment },
        secrets: [...(under.secrets ?? []), ...(service.secrets ?? [])],
      };
    }
  }
  return all;
}

function interpolated(value: unknown, env: Record<string, string>): unknown {
  if (Array.isArray(value)) return value.map((each) => interpolated(each, env));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, interpolated(each, env)]));
  if (typeof value !== 'string') return value;
  return value.replace(/\$\$|\$\{(\w+):([-?])([^}]*)\}/g, (_, name?: string, kind?: string, text?: string) => {
    if (name === undefined) return '$';
    const given = env[name] ?? '';
    if (given === '' && kind === '?') throw new Error(`required variable ${name} is missing a value: ${text}`);
    return given === '' ? (text ?? '') : given;
  });
}

import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { provide } from './cache.ts';
import { cacheFolder } from './paths.ts';
import { onPath } from './requirements.ts';
import { check } from './shell.ts';

const MODULE = 'go.temporal.io/server';
/** Of the images of docker-compose.yml. */
export const TEMPORAL_VERSION = '1.31.2';

/** What of the module's programs is called how in the images. */
const PROGRAMS = { server: 'temporal-server', sql: 'temporal-sql-tool' } as const;

/**
 * A folder with Temporal’s server and its tool for SQL (`bin/`), the schemas of PostgreSQL (`schema/`) and what the server’s
 * image starts (`entrypoint.sh`), from the Go proxy. The first time it is built: minutes, behind everything else.
 */
export function temporalServer(progress: (line: string) => void): Promise<string> {
  const module = `${MODULE}@v${TEMPORAL_VERSION}`;
  const build = async (folder: string): Promise<void> => {
    if (!onPath('go'))
      throw new Error(`Temporal’s server is built with Go 1.26 or newer, and there is no \`go\` in PATH`);
    progress(`temporal-server: go install ${module} (minutes)`);
    const { Dir: sources } = JSON.parse(await check(['go', 'mod', 'download', '-json', module])) as { Dir: string };
    await check(['mkdir', '-p', join(folder, 'schema')]);
    await check(['cp', '-r', '--no-preserve=mode', join(sources, 'schema', 'postgresql'), join(folder, 'schema')]);
    await check(['install', join(sources, 'docker', 'scripts', 'sh', 'entrypoint.sh'), folder]);
    const bin = join(folder, 'bin');
    const packages = [`${MODULE}/cmd/server`, `${MODULE}/cmd/tools/sql`].map((each) => `${each}@v${TEMPORAL_VERSION}`);
    const argv = ['nice', '-n', '19', 'go', 'install', '-trimpath', '-ldflags=-s -w', ...packages];
    await check(argv, { env: { GOBIN: bin, CGO_ENABLED: '0' } });
    for (const [built, name] of Object.entries(PROGRAMS)) await rename(join(bin, built), join(bin, name));
  };
  const proof = ['entrypoint.sh', 'schema/postgresql', ...Object.values(PROGRAMS).map((name) => join('bin', name))];
  return provide(
    cacheFolder(),
    { name: 'temporal-server', inputs: { keys: [module], files: [] }, proof, build },
    progress,
  );
}

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Container } from './container.ts';

const PROGRAM = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));

/** What postgres:16 does when it starts: the database of its user’s name, and whoever comes over the network has to know the password. */
const POSTGRES = `
set -eu
if [ ! -e "$PGDATA/PG_VERSION" ]; then
  initdb --username="$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" --auth-local=trust --auth-host=scram-sha-256
  echo "CREATE DATABASE $POSTGRES_USER" | postgres --single postgres
fi
exec postgres -c 'listen_addresses=*' -c unix_socket_directories=/run/postgresql
`;

export interface Surroundings {
  /** Of the whole project: it is the user’s of the services. */
  folder: string;
  /** Whose `folder` is: RUNBOOK_UID. */
  uid: number;
  /** The folder of docker-compose.yml. */
  source: string;
  /** What lab/temporal.ts makes. */
  server: string;
  /** Temporal’s command line. */
  temporal: string;
  /** Programs of the fleet that the worker sees, and its monorepo. */
  binDir: string;
  repo: string;
}

type Image = Pick<Container, 'mounts' | 'cwd' | 'env'> & Partial<Container>;

/** What an image brings along. */
export function imageOf(name: string, { folder, server, temporal, binDir, repo }: Surroundings): Image {
  const path = process.env['PATH'] ?? '';
  const bin = (program: string): Record<string, string> => ({ [join(server, 'bin', program)]: `/run/bin/${program}` });
  const PATH = `/run/bin:${path}`;
  switch (name) {
    case 'postgres':
      return {
        mounts: {},
        cwd: folder,
        env: { PATH: `${postgresBin()}:${path}`, PGDATA: join(folder, 'data'), LC_ALL: 'C.UTF-8' },
        argv: ['sh', '-euc', POSTGRES],
      };
    case 'temporalio/admin-tools':
      return {
        mounts: {
          ...bin('temporal-sql-tool'),
          [temporal]: '/run/bin/temporal',
          [join(server, 'schema')]: '/etc/temporal/schema',
        },
        cwd: folder,
        env: { PATH, HOME: folder },
      };
    case 'temporalio/server':
      return {
        mounts: { ...bin('temporal-server'), [join(server, 'entrypoint.sh')]: '/etc/temporal/entrypoint.sh' },
        hasPipefail: true,
        cwd: folder,
        env: { PATH, HOME: folder },
      };
    case 'runbook':
      return {
        // Its fleet is simulated by programs over files of this machine’s root.
        uid: 0,
        mounts: {},
        cwd: repo,
        env: { PATH: `${binDir}:${path}`, HOME: join(folder, 'home'), RUNBOOK_STATE: join(folder, 'state') },
        argv: [process.execPath, PROGRAM],
      };
    default:
      throw new Error(`nothing is known of the image ${name}`);
  }
}

/** Debian has a folder of programs for each version, and not all of them in PATH. */
function postgresBin(): string {
  const folder = '/usr/lib/postgresql';
  if (!existsSync(folder)) throw new Error('PostgreSQL is not here: apt-get install postgresql netcat-openbsd');
  const versions = readdirSync(folder)
    .map(Number)
    .sort((a, b) => b - a);
  return `${folder}/${String(versions[0])}/bin`;
}

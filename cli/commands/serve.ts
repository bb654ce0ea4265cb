import { isIP } from 'node:net';
import type * as Serve from '../actions/serve.ts';
import { InvalidArgumentError, Option } from '@commander-js/extra-typings';
import { helpAfter, type AddCommand } from '../context.ts';
import type { Ending } from '../exit-codes.ts';

const SERVE_ENDINGS: readonly Ending[] = ['done', 'failed', 'wrong usage', 'wrong config', 'unreachable'];
const METRICS = 'serve metrics for Prometheus there, as 127.0.0.1:9464';

const logLevel = (): Option<
  '--log-level <level>',
  undefined,
  'info',
  undefined,
  false,
  'debug' | 'info' | 'warn' | 'error'
> =>
  new Option('--log-level <level>', 'how much is logged')
    .choices(['debug', 'info', 'warn', 'error'] as const)
    .default('info' as const);

export const addWorkerAndDev: AddCommand = (parent, context) => {
  parent
    .command('worker')
    .summary('do the work of runs')
    .description(
      'Runs a worker: it polls Temporal and reaches the hosts over ssh. Stands in its clone of the monorepo.',
    )
    .option('--metrics <address>', METRICS, parseAddress)
    .addOption(logLevel())
    .option('--log-file <file>', 'log there instead of to stderr')
    .option('--check', 'only see whether the runs that are open would go on with this build')
    .addHelpText(
      'after',
      helpAfter(['runbook worker --metrics 127.0.0.1:9464', 'runbook worker --check'], SERVE_ENDINGS),
    )
    .action(async (options) => {
      const { checkBuild, serveWorker } = await loadServe();
      context.ending = await (options.check === true ? checkBuild : serveWorker)(context, options);
    });
  parent
    .command('dev')
    .summary('server, Web UI and worker in one')
    .description('Runs a Temporal development server, its Web UI and a worker. Data are kept across restarts.')
    .option('--port <port>', 'where Temporal listens; the Web UI is a thousand above (default: 7233)', parsePort)
    .option('--metrics <address>', METRICS, parseAddress)
    .addOption(logLevel())
    .option('--log-file <file>', 'the worker’s log (default: worker.log in the state folder)')
    .addHelpText('after', helpAfter(['runbook dev'], SERVE_ENDINGS))
    .action(async (options) => {
      const { serveDevelopment } = await loadServe();
      context.ending = await serveDevelopment(context, options);
    });
};

/** A worker waits most of its time, so memory is worth more to it than speed: V8 is told before it makes room. */
async function loadServe(): Promise<typeof Serve> {
  const { setFlagsFromString } = await import('node:v8');
  setFlagsFromString('--optimize-for-size');
  return import('../actions/serve.ts');
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 64_535)
    throw new InvalidArgumentError('Expected a port from 1 to 64535.');
  return port;
}

/** As the SDK reads it: it knows no names. */
function parseAddress(text: string): string {
  const [, v6, v4, port] = /^(?:\[(.+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const isAddress = v6 === undefined ? isIP(v4 ?? '') === 4 : isIP(v6) === 6;
  if (isAddress && Number(port) <= 65_535) return text;
  throw new InvalidArgumentError('Expected an IP address and a port, as 127.0.0.1:9464 or [::1]:9464.');
}

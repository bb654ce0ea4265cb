import { isIP } from 'node:net';
import { InvalidArgumentError } from '@commander-js/extra-typings';
import { helpAfter, type AddCommand } from '../context.ts';
import type { Ending } from '../exit-codes.ts';

const ENDINGS: readonly Ending[] = ['done', 'failed', 'wrong usage', 'wrong config'];

export const addCodec: AddCommand = (parent, context) => {
  const codec = parent
    .command('codec')
    .summary('keys that encrypt what Temporal keeps')
    .description('Makes keys that encrypt what Temporal keeps of runs (docs/security.md).')
    .addHelpText('after', helpAfter(['runbook codec new-key codec.keys'], ENDINGS));
  codec
    .command('new-key')
    .summary('make a key')
    .description(
      'Writes a file with a new key, for its owner alone. The key is not shown, and a file that is there is left alone.',
    )
    .argument('<file>', 'where the key is written')
    .option('--id <id>', 'what the key is called (default: the day, and four characters)')
    .option('--add', 'add it to the file, behind the keys that are there')
    .addHelpText(
      'after',
      helpAfter(['runbook codec new-key codec.keys', 'runbook codec new-key --add codec.keys'], ENDINGS),
    )
    .action(async (file, options) => {
      const { newKey } = await import('../actions/codec-new-key.ts');
      context.ending = newKey(context, file, options);
    });
};

export const addCodecServer: AddCommand = (parent, context) => {
  parent
    .command('codec-server')
    .summary('decrypt for Temporal’s Web UI')
    .description(
      'Serves /decode and /encode for Temporal’s Web UI and command line, with the keys of RUNBOOK_CODEC_KEYS, until Ctrl-C or SIGTERM. Elsewhere than on this machine alone it wants a token and TLS.',
    )
    .option('--listen <address>', 'where, as 127.0.0.1:8081', parseListen, { host: '127.0.0.1', port: 8081 })
    .option('--origin <origin...>', 'web pages that may ask, as http://127.0.0.1:8080')
    .option('--token-file <file>', 'ask everybody for the token in this file')
    .option('--tls-cert <file>', 'speak TLS, with this certificate (PEM)')
    .option('--tls-key <file>', 'the private key of that certificate (PEM)')
    .addHelpText('after', helpAfter(['runbook codec-server --origin http://127.0.0.1:8080'], ENDINGS))
    .action(async (options) => {
      const { serveCodec } = await import('../actions/codec-server.ts');
      context.ending = await serveCodec(context, options);
    });
};

function parseListen(text: string): { host: string; port: number } {
  const [, v6, v4, port] = /^(?:\[(.+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = v6 ?? v4 ?? '';
  if (isIP(host) !== 0 && Number(port) <= 65_535) return { host, port: Number(port) };
  throw new InvalidArgumentError('Expected an IP address and a port, as 127.0.0.1:8081 or [::1]:8081.');
}

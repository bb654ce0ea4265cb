import { query, send, start, stop } from './incus-commands.ts';
import type { Recorder } from './recorder.ts';

const path = (name: string): string => `/1.0/instances/${name}?project=default`;
const init = (image: string, name: string, ...more: string[]): string[] => [
  ...['incus', 'init', '--quiet', '--project', 'default', '--target', 'n3', ...more],
  ...[image, name],
];
const DEFAULT = ['--profile', 'default'];
const edit = (name: string): string[] => ['incus', 'config', 'edit', '--project', 'default', name];
const VARIES = { varies: 'times, addresses and ids are others each time' };

interface Made {
  architecture: string;
  description: string;
  ephemeral: boolean;
  stateful: boolean;
  profiles: string[];
  config: Record<string, string>;
  devices: Record<string, Record<string, string>>;
}

/** An instance that takes the place of another one: made, changed, renamed and removed. */
export async function recordRecreate(recorder: Recorder): Promise<void> {
  const on = (note: string, argv: string[], options: { input?: string; varies?: string } = {}): Promise<unknown> =>
    recorder.on('n1', note, argv, options);
  const record = async (name: string): Promise<Made> => {
    const { stdout } = await recorder.run('n1', query(path(name)));
    return JSON.parse(stdout) as Made;
  };
  const edited = async (name: string, change: (made: Made) => Partial<Made>): Promise<string> => {
    const { architecture, description, ephemeral, stateful, profiles, config, devices } = await record(name);
    const whole = { architecture, description, ephemeral, stateful, profiles, config, devices };
    return JSON.stringify({ ...whole, ...change({ ...whole }) });
  };
  const config = { 'user.runbook.run': 'runbook-20261128-0214-3f9c', 'boot.autostart': 'true' };
  const shared = (source: string): Record<string, string> => ({ type: 'disk', source, path: source, readonly: 'true' });
  const kept = { usr: shared('/usr'), lab: shared('/etc/lab') };
  const devices = { ...kept, more: { type: 'disk', source: '/etc/lab', path: '/srv/lab' } };
  const input = JSON.stringify({ config, devices });
  await on('record of a missing one', query(path('made')));
  await on('init', init('guest', 'made', ...DEFAULT), { input });
  await on('init of one that is there', init('guest', 'made', ...DEFAULT), { input });
  await on('init of a missing image', init('nope', 'other', ...DEFAULT), { input });
  await on('init as a virtual machine of a container’s image', init('guest', 'other', '--vm', ...DEFAULT), { input });
  await on('init without a root disk', init('guest', 'other', '--no-profiles'), { input });
  await on('record', query(path('made')), VARIES);
  await on('edit: another configuration, a device less', edit('made'), {
    input: await edited('made', (made) => ({
      config: { ...made.config, 'boot.autostart': 'false', 'user.runbook.aside': '{}' },
      devices: kept,
    })),
    ...VARIES,
  });
  await on('record after it', query(path('made')), VARIES);
  await on('edit of a missing one', edit('nope'), { input: JSON.stringify({ config: {}, devices: {} }) });
  await on('start', start('made'));
  await on('rename of a running one', send('POST', path('made'), { name: 'aside' }));
  await on('removal of a running one', send('DELETE', path('made')));
  await on('forced stop', stop('made', 30, true));
  await on('rename to a name in use', send('POST', path('made'), { name: 'g3' }));
  await on('rename', send('POST', path('made'), { name: 'aside' }), VARIES);
  await on('rename of a missing one', send('POST', path('made'), { name: 'aside' }));
  await on('removal', send('DELETE', path('aside')), VARIES);
  await on('removal of a missing one', send('DELETE', path('aside')));
}

import { deployJobArgv } from './deploy-commands.ts';
import type { Recorder } from './recorder.ts';

const PROFILE = '/nix/var/nix/profiles/system';
const SYSTEMS = [PROFILE, '/run/current-system', '/run/booted-system'];

/** As the product activates a system while the profile points to another one. */
const activateBeside = (system: string): string[] => [
  ...['sh', '-c', '"$1" boot && exec "$2" test', 'sh'],
  ...[PROFILE, system].map((each) => `${each}/bin/switch-to-configuration`),
];

/** Needs a host that was never deployed to: `n2`. */
export async function recordGenerations(recorder: Recorder): Promise<void> {
  const on = (note: string, argv: string[]): Promise<unknown> => recorder.on('n2', note, argv);
  const generations = ['nix-env', '-p', PROFILE, '--list-generations'];
  const parts = [PROFILE, '/run/booted-system'].flatMap((system) =>
    ['kernel', 'initrd', 'kernel-modules'].map((part) => `${system}/${part}`),
  );
  const systems = ['readlink', '-m', '--', ...SYSTEMS, ...parts];
  const activate = (action: string): string[] => [`${PROFILE}/bin/switch-to-configuration`, action];
  await on('one generation', generations);
  const revision = await recorder.setSpec('n2', { version: '26.05.2', kernel: '6.12.2' });
  await recorder.here('a second generation', deployJobArgv(recorder, 'n2', revision));
  await on('generations', generations);
  await on('systems and their parts', systems);
  await on('back to the first', ['nix-env', '-p', PROFILE, '--switch-generation', '1']);
  await on('generations, back at the first', generations);
  await on('what activating it would do', activate('dry-activate'));
  await on('activate it', activate('switch'));
  await on('systems and their parts, back at the first', systems);
  await on('no such generation', ['nix-env', '-p', PROFILE, '--switch-generation', '99']);
  await on('forward again', ['nix-env', '-p', PROFILE, '--switch-generation', '2']);
  await on('for the next boot', activate('boot'));
  await on('systems and their parts, the second for the next boot', systems);
  await on('activate it for now', activate('test'));
  const { stdout } = await recorder.on('n2', 'the first system', ['readlink', '-f', `${PROFILE}-1-link`]);
  const first = stdout.trim();
  await on('the first for now, the second for the next boot', activateBeside(first));
  await on('the first as a generation of its own', ['nix-env', '-p', PROFILE, '--set', first]);
  await on('systems and their parts, the first set', systems);
  await on('the version that it carries', ['cat', `${PROFILE}/nixos-version`]);
  await on('a file that it does not have', ['cat', `${PROFILE}/nope`]);
  await recordStore(recorder, first);
}

/** A copied system whose files a power loss has damaged; `n2` runs another one, `inUse`. */
async function recordStore(recorder: Recorder, inUse: string): Promise<void> {
  const on = (note: string, ...argv: string[]) => recorder.on('n2', note, argv);
  const store = (note: string, ...argv: string[]) => on(note, 'nix-store', ...argv);
  const place = async (note: string, link: string): Promise<string> =>
    (await on(note, 'readlink', '-f', link)).stdout.trim();
  const system = await place('the second system', `${PROFILE}-2-link`);
  const needed = await place('its kernel', `${PROFILE}-2-link/kernel`);
  const nope = '/nix/store/00000000000000000000000000000000-nope';
  const verify = (note: string) =>
    on(
      note,
      ...['nix', '--extra-experimental-features', 'nix-command', 'store', 'verify', '--quiet', '--no-trust'],
      ...[needed, system],
    );
  await store('what two systems need', '--query', '--requisites', inUse, system);
  await store('what no such path needs', '--query', '--requisites', nope);
  await store('what of it is there', '--check-validity', '--print-invalid', system, nope, needed);
  await verify('whole');
  await on('its contents are lost', 'truncate', '--size=0', needed);
  await verify('changed');
  await on('its files are lost', 'rm', '-rf', system);
  await verify('changed and gone');
  await store('what needs it', '--query', '--referrers-closure', needed);
  await store('only what others need', '--delete', '--ignore-liveness', needed);
  await store('with what needs it', '--delete', '--ignore-liveness', system, needed);
  await store('nothing of it is there', '--check-validity', '--print-invalid', system, needed);
}

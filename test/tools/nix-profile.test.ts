import { describe, expect, it } from '@jest/globals';
import { activationArgv, activationBesideArgv, createSystemProfile } from '../../tools/nix-profile.ts';
import { fakeHost, refusal, scripted } from './fake-host.ts';

const P = '/nix/var/nix/profiles/system';
const list = ['nix-env', '-p', P, '--list-generations'];
const listed = '   1   2026-11-20 08:00:00   \n   3   2026-11-23 02:14:00   (current)\n';
const readlink = [
  ...['readlink', '-m', '--', P, '/run/current-system', '/run/booted-system'],
  ...[`${P}/kernel`, `${P}/initrd`, `${P}/kernel-modules`],
  ...['/run/booted-system/kernel', '/run/booted-system/initrd', '/run/booted-system/kernel-modules'],
];
const targets = [
  ...['/nix/store/new', '/nix/store/new', '/nix/store/old'],
  ...['/nix/store/linux-2/bzImage', '/nix/store/initrd-2/initrd', '/nix/store/modules'],
  ...['/nix/store/linux-1/bzImage', '/nix/store/initrd-1/initrd', '/nix/store/modules'],
];

describe('the system of a host', () => {
  it('is what the profile, the running and the booted system are', async () => {
    const host = scripted([list, { stdout: listed }], [readlink, { stdout: `${targets.join('\n')}\n` }]);
    expect(await createSystemProfile(host).current()).toEqual({
      type: 'system',
      profilePath: '/nix/store/new',
      runningPath: '/nix/store/new',
      bootedPath: '/nix/store/old',
      generation: 3,
      profileParts: {
        kernel: '/nix/store/linux-2',
        initrd: '/nix/store/initrd-2',
        'kernel-modules': '/nix/store/modules',
      },
      bootedParts: {
        kernel: '/nix/store/linux-1',
        initrd: '/nix/store/initrd-1',
        'kernel-modules': '/nix/store/modules',
      },
      rebootNeeded: ['kernel', 'initrd'],
    });
  });

  it('in a container has booted nothing, and so needs no reboot', async () => {
    const unbooted = targets.map((target, index) =>
      index === 2 || (index > 5 && index < 9) ? (readlink[index + 3] ?? '') : target,
    );
    const host = scripted([list, { stdout: listed }], [readlink, { stdout: unbooted.join('\n') }]);
    const answer = await createSystemProfile(host).current();
    expect(answer).toMatchObject({ bootedParts: {}, rebootNeeded: [] });
    expect(answer).not.toHaveProperty('bootedPath');
  });

  it.each([
    ['a line that is no generation', ' 1  yesterday\n'],
    ['no current generation', '   1   2026-11-20 08:00:00   \n'],
    ['nothing', ''],
  ])('with %s is unexpected', async (_, stdout) => {
    const host = scripted([list, { stdout }], [readlink, { stdout: targets.join('\n') }]);
    expect(await createSystemProfile(host).current()).toMatchObject({ type: 'unexpected' });
  });

  it('whose profile leads nowhere is unexpected', async () => {
    const host = scripted([list, { stdout: listed }], [readlink, { stdout: readlink.slice(3).join('\n') }]);
    expect(await createSystemProfile(host).current()).toMatchObject({ type: 'unexpected' });
  });
});

describe('switching the generation', () => {
  const switchTo = (n: number) => ['nix-env', '-p', P, '--switch-generation', String(n)];

  it('is verified, and done once', async () => {
    let current = 3;
    const host = fakeHost((argv) => {
      if (JSON.stringify(argv) === JSON.stringify(switchTo(1))) current = 1;
      else if (JSON.stringify(argv) !== JSON.stringify(list)) return undefined;
      const mark = (n: number) => (n === current ? '(current)' : '');
      return { stdout: [1, 3].map((n) => `   ${n}   2026-11-20 08:00:00   ${mark(n)}\n`).join('') };
    });
    const profile = createSystemProfile(host);
    expect(await profile.switchGeneration(1)).toEqual({ type: 'switched' });
    expect(await profile.switchGeneration(1)).toEqual({ type: 'already' });
    expect(host.calls.filter(({ argv }) => argv.includes('--switch-generation'))).toHaveLength(1);
  });

  it('to one that was deleted changes nothing', async () => {
    const host = scripted([list, { stdout: listed }]);
    expect(await createSystemProfile(host).switchGeneration(2)).toMatchObject({ type: 'not found' });
  });

  it.each([
    ['claims success and stays where it was', {}],
    ['fails', refusal('error: opening lock file')],
  ])('that %s is unexpected', async (_, answer) => {
    const host = scripted([list, { stdout: listed }], [switchTo(1), answer], [list, { stdout: listed }]);
    expect(await createSystemProfile(host).switchGeneration(1)).toMatchObject({ type: 'unexpected' });
  });
});

describe('a system of its own for the profile', () => {
  const set = ['nix-env', '-p', P, '--set', '/nix/store/old'];

  it('is set by its path', async () => {
    expect(await createSystemProfile(scripted([set, {}])).setSystem('/nix/store/old')).toEqual({ type: 'set' });
  });

  it('that the store does not have is unexpected', async () => {
    const host = scripted([set, refusal("error: path '/nix/store/old' is not valid")]);
    expect(await createSystemProfile(host).setSystem('/nix/store/old')).toMatchObject({ type: 'unexpected' });
  });
});

it('a system that runs beside the one that boots next is activated after that was made the one', () => {
  const programs = [`${P}/bin/switch-to-configuration`, '/nix/store/old/bin/switch-to-configuration'];
  expect(activationBesideArgv('/nix/store/old')).toEqual({
    argv: ['sh', '-c', '"$1" boot && exec "$2" test', 'sh', ...programs],
    cwd: '/tmp',
  });
});

it('an activation runs outside of any folder that it may take away', () => {
  expect(activationArgv('switch')).toEqual({ argv: [`${P}/bin/switch-to-configuration`, 'switch'], cwd: '/tmp' });
});

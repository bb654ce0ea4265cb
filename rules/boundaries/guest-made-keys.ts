import { isAt, isOption } from '../nix-options.ts';
import type { Rule, Violation } from '../rule.ts';

export const guestMadeKeys: Rule = {
  id: 'guest-made-keys',
  title: 'Each guest makes its own key of age',
  section: '§7',
  severity: 'error',
  why: 'A key of age is a machine’s identity: it is made in the VM at its first boot and stays there. One that is brought there was known elsewhere before.',
  whatToDo: 'Set sops.age.keyFile to a path in the guest, and sops.age.generateKey = true.',
  check: ({ nix }) =>
    nix
      .filter(({ area }) => area.type === 'guest' || area.type === 'service')
      .flatMap(({ path: file, settings }) =>
        settings.flatMap((setting): Violation[] => {
          const { value } = setting;
          if (isOption(setting, 'sops.age.generateKey') && value.type === 'bool' && !value.value)
            return [
              { file, at: setting, message: 'The guest does not make its own key: sops.age.generateKey is false.' },
            ];
          if (!isAt(setting, 'sops.age.keyFile') && !isAt(setting, 'sops.age.sshKeyPaths')) return [];
          const values = value.type === 'list' ? value.items : [value];
          return values
            .filter(({ type }) => type === 'path')
            .map((at) => ({
              file,
              at,
              message: `${setting.path.join('.')} is a file of the monorepo: Nix copies it into its store, where all can read it.`,
            }));
        }),
      ),
};

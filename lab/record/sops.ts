import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { check } from '../shell.ts';
import { isCommand } from './entry.ts';
import type { Recorder } from './recorder.ts';

const KEY_FILE = '/var/lib/sops-nix/key.txt';
const [NEW, OLD] = [`${KEY_FILE}.run.new`, `${KEY_FILE}.run.old`];
/** As the product gives them to a guest: `$1` the key file, `$2` the new key, `$3` what the file was. */
const MAKE = `umask 077
[ -f "$1" ] && [ ! -L "$1" ] || { echo "$1: no plain file" >&2; exit 66; }
[ -e "$3" ] || { cp -p -- "$1" "$3.part" && sync -- "$3.part" && mv -T -- "$3.part" "$3"; } || exit
[ -e "$2" ] || { rm -f -- "$2.part" && age-keygen -o "$2.part" 2>/dev/null && sync -- "$2.part" && mv -T -- "$2.part" "$2"; } || exit
cp -p -- "$3" "$1.part" && { cat -- "$3" && echo && cat -- "$2"; } >"$1.part" && sync -- "$1.part" && mv -T -- "$1.part" "$1" || exit
sync -- "\${1%/*}"
exec age-keygen -y "$2"`;
const ENSURE = `umask 077
[ -e "$1" ] || { mkdir -p -- "\${1%/*}" && rm -f -- "$1.part" && age-keygen -o "$1.part" && sync -- "$1.part" && mv -T -- "$1.part" "$1" && sync -- "\${1%/*}"; } || exit
exec age-keygen -y "$1"`;
const KEEP_NEW = `umask 077
[ ! -e "$2" ] || { cp -p -- "$1" "$1.part" && cat -- "$2" >"$1.part" && sync -- "$1.part" && mv -T -- "$1.part" "$1" && sync -- "\${1%/*}"; } || exit
rm -f -- "$2" "$3" "$2.part" "$3.part" && sync -- "\${1%/*}" || exit
exec age-keygen -y "$1"`;
const KEEP_OLD = `[ ! -e "$3" ] || { mv -T -- "$3" "$1" && sync -- "\${1%/*}"; } || exit
rm -f -- "$2" "$2.part" "$3.part" "$1.part" && sync -- "\${1%/*}" || exit
exec age-keygen -y "$1"`;
const UNWRAP = 'exec age --decrypt --identity "$1" >/dev/null';
const VARIES = { varies: 'keys are others each time' };

const withoutKeys = (text: string): string => text.replaceAll(/age1[0-9a-z]{58}/g, 'age1…');

/** What SOPS says on the worker, and what is done with a key of age in a guest. Keys are made here and kept by nobody. */
export async function recordSops(recorder: Recorder): Promise<void> {
  await recorder.lab.installTools();
  await recordFiles(recorder);
  await recordGuestKey(recorder);
  for (const entry of recorder.entries)
    if (isCommand(entry)) {
      entry.argv = entry.argv.map(withoutKeys);
      entry.stdout = withoutKeys(entry.stdout);
      entry.stderr = withoutKeys(entry.stderr);
      delete entry.input;
    }
}

async function recordFiles(recorder: Recorder): Promise<void> {
  const folder = recorder.file('sops');
  await mkdir(folder, { recursive: true });
  const env = { HOME: folder, XDG_CONFIG_HOME: folder, SOPS_DISABLE_VERSION_CHECK: 'true' };
  const keys = { operator: `${folder}/operator`, other: `${folder}/other`, none: `${folder}/none` };
  const by = (keyFile: string) => ({ env: { ...recorder.lab.env, ...env, SOPS_AGE_KEY_FILE: keyFile } });
  const sops = (note: string, argv: string[], keyFile = keys.operator): Promise<unknown> =>
    recorder.here(note, ['sops', ...argv], { ...by(keyFile), ...VARIES });
  const recipient = async (file: string): Promise<string> => {
    await check(['age-keygen', '-o', file], by(file));
    return (await check(['age-keygen', '-y', file], by(file))).trim();
  };
  const [operator, other] = [await recipient(keys.operator), await recipient(keys.other)];
  const rules = (...recipients: string[]): Promise<void> =>
    writeFile(
      `${folder}/sops.yaml`,
      `creation_rules:\n  - path_regex: ^edge\\.yaml$\n    age: ${recipients.join(',')}\n`,
    );
  const [config, file, plain] = [`${folder}/sops.yaml`, `${folder}/edge.yaml`, `${folder}/plain.yaml`];
  await rules(operator);
  await writeFile(file, 'token: canary\nshown_unencrypted: one\n');
  await writeFile(plain, 'token: canary\n');
  await check(['sops', '--config', config, 'encrypt', '--in-place', file], by(keys.operator));
  const decrypt = (path: string): string[] => ['decrypt', '--output', '/dev/null', path];
  const update = ['--config', config, 'updatekeys', '--yes'];
  await recorder.here('version', ['sops', '--disable-version-check', '--version'], by(keys.operator));
  await sops('decrypted into nothing', decrypt(file));
  await sops('a key of nobody it is for', decrypt(file), keys.other);
  await sops('no key file', decrypt(file), keys.none);
  await sops('no such file', decrypt(`${folder}/nope.yaml`));
  await sops('nothing encrypted in it', decrypt(plain));
  await rules(operator, other);
  await sops('other recipients', [...update, file]);
  await sops('the same recipients', [...update, file]);
  await rules(other);
  await sops('without the operator', [...update, file]);
  await rules(operator, other);
  await sops('other recipients by nobody', [...update, file], keys.none);
  await sops('back, by the other', [...update, file], keys.other);
  await sops('another data key', ['rotate', '--in-place', file]);
  await sops('another data key by nobody', ['rotate', '--in-place', file], keys.none);
  await check(['cp', file, `${folder}/home.yaml`]);
  await sops('no rule is for it', [...update, `${folder}/home.yaml`]);
  await writeFile(file, (await readFile(file, 'utf8')).replace('unencrypted: one', 'unencrypted: two'));
  await sops('it was changed by hand', decrypt(file));
  await sops('another data key for what was changed', ['rotate', '--in-place', file]);
}

async function recordGuestKey(recorder: Recorder): Promise<void> {
  const on = (note: string, argv: string[], input?: string): Promise<{ stdout: string }> =>
    recorder.on('n3', note, argv, { ...(input === undefined ? {} : { input }), ...VARIES });
  const sh = (note: string, text: string): Promise<unknown> => on(note, ['sh', '-c', text, 'sh', KEY_FILE, NEW, OLD]);
  await recorder.run('n3', ['sh', '-c', 'rm -rf /var/lib/sops-nix/*; mkdir -p /var/lib/sops-nix']);
  await on('no key there', ['age-keygen', '-y', KEY_FILE]);
  await sh('no file to put a key beside', MAKE);
  await sh('a key where there is none', ENSURE);
  await sh('a key where there is one', ENSURE);
  await recorder.run('n3', ['rm', KEY_FILE]);
  await on('a key', ['age-keygen', '-o', KEY_FILE]);
  await on('a key that is there', ['age-keygen', '-o', KEY_FILE]);
  const { stdout: old } = await on('whose it is', ['age-keygen', '-y', KEY_FILE]);
  await sh('a second key', MAKE);
  await sh('a second key that is there', MAKE);
  await on('whose they are', ['age-keygen', '-y', KEY_FILE]);
  await sh('the key as it was', KEEP_OLD);
  await sh('it is so already', KEEP_OLD);
  await sh('a second key once more', MAKE);
  await recorder.run('n3', ['sh', '-c', `echo none >${KEY_FILE}.none`]);
  await on('no key in it', ['age-keygen', '-y', `${KEY_FILE}.none`]);
  await on('no age in it', ['sh', '-c', 'exit 127']);
  const encrypt = ['age', '--encrypt', '--armor', '--recipient', old.trim()];
  const { stdout: stanza } = await recorder.run('n3', encrypt, { input: 'a data key' });
  await on('a data key', ['sh', '-c', UNWRAP, 'sh', KEY_FILE], stanza);
  await on('a data key of another', ['sh', '-c', UNWRAP, 'sh', NEW], stanza);
  await on('a data key without a key', ['sh', '-c', UNWRAP, 'sh', `${KEY_FILE}.gone`], stanza);
  await on('a data key that is damaged', ['sh', '-c', UNWRAP, 'sh', KEY_FILE], stanza.slice(0, 60));
  await sh('the new key alone', KEEP_NEW);
  await sh('it is alone already', KEEP_NEW);
}

import { hostFiles, type Monorepo, type NixFile } from '../monorepo.ts';
import { isAt } from '../nix-options.ts';
import type { NixSetting, NixValue } from '../parse/nix.ts';
import type { Rule, Violation } from '../rule.ts';

export const noHypervisorBackups: Rule = {
  id: 'no-hypervisor-backups',
  title: 'A host does not back up what applications keep',
  section: '§12',
  severity: 'error',
  why: 'The hypervisor sees blocks, not what is written halfway; and its copy would hold the VM’s secrets outside of it. Volumes are replicated by zfs send, applications’ files are saved by the guest that owns them.',
  whatToDo: 'Move the job into the guest, or declare it in backups of runbook.yaml; a host saves only what is its own.',
  check: (repo) => hostFiles(repo).flatMap((file) => [...jobs(repo, file), ...exports(file)]),
};

/** Jobs that save files, and the option that says which. */
const JOBS: readonly [option: string, paths: string][] = [
  ['services.restic.backups.*', 'paths'],
  ['services.borgbackup.jobs.*', 'paths'],
  ['services.borgmatic.configurations.*', 'source_directories'],
  ['services.borgmatic.settings', 'source_directories'],
  ['services.duplicity', 'root'],
  ['services.tarsnap.archives.*', 'directories'],
  ['services.rsnapshot', 'extraConfig'],
];

/** What is of the host itself: its configuration, and who it is to its cluster. */
const OF_THE_HOST =
  /^(?:\/etc|\/root|\/boot|\/home|\/persist\/(?:etc|root)|\/var\/log|\/var\/lib\/(?:nixos|systemd|private)|\/var\/lib\/incus\/(?:database|server\.(?:crt|key)|cluster\.(?:crt|key)))(?:\/|$)/;

const jobs = (_repo: Monorepo, { path: file, settings }: NixFile): Violation[] =>
  JOBS.flatMap(([option, paths]) =>
    settings
      .filter((setting) => isAt(setting, `${option}.${paths}`) && (setting.value.type === 'list' || !isItem(setting)))
      .flatMap((setting) => valuesOf(setting.value).map((value) => ({ setting, value })))
      .filter(({ value }) => value.type === 'string' && value.whole && !OF_THE_HOST.test(value.value))
      .map(({ setting, value }) => ({
        file,
        at: value,
        message: `${setting.path.join('.')}: the host would back up ${value.type === 'string' ? value.value : ''}.`,
      })),
  );

const isItem = ({ path }: NixSetting): boolean => /^\d+$/.test(path.at(-1) ?? '');
const valuesOf = (value: NixValue): NixValue[] => (value.type === 'list' ? value.items : [value]);

const VOLUME_EXPORT = ['storage', 'volume', 'export'];

/** By its words: a pattern would try options in more ways than can be counted. */
function isExport(script: string): boolean {
  const words = script.split(/\s+/);
  return words.some((word, i) => {
    if (!/(?:^|\W)incus$/.test(word)) return false;
    let at = i + 1;
    while (words[at]?.startsWith('-') === true) at += words[at] === '--project' ? 2 : 1;
    return words[at] === 'export' || VOLUME_EXPORT.every((each, n) => words[at + n] === each);
  });
}

/** Jobs of the host’s own making. */
const exports = ({ path: file, settings }: NixFile): Violation[] =>
  settings.flatMap((setting) =>
    setting.value.type === 'string' && isExport(setting.value.value)
      ? [{ file, at: setting, message: `${setting.path.join('.')}: the host exports instances or volumes.` }]
      : [],
  );

import { configKeys } from '../config-keys.ts';
import { resourcesOf, type Monorepo } from '../monorepo.ts';
import { configHas, profilesHave } from '../profiles.ts';
import type { Rule, Violation } from '../rule.ts';
import { resourceName } from '../terraform.ts';

const EVACUATE = 'cluster.evacuate';

/** Incus’s values for an instance that stays where it is when its member is evacuated. */
const STAYS = ['stop', 'stateful-stop', 'force-stop'];

export const noImplicitMigration: Rule = {
  id: 'no-implicit-migration',
  title: 'Instances are stopped, not moved',
  section: '§12',
  severity: 'error',
  why: 'Incus moves instances away from a member that is evacuated or does not answer, unless told otherwise. Terraform then plans to delete and create them.',
  whatToDo:
    'Set cluster.evacuate = "stop" on the instance or in its profile, and leave cluster.healing_threshold at 0.',
  check: (repo) => [...ofKeys(repo), ...ofInstances(repo)],
};

const ofKeys = (repo: Monorepo): Violation[] =>
  configKeys(repo).flatMap(({ file, key, value, at }) => {
    if (key === EVACUATE && value !== undefined && !STAYS.includes(value))
      return [{ file, at, message: `cluster.evacuate = "${value}" moves instances to another member.` }];
    if (key === 'cluster.healing_threshold' && value !== '0' && value !== '')
      return [
        {
          file,
          at,
          message: `cluster.healing_threshold${value === undefined ? '' : ` = "${value}"`} moves instances away from a member that does not answer.`,
          whatToDo: 'Remove it: with local storage the data would stay behind.',
        },
      ];
    return [];
  });

function ofInstances(repo: Monorepo): Violation[] {
  return resourcesOf(repo, 'incus_instance').flatMap(({ file, block }) => {
    if (configHas(repo, file, block, EVACUATE) || profilesHave(repo, file, block, EVACUATE)) return [];
    return [
      {
        file: file.path,
        at: block,
        message: `Neither ${resourceName(repo, file, block)} nor one of its profiles has cluster.evacuate: Incus would move it.`,
        whatToDo: 'Add "cluster.evacuate" = "stop" to its config, or to that of a profile which every instance has.',
      },
    ];
  });
}

import type { Mutation } from './expected.ts';
import { key, value } from './expected.ts';
import type { YamlMap } from './model.ts';
import { mapOf, YamlList } from './model.ts';
import type { Random } from './random.ts';

/** How Terraform is run. */
export const infraOf = (random: Random): YamlMap =>
  mapOf({
    ...(random.chance(0.5) ? { program: random.pick(['terraform', 'tofu']) } : {}),
    ...(random.chance(0.3) ? { dir: random.pick(['infra/incus', 'größe x/y']) } : {}),
    state: random.chance(0.5) ? mapOf({ type: 'backend' }) : mapOf({ type: 'local', dir: '/var/lib/a b' }),
    stateBackups: mapOf({ dir: '/var/lib/backups', ...(random.chance(0.5) ? { keep: 1 + random.below(1000) } : {}) }),
    ...(random.chance(0.5) ? { environmentFile: '/run/secrets/tf.env' } : {}),
    ...(random.chance(0.5) ? { protect: new YamlList(['incus_network', 'x']) } : {}),
    ...(random.chance(0.3) ? { approvalTimeout: '12h', remindEvery: '30m', lockTimeout: '90s' } : {}),
  });

const infra = (root: YamlMap, random: Random): YamlMap => {
  if (!root.keys.includes('infra')) root.set('infra', infraOf(random));
  return root.map('infra');
};

export const INFRA_MUTATIONS: Readonly<Record<string, Mutation>> = {
  'no place for states': (root, random) => {
    infra(root, random).remove('state');
    return key(root.entry('infra'), /^Expected state \(.*\) in infra, got nothing$/);
  },
  'no place for copies of states': (root, random) => {
    infra(root, random).remove('stateBackups');
    return key(root.entry('infra'), /^Expected stateBackups \(.*\) in infra, got nothing$/);
  },
  'states in a folder that is none': (root, random) => {
    const state = mapOf({ type: 'local', dir: 'states' });
    infra(root, random).set('state', state);
    return value(state.entry('dir'), /^Expected an absolute path, got "states"$/);
  },
  'another program than Terraform': (root, random) =>
    value(infra(root, random).set('program', 'pulumi'), /^Expected one of terraform, tofu, got "pulumi"$/),
  'a type of resource that is an address': (root, random) => {
    const protect = new YamlList([]);
    const item = protect.add('incus_instance.edge');
    infra(root, random).set('protect', protect);
    return value(item, /^Expected a type of resource like incus_network, got "incus_instance\.edge"$/);
  },
  'a folder outside of the monorepo': (root, random) =>
    value(infra(root, random).set('dir', '../infra'), /^Expected a path inside the monorepo, without \.\., /),
};

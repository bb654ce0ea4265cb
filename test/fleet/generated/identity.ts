import type { Expected, Mutation } from './expected.ts';
import { key, value } from './expected.ts';
import type { YamlMap } from './model.ts';
import { mapOf, YamlList } from './model.ts';
import type { Random } from './random.ts';

const RECIPIENTS = [
  `age1${'q'.repeat(58)}`,
  `age1${'0ac9'.repeat(14)}zz`,
  `ssh-ed25519 ${'A'.repeat(68)}`,
  `ssh-ed25519 ${'b+/9'.repeat(17)} größe@laptop`,
  `ssh-rsa ${'A'.repeat(370)}==`,
];

/** Where copies of identities go. */
export const identityOf = (random: Random): YamlMap =>
  mapOf({
    recipients: new YamlList([random.pick(RECIPIENTS), ...RECIPIENTS.filter(() => random.chance(0.3))]),
    ...(random.chance(0.5) ? { keep: 1 + random.below(1000) } : {}),
    ...(random.chance(0.5)
      ? { restic: mapOf({ repository: 'rest:https://b.lan/i', passwordFile: '/run/secrets/restic' }) }
      : {}),
    ...(random.chance(0.5) ? { identityFile: random.pick(['~/.config/a b.txt', '/etc/runbook/key']) } : {}),
  });

const identity = (root: YamlMap, random: Random): YamlMap => {
  if (!root.keys.includes('identity')) root.set('identity', identityOf(random));
  return root.map('identity');
};

const recipient = (root: YamlMap, random: Random, text: string): Expected['at'] => {
  const recipients = new YamlList([]);
  const item = recipients.add(text);
  identity(root, random).set('recipients', recipients);
  return item;
};

export const IDENTITY_MUTATIONS: Readonly<Record<string, Mutation>> = {
  'a private key as recipient': (root, random) => ({
    ...value(
      recipient(root, random, `AGE-SECRET-KEY-1${'Q'.repeat(58)}`),
      /^Expected a public key, which begins with age1, ssh-ed25519 or ssh-rsa, got a private key$/,
    ),
    help: /^That is a private key, .* age-keygen\.$/,
  }),
  'a recipient that lacks a letter': (root, random) =>
    value(recipient(root, random, `age1${'q'.repeat(57)}`), /^Expected a public key, .*, got "age1q+…"$/),
  'a person as recipient': (root, random) =>
    value(recipient(root, random, 'ada@laptop'), /^Expected a public key, .*, got "ada@laptop"$/),
  'nobody as recipient': (root, random) =>
    value(
      identity(root, random).set('recipients', new YamlList([])),
      /^Expected at least one recipient, got an empty list$/,
    ),
  'no recipients': (root, random) => {
    identity(root, random).remove('recipients');
    return key(root.entry('identity'), /^Expected recipients \(a list\) in identity, got nothing$/);
  },
  'not one copy': (root, random) =>
    value(identity(root, random).set('keep', 0), /^Expected a whole number from 1 to 1000, got 0$/),
  'a repository of identities with its password': (root, random) => {
    const restic = mapOf({ repository: 'rest:https://a:b@c.lan', passwordFile: '/run/secrets/restic' });
    identity(root, random).set('restic', restic);
    return value(restic.entry('repository'), /^Expected a restic repository without a password/);
  },
  'an identity file without a folder': (root, random) =>
    value(identity(root, random).set('identityFile', 'key.txt'), /^Expected a path that begins with \/ or ~\/, /),
  'an unknown key of identity': (root, random) => {
    const at = identity(root, random).add('recipient', 'x');
    return { ...key(at, /^Expected a known key, got "recipient"$/), help: /^Did you mean recipients\?$/ };
  },
};

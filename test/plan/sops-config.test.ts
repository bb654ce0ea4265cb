import { describe, expect, it } from '@jest/globals';
import { addRecipientBeside, readSopsConfig, replaceRecipient, ruleFor } from '../../plan/sops-config.ts';

const key = (letter: string): string => `age1${letter.repeat(58)}`;
const [OPERATOR, EDGE, HOME, NEXT] = [key('q'), key('e'), key('h'), key('n')];

/** Each way to write recipients that SOPS takes. */
const CONFIG = `# who reads what
keys:
  - &operator ${OPERATOR} # on paper in the safe
  - &edge-vm   ${EDGE}
  # home-vm
  - ${HOME}
creation_rules:
  # the edge alone
  - path_regex: ^edge\\.enc\\.(yaml|json)$
    key_groups:
      - age:
          - *operator
          - *edge-vm # since 2025
  - path_regex: (?i)\\.ENV$
    age: ${OPERATOR},${EDGE}
  - path_regex: folded
    age: >-
      ${EDGE},
      ${HOME}
  - { path_regex: flow, key_groups: [{ age: ['${OPERATOR}', "${EDGE}"], pgp: [85D7] }] }
  - key_groups:
      - age: [*edge-vm, ${HOME}]
`;

const recipientsOf = (text: string): string[][] => {
  const read = readSopsConfig(text);
  if (read.type === 'wrong') throw new Error(read.message);
  return read.config.rules.map(({ recipients }) => recipients);
};

describe('the rules of sops.yaml', () => {
  const read = readSopsConfig(CONFIG);
  if (read.type === 'wrong') throw new Error(read.message);
  const { config } = read;

  it('have their recipients, however they are written', () => {
    expect(recipientsOf(CONFIG)).toEqual([
      [OPERATOR, EDGE],
      [OPERATOR, EDGE],
      [EDGE, HOME],
      [OPERATOR, EDGE],
      [EDGE, HOME],
    ]);
    expect(config.rules[3]?.others).toEqual(['pgp 85D7']);
  });

  it('name them by anchor, by a comment beside, or by one above', () => {
    expect(config.names).toEqual({ [OPERATOR]: 'operator', [EDGE]: 'edge-vm', [HOME]: 'home-vm' });
  });

  it.each([
    ['edge.enc.json', 9],
    ['prod.env', 14],
    ['a/folded', 16],
    ['anything else', 21],
  ])('the first that matches %s is at line %i', (path, line) => {
    expect(ruleFor(config, path)?.line).toBe(line);
  });

  it.each([
    ['creation_rules: 5', /Expected creation_rules, a list/],
    ['creation_rules: [5]', /each of creation_rules to be a map/],
    ['creation_rules:\n  - path_regex: "("', /line 2: Expected path_regex/],
    ['creation_rules: [', /^line 1: /],
  ])('%j are none', (text, message) => {
    expect(readSopsConfig(text)).toEqual({ type: 'wrong', message: expect.stringMatching(message) });
  });
});

describe('changing them', () => {
  it('puts one key in the place of another, and nothing else', () => {
    const changed = replaceRecipient(CONFIG, EDGE, NEXT);
    expect(changed).not.toContain(EDGE);
    expect(replaceRecipient(changed, NEXT, EDGE)).toBe(CONFIG);
    expect(recipientsOf(changed)).toEqual(
      recipientsOf(CONFIG).map((rule) => rule.map((each) => (each === EDGE ? NEXT : each))),
    );
  });

  it('puts one key beside another in every rule, and only adds', () => {
    const changed = addRecipientBeside(CONFIG, EDGE, NEXT);
    expect(recipientsOf(changed)).toEqual(
      recipientsOf(CONFIG).map((rule) => rule.flatMap((each) => (each === EDGE ? [EDGE, NEXT] : [each]))),
    );
    expect(changed.split('\n').filter((line) => !line.includes(NEXT))).toEqual(
      CONFIG.split('\n').filter((line) => changed.split('\n').includes(line)),
    );
    expect(changed).toContain(`          - *edge-vm # since 2025\n          - ${NEXT}\n`);
  });

  it('leaves rules alone that have nothing of it', () => {
    expect(addRecipientBeside(CONFIG, key('z'), NEXT)).toBe(CONFIG);
    expect(addRecipientBeside('creation_rules: 5', EDGE, NEXT)).toBe('creation_rules: 5');
  });

  it('takes a list whose last line has no end', () => {
    const text = `creation_rules:\n- key_groups:\n  - age:\n    - ${EDGE}`;
    expect(addRecipientBeside(text, EDGE, NEXT)).toBe(`${text}\n    - ${NEXT}`);
  });
});

import { describe, expect, it } from '@jest/globals';
import { dataKeyAge, secretsView, type SecretFileFacts, type SecretsFacts } from '../../plan/secrets.ts';

const NAMES = { age1op: 'operator', age1edge: 'edge-vm', age1home: 'home-vm' };
const RULE = { line: 3, pathRegex: 'edge', recipients: ['age1op', 'age1edge'] };
const EDGE: SecretFileFacts = { path: 'edge.yaml', state: 'encrypted', recipients: ['age1op', 'age1edge'], rule: RULE };

const driftOf = (file: Partial<SecretFileFacts>, guests: SecretsFacts['guests'] = { 'edge-vm': ['edge.yaml'] }) =>
  secretsView({ config: 'sops.yaml', names: NAMES, guests, files: [{ ...EDGE, ...file }] }).files[0]?.drift;
const typesOf = (...args: Parameters<typeof driftOf>) => driftOf(...args)?.map(({ type }) => type);

describe('drift between rules and files', () => {
  it('is none where both say the same, in any order', () => {
    expect(driftOf({ recipients: ['age1edge', 'age1op'] })).toEqual([]);
  });

  it('is a recipient too few, and one too many', () => {
    const drift = driftOf({ recipients: ['age1edge', 'age1gone0000000000'] });
    expect(drift?.map(({ message }) => message)).toEqual([
      'operator cannot decrypt edge.yaml, and the rule of sops.yaml:3 says so.',
      'age1gone0000… can decrypt edge.yaml, and the rule of sops.yaml:3 does not name them.',
    ]);
  });

  it('is a file that no rule is for, is plain, is not there, or cannot be read', () => {
    const { path, state, recipients } = EDGE;
    const files = [{ path, state, recipients }];
    const view = secretsView({ config: 'sops.yaml', names: NAMES, guests: {}, files });
    expect(view).toMatchObject({ drift: 1, files: [{ drift: [{ type: 'no rule' }] }] });
    expect(typesOf({ state: 'plain', recipients: [] })).toEqual(['plain']);
    expect(typesOf({ state: 'missing', recipients: [] })).toEqual(['not there']);
    expect(typesOf({ state: 'unreadable', problem: 'line 3' })).toEqual(['unreadable']);
  });

  it('is a file that two guests share, unless the fleet file says so of both', () => {
    const recipients = ['age1op', 'age1edge', 'age1home'];
    const shared = { recipients, rule: { ...RULE, recipients } };
    expect(typesOf(shared, { 'edge-vm': ['edge.yaml'], 'home-vm': [] })).toEqual(['shared']);
    expect(typesOf(shared, { 'edge-vm': ['edge.yaml'], 'home-vm': ['edge.yaml'] })).toEqual([]);
  });

  it('is a guest that cannot decrypt what the fleet file says it can', () => {
    const own = { 'edge-vm': ['edge.yaml'], 'home-vm': ['edge.yaml'] };
    expect(typesOf({}, own)).toEqual(['guest']);
    // Nobody knows which key is whose where none is named so.
    expect(typesOf({}, { 'edge-vm': ['edge.yaml'], 'web-vm': ['edge.yaml'] })).toEqual([]);
  });
});

describe('the age of a data key', () => {
  const now = { ciphertexts: ['a', 'b'], lastModified: '2026-11-05' };

  it('goes back as long as versions share a value', () => {
    const history = [
      { at: '2026-11-04', ciphertexts: ['b', 'c'] },
      { at: '2026-11-03', ciphertexts: ['c'] },
      { at: '2026-11-02', ciphertexts: ['d'] },
    ];
    expect(dataKeyAge(now, history, true)).toEqual({ since: '2026-11-03' });
    expect(dataKeyAge(now, history.slice(0, 2), true)).toEqual({ since: '2026-11-03' });
    expect(dataKeyAge(now, history.slice(0, 2), false)).toEqual({ since: '2026-11-03', atLeast: true });
  });

  it('is that of the file where no commit has it, and none where nothing is encrypted', () => {
    expect(dataKeyAge(now, [], true)).toEqual({ since: '2026-11-05' });
    expect(dataKeyAge(now, [{ at: '2026-11-04', ciphertexts: ['z'] }], true)).toEqual({ since: '2026-11-05' });
    expect(dataKeyAge({ ciphertexts: [] }, [], true)).toBeUndefined();
  });
});

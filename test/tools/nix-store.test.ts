import { describe, expect, it } from '@jest/globals';
import { createNixStore } from '../../tools/nix-store.ts';
import { fakeHost, refusal, scripted } from './fake-host.ts';

const path = (number: number): string => `/nix/store/${String(number).padStart(32, '0')}-part-${number}`;
const paths = (count: number): string[] => Array.from({ length: count }, (_, number) => path(number));
const verify = [
  ...['nix', '--extra-experimental-features', 'nix-command'],
  ...['store', 'verify', '--quiet', '--no-trust'],
];
const [A, B, C] = [path(1), path(2), path(3)];

describe('what a system needs', () => {
  const query = ['nix-store', '--query', '--requisites', B, C];

  it('is listed as nix lists it', async () => {
    const host = scripted([query, { stdout: `${A}\n${B}\n${C}\n` }]);
    expect(await createNixStore(host).requisites(B, C)).toEqual({ type: 'paths', paths: [A, B, C] });
  });

  it.each(['', `${A}\n`, `${A}\n${B}\n`])('is unexpected where the end of the answer was lost: %j', async (stdout) => {
    const host = scripted([query, { stdout }]);
    expect(await createNixStore(host).requisites(B, C)).toMatchObject({ type: 'unexpected' });
  });

  it('is not found where the store does not have it', async () => {
    const host = scripted([query, refusal(`error: path '${B}' is not valid`)]);
    expect(await createNixStore(host).requisites(B, C)).toEqual({ type: 'not found', what: B });
  });
});

describe('many paths', () => {
  it('are asked for in batches that fit on a command line', async () => {
    const all = paths(1_200);
    const host = fakeHost((argv) => ({
      stdout: argv
        .slice(3)
        .filter((word) => word.endsWith('7'))
        .join('\n'),
    }));
    const valid = await createNixStore(host).valid(all);
    expect(valid).toEqual({ type: 'paths', paths: all.filter((word) => !word.endsWith('7')) });
    expect(host.calls.map(({ argv }) => argv.length)).toEqual([503, 503, 203]);
  });

  it('are removed with what needs them, and that goes first', async () => {
    const all = paths(600);
    const needing = [...all.slice(1), path(9_999)];
    const removed: string[] = [];
    const host = fakeHost((argv) => {
      if (argv[1] === '--query') return { stdout: needing.join('\n') };
      removed.push(...argv.slice(3));
      return {};
    });
    expect(await createNixStore(host).remove([path(1)], all)).toEqual({ type: 'removed' });
    expect(removed).toEqual(all.slice(1).reverse());
  });
});

describe('what is damaged', () => {
  it.each([
    ['none', 0, '', []],
    ['one', 1, `path '${B}' was modified! expected hash 'sha256:0', got 'sha256:1'\n`, [B]],
    ['one that is gone', 4, `error: path '/${C}' does not exist\n`, [C]],
    ['a file within', 4, `error: getting status of '${A}/bin/a b': Input/output error\n`, [A]],
    ['several', 5, `error: path '/${C}' does not exist\npath '${A}' was modified!\n`, [A, C]],
  ])('is named: %s', async (_, exitCode, stderr, damaged) => {
    const host = scripted([[...verify, A, B, C], { exitCode, stderr }]);
    expect(await createNixStore(host).damaged([A, B, C])).toEqual({ type: 'paths', paths: damaged });
  });

  it.each([
    ['nothing is named', 1, ''],
    ['nix is too old for it', 1, "error: unrecognised flag '--no-trust'\n"],
    ['another exit code', 127, `sh: nix: not found ${A}\n`],
  ])('is unexpected where %s', async (_, exitCode, stderr) => {
    const host = scripted([[...verify, A], { exitCode, stderr }]);
    expect(await createNixStore(host).damaged([A])).toMatchObject({ type: 'unexpected' });
  });
});

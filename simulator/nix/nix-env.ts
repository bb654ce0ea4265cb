import { readOptions } from '../core/arguments.ts';
import { Unknown, type Call } from '../core/call.ts';
import { outOfRoot } from '../core/paths.ts';
import { currentGeneration, deleteGeneration, generations, rollBack, setProfile, switchGeneration } from './profile.ts';

/** `nix-env` on a profile: what deploy-rs and a rollback by hand use. */
export function nixEnv(call: Call): number {
  if (call.args.join(' ') === '--version') {
    call.out('nix-env (Nix) 2.26.3\n');
    return 0;
  }
  const asked = readOptions(call.args, {
    flags: ['rollback', 'list-generations'],
    values: ['profile', 'set', 'switch-generation', 'delete-generations'],
    short: { p: 'profile' },
  });
  const profile = asked.value('profile');
  if (profile === undefined) throw new Unknown('expected --profile');
  const name = outOfRoot(profile, call.root);
  const before = currentGeneration(profile);
  if (asked.has('list-generations')) {
    for (const { number, createdAt } of generations(profile)) {
      const date = createdAt.toISOString().slice(0, 19).replace('T', ' ');
      call.out(`${String(number).padStart(4)}   ${date}   ${number === before ? '(current)' : ''}\n`);
    }
    return 0;
  }
  if (asked.has('set')) setProfile(profile, asked.value('set') ?? '');
  else if (asked.has('rollback')) {
    const number = rollBack(profile);
    call.err(`switching profile from version ${before ?? 0} to ${number}\n`);
  } else if (asked.has('switch-generation')) {
    const number = Number(asked.value('switch-generation'));
    switchGeneration(profile, number);
    if (number !== before) call.err(`switching profile from version ${before ?? 0} to ${number}\n`);
  } else if (asked.has('delete-generations')) {
    for (const number of [asked.value('delete-generations') ?? '', ...asked.positionals].map(Number)) {
      deleteGeneration(profile, number, name);
      call.err(`removing profile version ${number}\n`);
    }
  } else throw new Unknown('unknown operation');
  call.changed(`profile ${name}`);
  return 0;
}

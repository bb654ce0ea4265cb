import { expect, it } from '@jest/globals';
import { ActivityCancellationDetails, ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { Deps } from '../../activities/deps.ts';
import { createResticActivities } from '../../activities/restic.ts';
import { fleetSchema, type Fleet } from '../../fleet/schema.ts';
import type { Host } from '../../hosts/host.ts';
import { judgeRestic, planRestic, type ResticBackupResult, type ResticScope } from '../../plan/restic.ts';
import { eventually } from '../hosts/eventually.ts';

/** Where restic runs, with a folder of its own and two servers of one and the same repository's folder. */
export interface Place {
  host: Host;
  folder: string;
  /** Lets everything be deleted. */
  server: string;
  /** Takes backups, and lets nobody delete. */
  appendOnly: string;
  /** Breaks some of the data of the repository. */
  damage: (repository: string) => Promise<void>;
}

/** `$1` the folder of a server, `$2` the repository in it. */
export const DAMAGE =
  'f=$(find "$1/$2/data" -type f -size +100k | head -n 1) && chmod 600 "$f" && echo broken | dd of="$f" bs=1 seek=5000 conv=notrunc';

const FLEET = { fleet: { revision: 'HEAD' } };
let runs = 0;
/** As of a run of its own. */
export const aRun = (): { fleet: { revision: string }; name: string } => ({
  ...FLEET,
  name: `runbook-20261123-0214-${String(0x1000 + (runs += 1)).slice(-4)}`,
});

const ATTEMPTS = 5;

/** The activities over one fleet file, on the place of the test. */
export function resticOver(host: Host, fleet: Fleet) {
  const machines = { member: () => host, node: () => host, close: () => Promise.resolve() };
  const activities = createResticActivities({ fleetAt: () => Promise.resolve(fleet), machines } as unknown as Deps);
  /** As in a run: what may be tried again is. Busy guests lose an answer now and then. */
  const run = async <In, Out>(
    act: (input: In) => Promise<Out>,
    input: In,
    env = new MockActivityEnvironment(),
  ): Promise<Out> => {
    for (let attempt = 1; ; attempt += 1)
      try {
        return await env.run<[In], Out, (input: In) => Promise<Out>>(act, input);
      } catch (error) {
        const isPassing = error instanceof ApplicationFailure && error.nonRetryable !== true;
        if (!isPassing || attempt === ATTEMPTS) throw error;
      }
  };
  const at = (): string => new Date().toISOString();
  const scope = (): Promise<ResticScope> => run((input) => activities.resolveRestic(input), FLEET);
  const ids = async () => {
    const [repository] = (await scope()).repositories;
    if (repository === undefined) throw new Error('no repository');
    return { repository, id: repository.id, source: repository.sources[0]?.id ?? '' };
  };
  return {
    look: async () => {
      const seen = await run((input) => activities.observeRestic(input), aRun());
      const plan = planRestic(await scope(), seen, at());
      const [found] = seen.repositories;
      if (found === undefined) throw new Error('nothing seen');
      return { seen: found, plan: plan[0], verdicts: judgeRestic((await ids()).repository, found, at()) };
    },
    backUp: async (
      ref = aRun(),
      { snapshot, env }: { snapshot?: string; env?: MockActivityEnvironment } = {},
    ): Promise<ResticBackupResult> => {
      const { id, source } = await ids();
      const input = { ...ref, repository: id, source, at: at(), ...(snapshot === undefined ? {} : { snapshot }) };
      return run((each) => activities.backUpToRestic(each), input, env);
    },
    forget: async () => {
      const { id, source } = await ids();
      const input = { ...aRun(), repository: id, step: { type: 'forget' as const, source } };
      return run((each) => activities.maintainRestic(each), input);
    },
    prune: async () => {
      const input = { ...aRun(), repository: (await ids()).id, step: { type: 'prune' as const } };
      return run((each) => activities.maintainRestic(each), input);
    },
    check: async (subset: number, of: number) => {
      const input = { ...aRun(), repository: (await ids()).id, step: { type: 'check' as const, subset, of } };
      return run((each) => activities.maintainRestic(each), input);
    },
    restore: async (what: { snapshot: string; path?: string; target: string }) => {
      const { id, source } = await ids();
      return run((each) => activities.restoreFromRestic(each), { ...aRun(), repository: id, source, ...what });
    },
  };
}

/** What a real restic does with a real repository, by the activities. */
export function describeRestic(place: () => Place): void {
  const sh = async (script: string, ...words: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await place().host.run(['sh', '-c', script, 'sh', ...words], {
      timeoutMs: 60_000,
    });
    if (exitCode !== 0) throw new Error(`${script}: ${stderr}`);
    return stdout;
  };
  const restic = (repository: string, ...words: string[]): Promise<string> =>
    sh(
      '. "$1" && export RESTIC_REST_USERNAME RESTIC_REST_PASSWORD && shift && exec restic "$@"',
      ...[
        `${place().folder}/environment`,
        ...words,
        `--repo=${repository}`,
        `--password-file=${place().folder}/password`,
      ],
    );
  const locks = (repository: string): Promise<string> => restic(repository, 'list', 'locks', '--no-lock');
  const signal = (repository: string, name: string): Promise<string> =>
    sh('pkill "-$2" -f -- "--repo=$1 .*--host=g3"', repository, name);
  /** Lets the backup go on by bits until it has its lock: a look takes longer than a small backup. */
  const stopAtItsLock = async (repository: string): Promise<void> => {
    await sh('until pkill -STOP -f -- "--repo=$1 .*--host=g3"; do sleep 0.02; done', repository);
    const isLocked = async (): Promise<boolean> => {
      if ((await locks(repository)) !== '') return true;
      await sh(
        'for each in CONT STOP; do sleep 0.2; pkill "-$each" -f -- "--repo=$1 .*--host=g3" || exit; done',
        repository,
      );
      return false;
    };
    await eventually('restic has its lock', isLocked, 90_000);
  };
  /** Several places have one server. */
  const ownName = (name: string): string => `${place().folder.split('/').at(-1) ?? ''}-${name}`;
  /** A folder with files, a repository and its secrets. */
  const aRepository = async (name: string): Promise<{ data: string; repository: string; appendOnly: string }> => {
    const { folder, server, appendOnly } = place();
    const data = `${folder}/${name}`;
    await sh(
      `mkdir -p "$1/a b" && cd "$1" && echo one >'a b/one' && head -c 3000000 /dev/urandom >big && ln -s big link &&
      umask 077 && cd "$2" && echo secret >password && echo other >other &&
      printf '# of the server\\nRESTIC_REST_USERNAME=edge\\nRESTIC_REST_PASSWORD="pass"\\n' >environment`,
      ...[data, folder],
    );
    const own = ownName(name);
    await restic(`${server}/${own}`, 'init');
    return { data, repository: `${server}/${own}`, appendOnly: `${appendOnly}/${own}` };
  };
  const fleetOf = (target: Record<string, unknown>): Fleet =>
    fleetSchema.parse({
      version: 1,
      name: 'lab',
      members: { n3: { address: '10.0.0.3' } },
      guests: { g3: { member: 'n3', volumes: [{ pool: 'local', name: 'g3-data' }] } },
      backups: {
        data: {
          ...{ guest: 'g3', volumes: ['g3-data'] },
          to: [
            {
              ...{ type: 'restic', passwordFile: `${place().folder}/password` },
              ...{ environmentFile: `${place().folder}/environment`, keep: { last: 1 }, checkSubsets: 2, ...target },
            },
          ],
        },
      },
    });
  const over = (fleet: Fleet) => resticOver(place().host, fleet);

  it('is backed up, looked after and restored, each with an age of its own', async () => {
    const { data, repository } = await aRepository('whole');
    const of = over(fleetOf({ repository, paths: [data] }));
    const before = await of.look();
    expect(before.plan?.steps.map(({ type }) => type)).toEqual(['backup', 'forget', 'prune', 'check']);
    expect(before.verdicts.every(({ verdict }) => verdict === 'stale')).toBe(true);

    const first = aRun();
    const made = await of.backUp(first);
    expect(made).toMatchObject({ type: 'complete', files: 2 });
    expect(await of.backUp(first)).toEqual(made);
    await sh('echo two >"$1/two"', data);
    const again = await of.backUp();
    expect(again).toMatchObject({ type: 'complete', files: 3 });
    const listed = JSON.parse(await restic(repository, 'snapshots', '--json')) as {
      hostname: string;
      tags: string[];
    }[];
    expect(listed).toHaveLength(2);
    expect(listed[0]).toMatchObject({ hostname: 'g3', tags: ['runbook', first.name], paths: [data] });

    expect((await of.look()).verdicts.filter(({ verdict }) => verdict === 'fresh').map(({ what }) => what)).toEqual([
      'backup',
    ]);
    expect(await of.forget()).toEqual({ type: 'done' });
    expect(JSON.parse(await restic(repository, 'snapshots', '--json'))).toHaveLength(1);
    expect(await of.prune()).toEqual({ type: 'done' });
    expect(await of.check(1, 2)).toEqual({ type: 'done' });
    const after = await of.look();
    expect(after.plan?.steps).toEqual([]);
    expect(after.verdicts.every(({ verdict }) => verdict === 'fresh')).toBe(true);

    const target = `${place().folder}/restored`;
    const snapshot = again.type === 'complete' ? again.snapshot : '';
    expect(await of.restore({ snapshot, path: data, target })).toMatchObject({ files: 5 });
    expect(await sh('diff -r --no-dereference "$1" "$2" && echo same', data, target)).toBe('same\n');
    await expect(of.restore({ snapshot, path: data, target })).rejects.toMatchObject({ type: 'NotRun' });
    const nowhere = of.restore({ snapshot, path: '/nowhere', target: `${target}-2` });
    await expect(nowhere).rejects.toMatchObject({ type: 'NotFound' });
  }, 120_000);

  it('outlives a restic that was killed, and what that has locked', async () => {
    const { data, repository } = await aRepository('killed');
    const of = over(fleetOf({ repository, paths: [data] }));
    await sh('head -c 60000000 /dev/urandom >"$1/more"', data);
    const backup = of.backUp();
    await stopAtItsLock(repository);
    await signal(repository, 'KILL');
    expect(await backup).toMatchObject({ type: 'complete' });
    expect(await of.prune()).toEqual({ type: 'done' });
    expect(await locks(repository)).toBe('');
  }, 240_000);

  it('goes on without its worker, for the next attempt to find, and ends where a person cancels it', async () => {
    const { data, repository } = await aRepository('attempts');
    const of = over(fleetOf({ repository, paths: [data] }));
    const number = async (): Promise<number> =>
      (JSON.parse(await restic(repository, 'snapshots', '--json', '--no-lock')) as unknown[]).length;
    const cutOff = async (ref: ReturnType<typeof aRun>, cut: (env: MockActivityEnvironment) => void): Promise<void> => {
      await sh('head -c 60000000 /dev/urandom >"$1/more"', data);
      const env = new MockActivityEnvironment();
      const begun = expect(of.backUp(ref, { env })).rejects.toMatchObject({ name: 'CancelledFailure' });
      await stopAtItsLock(repository);
      cut(env);
      await signal(repository, 'CONT');
      await begun;
    };
    const ref = aRun();
    await cutOff(ref, (env) => {
      env.cancel('WORKER_SHUTDOWN', new ActivityCancellationDetails({ workerShutdown: true }));
    });
    expect(await of.backUp(ref)).toMatchObject({ type: 'complete' });
    expect(await number()).toBe(1);
    await cutOff(aRun(), (env) => {
      env.cancel();
    });
    expect([await locks(repository), await number()]).toEqual(['', 1]);
  }, 240_000);

  it('is not taken for backed up where something was not read', async () => {
    const { data, repository } = await aRepository('incomplete');
    const missing = over(fleetOf({ repository, paths: [data, `${data}-gone`] }));
    expect(await missing.backUp()).toMatchObject({ type: 'incomplete', message: expect.stringContaining('-gone') });
    expect((await missing.look()).seen.sources[0]).not.toHaveProperty('completeAt');
    const unread = over(fleetOf({ repository, paths: [data, UNREADABLE] }));
    expect(await unread.backUp()).toMatchObject({ type: 'incomplete', message: expect.stringContaining(UNREADABLE) });
    await sh('mkdir "$1-empty"', data);
    expect(await over(fleetOf({ repository, paths: [`${data}-empty`] })).backUp()).toMatchObject({ type: 'empty' });
  }, 120_000);

  it('says what is wrong with the repository and its secrets', async () => {
    const { data, repository } = await aRepository('secrets');
    const { folder } = place();
    const failing = async (target: Record<string, unknown>): Promise<string> => {
      const of = over(fleetOf({ repository, paths: [data], ...target }));
      const answer = await of.backUp();
      expect(answer.type).toBe('failed');
      expect((await of.look()).seen.sources[0]?.problem).toBeDefined();
      return 'message' in answer ? answer.message : '';
    };
    expect(await failing({ passwordFile: `${folder}/other` })).toMatch(/wrong password/);
    expect(await failing({ passwordFile: `${folder}/nowhere` })).toMatch(/does not exist/);
    expect(await failing({ repository: `${repository}-not` })).toMatch(/repository does not exist/);
    expect(await failing({ environmentFile: `${folder}/nowhere` })).toMatch(/cannot be read/);
    await sh(
      'cd "$1" && cp environment open && chmod 644 open && umask 077 && echo oops >bad && echo A=1 >without',
      folder,
    );
    expect(await failing({ environmentFile: `${folder}/open` })).toMatch(/can be read by others/);
    expect(await failing({ environmentFile: `${folder}/bad` })).toMatch(/no NAME=value/);
    expect(await failing({ environmentFile: `${folder}/without` })).toMatch(/401 Unauthorized/);
  }, 120_000);

  it('keeps everything where the server lets nobody delete, and is looked after by another way', async () => {
    const { data, repository, appendOnly } = await aRepository('kept');
    const { folder } = place();
    const of = over(fleetOf({ repository: appendOnly, paths: [data] }));
    await of.backUp();
    await of.backUp();
    expect(await of.forget()).toMatchObject({ type: 'refused' });
    expect((await of.look()).seen.maintenance.forgets).toEqual({});
    const secrets = { passwordFile: `${folder}/password`, environmentFile: `${folder}/environment` };
    const elsewhere = over(
      fleetOf({ repository: appendOnly, paths: [data], maintenance: { member: 'n3', repository, ...secrets } }),
    );
    expect(await elsewhere.forget()).toEqual({ type: 'done' });
    expect(await elsewhere.prune()).toEqual({ type: 'done' });
    expect(JSON.parse(await restic(repository, 'snapshots', '--json'))).toHaveLength(1);
  }, 120_000);

  it('is not pruned once a check has found damage', async () => {
    const { data, repository } = await aRepository('damaged');
    const of = over(fleetOf({ repository, paths: [data], checkSubsets: 1 }));
    await of.backUp();
    await place().damage(ownName('damaged'));
    expect(await of.check(1, 1)).toMatchObject({ type: 'damaged' });
    const { plan, verdicts } = await of.look();
    expect(plan?.steps.map(({ type }) => type)).toEqual(['check']);
    expect(plan?.held.map(({ type }) => type)).toEqual(['forget', 'prune']);
    expect(verdicts.find(({ what }) => what === 'check')).toMatchObject({ verdict: 'stale' });
  }, 120_000);
}

/** Nobody can read it, root neither. */
const UNREADABLE = '/proc/sys/vm/compact_memory';

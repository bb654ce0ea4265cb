import { describe, expect, it } from '@jest/globals';
import {
  lostInstances,
  planQuorum,
  type QuorumMember,
  type QuorumObservation,
  type QuorumPlan,
  type QuorumScope,
  type RaftMember,
} from '../../plan/quorum.ts';

const SCOPE: QuorumScope = { member: 'n1', others: ['n2', 'n3'], approvalTimeout: '8h' };

const raft = (name: string, role = 'voter'): RaftMember => ({ name, address: `10.0.0.1${name.slice(1)}:8443`, role });
const VOTERS = ['n1', 'n2', 'n3'].map((name) => raft(name));

const survivor = (overrides: Partial<QuorumMember> = {}): QuorumMember => ({
  name: 'n1',
  reach: 'ssh',
  sign: 'it answers by ssh',
  voice: { type: 'none' },
  isHeld: false,
  isRecovered: false,
  database: { segment: 7, members: VOTERS },
  instances: [],
  ...overrides,
});
const silent = (name: string): QuorumMember => ({
  name,
  reach: 'silent',
  sign: 'its host gave no sign of life for 20 s',
  isHeld: false,
  isRecovered: false,
  instances: [],
});
const observed = (own: Partial<QuorumMember> = {}, others = [silent('n2'), silent('n3')]): QuorumObservation => ({
  members: [survivor(own), ...others],
  looks: 2,
  overSeconds: 65,
});
const plan = (observation: QuorumObservation, scope: Partial<QuorumScope> = {}): QuorumPlan =>
  planQuorum({ ...SCOPE, ...scope }, observation);
const said = (observation: QuorumObservation, verdict: string, scope: Partial<QuorumScope> = {}): string[] =>
  plan(observation, scope)
    .gates.filter((gate) => gate.verdict === verdict)
    .map(({ name, message }) => `${name}: ${message}`);

/** Of five voters two are left. */
const FIVE = { others: ['n2', 'n3', 'n4', 'n5'] };
const five = (own: Partial<QuorumMember> = {}, second: Partial<QuorumMember> = {}): QuorumObservation => {
  const database = { segment: 7, members: ['n1', 'n2', 'n3', 'n4', 'n5'].map((name) => raft(name)) };
  return observed({ database, ...own }, [
    { ...survivor(), name: 'n2', database, ...second },
    silent('n3'),
    silent('n4'),
    silent('n5'),
  ]);
};
const LEADER: QuorumMember['voice'] = { type: 'leader', members: [{ name: 'n1', status: 'Online' }] };

describe('the plan of a recovery from the loss of quorum', () => {
  it('gives the database to the survivor, and names who is gone', () => {
    const { mode, refusals, stops, gone, steps } = plan(observed());
    expect({ mode, refusals, stops, gone }).toEqual({
      mode: 'recover',
      refusals: [],
      stops: ['n1'],
      gone: ['n2', 'n3'],
    });
    expect(steps.map(({ id }) => id)).toEqual(['stop-n1', 'keep', 'recover', 'start-n1', 'verify']);
    expect(said(observed(), 'warning')).toEqual([
      expect.stringMatching(
        /^members: n2 is silent: its host gave no sign of life for 20 s\. Lost members that come back/,
      ),
      expect.stringMatching(/^members: n3 is silent/),
    ]);
    expect(said(observed(), 'passed')).toContain('leader: No leader: n1 asked 2 times in 65 s');
  });

  it('stops the others that answer before the survivor, and starts them after it', () => {
    const { refusals, stops, steps } = plan(five(), FIVE);
    expect({ refusals, stops }).toEqual({ refusals: [], stops: ['n2', 'n1'] });
    expect(steps.map(({ id }) => id)).toEqual([
      'stop-n2',
      'stop-n1',
      'keep',
      'recover',
      'start-n1',
      'start-n2',
      'verify',
    ]);
  });

  it('leaves a member alone that was installed anew', () => {
    const anew = { ...survivor(), name: 'n2', voice: { type: 'alone' } } as const;
    const { refusals, stops, gone, apart } = plan(observed({}, [anew, silent('n3')]));
    expect({ refusals, stops, gone, apart }).toEqual({ refusals: [], stops: ['n1'], gone: ['n3'], apart: ['n2'] });
  });

  it('goes on where a run was cut off: its Incus is stopped by that run, and its database its own already', () => {
    const halfWay = observed({
      voice: { type: 'down', problem: 'incus.service is inactive' },
      isHeld: true,
      isRecovered: true,
      database: { segment: 8, members: [raft('n1')] },
    });
    expect(plan(halfWay)).toMatchObject({ mode: 'recover', refusals: [] });
    expect(said(halfWay, 'passed')).toContain('leader: No Incus of the cluster runs: an earlier run has stopped it');
  });

  it('has only to start what a run has stopped, once there is a leader', () => {
    const { mode, stops, steps } = plan(
      five({ voice: LEADER, isRecovered: true }, { isHeld: true, voice: { type: 'down', problem: '' } }),
      FIVE,
    );
    expect({ mode, stops }).toEqual({ mode: 'finish', stops: ['n2', 'n1'] });
    expect(steps.map(({ id }) => id)).toEqual(['start-n1', 'start-n2', 'verify']);
  });

  it('has nothing to do where a run has done it', () => {
    expect(plan(observed({ voice: LEADER, isRecovered: true }))).toMatchObject({ mode: 'none', gates: [], steps: [] });
  });
});

describe('a recovery is refused', () => {
  it.each<[string, QuorumObservation, RegExp, Partial<QuorumScope>?]>([
    [
      'where there is a leader',
      observed({ voice: LEADER }),
      /^leader: The cluster has a leader, n1 says: n1 Online\.$/,
    ],
    [
      'where another one knows a leader',
      observed({}, [{ ...survivor(), name: 'n2', voice: LEADER }, silent('n3')]),
      /^leader: The cluster has a leader, n2 says/,
    ],
    [
      'where a leader was brought back for another survivor',
      observed({ voice: LEADER }, [{ ...survivor(), name: 'n2', isRecovered: true }, silent('n3')]),
      /^leader: The cluster has a leader, n1 says/,
    ],
    [
      'where an Incus does not run, stopped by a person',
      observed({ voice: { type: 'down', problem: 'incus.service is inactive' } }),
      /^leader: The Incus of n1 does not run, .*: incus\.service is inactive\.$/,
    ],
    [
      'where an answer is not known',
      observed({ voice: { type: 'unclear', problem: 'it said hm' } }),
      /^leader: Whether n1 knows a leader is not certain: it said hm\.$/,
    ],
    [
      'of a survivor that is silent',
      { ...observed(), members: [silent('n1'), silent('n2'), silent('n3')] },
      /^survivor: n1 is to carry the database on, and its host gave no sign of life/,
    ],
    [
      'of one without a database',
      observed({ database: undefined, databaseProblem: 'no such file' } as never),
      /^survivor: n1 has no database that could be read: no such file\.$/,
    ],
    [
      'of one that is a server of its own',
      observed({ voice: { type: 'alone' } }),
      /^survivor: The Incus of n1 is a server of its own/,
    ],
    [
      'of one that does not vote',
      observed({ database: { members: [raft('n1', 'spare'), raft('n2'), raft('n3')] } }),
      /^survivor: n1 is spare of the database, and no voter/,
    ],
    [
      'where voters that are there can elect a leader',
      observed({}, [{ ...survivor(), name: 'n2' }, silent('n3')]),
      /^voters: n1, n2 of the 3 voters n1, n2, n3 are alive: they can elect a leader\.$/,
    ],
    [
      'where the database has a member that is not declared',
      observed({ database: { members: [...VOTERS, raft('n9')] } }),
      /^voters: The database has the member n9 \(10\.0\.0\.19:8443\), which runbook\.yaml does not declare\.$/,
    ],
    [
      'where another lives and nobody can log in',
      observed({}, [{ ...silent('n2'), reach: 'lives', sign: 'it answers, and refuses' }, silent('n3')]),
      /^members: n2 lives, and its Incus cannot be stopped: it answers, and refuses\.$/,
    ],
  ])('%s', (_, observation, refusal, scope = {}) => {
    expect(said(observation, 'refused', scope)).toContainEqual(expect.stringMatching(refusal));
  });

  it('for every reason at once, and names who could be the survivor instead', () => {
    const { refusals } = plan(
      observed({ voice: { type: 'unclear', problem: 'hm' }, database: undefined, databaseProblem: 'gone' } as never, [
        { ...survivor(), name: 'n2' },
        { ...silent('n3'), reach: 'lives' },
      ]),
    );
    expect(refusals.map(({ name }) => name)).toEqual(['leader', 'survivor', 'members']);
    expect(refusals[1]?.whatToDo).toContain('--node n2');
  });
});

describe('a longer log elsewhere', () => {
  it('is a warning: what was written last is in no closed part of it', () => {
    const members = five().members[0]?.database?.members ?? [];
    const newer = five({}, { database: { segment: 9, members } });
    expect(plan(newer, FIVE).refusals).toEqual([]);
    expect(said(newer, 'warning', FIVE)[0]).toMatch(/^log: The closed part .* is longer on n2 \(9\) than on n1 \(7\)/);
    expect(said(five(), 'warning', FIVE).filter((text) => text.startsWith('log'))).toEqual([]);
  });
});

describe('instances that ran before', () => {
  it('are lost where their process is another one, or none', () => {
    const before = [
      {
        name: 'n1',
        instances: [
          { pid: 1, what: 'g1' },
          { pid: 2, what: 'g2' },
        ],
      },
    ];
    expect(lostInstances(before, before)).toEqual([]);
    expect(
      lostInstances(before, [
        {
          name: 'n1',
          instances: [
            { pid: 1, what: 'g1' },
            { pid: 3, what: 'g2' },
          ],
        },
      ]),
    ).toEqual(['g2 on n1']);
    expect(lostInstances(before, [])).toEqual(['g1 on n1', 'g2 on n1']);
  });
});

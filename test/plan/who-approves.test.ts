import { describe, expect, it } from '@jest/globals';
import {
  approvers,
  foreseenNeeds,
  mayAskBeforeALoss,
  needsOf,
  neededLine,
  personOf,
  settledBy,
  yesRefusal,
} from '../../plan/who-approves.ts';
import type { Decision } from '../../plan/run.ts';

const decided = (actor: string, approved = true, approvalId = 'release'): Decision => ({
  ...{ approvalId, approved, actor, reason: 'so be it', at: '2026-11-28T02:14:00Z' },
});
const ADA = 'ada@laptop';
const BOB = 'bob@desk';
const TWO = { people: 2, notBy: 'cleo@nas' };

describe('what a question needs', () => {
  it('is nothing more than a yes by default', () => {
    expect(needsOf({ people: 1, otherThanStarter: false }, ADA)).toBeUndefined();
  });
  it.each([
    [{ people: 2, otherThanStarter: false }, { people: 2 }],
    [
      { people: 1, otherThanStarter: true },
      { people: 1, notBy: ADA },
    ],
    [
      { people: 2, otherThanStarter: true },
      { people: 2, notBy: ADA },
    ],
  ])('is so many people, and others than who started it: %j', (rule, needs) => {
    expect(needsOf(rule, ADA)).toEqual(needs);
  });
});

describe('a person', () => {
  it.each([
    ['ada@laptop', 'ada'],
    ['ada@nas', 'ada'],
    [' Ada@laptop ', 'ada'],
    ['ada', 'ada'],
    ['schedule nightly', 'schedule nightly'],
  ])('is told by the user name, whatever the machine: %j', (actor, person) => {
    expect(personOf(actor)).toBe(person);
  });
  it.each(['', '  ', '@laptop', 'nobody', 'Nobody@laptop', 'unknown@5f3a'])('is not behind %j', (actor) => {
    expect(personOf(actor)).toBeUndefined();
  });
});

describe('a yes', () => {
  it('counts from anybody where nothing is declared', () => {
    for (const actor of [ADA, 'unknown@5f3a']) expect(yesRefusal({}, actor)).toBeUndefined();
  });
  it('counts from the first, and from another', () => {
    expect(yesRefusal({ needs: TWO }, ADA)).toBeUndefined();
    expect(yesRefusal({ needs: TWO, approvedBy: [ADA] }, BOB)).toBeUndefined();
  });
  it.each([ADA, 'ada@nas', 'ADA@laptop'])('does not count twice from one person: %s', (actor) => {
    expect(yesRefusal({ needs: TWO, approvedBy: [ADA] }, actor)).toBe(
      'ada@laptop has said yes already. It needs 2 different people.',
    );
  });
  it.each(['cleo@nas', 'cleo@laptop', 'Cleo@nas'])('does not count from who started it: %s', (actor) => {
    expect(yesRefusal({ needs: TWO }, actor)).toBe('cleo@nas started it: somebody else has to say yes.');
  });
  it('counts from who started it where that is not declared', () => {
    expect(yesRefusal({ needs: { people: 2 } }, 'cleo@nas')).toBeUndefined();
  });
  it.each(['unknown@5f3a', '@laptop', 'nobody'])('does not count without a name: %s', (actor) => {
    expect(yesRefusal({ needs: TWO }, actor)).toContain('a person with a name, as ada@laptop');
  });
  it.each(['', 'unknown@5f3a'])('does not count where nobody knows who started it: %j', (notBy) => {
    expect(yesRefusal({ needs: { people: 1, notBy } }, ADA)).toContain('nobody knows who that was');
  });
  it('counts from anybody where a schedule started it', () => {
    expect(yesRefusal({ needs: { people: 1, notBy: 'schedule nightly' } }, ADA)).toBeUndefined();
  });
});

describe('a question', () => {
  const question = { id: 'release', needs: TWO };
  it('is open until enough have said yes', () => {
    expect(settledBy(question, [])).toBeUndefined();
    expect(settledBy(question, [decided(ADA)])).toBeUndefined();
    expect(settledBy(question, [decided(ADA), decided(BOB, true, 'another')])).toBeUndefined();
    expect(settledBy(question, [decided(ADA), decided(BOB)])).toMatchObject({ approved: true, actor: BOB });
  });
  it.each([[[decided(BOB, false)]], [[decided(ADA), decided(BOB, false)]], [[decided(ADA), decided(ADA, false)]]])(
    'is answered by the first no, whoever has said yes',
    (decisions) => {
      expect(settledBy(question, decisions)).toMatchObject({ approved: false });
    },
  );
  it('is answered by the first answer where one is enough', () => {
    const decisions = [decided(ADA), decided(BOB, false)];
    expect(settledBy({ id: 'release' }, decisions)).toMatchObject({ actor: ADA });
    expect(settledBy({ id: 'release', needs: { people: 1, notBy: BOB } }, [decided(ADA)])).toMatchObject({
      actor: ADA,
    });
  });
  it('knows who said yes to it', () => {
    const decisions = [decided(ADA), decided(BOB, false), decided('cleo@nas', true, 'another')];
    expect(approvers(decisions, 'release')).toEqual([ADA]);
  });
});

describe('who is needed, in words', () => {
  it.each([
    [{}, []],
    [{ needs: { people: 2 } }, ['Needs 2 people.']],
    [{ needs: { people: 1, notBy: ADA } }, ['Needs 1 person other than ada@laptop, who started it.']],
    [{ needs: { people: 1, notBy: '' } }, ['Needs 1 person other than who started it.']],
    [
      { needs: { people: 2 }, approvedBy: [ADA] },
      ['Needs 2 people: ada@laptop has said yes; waits for somebody else.'],
    ],
    [
      { needs: { people: 3 }, approvedBy: [ADA, BOB] },
      ['Needs 3 people: ada@laptop, bob@desk have said yes; waits for somebody else.'],
    ],
  ])('%#', (approval, lines) => {
    expect(neededLine(approval)).toEqual(lines);
  });
  it('is told in a plan of what may ask', () => {
    expect(foreseenNeeds(TWO)).toBe(
      'Where it asks before something is lost for good: needs 2 people other than cleo@nas, who started it.',
    );
    expect(mayAskBeforeALoss('release-kept')).toBe(true);
    expect(mayAskBeforeALoss('nightly-backup')).toBe(false);
  });
});

import { count } from './count.ts';
import { NOBODY, type Approval, type ApprovalNeeds, type Decision } from './run.ts';

/** Who has to say yes, and whether enough have. The names are what clients say; docs/security.md says what that is worth. */

/** What the fleet file declares of a kind of question. */
export interface ApprovalRule {
  people: number;
  otherThanStarter: boolean;
}

/** What both ask for. Pure. */
export const stricterOf = (one: ApprovalRule, other: ApprovalRule): ApprovalRule => ({
  people: Math.max(one.people, other.people),
  otherThanStarter: one.otherThanStarter || other.otherThanStarter,
});

/** What a question needs by that rule; undefined where anybody's yes is enough. `startedBy`: '' where nobody knows. */
export function needsOf({ people, otherThanStarter }: ApprovalRule, startedBy: string): ApprovalNeeds | undefined {
  if (people <= 1 && !otherThanStarter) return undefined;
  return { people, ...(otherThanStarter ? { notBy: startedBy } : {}) };
}

/** Names that nobody has: what the command line says where it finds no name, and who decides when time is over. */
const NO_PERSON = ['', NOBODY, 'unknown'];

/** The person behind `ada@laptop`, on whatever machine; undefined where it names none. */
export function personOf(actor: string): string | undefined {
  const [user = ''] = actor.trim().toLowerCase().split('@');
  return NO_PERSON.includes(user.trim()) ? undefined : user.trim();
}

/** Why the yes of this one does not count, as a sentence; undefined if it does. */
export function yesRefusal(
  { needs, approvedBy = [] }: Pick<Approval, 'needs' | 'approvedBy'>,
  actor: string,
): string | undefined {
  if (needs === undefined) return undefined;
  const person = personOf(actor);
  if (person === undefined)
    return `Its yes has to come from a person with a name, as ada@laptop; got ${JSON.stringify(actor)}.`;
  const same = approvedBy.find((other) => personOf(other) === person);
  if (same !== undefined) return `${same} has said yes already. It needs ${count(needs.people, 'different person')}.`;
  if (needs.notBy === undefined) return undefined;
  const starter = personOf(needs.notBy);
  if (starter === undefined)
    return 'It needs somebody else than who started it, and nobody knows who that was. Start it by runbook start.';
  return starter === person ? `${needs.notBy} started it: somebody else has to say yes.` : undefined;
}

/** The decision that settles a question: the first no, or the yes that completes what it needs. */
export function settledBy(
  { id, needs }: Pick<Approval, 'id' | 'needs'>,
  decisions: readonly Decision[],
): Decision | undefined {
  const about = decisions.filter(({ approvalId }) => approvalId === id);
  if (needs === undefined) return about[0];
  const no = about.find(({ approved }) => !approved);
  return no ?? about[needs.people - 1];
}

/** `Needs 2 people: ada@laptop has said yes; waits for somebody else.` None where anybody's yes is enough. */
export function neededLine({ needs, approvedBy = [] }: Pick<Approval, 'needs' | 'approvedBy'>): string[] {
  if (needs === undefined) return [];
  const said =
    approvedBy.length === 0
      ? ''
      : `: ${approvedBy.join(', ')} ${approvedBy.length === 1 ? 'has' : 'have'} said yes; waits for somebody else`;
  return [`${needsWords(needs)}${said}.`];
}

/** `Needs 2 people other than ada@laptop, who started it` */
function needsWords({ people, notBy }: ApprovalNeeds): string {
  const who = count(people, 'person');
  return notBy === undefined
    ? `Needs ${who}`
    : `Needs ${who} other than ${notBy === '' ? 'who' : `${notBy}, who`} started it`;
}

/** Everybody who said yes to this question. */
export const approvers = (decisions: readonly Decision[], id: string): string[] =>
  decisions.filter(({ approvalId, approved }) => approvalId === id && approved).map(({ actor }) => actor);

/** Runbooks with a question whose yes loses something for good. */
const ASKS_BEFORE_A_LOSS = [
  'backups-resolve',
  'cluster-upgrade',
  'infra-apply',
  'member-remove',
  'node-reinstall',
  'node-rejoin',
  'quorum-recover',
  'release-kept',
  'restore',
  'safe-upgrade',
  'vm-recreate',
];
export const mayAskBeforeALoss = (runbook: string): boolean => ASKS_BEFORE_A_LOSS.includes(runbook);

/** In a plan, where it is open yet whether it will ask. */
export const foreseenNeeds = (needs: ApprovalNeeds): string =>
  `Where it asks before something is lost for good: ${needsWords(needs).replace('Needs', 'needs')}.`;

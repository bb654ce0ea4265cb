import { asSentence } from './sentence.ts';
import { ageOf, formatAge } from './duration.ts';
import type { Gate } from './gates.ts';
import { isRunName } from './run-name.ts';

/** What identity-backup is asked for, and what it finds. Plain data, small enough for a history; nothing of it is secret. */

/** The place of copies that is no member. */
export const RESTIC = 'restic';

/** What the fleet file says at the run's revision. */
export interface IdentityScope {
  /** Whose identities are saved. */
  members: string[];
  /** Every declared member: each keeps copies of the others. */
  places: string[];
  /** Each copy goes to a restic repository as well. */
  restic: boolean;
}

/** One copy of a member's identity: on another member, or in restic, where `path` is the snapshot. */
export interface StoredIdentity {
  member: string;
  /** A member, or {@link RESTIC}. */
  place: string;
  path: string;
  /** ISO 8601. */
  takenAt: string;
  /** Of what is encrypted; restic does not tell it. */
  sha256?: string;
}

/** One declared member, as the source of an identity and as a place of copies. */
export interface MemberIdentities {
  name: string;
  /** Why it cannot be reached: no place, and no source. */
  away?: string;
  /** Why its own identity cannot be saved now. */
  problem?: string;
  /** What it keeps of others. */
  copies: StoredIdentity[];
}

export interface IdentityObservation {
  members: MemberIdentities[];
}

/** What became of one member's identity. */
export interface SavedIdentity {
  member: string;
  copies: StoredIdentity[];
  /** Places that have no copy of this run, and why. */
  missed: { place: string; problem: string }[];
  /** Older copies that were removed, by place. */
  removed: { place: string; number: number }[];
}

type Name = 'places' | 'members';
export type IdentityGate = Omit<Gate, 'name'> & { name: Name };

export interface IdentityPlan {
  gates: IdentityGate[];
  refusals: IdentityGate[];
  steps: { member: string; places: string[] }[];
  /** Those whose identity cannot be saved now. */
  failing: { member: string; problem: string }[];
}

/** Whose identity is saved where. Pure. */
export function planIdentities(scope: IdentityScope, { members }: IdentityObservation): IdentityPlan {
  const others = (member: string): string[] => scope.places.filter((place) => place !== member);
  const asked = members.filter(({ name }) => scope.members.includes(name));
  const failing = asked.flatMap(({ name, away, problem = away }) =>
    problem === undefined ? [] : [{ member: name, problem }],
  );
  const gates = [...places(scope, others), ...sources(asked.length, failing)];
  return {
    gates,
    refusals: gates.filter(({ verdict }) => verdict === 'refused'),
    steps: asked
      .filter(({ name }) => !failing.some(({ member }) => member === name))
      .map(({ name }) => ({ member: name, places: [...others(name), ...(scope.restic ? [RESTIC] : [])] })),
    failing,
  };
}

function places(scope: IdentityScope, others: (member: string) => string[]): IdentityGate[] {
  const lonely = scope.members.filter((member) => others(member).length === 0);
  if (lonely.length === 0 || scope.restic) {
    const where = scope.restic ? 'on the other members, and to restic' : 'on the other members';
    return [{ name: 'places', verdict: 'passed', message: `Copies are kept ${where}` }];
  }
  return [
    {
      name: 'places',
      verdict: 'refused',
      message: `${lonely.join(', ')} is the only member: there is no other place for a copy of its identity.`,
      whatToDo: 'Declare identity.restic in runbook.yaml.',
    },
  ];
}

/** One that fails does not keep the others from being saved. */
function sources(asked: number, failing: IdentityPlan['failing']): IdentityGate[] {
  if (failing.length === 0) return [{ name: 'members', verdict: 'passed', message: 'Every identity can be read' }];
  return failing.map(({ member, problem }) => ({
    name: 'members',
    verdict: failing.length === asked ? 'refused' : 'warning',
    message: `The identity of ${member} cannot be saved: ${asSentence(problem)}`,
    whatToDo: `runbook doctor --node ${member} shows what is wrong.`,
  }));
}

const FORM = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-(.+)\.tar\.age$/;
const PART = '.part';

/** What a copy is called: `20261127T021400Z-runbook-20261127-0214-3f9c.tar.age`. Sorts by time. */
export function copyName(takenAt: string, run: string): string {
  const stamp = `${takenAt.slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
  return `${stamp}-${run}.tar.age`;
}

/** While it is being written. */
export const partName = (name: string): string => `${name}${PART}`;

/** When the copy of this name was taken; undefined for any other name, which is nobody's business here. */
export function takenAtOf(name: string): string | undefined {
  const [, year, month, day, hour, minute, second, run] = FORM.exec(name) ?? [];
  if (run === undefined || !isRunName(run)) return undefined;
  const at = Date.parse(`${year ?? ''}-${month ?? ''}-${day ?? ''}T${hour ?? ''}:${minute ?? ''}:${second ?? ''}.000Z`);
  return Number.isNaN(at) ? undefined : new Date(at).toISOString();
}

/** An hour: no run writes for so long. */
const ABANDONED_MS = 3_600_000;

/**
 * Of the names in one member's folder those to remove: complete copies but for the newest `keep`, and what killed runs have
 * left half written. `written` is the copy that was just verified: it stays, and so does every name of another form.
 */
export function doomedCopies(
  names: readonly string[],
  { keep, written, now }: { keep: number; written: string; now: string },
): string[] {
  const complete = names.filter((name) => takenAtOf(name) !== undefined).sort((a, b) => (a < b ? 1 : -1));
  const abandoned = names.filter((name) => {
    const [, whole = ''] = /^(.+\.tar\.age)\.part(?:\.[0-9a-f]+)?$/.exec(name) ?? [];
    const takenAt = takenAtOf(whole);
    return takenAt !== undefined && ageOf(takenAt, now) > ABANDONED_MS;
  });
  return [...complete.slice(keep).filter((name) => name !== written), ...abandoned];
}

const newestFirst = (a: StoredIdentity, b: StoredIdentity): number => Date.parse(b.takenAt) - Date.parse(a.takenAt);

export const sortedCopies = (copies: readonly StoredIdentity[]): StoredIdentity[] => [...copies].sort(newestFirst);

/** Two nights: one that failed is no reason to worry yet. */
const STALE_MS = 48 * 3_600_000;

/** What is to be said of a member's newest copy. Pure. */
export function judgeCopies(copies: readonly StoredIdentity[], now: string): { fresh: boolean; found: string } {
  const [newest] = sortedCopies(copies);
  if (newest === undefined) return { fresh: false, found: 'no other place has a copy' };
  const age = ageOf(newest.takenAt, now);
  const places = [...new Set(copies.map(({ place }) => place))].join(', ');
  return { fresh: age <= STALE_MS, found: `the newest copy is ${formatAge(age)} old; copies on ${places}` };
}

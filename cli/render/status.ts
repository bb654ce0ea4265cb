import { isLate } from '../fleet-copies.ts';
import { needsPerson, type FleetStatus } from '../fleet-status.ts';
import { glanceFacts, glanceTroubles } from './glance.ts';
import { overviewLines } from './overview.ts';
import { painter } from './paint.ts';
import type { RenderOptions } from './run.ts';
import { statusItems } from './status-items.ts';
import { clean } from './clean.ts';
import { wrap } from './text.ts';
import { count } from './units.ts';

/** The fleet at a glance: the first line answers whether anything needs a person. Pure. */
export function renderStatus(status: FleetStatus, options: RenderOptions): string[] {
  const paint = painter(options.colour);
  return [
    ...wrap(clean(statusFacts(status).join(' · ')), options.width).map((line) => paint('bold', line)),
    ...(status.noWorker === true ? ['  runbook worker'] : []),
    ...statusItems(status, options.now).flatMap(({ head, more, tone }) =>
      item(head, more, options, (text) => paint(tone, text)),
    ),
    ...overviewLines(status, options, paint),
  ];
}

/** What the first line says, the last of it whether anything needs a person. Pure. */
export const statusFacts = (status: FleetStatus): string[] => [
  ...fleetFacts(status),
  ...(status.open.length === 0 ? ['no run is open'] : [`${count(status.open.length, 'run')} open`]),
  ...(status.noWorker === true ? ['no worker polls'] : []),
  needs(status),
];

function fleetFacts({ fleet, brokenFleetFile, live }: FleetStatus): string[] {
  if (brokenFleetFile === true) return ['runbook.yaml has mistakes: runbook check'];
  if (fleet === undefined) return [];
  if (live !== undefined) return [fleet.name, ...glanceFacts(live)];
  return [fleet.name, count(fleet.members.length, 'member'), count(fleet.guests.length, 'guest')];
}

function needs({ open, schedules, failed, live, copies }: FleetStatus): string {
  const runs = open.filter(needsPerson).length + failed.length;
  // While a run is at work, a member that is away and a guest that is stopped are most likely its doing.
  const atWork = open.some((run) => !needsPerson(run));
  const fleet = live !== undefined && !atWork && glanceTroubles(live).length > 0;
  // What a run failed to copy is counted with the run.
  const late = copies?.from === 'look' ? copies.copies.filter(isLate).length : 0;
  const counted = [
    count(runs, 'run'),
    count(schedules.length, 'schedule'),
    late === 1 ? '1 copy' : `${late} copies`,
  ].filter((text) => !text.startsWith('0 '));
  const who = [...counted, ...(fleet ? ['the fleet'] : [])];
  const isSeen = copies?.problem === undefined && live?.problem === undefined;
  if (who.length === 0) return isSeen ? 'nothing needs you' : 'nothing that is known needs you';
  return `${enumerated(who)} ${runs + schedules.length + late + Number(fleet) === 1 ? 'needs' : 'need'} you`;
}

/** `a`, `a and b`, `a, b and c`. */
const enumerated = (names: readonly string[]): string =>
  [...(names.length > 1 ? [names.slice(0, -1).join(', ')] : []), ...names.slice(-1)].join(' and ');

const item = (
  head: string,
  more: readonly string[],
  { width }: RenderOptions,
  colour: (text: string) => string,
): string[] => [
  ...wrap(clean(head), width - 2).map((line) => `  ${colour(line)}`),
  ...more.flatMap((line) => wrap(clean(line), width - 6).map((each) => `      ${each}`)),
];

import { defaultPayloadConverter, type PayloadCodec } from '@temporalio/common';
import { optionalTsToDate, optionalTsToMs, requiredTsToDate } from '@temporalio/common/lib/time.js';
import type proto from '@temporalio/proto';
import { DAYS, type Calendar } from '../../fleet/calendar.ts';
import { exactly, runsText, whenText, type AppliedSchedule, type ScheduleTexts } from '../../plan/schedules.ts';
import { SCHEDULED_WORKFLOW, scheduleId, type ScheduledInput } from '../../workflows/messages.ts';
import type { Connected } from './connect.ts';

type Description = proto.temporal.api.workflowservice.v1.IDescribeScheduleResponse;
type Spec = proto.temporal.api.schedule.v1.IScheduleSpec;
type Range = proto.temporal.api.schedule.v1.IRange;

/** What marks a schedule as ours, and whose. It is made with the schedule and cannot be changed. */
export const MEMO = 'runbook';
export interface ScheduleMark {
  fleet: string;
  schedule: string;
}

const TIMEOUT_MS = 15_000;
const PAGE = 200;
/** gRPC's status code. */
const NOT_FOUND = 5;

/** The marks of all schedules that any runbook has made in this namespace. Needs no more than one question as a rule. */
export function listMarks({ connection, namespace, codec }: Connected): Promise<ScheduleMark[]> {
  return connection.withDeadline(Date.now() + TIMEOUT_MS, async () => {
    const found: ScheduleMark[] = [];
    let nextPageToken: Uint8Array = new Uint8Array();
    do {
      const request = { namespace, maximumPageSize: PAGE, nextPageToken };
      const page = await connection.workflowService.listSchedules(request);
      const marks = await Promise.all(page.schedules.map((entry) => markOf(codec, entry.scheduleId, entry.memo)));
      found.push(...marks.filter((mark) => mark !== undefined));
      ({ nextPageToken } = page);
    } while (nextPageToken.length > 0);
    return found;
  });
}

/** Undefined for what is not ours: both its id and its memo have to say that it is. */
async function markOf(
  codec: PayloadCodec,
  id: string | null | undefined,
  memo: Description['memo'],
): Promise<ScheduleMark | undefined> {
  const [mark] = await valuesOf(codec, [memo?.fields?.[MEMO] ?? {}]);
  if (typeof mark !== 'object' || mark === null) return undefined;
  const { fleet, schedule } = mark as Partial<Record<keyof ScheduleMark, unknown>>;
  if (typeof fleet !== 'string' || typeof schedule !== 'string' || id !== scheduleId(fleet, schedule)) return undefined;
  return { fleet, schedule };
}

/** A schedule of this fleet; `foreign` where somebody else has made one of that id. */
export async function readSchedule(
  { connection, namespace, codec }: Connected,
  fleet: string,
  name: string,
): Promise<AppliedSchedule | 'none' | 'foreign'> {
  const id = scheduleId(fleet, name);
  try {
    const description = await connection.withDeadline(Date.now() + TIMEOUT_MS, () =>
      connection.workflowService.describeSchedule({ namespace, scheduleId: id }),
    );
    if ((await markOf(codec, id, description.memo)) === undefined) return 'foreign';
    const [input] = await valuesOf(codec, description.schedule?.action?.startWorkflow?.input?.payloads ?? []);
    return appliedOf(name, description, input ?? {}, Date.now());
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === NOT_FOUND) return 'none';
    throw error;
  }
}

function appliedOf(
  name: string,
  { schedule, info }: Description,
  input: Partial<ScheduledInput>,
  now: number,
): AppliedSchedule {
  const { spec, policies, state, action } = schedule ?? {};
  const calendar = calendarOf(spec ?? {});
  const jitterMs = optionalTsToMs(spec?.jitter) ?? 0;
  const isOurs = action?.startWorkflow?.workflowType?.name === SCHEDULED_WORKFLOW;
  const catchUpMs = optionalTsToMs(policies?.catchupWindow);
  const texts: ScheduleTexts = {
    runs: isOurs ? runsText(input.runbook ?? '', input.node) : BY_HAND,
    when: calendar === undefined ? BY_HAND : whenText(calendar),
    jitter: exactly(jitterMs),
    'catch-up': catchUpMs !== undefined && catchUpMs === input.catchUpMs ? exactly(catchUpMs) : BY_HAND,
    overlap: [UNSPECIFIED, SKIP].includes(policies?.overlapPolicy ?? UNSPECIFIED) ? 'skip' : BY_HAND,
  };
  const updatedAt = optionalTsToDate(info?.updateTime)?.toISOString();
  const last = lastOf(info);
  return {
    name,
    texts,
    ...(calendar === undefined ? {} : { calendar }),
    jitterMs,
    paused: state?.paused === true,
    note: state?.notes ?? '',
    nextAt: nextOf(info, now),
    ...(last === undefined ? {} : { last }),
    createdAt: requiredTsToDate(info?.createTime, 'createTime').toISOString(),
    ...(updatedAt === undefined ? {} : { updatedAt }),
    missed: Number(String(info?.missedCatchupWindow ?? 0)),
    skipped: Number(String(info?.overlapSkipped ?? 0)),
  };
}

/** Temporal's own interface can make of a schedule what no fleet file asks for. */
const BY_HAND = 'changed by hand';
/** `temporal.api.enums.v1.ScheduleOverlapPolicy`; unspecified means to skip. */
const [UNSPECIFIED, SKIP] = [0, 1];

/** The server may still name one that it has missed. */
const nextOf = (info: Description['info'], now: number): string[] =>
  (info?.futureActionTimes ?? [])
    .map((at) => requiredTsToDate(at, 'futureActionTimes'))
    .filter((at) => at.getTime() > now)
    .map((at) => at.toISOString());

function lastOf(info: Description['info']): AppliedSchedule['last'] {
  const action = info?.recentActions?.at(-1);
  const { workflowId, runId } = action?.startWorkflowResult ?? {};
  if (!workflowId || !runId) return undefined;
  return { workflowId, runId, dueAt: requiredTsToDate(action?.scheduleTime, 'scheduleTime').toISOString() };
}

/** What the fleet file could have said; undefined for every other calendar. */
function calendarOf(spec: Spec): Calendar | undefined {
  const [calendar, ...more] = spec.structuredCalendar ?? [];
  const { interval, excludeStructuredCalendar, startTime, endTime } = spec;
  const isPlain = more.length + (interval?.length ?? 0) + (excludeStructuredCalendar?.length ?? 0) === 0;
  if (calendar === undefined || !isPlain || startTime || endTime) return undefined;
  const { second, minute, hour, dayOfMonth, month, year, dayOfWeek } = calendar;
  const [minutes, hours] = [numbersIn(minute), numbersIn(hour)];
  const isDaily = numbersIn(dayOfMonth).length === 31 && numbersIn(month).length === 12 && (year?.length ?? 0) === 0;
  if (!isDaily || numbersIn(second).join() !== '0' || minutes.length !== 1 || hours.length !== 1) return undefined;
  const weekdays = numbersIn(dayOfWeek);
  return {
    at: [...hours, ...minutes].map((number) => String(number).padStart(2, '0')).join(':'),
    // Sunday is 0 there, and the last here.
    days: DAYS.filter((_day, index) => weekdays.includes((index + 1) % DAYS.length)),
    timeZone: spec.timezoneName ?? '',
  };
}

function numbersIn(ranges: readonly Range[] | null | undefined): number[] {
  return (ranges ?? []).flatMap(({ start, end, step }) => {
    const [first, size] = [start ?? 0, Math.max(1, step ?? 1)];
    const count = Math.floor((Math.max(first, end ?? 0) - first) / size) + 1;
    return Array.from({ length: count }, (_, index) => first + index * size);
  });
}

/** What payloads hold; undefined for an empty one. */
const valuesOf = async (
  codec: PayloadCodec,
  payloads: readonly proto.temporal.api.common.v1.IPayload[],
): Promise<unknown[]> =>
  (await codec.decode([...payloads])).map((payload) =>
    payload.metadata ? defaultPayloadConverter.fromPayload(payload) : undefined,
  );

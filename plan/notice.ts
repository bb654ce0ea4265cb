import type { Channel } from '../fleet/schema.ts';

/** What is told of one event, on whatever channel. Plain data; texts come from a run's view, where secrets are masked. */
export interface Notice {
  event: NoticeEvent | 'test';
  /** The fleet's name. */
  fleet: string;
  /** Absent where it is of no run. */
  runbook?: string;
  node?: string;
  /** The run's workflow id. */
  run?: string;
  /** A short line: `safe-upgrade/elitedesk-1 was rolled back`. */
  headline: string;
  /** What happened; empty where Temporal itself may not know it. */
  what: string;
  /** To type next. */
  command?: string;
  /** Its page in the Web UI. */
  link?: string;
  /** ISO 8601: when it happened. */
  at: string;
}

export type NoticeEvent = Channel['on'][number];

/** A notice that is due; the key says what makes it the same as another, and is told once. */
export interface DueNotice {
  /** `failure/safe-upgrade/elitedesk-1/<run id>` */
  key: string;
  event: NoticeEvent;
  notice: Notice;
}

/** What became of one message on one channel. */
export type Delivery =
  | { type: 'sent'; answer: string }
  /** `isRefusal`: the other side said no, which it will say again until somebody mends something. */
  | { type: 'failed'; isRefusal: boolean; message: string };

export interface NoticeText {
  title: string;
  body: string;
}

const MAX_TITLE = 200;
/** ntfy makes a longer message an attachment, beyond 4,096 bytes. */
const MAX_BODY = 3000;

/** Title and body by a channel's templates. Pure. */
export const noticeText = (notice: Notice, { title, body }: Pick<Channel, 'title' | 'body'>): NoticeText => ({
  title: cut(fill(title, notice).replace(/\s+/g, ' ').trim(), MAX_TITLE),
  body: cut(bodyLines(body, notice).join('\n').trim(), MAX_BODY),
});

const PLACEHOLDER = /\{(\w+)\}/g;

/** A line that has placeholders, and nothing for any of them, says nothing. */
const bodyLines = (template: string, notice: Notice): string[] =>
  template.split('\n').flatMap((line) => {
    const names = [...line.matchAll(PLACEHOLDER)].map(([, name = '']) => name);
    const isEmpty = names.length > 0 && names.every((name) => valueOf(notice, name) === '');
    return isEmpty ? [] : [fill(line, notice)];
  });

const fill = (template: string, notice: Notice): string =>
  template.replace(PLACEHOLDER, (_, name: string) => valueOf(notice, name));

const valueOf = (notice: Notice, name: string): string => {
  const value: unknown = Object.hasOwn(notice, name) ? notice[name as keyof Notice] : '';
  return typeof value === 'string' ? value : '';
};

const cut = (text: string, length: number): string => (text.length <= length ? text : `${text.slice(0, length - 1)}…`);

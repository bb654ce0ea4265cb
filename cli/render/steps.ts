import stringWidth from 'string-width';
import type { StepState, StepView } from '../../plan/run.ts';
import { belongsTo, type PendingActivity } from '../run-state.ts';
import type { Colour, Paint } from './paint.ts';
import { clean } from './clean.ts';
import { column, fit, wrap } from './text.ts';
import { age, between, bytes, clock, took } from './units.ts';

const SYMBOL: Record<StepState, { symbol: string; colour: Colour }> = {
  pending: { symbol: '·', colour: 'dim' },
  running: { symbol: '●', colour: 'cyan' },
  done: { symbol: '✔', colour: 'green' },
  already: { symbol: '=', colour: 'blue' },
  failed: { symbol: '✘', colour: 'red' },
  'not needed': { symbol: '-', colour: 'dim' },
  waiting: { symbol: '?', colour: 'yellow' },
};

/** The widest a line gets, however wide the terminal: times stay near what they time. */
const COMFORTABLE = 100;
const GAP = 3;

/** Columns of the phase, so that titles line up. */
export const phaseWidth = (steps: readonly StepView[]): number =>
  Math.max(0, ...steps.map(({ phase }) => stringWidth(clean(phase))));

export interface StepLayout {
  width: number;
  phases: number;
  now: number;
  paint: Paint;
}

/** A step as one line, and lines below it where it has more to say: why it failed, what its retries met. */
export function renderStep(step: StepView, pending: readonly PendingActivity[], layout: StepLayout): string[] {
  const { paint, phases } = layout;
  const width = Math.min(layout.width, COMFORTABLE);
  const { symbol, colour } = symbolOf(step);
  const indent = 4 + phases + GAP;
  const time = stepTime(step, layout.now);
  const room = width - indent - (time === '' ? 0 : stringWidth(time) + 2);
  const title = clean(step.title);
  const words = stateWords(step);
  const detail = [words, clean(step.detail ?? '')].filter((part) => part !== '').join(': ');
  const oneLine = detail === '' ? title : `${title}   ${detail}`;
  const below = stringWidth(oneLine) > room && detail !== '' && step.state !== 'pending';
  const filled = column(below ? title : oneLine, Math.max(0, room));
  // Spaces that a colour encloses would stay at the end of a line.
  const text = time === '' ? filled.trimEnd() : filled;
  const head = `  ${paint(colour, symbol)} ${paint(step.state === 'pending' ? 'dim' : 'bold', column(clean(step.phase), phases))}${' '.repeat(GAP)}`;
  const line = `${head}${step.state === 'pending' || step.state === 'not needed' ? paint('dim', text) : text}${time === '' ? '' : `  ${paint('dim', time)}`}`;
  const more = [
    ...(below ? wrap(detail, Math.max(8, width - indent)) : []),
    ...(isActive(step) ? activityLines(step, pending, layout.now) : []).flatMap((each) =>
      wrap(each, Math.max(8, width - indent)),
    ),
  ];
  const bar = column('  │', indent);
  return [line.trimEnd(), ...more.map((each) => `${paint('dim', bar)}${colourMore(step, each, paint)}`)];
}

const isActive = (step: StepView): boolean => step.state === 'running' || step.state === 'waiting';

/** A rollback is neither good nor bad news by itself: it has a sign of its own. */
export function symbolOf(step: Pick<StepView, 'phase' | 'state'>): { symbol: string; colour: Colour } {
  return undoes(step) ? { symbol: '↩', colour: 'yellow' } : SYMBOL[step.state];
}

/** A step that did its part of a rollback. */
export const undoes = ({ phase, state }: Pick<StepView, 'phase' | 'state'>): boolean =>
  phase === 'roll back' && state === 'done';

/** A state in words, for a table. */
export const stateWord = ({ state }: Pick<StepView, 'state'>): string => (state === 'already' ? 'already so' : state);

/** States that a symbol alone might not tell. */
function stateWords({ state }: StepView): string {
  switch (state) {
    case 'already':
      return 'already so';
    case 'not needed':
      return 'not needed';
    case 'failed':
      return 'failed';
    case 'waiting':
      return 'waiting';
    case 'pending':
    case 'running':
    case 'done':
      return '';
  }
}

/** `2 s` of what is over, `0:41` of what is under way. */
export function stepTime(step: StepView, now: number): string {
  if (step.startedAt === undefined) return '';
  if (step.endedAt !== undefined) return took(between(step.startedAt, step.endedAt));
  return isActive(step) ? clock(now - Date.parse(step.startedAt)) : '';
}

const colourMore = (step: StepView, text: string, paint: Paint): string =>
  step.state === 'failed' ? paint('red', text) : text;

/** What the step's activities tell: progress, retries, waiting for a worker. */
export function activityLines(step: Pick<StepView, 'id'>, pending: readonly PendingActivity[], now: number): string[] {
  return pending
    .filter(({ activityId }) => belongsTo(step, activityId))
    .flatMap((activity) => [...progressLine(activity), ...retryLine(activity, now)]);
}

function progressLine({ progress, bytes: sent, totalBytes }: PendingActivity): string[] {
  const amount =
    sent === undefined ? '' : totalBytes === undefined ? bytes(sent) : `${bytes(sent)} of ${bytes(totalBytes)}`;
  const line = [clean(progress ?? ''), amount].filter((part) => part !== '').join(' · ');
  return line === '' ? [] : [line];
}

function retryLine(activity: PendingActivity, now: number): string[] {
  const { attempt, state, lastError, nextAttemptAt } = activity;
  const why = lastError === undefined ? '' : fit(clean(lastError), 300);
  switch (state) {
    case 'backing off': {
      const wait = nextAttemptAt === undefined ? 0 : Date.parse(nextAttemptAt) - now;
      return [`attempt ${attempt}${wait > 0 ? ` in ${age(wait + 999)}` : ' next'} · last error: ${why}`];
    }
    case 'unclaimed':
      return attempt > 1 ? [`attempt ${attempt} waits for a worker · last error: ${why}`] : ['waits for a worker'];
    case 'running':
      return attempt > 1 ? [`attempt ${attempt} · last error: ${why}`] : [];
    case 'cancelling':
      return [`attempt ${attempt} is asked to stop`];
    case 'paused':
      return [`attempt ${attempt} is paused in Temporal`];
  }
}

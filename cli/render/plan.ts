import stringWidth from 'string-width';
import { foreseenNeeds } from '../../plan/who-approves.ts';
import type { RunView, StepView } from '../../plan/run.ts';
import { endingLines } from './ending.ts';
import { marked } from './marked.ts';
import { painter, type Paint } from './paint.ts';
import type { RenderOptions } from './run.ts';
import { clean } from './clean.ts';
import { column, wrap } from './text.ts';
import { took } from './units.ts';

/** What was looked at to make the plan is not part of it. */
const LOOKING: readonly StepView['phase'][] = ['lock', 'gate', 'plan'];
const WIDEST_TITLE = 44;

/** A plan, or why there is none: phases with what each would do, warnings, refusals, and the command to type. Pure. */
export function renderPlan(
  view: RunView,
  { branch, lastTookMs }: { branch: string | undefined; lastTookMs: number | undefined },
  options: RenderOptions,
): string[] {
  const paint = painter(options.colour);
  const steps = view.steps.filter(({ phase }) => !LOOKING.includes(phase));
  const where = branch === undefined ? '' : ` (${clean(branch)})`;
  const last = lastTookMs === undefined ? '' : ` · the last took ${took(lastTookMs)}`;
  const head = `${clean(view.runbook)} of ${clean(view.subject)} · revision ${clean(view.revision).slice(0, 7)}${where}${last}`;
  return [
    ...wrap(head, options.width).map((line) => paint('bold', line)),
    '',
    ...(steps.length === 0 ? [] : [...stepLines(steps, options, paint), '']),
    ...(view.needs === undefined ? [] : marked('?', foreseenNeeds(view.needs), options, paint)),
    ...view.warnings.flatMap((text) => marked('!', text, options, paint)),
    ...endingLines(view, options, paint),
  ];
}

/** One line per step; the member and the phase are named where they begin. */
function stepLines(steps: readonly StepView[], options: RenderOptions, paint: Paint): string[] {
  const phases = Math.max(...steps.map(({ phase }) => stringWidth(clean(phase))));
  const titles = Math.min(
    WIDEST_TITLE,
    Math.max(...steps.filter(({ detail }) => detail !== undefined).map(({ title }) => stringWidth(clean(title))), 0),
  );
  return steps.flatMap((step, at) => {
    const before = steps[at - 1]?.member === step.member ? steps[at - 1] : undefined;
    const heading =
      before === undefined && step.member !== undefined ? memberLines(step.member, at, options, paint) : [];
    const phase = before?.phase === step.phase ? '' : clean(step.phase);
    return [...heading, ...stepLine(step, { phase, phases, titles }, options, paint)];
  });
}

const memberLines = (member: string, at: number, { width }: RenderOptions, paint: Paint): string[] => [
  ...(at === 0 ? [] : ['']),
  ...wrap(clean(member), width - 2).map((line) => `  ${paint('bold', line)}`),
];

function stepLine(
  step: StepView,
  { phase, phases, titles }: { phase: string; phases: number; titles: number },
  { width }: RenderOptions,
  paint: Paint,
): string[] {
  const word = step.state === 'already' ? 'already so' : '';
  const detail = [word, clean(step.detail ?? '')].filter((part) => part !== '').join(': ');
  const title = clean(step.title);
  const text = detail === '' ? title : `${column(title, Math.max(titles, stringWidth(title)))}   ${detail}`;
  return wrapKeepingSpaces(text, width - (2 + phases + 3)).map(
    (line, index) => `  ${paint('bold', column(index === 0 ? phase : '', phases))}   ${line}`,
  );
}

/** Aligned columns survive where they fit; where they do not, the words are folded. */
const wrapKeepingSpaces = (text: string, width: number): string[] =>
  stringWidth(text) <= width ? [text.trimEnd()] : wrap(text.replace(/ {2,}/g, '  '), width);

import { describeCopyView } from '../../plan/copy-words.ts';
import type { RunResult, RunView, StepView } from '../../plan/run.ts';
import { renderSuggestions } from '../errors.ts';
import { clean } from './clean.ts';
import { driftLines } from './drift.ts';
import { marked } from './marked.ts';

import type { Paint } from './paint.ts';
import type { RenderOptions } from './run.ts';
import { foldLine, wrap } from './text.ts';

/** How a run or a plan ended: what refused it, else the fact and why; what is left, and what to type next. Pure. */
export function endingLines(
  { gates, result, copies = [], drift = [] }: RunView,
  options: RenderOptions,
  paint: Paint,
): string[] {
  if (result === undefined) return [];
  const refused = gates.filter(({ verdict }) => verdict === 'refused');
  const folded = (text: string, indent = ''): string[] =>
    wrap(clean(text), options.width - indent.length).map((line) => indent + line);
  return [
    ...refused.flatMap(({ message, whatToDo }) => [
      ...marked('✘', message, options, paint),
      ...(whatToDo === undefined ? [] : marked(' ', whatToDo, options, paint)),
    ]),
    ...folded(result.summary).map((line) => paint('bold', line)),
    ...copies.filter(({ outcome }) => outcome !== 'failed').flatMap((copy) => folded(describeCopyView(copy), '  ')),
    ...(drift.length === 0 ? [] : ['', ...driftLines(drift, options, paint), '']),
    ...(refused.length > 0 ? [] : reasonLines(result, options)),
    ...(result.left.length === 0 ? [] : ['Left behind:', ...result.left.flatMap((each) => folded(each, '  '))]),
    ...(result.handOver === undefined ? [] : ['For the monorepo:']),
    ...(result.handOver ?? []).flatMap(({ path, about }) =>
      folded(about === undefined ? path : `${path}: ${about}`, '  '),
    ),
    ...renderSuggestions(result.next).flatMap((line) => foldLine(line, options.width)),
  ];
}

/** Where nothing was begun the summary says why by itself. A reason of several lines keeps them. */
function reasonLines({ summary, failure }: RunResult, { width }: RenderOptions): string[] {
  if (failure === undefined) return [];
  const whatToDo = wrap(clean(`What to do: ${failure.whatToDo}`), width);
  if (summary.includes(failure.message)) return whatToDo;
  const lines = failure.message.split('\n').map(clean);
  return [
    ...(lines.length > 1
      ? ['Why:', ...lines.flatMap((line) => foldLine(line, width))]
      : wrap(`Why: ${lines[0] ?? ''}`, width)),
    ...whatToDo,
  ];
}

/** A step as it is shown beside the end of its run, which tells by itself why it failed. */
export function besideEnding(step: StepView, result: RunResult | undefined): StepView {
  const { detail, ...rest } = step;
  if (step.state !== 'failed' || detail === undefined || result?.failure === undefined) return step;
  const { message } = result.failure;
  return message === detail || message.startsWith(`${detail}\n`) ? rest : step;
}

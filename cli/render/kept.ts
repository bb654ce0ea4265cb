import { releaseCommand, type KeptThing, type KeptView } from '../../plan/kept.ts';
import { formatBytes } from '../../plan/bytes.ts';
import { clean } from './clean.ts';
import { marked } from './marked.ts';
import { painter } from './paint.ts';
import type { RenderOptions } from './run.ts';
import { foldLine, wrap } from './text.ts';
import { age, count } from './units.ts';

/** What is kept, each with the command that destroys it; members that did not answer first. Pure. */
export function renderKept({ kept, silent }: KeptView, options: RenderOptions): string[] {
  const paint = painter(options.colour);
  const unseen = silent.flatMap(({ member, problem }) =>
    marked('!', `${member} did not answer, so what is kept there is not known: ${problem}`, options, paint),
  );
  const head = kept.length === 0 ? 'Nothing is kept' : `${count(kept.length, 'thing')} kept`;
  const where = silent.length === 0 ? '' : ' on the members that answered';
  return [...wrap(`${head}${where}.`, options.width), ...unseen, ...kept.flatMap((each) => lines(each, options))];
}

function lines(thing: KeptThing, { width, now }: RenderOptions): string[] {
  const { member, kind, name, from, since, bytes, why } = thing;
  const facts = [
    kind,
    ...(bytes === undefined ? [] : [formatBytes(bytes)]),
    ...(since === undefined ? [] : [`since ${since.slice(0, 10)} (${age(now - Date.parse(since))} ago)`]),
    ...(from === undefined ? [] : [`was ${from}`]),
  ];
  const folded = (text: string): string[] => wrap(clean(text), width - 4).map((line) => `    ${line}`);
  return [
    '',
    ...wrap(clean(`${member}   ${name}`), width - 2).map((line) => `  ${line}`),
    ...folded(facts.join(', ')),
    ...(why === undefined ? [] : folded(why)),
    ...foldLine(`    ${clean(releaseCommand(thing))}`, width),
  ];
}

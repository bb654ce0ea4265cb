import { RegExpParser, visitRegExpAST, type AST } from '@eslint-community/regexpp';

/** Where something stands is not what it says. */
const ANCHORS = ['^', '$', ''];

/**
 * A pattern for each alternative that it has at any depth, without those beside it: `a(?:b|c)|d` gives `a(?:b)`, `a(?:c)` and
 * `d`. An answer that matches the whole by one alternative proves nothing of the others.
 */
export function variantsOf(source: string, flags: string): string[] {
  const variants: string[] = [];
  const pattern = new RegExpParser().parsePattern(source, 0, source.length, { unicode: flags.includes('u') });
  visitRegExpAST(pattern, {
    onAlternativeEnter: (alternative) => {
      const isOneOfSome = alternative.parent.alternatives.length > 1 && !ANCHORS.includes(alternative.raw);
      if ((isOneOfSome || alternative.parent.type === 'Pattern') && !hasChoice(alternative))
        variants.push(alone(alternative));
    },
  });
  return [...new Set(variants)];
}

/** Whether something in it has alternatives of its own: those are looked at themselves. */
function hasChoice(alternative: AST.Alternative): boolean {
  let found = false;
  const look = ({ alternatives }: { alternatives: readonly unknown[] }): void => {
    found ||= alternatives.length > 1;
  };
  visitRegExpAST(alternative, {
    onGroupEnter: look,
    onCapturingGroupEnter: look,
    onAssertionEnter: (assertion) => {
      if ('alternatives' in assertion) look(assertion);
    },
  });
  return found;
}

/** The whole pattern, with this one alternative on the way to it. */
function alone(alternative: AST.Alternative): string {
  let text = alternative.raw;
  let inner = alternative;
  for (;;) {
    const container = inner.parent;
    const all = container.alternatives;
    if (container.type === 'Pattern') return text;
    const outer = enclosing(container);
    const [first, last] = [all[0] ?? inner, all.at(-1) ?? inner];
    text = outer.raw.slice(0, first.start - outer.start) + text + outer.raw.slice(last.end - outer.start);
    inner = outer;
  }
}

function enclosing(node: AST.Node): AST.Alternative {
  let found: AST.Node | null = node.parent;
  while (found !== null && found.type !== 'Alternative') found = found.parent;
  if (found === null) throw new Error(`Expected ${node.raw} to be within an alternative.`);
  return found;
}

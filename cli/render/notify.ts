import type { TestSent } from '../../workers/notify/send-test.ts';
import { clean } from './clean.ts';
import { painter } from './paint.ts';
import { wrap } from './text.ts';

/** What each channel answered. Pure. */
export function renderTestSent(
  sent: readonly TestSent[],
  { width, colour }: { width: number; colour: boolean },
): string[] {
  const paint = painter(colour);
  return sent.flatMap((each) => {
    const isSent = each.type === 'sent';
    const text = isSent
      ? `${each.channel}: sent, answered ${each.answer}`
      : `${each.channel}: not sent. ${each.message}`;
    return wrap(clean(text), width - 4).map(
      (line, index) => `  ${index === 0 ? paint(isSent ? 'green' : 'red', isSent ? '✔' : '✘') : ' '} ${line}`,
    );
  });
}

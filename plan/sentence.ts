/** What a program said, with one full stop at its end. */
export function asSentence(said: string): string {
  return `${said.replace(/[.\s]+$/, '')}.`;
}

/** The SDK's native part shows its errors as Rust debugs them; the words for a person are in there. */
export function nativeWords(text: string): string | undefined {
  const [, words] = /message: "((?:[^"\\]|\\.)+)"/.exec(text) ?? [];
  return words?.replaceAll(/\\(.)/g, (_all, char: string) => (char === 'n' ? '\n' : char));
}

/** `ℹ️ [activate] [INFO]` in the colours of deploy-rs, which prints them also where nobody sees them. */
export function logPrefix(part: string, level: 'INFO' | 'WARN' | 'ERROR'): string {
  const looks = { INFO: ['ℹ️', 51], WARN: ['⚠️', 208], ERROR: ['❌', 196] } as const;
  const [symbol, colour] = looks[level];
  return `${symbol} [${part}] [\u001b[38;5;${colour}m${level}\u001b[0m]`;
}

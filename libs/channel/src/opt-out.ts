/**
 * Keywords by which people refuse and allow SMS (channel facts, 1.9). Only a message that is nothing but the keyword counts:
 * "STOP PLEASE" does not.
 */
const keywords = new Map<string, 'opt_out' | 'opt_in' | 'help'>([
  ...['STOP', 'STOPALL', 'STOP ALL', 'UNSUBSCRIBE', 'CANCEL', 'END', 'QUIT', 'REVOKE', 'OPTOUT', 'OPT OUT', 'OPT-OUT']
    .map((word) => [word, 'opt_out'] as const),
  ...['START', 'YES', 'UNSTOP'].map((word) => [word, 'opt_in'] as const),
  ...['HELP', 'INFO'].map((word) => [word, 'help'] as const),
]);

export function keywordKind(text: string | null): 'message' | 'opt_out' | 'opt_in' | 'help' {
  if (text === null || text.length > 100) return 'message';
  const word = text.trim().replace(/^[\s"'.!,]+|[\s"'.!,]+$/g, '').toUpperCase();
  return keywords.get(word) ?? 'message';
}

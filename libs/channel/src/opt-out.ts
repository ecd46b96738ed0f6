/**
 * Keywords by which people refuse and allow SMS (channel facts, 1.9). Only a message that is nothing but the keyword counts:
 * "STOP PLEASE" does not. Accents may be missing. Words that are an answer in everyday language ("oui", "sí") allow nothing.
 */
type Keyword = 'opt_out' | 'opt_in' | 'help';

const keywords = {
  en: {
    opt_out: ['STOP', 'STOPALL', 'STOP ALL', 'UNSUBSCRIBE', 'CANCEL', 'END', 'QUIT', 'REVOKE', 'OPTOUT', 'OPT OUT', 'OPT-OUT'],
    opt_in: ['START', 'YES', 'UNSTOP'], help: ['HELP', 'INFO'],
  },
  es: { opt_out: ['ALTO', 'BAJA', 'PARAR', 'DETENER', 'CANCELAR', 'NO MÁS'], opt_in: ['ALTA', 'INICIAR', 'COMENZAR'], help: ['AYUDA'] },
  fr: { opt_out: ['ARRÊT', 'ARRÊTER', 'ARRÊTEZ', 'DÉSABONNER', 'DÉSINSCRIRE', 'ANNULER'], opt_in: ['REPRENDRE', 'RECOMMENCER'], help: ['AIDE'] },
  de: { opt_out: ['STOPP', 'ABMELDEN', 'ABBESTELLEN', 'BEENDEN'], opt_in: ['ANMELDEN', 'STARTEN'], help: ['HILFE'] },
  pt: { opt_out: ['PARE', 'PARAR', 'SAIR', 'CANCELAR', 'REMOVER', 'DESCADASTRAR'], opt_in: ['INICIAR', 'COMEÇAR', 'VOLTAR'], help: ['AJUDA'] },
  it: { opt_out: ['BASTA', 'ANNULLA', 'CANCELLAMI', 'DISISCRIVIMI'], opt_in: ['RIPRENDI'], help: ['AIUTO'] },
  nl: { opt_out: ['AFMELDEN', 'UITSCHRIJVEN', 'STOPPEN'], opt_in: ['AANMELDEN'], help: ['HULP'] },
} satisfies Record<string, Record<Keyword, string[]>>;

export type KeywordLanguage = keyof typeof keywords;
export const keywordLanguages = Object.keys(keywords) as [KeywordLanguage, ...KeywordLanguage[]];

const byLanguage = new Map(Object.entries(keywords).map(([language, kinds]) => [language, new Map(
  Object.entries(kinds).flatMap(([kind, words]) => words.map((word) => [plain(word), kind as Keyword])),
)]));

/** Longer texts are no keyword, whatever they are trimmed to. */
const TEXT_CHARS_MAX = 100;

/** English counts everywhere: carriers and people know STOP; other languages as given, all of them by default. */
export function keywordKind(text: string | null, languages: readonly KeywordLanguage[] = keywordLanguages): 'message' | Keyword {
  if (text === null || text.length > TEXT_CHARS_MAX) return 'message';
  const word = plain(text.trim().replace(/^[\s"'.!,¡«“‘]+|[\s"'.!,»”’]+$/g, ''));
  for (const language of ['en', ...languages]) {
    const kind = byLanguage.get(language)?.get(word);
    if (kind) return kind;
  }
  return 'message';
}

/** Upper case, without accents, one space between words. */
function plain(text: string): string {
  return text.normalize('NFD').replace(/\p{Mark}+/gu, '').toUpperCase().replace(/\s+/g, ' ');
}

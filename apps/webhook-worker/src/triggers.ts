/** Whether a message mentions a keyword: as a whole word, in any case (API reference 3.12 leaves the rule open). */
const escape = (text: string) => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');

export const mentionsKeyword = (body: string | null, keywords: readonly string[]): boolean =>
  body !== null && keywords.some((keyword) => new RegExp(`(?<![\\p{L}\\p{N}_])${escape(keyword)}(?![\\p{L}\\p{N}_])`, 'iu').test(body));

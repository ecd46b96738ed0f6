/** Settings that all connections of SMS carriers have, and what they mean for a message in either direction. */
import { z } from 'zod';
import type { Delivery } from '../channel-adapter.js';
import type { InboundMessage } from '../inbound-event.js';
import { keywordKind, keywordLanguages } from '../opt-out.js';
import { asMms, mmsReaches, type MmsRules } from './media-rules.js';
import { smartEncoded } from './smart-encoding.js';

export const smsSettings = {
  baseUrl: z.url({ protocol: /^https?$/ }).describe('Origin of the API instead of the carrier\'s own').optional(),
  smartEncoding: z.boolean().describe('Replace quotes, dashes and spaces that would make a text UCS-2 by their plain forms; default true').optional(),
  mms: z.enum(mmsReaches).describe('Where files go as MMS; elsewhere as links in the text. Default north-america').optional(),
  keywordLanguages: z.array(z.enum(keywordLanguages)).describe('Languages of STOP, START and HELP beside English; default all').optional(),
  carrierAnswersKeywords: z.boolean().describe('The carrier itself answers the English keywords: nobody else does. Default by carrier').optional(),
};
const all = z.strictObject(smsSettings);
export type SmsSettings = z.output<typeof all>;

/** What of a delivery goes as text and what as files. */
export function outgoingSms(delivery: Delivery, rules: MmsRules, { smartEncoding = true, mms = 'north-america' }: SmsSettings) {
  const { body, media } = asMms(delivery, rules, mms);
  return { text: body !== null && smartEncoding ? smartEncoded(body) : body, media };
}

type Keyword = Exclude<ReturnType<typeof keywordKind>, 'message'>;
/** What carriers answer that take STOP and START themselves. */
export const STOP_AND_START: readonly Keyword[] = ['opt_out', 'opt_in'];
export const EVERY_KEYWORD: readonly Keyword[] = [...STOP_AND_START, 'help'];

/** The kind of an inbound text, and whether somebody has answered it already: carriers know the English words alone. */
export function keywordOf(text: string | null, settings: SmsSettings, answered: readonly Keyword[] = []): Pick<InboundMessage, 'kind' | 'keywordAnswered'> {
  const kind = keywordKind(text, settings.keywordLanguages);
  if (kind === 'message' || keywordKind(text, []) !== kind) return { kind };
  const { carrierAnswersKeywords } = settings;
  const theirs = carrierAnswersKeywords === undefined ? answered : carrierAnswersKeywords ? EVERY_KEYWORD : [];
  return { kind, ...(theirs.includes(kind) && { keywordAnswered: true }) };
}

/** Without trailing slash. */
export const originOf = ({ baseUrl }: SmsSettings, usual: string): string => (baseUrl ?? usual).replace(/\/+$/, '');

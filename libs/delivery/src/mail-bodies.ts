/**
 * What a mail says beyond the text of its message: its HTML and, where the message shows less, all of its text. Both become files
 * of the message (categories `body` and `history`), pictures of the HTML are named by the SIDs they get, and the attributes tell
 * the rest.
 */
import type { InboundEvent, InboundMedia, InboundMessage } from '@parley/channel/inbound-event';
import type { InboundMailThread } from '@parley/contracts/commands';
import type { ConversationSid } from '@parley/domain/sid';

const LISTED_MAX = 20;
/** Of a long thread the newest. */
const ANSWERS_MAX = 25;

/** `sidOf`: the SID the file at this place will have. */
export function withMailBodies(event: InboundMessage, sidOf: (index: number) => string): InboundMessage {
  const { email, media, text } = event;
  if (!email) return event;
  const { html, fullText, ...rest } = email;
  const files: InboundMedia[] = [...media];
  if (html) files.push({ contentType: 'text/html', content: Buffer.from(linked(html, media, sidOf)), category: 'body' });
  if (fullText !== '' && fullText !== text) files.push({ contentType: 'text/plain', content: Buffer.from(fullText), category: 'history' });
  return { ...event, media: files, email: { ...rest, fullText: '' } };
}

/** `cid:` addresses of pictures that came along, by SID: whoever shows it knows where our files are. */
function linked(html: string, media: readonly InboundMedia[], sidOf: (index: number) => string): string {
  const sids = new Map(media.flatMap(({ contentId }, i) => (contentId === undefined ? [] : [[contentId, sidOf(i)] as const])));
  return html.replace(/(src=")cid:([^"]+)(")/g, (all, before: string, id: string, after: string) => (sids.has(id) ? `${before}cid:${sids.get(id)}${after}` : all));
}

/** Of the message, under `email`: who it is from and to beside us, whether a machine wrote it, whether it is genuine. */
export function withMailAttributes(event: InboundEvent): InboundEvent {
  if (!('email' in event) || !event.email) return event;
  const { kind, email: { subject, fromName, replyTo, cc, authentication }, media } = event;
  const sidOf = (category: InboundMedia['category']) => (media as { category?: string; kept?: { sid: string } }[]).find((file) => file.category === category)?.kept?.sid;
  const [html, fullText] = [sidOf('body'), sidOf('history')];
  const said = {
    ...(subject !== null && { subject }), ...(fromName && { from_name: fromName }), ...(replyTo && { reply_to: replyTo }),
    ...(cc.length > 0 && { cc: cc.slice(0, LISTED_MAX).map(({ address }) => address) }),
    ...(kind === 'auto_reply' && { automatic: true }), ...(Object.keys(authentication).length > 0 && { authentication }),
    ...(html && { html }), ...(fullText && { full_text: fullText }),
  };
  return { ...event, attributes: { ...event.attributes, email: said } };
}

/** What the router needs to find the conversation of a mail. */
export function mailThreadOf({ email, inReplyTo }: InboundMessage): { email?: InboundMailThread } {
  if (!email) return {};
  const answers = [...new Set([...(inReplyTo === null ? [] : [inReplyTo]), ...email.references.toReversed()])].slice(0, ANSWERS_MAX);
  return {
    email: {
      subject: email.subject, answers, others: email.cc.slice(0, LISTED_MAX), ...(email.replyToken !== undefined && { replyToken: email.replyToken as ConversationSid }),
      // It says it is from somewhere whose owner says it is not.
      ...(email.authentication.dmarc === 'fail' && { doubtful: true as const }),
    },
  };
}

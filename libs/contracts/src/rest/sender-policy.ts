/**
 * What the owner of a sender wants beyond its carrier: JSON of a sender (`Policy`), read by the gateway when it is given and by
 * the channel apps when they send. Keys that are left out are as said here.
 */
import { z } from 'zod';

const answer = z.string().min(1).max(1600).nullable();

/** Of a token bucket: one message every so many seconds, and so many at once after a pause (1). */
const recipientRate = z.strictObject({ every_seconds: z.number().min(0.01).max(86_400), burst: z.int().min(1).max(1000).optional() });
export type RecipientRate = z.output<typeof recipientRate>;

export const senderPolicy = z.strictObject({
  opt_out: z.strictObject({
    /** Keywords are answered by us, once each, unless the carrier did; default true on SMS, false elsewhere. */
    answers: z.boolean().optional(),
    /** What is said to each keyword; null: nothing. */
    stop: answer.optional(),
    start: answer.optional(),
    help: answer.optional(),
  }).optional().describe('Answers to STOP, START and HELP'),
  regions: z.array(z.string().regex(/^\+[1-9]\d{0,6}$/)).min(1).max(250).optional()
    .describe('Beginnings of the numbers it may write to; 21408 for others. Without it: all'),
  recipient_rate: recipientRate.nullable().optional()
    .describe('How fast one person is written to; null: no limit. Without it: on WhatsApp a message every 6 seconds, 45 at once; elsewhere no limit'),
  mark_read: z.boolean().optional()
    .describe('WhatsApp: messages that were read in the chat are shown as read to who wrote them. Default false'),
  typing: z.boolean().optional()
    .describe('WhatsApp: people see that somebody in the chat is typing, and with it that their message was read. Default: true, or as mark_read says'),
  email: z.strictObject({
    /** Who else a mail was written to: joins the conversation, or is noted in the message's attributes (default). */
    copies: z.enum(['join', 'note']).optional(),
    /** Somebody who is no participant and answers a mail of a conversation: joins it, or has one of their own (default). */
    strangers: z.enum(['join', 'separate']).optional(),
  }).optional().describe('Who joins a conversation by mail'),
});
export type SenderPolicy = z.output<typeof senderPolicy>;

/** What every connection for mail can be told, whichever carrier takes it out. */
import { z } from 'zod';

export const mailSettings = {
  domain: z.string().regex(/^(?=.{1,253}$)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/).transform((name) => name.toLowerCase())
    .describe('Where answers and bounces come in; reply and bounce addresses are made there'),
  fromName: z.string().min(1).max(128).describe('Name beside the sender address of messages whose author has none').optional(),
  subject: z.string().min(1).max(256).describe('Subject of the first mail of a conversation that names none; default "New message"').optional(),
  authenticationServer: z.string().min(1).max(253).describe('authserv-id of the receiving mail server whose Authentication-Results are believed').optional(),
  listUnsubscribe: z.boolean().describe('List-Unsubscribe with one click in every mail; default false').optional(),
};
export type MailSettings = z.output<z.ZodObject<typeof mailSettings>>;

/** Answers of the API on accounts. Secrets are in the answers of what made them, and nowhere else. */
import { z } from 'zod';
import { count, sidOf, textOrNull, time } from './answer-fields.js';

const rfc2822 = z.string().regex(/^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000$/);
const uri = z.string().regex(/^\/2010-04-01\/Accounts/);
const dates = { date_created: rfc2822, date_updated: rfc2822 };

export const account = z.strictObject({
  sid: sidOf('AC'), owner_account_sid: sidOf('AC'), friendly_name: z.string(), type: z.literal('Full'), status: z.enum(['active', 'suspended', 'closed']),
  auth_token: z.string().regex(/^[0-9a-f]{32}$/).nullable().meta({ description: 'In the answer that made the account only.' }),
  ...dates, uri, subresource_uris: z.strictObject({ keys: uri, signing_keys: uri }),
});
export const key = z.strictObject({ sid: sidOf('SK'), friendly_name: textOrNull, ...dates });
export const newKey = key.extend({ secret: z.string().regex(/^[0-9A-Za-z]{32}$/) });
const policy = z.strictObject({ allow: z.array(z.string()).min(1) }).nullable();
export const apiKey = key.extend({ policy });
export const newApiKey = newKey.extend({ policy });
export const listedApiKey = key.extend({ flags: z.array(z.enum(['rest_api', 'signing'])) });

const token = { account_sid: sidOf('AC'), date_created: time, date_updated: time, url: z.url() };
export const secondaryAuthToken = z.strictObject({ ...token, secondary_auth_token: z.string() });
export const promotedAuthToken = z.strictObject({ ...token, auth_token: z.string() });

/** A page of 2010-04-01: its URIs are relative. */
export const pageOf2010 = (name: string, item: z.ZodType) => z.strictObject({
  [name]: z.array(item), page: count, page_size: z.int().min(1).max(100), start: count, end: count, uri, first_page_uri: uri, previous_page_uri: uri.nullable(),
  next_page_uri: uri.nullable(),
});

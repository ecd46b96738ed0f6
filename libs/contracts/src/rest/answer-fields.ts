/**
 * What answers are made of (API reference 1.20, 2.3): SIDs, times, and absolute URLs of a known form. The same schemas
 * describe the API (openapi.ts) and judge every answer in the conformance tests.
 */
import { z } from 'zod';

/** Which path family an answer belongs to: its URLs name the service, and some objects carry `chat_service_sid`. */
export type Family = 'account' | 'service';

const hex = '[0-9a-fA-F]{32}';
export const sidOf = (prefix: string) => z.string().regex(new RegExp(`^${prefix}${hex}$`));
/** UTC, whole seconds. */
export const time = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/).meta({ format: 'date-time' });
export const textOrNull = z.string().nullable();
/** JSON as text. */
export const jsonInText = z.string().refine(isJson).meta({ contentMediaType: 'application/json' });
export const count = z.int().min(0);
const share = z.enum(['none', 'some', 'all']);
export const delivery = z.strictObject({
  total: count, sent: share, delivered: share, read: share, failed: share, undelivered: share,
});
export const state = z.enum(['initializing', 'inactive', 'active', 'closed']);
/** Deadlines, never durations; absent when the timer is not set. */
export const timers = z.strictObject({ date_inactive: time.optional(), date_closed: time.optional() });

/** `path` with SIDs as `{CH}`: absolute, below `/v1` or below the service. */
export const urlOf = (family: Family, path: string) => {
  const below = family === 'service' ? `/v1/Services/IS${hex}/` : '/v1/';
  const pattern = path.replaceAll(/\{([A-Z]{2})\}/g, (_, prefix: string) => prefix + hex);
  return z.string().regex(new RegExp(`^https?://[^/]+${below}${pattern}$`)).meta({ format: 'uri' });
};
export const linksOf = (family: Family, links: Readonly<Record<string, string>>) =>
  z.strictObject(Object.fromEntries(Object.entries(links).map(([name, path]) => [name, urlOf(family, path)])));

/** For the objects that tell their service on service-level paths only. */
export const serviceSid = (family: Family) => (family === 'service' ? { chat_service_sid: sidOf('IS') } : {});

/** A page of a list: the items under the resource's key, and `meta` with its seven keys. */
export const listOf = (key: string, item: z.ZodType) => {
  const url = z.string().regex(/^https?:\/\/.+[?&]PageSize=\d+&Page=\d+(&PageToken=[^&]+)?$/).meta({ format: 'uri' });
  return z.strictObject({
    meta: z.strictObject({
      page: count, page_size: z.int().min(1).max(100), first_page_url: url, previous_page_url: url.nullable(), url,
      next_page_url: url.nullable(), key: z.literal(key),
    }),
    [key]: z.array(item),
  });
};

/** What every refusal looks like (API reference 2.6). */
export const errorAnswer = z.strictObject({
  code: z.int(), message: z.string().min(1), more_info: z.string().regex(/^https:\/\/www\.twilio\.com\/docs\/errors\/\d+$/),
  status: z.int().min(400).max(599), details: z.record(z.string(), z.unknown()).optional(),
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

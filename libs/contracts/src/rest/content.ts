/** Content templates (API reference 11): JSON bodies, unlike the rest of the API; and the variables a message fills them with. */
import { contentTypeNames } from '@parley/domain/content-template';
import { z } from 'zod';
import { ApiError } from '../error-catalogue.js';
import { fault, isStorable, oneOf, text } from './parameters.js';

const VARIABLES_MAX = 100;
const KEY_CHARS_MAX = 16;
const VALUE_CHARS_MAX = 256;
const ALL_CHARS_MAX = 27_801;
const TYPES_MAX = 20;

const said = z.string().max(2048);
const actions = z.array(z.looseObject({ title: said.optional() })).max(20);
const mediaUrls = z.array(said).max(10);
const shapes: Record<string, z.ZodType> = {
  'twilio/text': z.looseObject({ body: z.string().min(1).max(1600) }),
  'twilio/media': z.looseObject({ body: z.string().max(1600).nullish(), media: mediaUrls.min(1) }),
  'twilio/quick-reply': z.looseObject({ body: z.string().min(1).max(1600), actions: actions.min(1) }),
  'twilio/call-to-action': z.looseObject({ body: z.string().min(1).max(1600), actions: actions.min(1) }),
  'twilio/list-picker': z.looseObject({
    body: z.string().min(1).max(1600), button: said, items: z.array(z.looseObject({ id: said, item: said, description: said.nullish() })).min(1).max(10),
  }),
  'twilio/card': z.looseObject({ title: z.string().min(1).max(1024), subtitle: said.nullish(), media: mediaUrls.nullish(), actions: actions.nullish() }),
  'whatsapp/card': z.looseObject({ body: z.string().min(1).max(1600), media: mediaUrls.nullish(), actions: actions.nullish() }),
  'twilio/location': z.looseObject({ latitude: z.number(), longitude: z.number(), label: said.nullish() }),
};

/** Each name known, each content as its type wants it. */
const types = z.record(z.string(), z.record(z.string(), z.unknown()), fault(92001)).superRefine((given, context) => {
  const names = Object.keys(given);
  if (names.length === 0 || names.length > TYPES_MAX) return context.addIssue({ code: 'custom', message: '92001' });
  for (const name of names) {
    if (!(contentTypeNames as readonly string[]).includes(name)) return context.addIssue({ code: 'custom', message: '92008' });
    const issue = shapes[name]?.safeParse(given[name]).error?.issues[0];
    if (issue) return context.addIssue({ code: 'custom', message: 'not as its type wants it', path: [name, ...issue.path] });
  }
  return undefined;
});

const value = z.union([z.string(), z.number(), z.boolean()], fault(92007)).transform(String);
const variables = z.record(z.string(), value, fault(92007)).superRefine((given, context) => {
  const entries = Object.entries(given);
  if (entries.length > VARIABLES_MAX) return context.addIssue({ code: 'custom', message: '92002' });
  if (entries.some(([key, of]) => key.length > KEY_CHARS_MAX || of.length > VALUE_CHARS_MAX)) context.addIssue({ code: 'custom', message: '92007' });
  return undefined;
});

export const writeContent = z.object({
  friendly_name: text(256, 50003).nullish(),
  language: z.string(fault(92003)).min(1, fault(92003)).regex(/^[a-z]{2,3}([_-][A-Za-z]{2,4})?$/, fault(92004)),
  variables: variables.nullish(),
  types,
}).transform(({ friendly_name = null, language, variables: defaults, types: of }) => ({ friendly_name, language, variables: defaults ?? {}, types: of }));
export type WriteContent = z.output<typeof writeContent>;

export const approvalRequest = z.object({
  name: z.string().regex(/^[a-z0-9_]{1,512}$/),
  category: oneOf(['utility', 'marketing', 'authentication'], 20001).transform((category) => category.toUpperCase()),
  allow_category_change: z.boolean().default(true),
});
export type ApprovalRequest = z.output<typeof approvalRequest>;

/** As given, and as they are filled in. */
export type ContentVariables = { json?: string; values: Record<string, string> };
/** `ContentVariables` of a message. Throws ApiError 50527, 50529, 50540, 50541. */
export function contentVariables(json: string | undefined): ContentVariables {
  if (json === undefined || json === '') return { values: {} };
  if (json.length > ALL_CHARS_MAX) throw new ApiError(50529);
  const entries = Object.entries(objectIn(json)).map(([key, of]) => [key, plain(of)] as const);
  if (entries.length > VARIABLES_MAX) throw new ApiError(50529);
  if (entries.some(([key]) => key.length > KEY_CHARS_MAX)) throw new ApiError(50540);
  if (entries.some(([, of]) => of.length > VALUE_CHARS_MAX)) throw new ApiError(50541);
  return { json, values: Object.fromEntries(entries) };
}

function objectIn(json: string): object {
  try {
    const parsed: unknown = JSON.parse(json);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) && isStorable(parsed)) return parsed;
  } catch {
    // No JSON: told below.
  }
  throw new ApiError(50527);
}

function plain(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new ApiError(50527);
}

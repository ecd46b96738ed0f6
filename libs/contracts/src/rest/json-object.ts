/**
 * A parameter that is a JSON object of a known form. What does not fit is told by its place in it and a reason:
 * `Invalid parameter: Policy.quiet_hours.start (HH:MM, from 00:00 to 23:59)`.
 */
import { z } from 'zod';
import { isStorable } from './parameters.js';

const JSON_CHARS_MAX = 32_768;

/** The first thing that does not fit: an unknown key by its own name. */
export function firstFault({ issues }: z.ZodError): { path: string[]; reason: string } {
  const issue = issues[0]! as { path: PropertyKey[]; message: string; keys?: string[] };
  const unknown = issue.keys?.slice(0, 1) ?? [];
  return { path: [...issue.path, ...unknown].map(String), reason: unknown.length > 0 ? 'there is no such field' : issue.message };
}

/** Read as the schema gives it; faults are 20001. */
export const jsonObject = <S extends z.ZodType>(schema: S) =>
  z.string().transform((value, context): z.output<S> => {
    const refuse = (path: string[], reason: string) => {
      context.addIssue({ code: 'custom', message: '20001', path, params: { reason } });
      return z.NEVER;
    };
    if (value.length > JSON_CHARS_MAX) return refuse([], `more than ${JSON_CHARS_MAX} characters`);
    let json: unknown;
    try {
      json = JSON.parse(value);
    } catch {
      return refuse([], 'no JSON');
    }
    const read = schema.safeParse(json);
    if (!read.success) {
      const { path, reason } = firstFault(read.error);
      return refuse(path, reason);
    }
    return isStorable(json) ? read.data : refuse([], 'NUL or half a character in a text');
  }).meta({ contentMediaType: 'application/json' });

/** Arguments that the API has as parameters: read with its bounds, so that neither takes what the other refuses. Faults are UsageErrors. */
import { jsonObject } from '@parley/contracts/rest/json-object';
import { z } from 'zod';
import { UsageError } from './command-group.js';

const NAME_CHARS_MAX = 64;

/** A JSON object of this form. */
export function jsonArgument<S extends z.ZodType>(schema: S, value: string, what: string): z.output<S> {
  const read = jsonObject(schema).safeParse(value);
  if (read.success) return read.data as z.output<S>;
  const { path, params } = read.error.issues[0] as unknown as { path: PropertyKey[]; params?: { reason?: string } };
  throw new UsageError([what, ...path.map(String), params?.reason ?? 'no JSON object'].join(': '));
}

/** `none` takes it away: null. */
export function numberArgument(value: string | undefined, what: string, { min, max, whole }: { min: number; max: number; whole: boolean }): number | null | undefined {
  if (value === undefined) return undefined;
  if (value === 'none') return null;
  const read = value.trim() === '' ? NaN : Number(value);
  if (!(read >= min && read <= max) || (whole && !Number.isInteger(read))) throw new UsageError(`${what} is ${whole ? 'a whole number ' : ''}from ${min} to ${max}, or none`);
  return read;
}

/** What people call it. */
export function nameArgument(value: string): string {
  if (value === '' || value.length > NAME_CHARS_MAX) throw new UsageError(`a name has 1 to ${NAME_CHARS_MAX} characters`);
  return value;
}

/** What callers may send: parsed by zod, refused with 400 in the API's error form. */
import { z } from 'zod';
import { refusal } from './callers.js';

const NUL = 'holds a NUL, which no text column takes';
/** A number or address of 1 to 256 characters. */
export const address = z.string().min(1).max(256).refine((value) => !value.includes('\0'), NUL);
/** A query's whole number; absent: `usual`. */
export const whole = (least: number, most: number, usual: number) => z.coerce.number().int().min(least).max(most).default(usual);
export const mediaUrl = z.url().max(2048).refine((value) => !value.includes('\0'), NUL);

/** Throws 400 with code 20001. */
export function parsed<T>(schema: z.ZodType<T, unknown>, input: unknown): T {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw refusal(400, 20001, `${issue!.path.join('.') || 'input'}: ${issue!.message}`);
}

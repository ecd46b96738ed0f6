/** What comes from outside, made fit to be kept: texts cut and cleaned, addresses as strings, our own reference known again. */
import { ADDRESS_CHARS_MAX } from '@parley/domain/address';
import { isSid, type ReceiptSid } from '@parley/domain/sid';

/** API reference 3.6: inbound bodies have 32 KB. */
const TEXT_CHARS_MAX = 32 * 1024;

/** No text column takes a NUL or half a character, and nobody means one. */
export const textOf = (value: unknown): string | null =>
  (typeof value === 'string' ? value.replaceAll('\0', '').slice(0, TEXT_CHARS_MAX).toWellFormed() : '') || null;

/** An address, or the carrier's id of something; undefined when it is none that we could keep. */
export function nameOf(value: unknown): string | undefined {
  const name = typeof value === 'number' ? String(value) : textOf(value);
  return name !== null && name.length <= ADDRESS_CHARS_MAX ? name : undefined;
}

/** Present when what the carrier hands back is a reference of ours. */
export const referenceOf = (value: unknown): { deliveryId?: ReceiptSid } =>
  typeof value === 'string' && isSid(value, 'DY') ? { deliveryId: value } : {};

/** What a table says of a carrier's word; nothing of words that only the language's objects have (`constructor`). */
export const meaningOf = <T>(table: Readonly<Record<string, T>>, word: string | undefined): T | undefined =>
  (word !== undefined && Object.hasOwn(table, word) ? table[word] : undefined);

export const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
export const objectOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Record<string, unknown> : {};

/**
 * Message ids are opaque, except that some centres write the same one differently in submit_sm_resp and in receipts, or pad it
 * with zeros. What submit_sm_resp says, without the padding, is the id; receipts are turned into that.
 */
import type { SmppSettings } from './definition.js';

type Format = SmppSettings['messageIdFormat'];

/** Longer than the protocol allows, in case somebody does: our database has its limits too. */
const ID_CHARS_MAX = 65;

export function idOfSubmit(id: string, format: Format): string {
  return withoutPadding(format === 'hexToDec' ? id.toLowerCase() : id);
}

export function idOfReceipt(id: string, format: Format): string {
  if (format === 'hexToDec' && /^\d+$/.test(id)) return BigInt(id).toString(16);
  if (format === 'decToHex' && /^[\da-f]+$/i.test(id)) return BigInt(`0x${id}`).toString(10);
  return withoutPadding(id);
}

/** "0" is an id as well. */
const withoutPadding = (id: string): string => id.slice(0, ID_CHARS_MAX).replace(/^0+(?=.)/, '');

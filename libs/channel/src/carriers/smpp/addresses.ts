/** Our addresses as type of number, numbering plan and digits, and back (channel facts, 1.6 and 1.8). */
import type { SmppSettings } from './definition.js';

export type SmppAddress = { ton: number; npi: number; address: string };
type Rules = Pick<SmppSettings, 'internationalNumbers' | 'shortCodes' | 'names' | 'unknownNumbersAreInternational'>;

const ADDRESS_CHARS_MAX = 20;
const International = 1;
const Alphanumeric = 5;
/** Shorter ones are short codes, or numbers within one network. */
const INTERNATIONAL_DIGITS_MIN = 8;

/** undefined: no address that SMPP can carry. */
export function addressToSmpp(address: string, { internationalNumbers, shortCodes, names }: Rules): SmppAddress | undefined {
  if (/^\+\d{1,15}$/.test(address)) return { ...internationalNumbers, address: address.slice(1) };
  if (/^\d{3,8}$/.test(address)) return { ...shortCodes, address };
  return /^[\x20-\x7e]+$/.test(address) && address.length <= ADDRESS_CHARS_MAX ? { ...names, address } : undefined;
}

export function addressFromSmpp({ ton, address }: Pick<SmppAddress, 'ton' | 'address'>, { unknownNumbersAreInternational }: Rules): string {
  if (ton === Alphanumeric || !/^\d+$/.test(address)) return address;
  if (ton === International) return `+${address.replace(/^00/, '')}`;
  const long = address.length >= INTERNATIONAL_DIGITS_MIN && address.length <= 17;
  return ton === 0 && unknownNumbersAreInternational && long ? `+${address.replace(/^00/, '')}` : address;
}

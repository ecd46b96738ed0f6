/**
 * Vonage's codes: of the Messages API, in refusals and receipts (channel facts, 1.2 and 1.10, and their "API Errors" page), and of the
 * SMS API's receipts. Those from 1170 on are not in the facts.
 */
import type { CarrierCodes } from '../../carrier-errors.js';

export const messagesCodes: CarrierCodes = {
  '1000': 'rate_limited', '1010': 'unknown', '1020': 'unknown', '1021': 'unknown', '1022': 'unknown', '1030': 'carrier_down', '1040': 'invalid_recipient',
  '1050': 'blocked', '1060': 'account_suspended', '1070': 'account_suspended', '1080': 'account_suspended', '1090': 'too_long', '1100': 'carrier_down',
  '1120': 'invalid_sender', '1130': 'expired', '1170': 'invalid_recipient', '1180': 'unreachable_handset', '1190': 'unknown_recipient', '1210': 'filtered',
  '1220': 'unreachable_handset', '1230': 'carrier_down', '1240': 'opted_out', '1250': 'landline', '1260': 'unreachable_handset', '1270': 'blocked', '1280': 'blocked',
  '1290': 'blocked', '1310': 'mms_unsupported', '1360': 'expired', '1420': 'invalid_sender', '1450': 'invalid_recipient', '1460': 'daily_cap', '1470': 'filtered',
};

export const receiptCodes: CarrierCodes = {
  '1': 'unknown', '2': 'unreachable_handset', '3': 'unknown_recipient', '4': 'blocked', '5': 'unknown', '6': 'filtered', '7': 'unreachable_handset', '8': 'carrier_down',
  '9': 'opted_out', '10': 'content_refused', '11': 'landline', '12': 'unreachable_handset', '13': 'blocked', '14': 'blocked', '15': 'blocked', '99': 'unknown',
};

/** Problems (RFC 9457) are named by the fragment of their type, `.../api-errors/messages#1120`, or by their title. */
export const codeOf = ({ type, title }: Record<string, unknown>): string | undefined =>
  /#(\d+)$/.exec(String(type))?.[1] ?? /^\d+$/.exec(String(title))?.[0];

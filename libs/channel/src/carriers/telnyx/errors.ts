/** Telnyx's codes (channel facts, 1.3 and 1.10), of the API's refusals and of receipts alike. */
import type { CarrierCodes } from '../../carrier-errors.js';

export const telnyxCodes: CarrierCodes = {
  '10002': 'invalid_recipient', '10009': 'authentication', '10010': 'authentication', '10011': 'rate_limited', '10016': 'invalid_recipient',
  '20100': 'account_suspended',
  '40001': 'landline', '40002': 'filtered_for_now', '40003': 'filtered', '40004': 'blocked', '40005': 'expired', '40006': 'carrier_down',
  '40008': 'unknown', '40009': 'content_refused', '40010': 'unregistered_10dlc', '40011': 'sender_rate_limited', '40013': 'not_our_sender',
  '40300': 'opted_out', '40301': 'mms_unsupported', '40302': 'too_long', '40305': 'not_our_sender', '40310': 'invalid_recipient', '40318': 'queue_overflow',
};

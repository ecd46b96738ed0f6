/** Bandwidth's codes of failed messages (their "Errors" page; channel facts, 1.5). 5xxx is trouble of a network, 9xxx not known. */
import type { CarrierCodes } from '../../carrier-errors.js';

export const bandwidthCodes: CarrierCodes = {
  '4001': 'unknown', '4301': 'content_refused', '4302': 'invalid_sender', '4303': 'invalid_recipient', '4350': 'invalid_recipient', '4360': 'expired',
  '4401': 'unknown', '4403': 'not_our_sender', '4404': 'invalid_recipient', '4405': 'invalid_sender', '4406': 'unknown_recipient', '4407': 'not_our_sender',
  '4408': 'invalid_recipient', '4409': 'mms_unsupported', '4410': 'media_unavailable', '4411': 'media_too_large', '4412': 'media_type',
  '4420': 'landline', '4421': 'region_not_enabled', '4431': 'not_our_sender', '4432': 'region_not_enabled', '4433': 'not_our_sender', '4434': 'invalid_recipient',
  '4470': 'filtered', '4481': 'not_our_sender', '4482': 'blocked', '4492': 'invalid_recipient', '4493': 'authentication',
  '4700': 'mms_unsupported', '4701': 'landline', '4702': 'unreachable_handset', '4711': 'media_too_large', '4712': 'media_type',
  '4720': 'invalid_recipient', '4721': 'unknown_recipient', '4730': 'landline', '4740': 'invalid_sender', '4750': 'blocked', '4751': 'too_long', '4752': 'content_refused',
  '4770': 'filtered', '4771': 'filtered', '4772': 'blocked', '4773': 'unregistered_10dlc', '4774': 'unregistered_10dlc', '4775': 'opted_out',
  '4780': 'daily_cap', '4781': 'sender_rate_limited', '4785': 'sender_rate_limited',
  '4790': 'blocked', '4791': 'not_our_sender', '4792': 'not_our_sender', '4793': 'not_our_sender', '4795': 'unverified_toll_free',
  '5106': 'landline',
};

/** Found by Bandwidth itself, before the message left. */
export const foundBeforeSending = (code: string | undefined): boolean => code !== undefined && /^4[0-4]\d\d$/.test(code);
export const isNetworkTrouble = (code: string | undefined): boolean => code !== undefined && /^5\d{3}$/.test(code);

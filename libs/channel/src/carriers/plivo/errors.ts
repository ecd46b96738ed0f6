/** Plivo's codes of receipts (their "Error Codes" page); the API refuses without codes. */
import type { CarrierCodes } from '../../carrier-errors.js';

export const plivoCodes: CarrierCodes = {
  '10': 'content_refused', '20': 'carrier_down', '30': 'filtered', '40': 'invalid_sender', '50': 'invalid_recipient', '60': 'blocked', '70': 'unknown_recipient',
  '80': 'unreachable_handset', '90': 'landline', '100': 'blocked', '110': 'too_long', '120': 'content_refused', '200': 'opted_out', '201': 'not_our_sender',
  '300': 'carrier_down', '420': 'expired', '450': 'region_not_enabled', '451': 'filtered', '900': 'account_suspended', '910': 'account_suspended', '950': 'unregistered_10dlc',
  '1000': 'unknown',
};

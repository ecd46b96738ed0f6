/**
 * What carriers complain about, in one list for all of them (channel facts, 1.10): each carrier's own codes are mapped to these
 * names beside its adapter, and these to the numbers of receipts, which are Twilio's. docs/channels/sms.md shows both.
 */
import { meaningOf } from './inbound-values.js';
import { UNKNOWN_ERROR } from './send-error.js';

export type CarrierFault = {
  errorCode: number;
  /** The same message may get through later, or once the operator has put something right. */
  retryable: boolean;
};

export const carrierFaults = {
  invalid_recipient: { errorCode: 21211, retryable: false },
  /** A landline, or a carrier that cannot be reached by SMS. */
  landline: { errorCode: 30006, retryable: false },
  unknown_recipient: { errorCode: 30005, retryable: false },
  /** Switched off or out of range; the carrier has tried. */
  unreachable_handset: { errorCode: 30003, retryable: false },
  blocked: { errorCode: 30004, retryable: false },
  filtered: { errorCode: 30007, retryable: false },
  filtered_for_now: { errorCode: 30007, retryable: true },
  opted_out: { errorCode: 21610, retryable: false },
  invalid_sender: { errorCode: 21212, retryable: false },
  not_our_sender: { errorCode: 21606, retryable: false },
  unregistered_10dlc: { errorCode: 30034, retryable: false },
  unverified_toll_free: { errorCode: 30032, retryable: false },
  region_not_enabled: { errorCode: 21408, retryable: false },
  body_missing: { errorCode: 21619, retryable: false },
  too_long: { errorCode: 21617, retryable: false },
  content_refused: { errorCode: 30007, retryable: false },
  media_unavailable: { errorCode: 21620, retryable: false },
  media_type: { errorCode: 12300, retryable: false },
  media_too_large: { errorCode: 30019, retryable: false },
  mms_unsupported: { errorCode: 30011, retryable: false },
  queue_overflow: { errorCode: 30001, retryable: true },
  expired: { errorCode: 30036, retryable: false },
  rate_limited: { errorCode: 20429, retryable: true },
  sender_rate_limited: { errorCode: 30022, retryable: true },
  daily_cap: { errorCode: 30023, retryable: true },
  authentication: { errorCode: 20003, retryable: true },
  account_suspended: { errorCode: 30002, retryable: true },
  carrier_down: { errorCode: UNKNOWN_ERROR, retryable: true },
  unknown: { errorCode: UNKNOWN_ERROR, retryable: false },
} as const satisfies Record<string, CarrierFault>;

export type CarrierFaultName = keyof typeof carrierFaults;
/** A carrier's own codes, as it writes them. */
export type CarrierCodes = Readonly<Record<string, CarrierFaultName>>;

/** The fields of a receipt that failed; `fallback` for a code that nobody mapped, or none at all. */
export function faultOf(codes: CarrierCodes, carrierCode: string | undefined, fallback: CarrierFaultName = 'unknown') {
  const fault = carrierFaults[meaningOf(codes, carrierCode) ?? fallback];
  return { ...fault, ...(carrierCode !== undefined && { carrierCode }) };
}

/**
 * Receipts, as parameters or as text by the convention of appendix B, which everybody bends: other order, missing fields, longer
 * dates (channel facts, 1.6). Parameters win.
 */
import type { DeliveryReceipt } from '../../inbound-event.js';
import { Tag } from './commands.js';
import type { Parameters } from './pdu.js';

export type Receipt = { id: string; status: DeliveryReceipt['status']; errorCode?: number; carrierCode?: string };

const states = ['SCHEDULED', 'ENROUTE', 'DELIVRD', 'EXPIRED', 'DELETED', 'UNDELIV', 'ACCEPTD', 'UNKNOWN', 'REJECTD', 'SKIPPED'];

/** Twilio's numbers for the receipt (channel facts, 0.3 and 1.10). */
const UNREACHABLE_HANDSET = 30003;
const BLOCKED = 30004;
const EXPIRED = 30036;
const UNKNOWN = 30008;
const meanings: Record<string, { status: Receipt['status']; errorCode?: number }> = {
  ENROUTE: { status: 'sent' }, ACCEPTD: { status: 'sent' },
  DELIVRD: { status: 'delivered' },
  UNDELIV: { status: 'undelivered', errorCode: UNREACHABLE_HANDSET },
  EXPIRED: { status: 'undelivered', errorCode: EXPIRED },
  DELETED: { status: 'undelivered', errorCode: UNKNOWN }, SKIPPED: { status: 'undelivered', errorCode: UNKNOWN },
  REJECTD: { status: 'failed', errorCode: BLOCKED },
  // They have it and cannot say what became of it.
  SCHEDULED: { status: 'accepted' }, UNKNOWN: { status: 'accepted' },
};

/** undefined: no receipt that names a message and a state we know. */
export function receiptOf(text: string, parameters: Parameters): Receipt | undefined {
  const state = states[parameters.get(Tag.messageState)?.[0] ?? -1] ?? fieldOf(text, 'stat', '[A-Za-z]{5,9}')?.toUpperCase();
  const id = textOf(parameters.get(Tag.receiptedMessageId)) || fieldOf(text, 'id', '\\S+');
  const meaning = meanings[state ?? ''];
  if (!id || !meaning) return undefined;
  const error = errorOf(parameters) ?? fieldOf(text, 'err', '\\S{1,20}');
  const failed = meaning.errorCode !== undefined;
  return { id, ...meaning, ...(failed && { carrierCode: error === undefined ? state! : `${state}/${error}` }) };
}

/** Names may be capitals; "id:" is not the end of another word. Nothing behind "text:" counts: that is the sender's. */
function fieldOf(text: string, name: string, value: string): string | undefined {
  const [ours] = text.split(/\btext:/i, 1);
  return new RegExp(`(?:^|\\s)${name}:\\s*(${value})`, 'i').exec(ours!)?.[1];
}

/** Three octets: kind of network, and that network's number for the reason. */
function errorOf(parameters: Parameters): string | undefined {
  const value = parameters.get(Tag.networkErrorCode);
  return value?.length === 3 ? String(value.readUInt16BE(1)) : undefined;
}

const textOf = (value: Buffer | undefined): string => value?.toString('latin1').split('\0', 1)[0]!.trim() ?? '';

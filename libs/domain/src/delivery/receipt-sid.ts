/** A receipt's SID follows from the message and its recipient, so that every part of the system names it alike. */
import type { MessageSid, ParticipantSid, ReceiptSid } from '../sid.js';

const RANDOM_BITS = 80n;
const randomPart = (sid: string): bigint => BigInt.asUintN(Number(RANDOM_BITS), BigInt(`0x${sid.slice(2)}`));

/** The message's time, then both random parts mixed: unique as the two are, and still in the order of time. */
export function receiptSidOf(messageSid: MessageSid, participantSid: ParticipantSid): ReceiptSid {
  const mixed = randomPart(messageSid) ^ randomPart(participantSid);
  return `DY${messageSid.slice(2, 14).toLowerCase()}${mixed.toString(16).padStart(20, '0')}`;
}

/** The first and the last SID that receipts of this message can have; others of the same millisecond lie between them too. */
export function receiptSidRange(messageSid: MessageSid): [first: string, last: string] {
  const time = messageSid.slice(2, 14).toLowerCase();
  return [`DY${time}${'0'.repeat(20)}`, `DY${time}${'f'.repeat(20)}`];
}

/** deliver_sm and data_sm as events: a person's text, a piece of one, or a receipt (channel facts, 1.6). Pure. */
import { ADDRESS_CHARS_MAX } from '@parley/domain/address';
import type { InboundEvent, InboundPart } from '../../inbound-event.js';
import { keywordKind } from '../../opt-out.js';
import { addressFromSmpp } from './addresses.js';
import { EsmClass, Tag } from './commands.js';
import type { SmppSettings } from './definition.js';
import { receiptOf } from './delivery-receipt.js';
import { idOfReceipt } from './message-id.js';
import { decodeText, encodingOf, type Encoding } from './message-text.js';
import type { PduOf } from './pdu.js';
import { splitHeader, type Concatenation } from './user-data-header.js';

/** API reference 3.6: inbound bodies have 32 KB. */
const TEXT_CHARS_MAX = 32 * 1024;
/** What `part` can say; pieces in other alphabets are turned into the last of these. */
const partEncodings: readonly string[] = ['gsm7', 'ucs2', 'latin1', 'utf8'] satisfies Encoding[];

export type Delivered = PduOf<'deliver_sm'> | PduOf<'data_sm'>;
/** The octets that arrived, in whichever of the two places. */
export const octetsOf = ({ fields, parameters }: Delivered): Buffer => {
  const short = 'shortMessage' in fields ? fields.shortMessage : undefined;
  return short?.length ? short : (parameters.get(Tag.messagePayload) ?? Buffer.alloc(0));
};

/** `idOf`: for messages, which have none of their own. */
export function eventOf(pdu: Delivered, settings: SmppSettings, idOf: () => string): InboundEvent {
  const { fields, parameters } = pdu;
  const from = addressFromSmpp({ ton: fields.sourceTon, address: fields.source }, settings).slice(0, ADDRESS_CHARS_MAX);
  const to = addressFromSmpp({ ton: fields.destinationTon, address: fields.destination }, settings).slice(0, ADDRESS_CHARS_MAX);
  const type = fields.esmClass & EsmClass.typeMask;
  const { octets, concatenation: inHeader } = splitHeader(octetsOf(pdu), (fields.esmClass & EsmClass.headerIndicator) !== 0);
  const encoding = encodingOf(fields.dataCoding, settings);
  if (type === EsmClass.receipt || type === EsmClass.intermediate || parameters.has(Tag.receiptedMessageId)) {
    // data_coding of receipts is often nonsense; UCS-2 gives itself away.
    const receipt = receiptOf(decodeText(octets, octets[0] === 0 ? 'ucs2' : 'latin1'), parameters);
    // Back to who sent: the recipient is the source of a receipt.
    const about = { channel: 'sms' as const, from: to, to: from };
    if (!receipt) return { ...about, kind: 'ignore', providerMessageId: idOf(), reason: 'a receipt without id or state' };
    const { id, ...rest } = receipt;
    return { ...about, kind: 'status', text: null, media: [], inReplyTo: null, providerMessageId: idOfReceipt(id, settings.messageIdFormat), ...rest };
  }
  const about = { channel: 'sms' as const, from, to, providerMessageId: idOf() };
  if ((EsmClass.acknowledgements as readonly number[]).includes(type)) return { ...about, kind: 'ignore', reason: 'an acknowledgement of the handset' };
  const concatenation = inHeader ?? concatenationIn(parameters);
  if (encoding === undefined) return { ...about, kind: 'unsupported', text: null, media: [], inReplyTo: null, attributes: { dataCoding: fields.dataCoding } };
  if (concatenation) return { ...about, kind: 'part', part: partOf(concatenation, octets, encoding) };
  const text = decodeText(octets, encoding).replaceAll('\0', '').slice(0, TEXT_CHARS_MAX).toWellFormed();
  return { ...about, kind: keywordKind(text, settings.keywordLanguages), text, media: [], inReplyTo: null };
}

function partOf({ reference, number, total }: Concatenation, octets: Buffer, encoding: NonNullable<ReturnType<typeof encodingOf>>): InboundPart['part'] {
  const asItIs = partEncodings.includes(encoding);
  const bytes = asItIs ? octets : Buffer.from(decodeText(octets, encoding));
  return { reference, number, total, bytes: bytes.toString('base64'), encoding: asItIs ? (encoding as Encoding) : 'utf8' };
}

/** The same said by parameters instead of a header. */
function concatenationIn(parameters: PduOf<'deliver_sm'>['parameters']): Concatenation | undefined {
  const [reference, total, number] = [Tag.sarReference, Tag.sarTotal, Tag.sarNumber].map((tag) => parameters.get(tag));
  if (reference?.length !== 2 || total?.length !== 1 || number?.length !== 1) return undefined;
  if (total[0]! < 2 || number[0]! < 1 || number[0]! > total[0]!) return undefined;
  return { reference: `sar-${reference.readUInt16BE(0)}-${total[0]}`, number: number[0]!, total: total[0]! };
}

/** A message as the submit_sm it takes: addresses, alphabet, parts (channel facts, 1.6 and 1.7). Pure. */
import type { Delivery } from '../../channel-adapter.js';
import { SendError } from '../../send-error.js';
import { smartEncoded } from '../../sms/smart-encoding.js';
import { addressToSmpp } from './addresses.js';
import { EsmClass, Tag } from './commands.js';
import type { SmppSettings } from './definition.js';
import { encodeText, partsOf } from './message-text.js';
import type { Fields, Parameters } from './pdu.js';
import { headerOf } from './user-data-header.js';

export type Submit = { fields: Fields<'submit_sm'>; parameters: Parameters };

const INVALID_SENDER = 21212;
const INVALID_RECIPIENT = 21211;
const BODY_TOO_LONG = 21617;
/** A header counts parts in one octet. */
const PARTS_MAX = 255;
const registered = { final: 1, failure: 2, none: 0 } as const;
const none: Parameters = new Map();
const nothing = Buffer.alloc(0);

/** How many parts, and each of them. Throws SendError. */
export function submitsOf(
  { sender, recipient, body }: Pick<Delivery, 'sender' | 'recipient'> & { body: string }, settings: SmppSettings,
): { parts: number; submitAt(index: number, reference: number): Submit } {
  const source = addressToSmpp(sender, settings);
  if (!source) throw new SendError('invalid_sender', 'permanent', { errorCode: INVALID_SENDER });
  const destination = addressToSmpp(recipient, settings);
  if (!destination || !/^\d+$/.test(destination.address)) throw new SendError('invalid_recipient', 'permanent', { errorCode: INVALID_RECIPIENT });
  const text = encodeText(settings.smartEncoding ? smartEncoded(body) : body, settings);
  const { longMessages } = settings;
  const pieces = partsOf(text, longMessages === 'udh16' ? 7 : 6);
  if (pieces.length > PARTS_MAX) throw new SendError('content_refused', 'permanent', { errorCode: BODY_TOO_LONG });
  const fields = (shortMessage: Buffer, esmClass = 0): Fields<'submit_sm'> => ({
    serviceType: settings.serviceType, sourceTon: source.ton, sourceNpi: source.npi, source: source.address,
    destinationTon: destination.ton, destinationNpi: destination.npi, destination: destination.address,
    esmClass, protocolId: 0, priority: 0, scheduledAt: '', validity: relative(settings.validitySeconds),
    registeredDelivery: registered[settings.receipts], replaceIfPresent: 0, dataCoding: text.dataCoding, defaultMessage: 0, shortMessage,
  });
  if (pieces.length === 1) return { parts: 1, submitAt: () => ({ fields: fields(text.octets), parameters: none }) };
  if (longMessages === 'message_payload')
    return { parts: 1, submitAt: () => ({ fields: fields(nothing), parameters: new Map([[Tag.messagePayload, text.octets]]) }) };
  const total = pieces.length;
  return {
    parts: total,
    submitAt: (index, reference) => {
      const [piece, number] = [pieces[index]!, index + 1];
      if (longMessages === 'sar') return { fields: fields(piece), parameters: sar(reference, number, total) };
      const header = headerOf(reference, number, total, longMessages === 'udh8' ? 8 : 16);
      return { fields: fields(Buffer.concat([header, piece]), EsmClass.headerIndicator), parameters: none };
    },
  };
}

const sar = (reference: number, number: number, total: number): Parameters => new Map([
  [Tag.sarReference, Buffer.from([reference >> 8, reference & 0xff])], [Tag.sarTotal, Buffer.from([total])], [Tag.sarNumber, Buffer.from([number])],
]);

/** YYMMDDhhmmss, tenths and "R": this long from now (specification 3.4, 7.1.1.2). */
function relative(seconds: number | undefined): string {
  if (seconds === undefined) return '';
  const two = (value: number) => String(value).padStart(2, '0');
  const days = Math.floor(seconds / 86_400);
  return `0000${two(days)}${two(Math.floor(seconds / 3600) % 24)}${two(Math.floor(seconds / 60) % 60)}${two(seconds % 60)}000R`;
}

/**
 * The commands of SMPP 3.4 that we speak, with the fields of each in the order of the wire (specification 3.4, section 4).
 * One table serves both directions and both ends: the session, and the message centre of the tests.
 */

/** octet: one byte. text: octets ended by NUL, at most so many with it. octets: one byte of length, then that many. */
export type Field = readonly [name: string, kind: 'octet'] | readonly [name: string, kind: 'text', max: number] | readonly [name: string, kind: 'octets'];

const address = (name: 'source' | 'destination') => [
  [`${name}Ton`, 'octet'], [`${name}Npi`, 'octet'], [name, 'text', 21],
] as const;
const bind = [
  ['systemId', 'text', 16], ['password', 'text', 9], ['systemType', 'text', 13], ['interfaceVersion', 'octet'],
  ['addressTon', 'octet'], ['addressNpi', 'octet'], ['addressRange', 'text', 41],
] as const;
const bound = [['systemId', 'text', 16]] as const;
const shortMessage = [
  ['serviceType', 'text', 6], ...address('source'), ...address('destination'),
  ['esmClass', 'octet'], ['protocolId', 'octet'], ['priority', 'octet'], ['scheduledAt', 'text', 17], ['validity', 'text', 17],
  ['registeredDelivery', 'octet'], ['replaceIfPresent', 'octet'], ['dataCoding', 'octet'], ['defaultMessage', 'octet'],
  ['shortMessage', 'octets'],
] as const;
const data = [
  ['serviceType', 'text', 6], ...address('source'), ...address('destination'),
  ['esmClass', 'octet'], ['registeredDelivery', 'octet'], ['dataCoding', 'octet'],
] as const;
const messageId = [['messageId', 'text', 65]] as const;
const nothing = [] as const;

export const layouts = {
  generic_nack: nothing,
  bind_receiver: bind, bind_receiver_resp: bound,
  bind_transmitter: bind, bind_transmitter_resp: bound,
  bind_transceiver: bind, bind_transceiver_resp: bound,
  submit_sm: shortMessage, submit_sm_resp: messageId,
  deliver_sm: shortMessage, deliver_sm_resp: messageId,
  data_sm: data, data_sm_resp: messageId,
  unbind: nothing, unbind_resp: nothing,
  enquire_link: nothing, enquire_link_resp: nothing,
} as const;

export type CommandName = keyof typeof layouts;
export type RequestName = Exclude<CommandName, `${string}_resp` | 'generic_nack'>;

const ANSWER = 0x8000_0000;
const requests: Record<RequestName, number> = {
  bind_receiver: 0x01, bind_transmitter: 0x02, submit_sm: 0x04, deliver_sm: 0x05, unbind: 0x06,
  bind_transceiver: 0x09, enquire_link: 0x15, data_sm: 0x103,
};

export const commandIds = Object.fromEntries([
  ['generic_nack', ANSWER],
  ...Object.entries(requests).flatMap(([name, id]) => [[name, id], [`${name}_resp`, ANSWER + id]]),
]) as Record<CommandName, number>;
export const commandNames: ReadonlyMap<number, CommandName> = new Map(Object.entries(commandIds).map(([name, id]) => [id, name as CommandName]));

/** Only an answer may leave fields out. */
export const isAnswer = (commandId: number): boolean => commandId >= ANSWER;

/** Parameters after the fields: two octets of tag, two of length, the value. */
export const Tag = {
  userMessageReference: 0x0204, sarReference: 0x020c, sarTotal: 0x020e, sarNumber: 0x020f, networkErrorCode: 0x0423,
  messagePayload: 0x0424, messageState: 0x0427, receiptedMessageId: 0x001e,
} as const;

/** Bits of esm_class. */
export const EsmClass = { typeMask: 0x3c, receipt: 0x04, acknowledgements: [0x08, 0x10, 0x18], intermediate: 0x20, headerIndicator: 0x40 } as const;

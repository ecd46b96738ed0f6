/** Packets as message centres send them, with what each must come to (fixtures/smpp/index.json). */
import { readFileSync } from 'node:fs';
import type { InboundEvent, InboundPart } from '../../inbound-event.js';
import { sendErrorOf } from './command-status.js';
import type { SmppSettings } from './definition.js';
import { eventOf, type Delivered } from './inbound.js';
import { decodeText, encodeText } from './message-text.js';
import { decodePdu, encodePdu, MalformedPdu, type PduOf } from './pdu.js';
import { PduReader } from './pdu-reader.js';
import { settingsOf } from './played-smpp.testing.js';

type Fixture = { id: string; file: string; desc: string; pdu?: string; expected: Array<Partial<InboundEvent>> | { outcome: string; errorCode?: number } };
const at = (file: string) => new URL(`../../../fixtures/smpp/${file}`, import.meta.url);
const bytesOf = (file: string) => Buffer.from(readFileSync(at(file), 'utf8').trim(), 'hex');
const { fixtures } = JSON.parse(readFileSync(at('index.json'), 'utf8')) as { fixtures: Fixture[] };
/** What these packets' message centres were set up like. */
const settings: Record<string, Partial<SmppSettings>> = { 'smpp-dlr-hex-dec': { messageIdFormat: 'hexToDec' } };

const read = (bytes: Buffer) => [...new PduReader().push(bytes)].map(decodePdu);

describe('a packet of a message centre', () => {
  const parts = new Map<string, InboundPart[]>();
  for (const { id, file, desc, pdu, expected } of fixtures)
    it(`${file}: ${desc}`, () => {
      if (!Array.isArray(expected) && expected.outcome === 'protocol_error') return expect(() => read(bytesOf(file))).toThrow(MalformedPdu);
      const [packet] = read(bytesOf(file));
      expect(packet!.command).toBe(pdu);
      if (!Array.isArray(expected)) {
        const error = sendErrorOf(packet!.status);
        return expect([packet!.status, error.outcome]).toEqual([expected.errorCode, expected.outcome === 'retry' ? 'retryable' : 'permanent']);
      }
      expect(encodePdu(packet as Delivered as PduOf<'deliver_sm'>)).toEqual(bytesOf(file));
      const event = eventOf(packet as Delivered, settingsOf({ port: 1, ...settings[id] }), () => 'made');
      const joined = event.kind === 'part' ? join(event, parts, expected[0]) : [event];
      // Messages have no id of the carrier's.
      return expect(joined).toMatchObject(expected.map(({ providerMessageId, ...rest }) => ({ ...rest, ...(rest.kind === 'status' && { providerMessageId }) })));
    });
});

it('a packet with any octets changed is an event, or malformed, and nothing else', () => {
  let seed = 20_261_123;
  const random = (below: number) => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % below;
  const packets = fixtures.filter(({ pdu }) => pdu === 'deliver_sm').map(({ file }) => bytesOf(file));
  const ends = new Set<string>();
  for (let n = 0; n < 20_000; n++) {
    const bytes = Buffer.from(packets[random(packets.length)]!);
    for (let i = 0; i <= random(4); i++) bytes[16 + random(bytes.length - 16)] = random(256);
    try {
      ends.add(eventOf(decodePdu(bytes) as Delivered, settingsOf({ port: 1 }), () => 'made').kind);
    } catch (error) {
      expect(error).toBeInstanceOf(MalformedPdu);
      ends.add('malformed');
    }
  }
  expect([...ends]).toEqual(expect.arrayContaining(['message', 'part', 'status', 'ignore', 'unsupported', 'malformed']));
});

/** As the inbox joins them. Of one message the set has only the first part: the other one is what is missing of the text. */
function join(event: InboundPart, parts: Map<string, InboundPart[]>, expected?: Partial<InboundEvent>): Partial<InboundEvent>[] {
  const key = `${event.from}/${event.to}/${event.part.reference}`;
  const known = [...(parts.get(key) ?? []), event];
  parts.set(key, known);
  const octets: Buffer[] = known.toSorted((a, b) => a.part.number - b.part.number).map(({ part }) => Buffer.from(part.bytes, 'base64'));
  const text = expected?.kind === 'message' ? expected.text! : '';
  if (expected && known.length < event.part.total) octets.push(encodeText(text, settingsOf({ port: 1 })).octets.subarray(octets[0]!.length));
  if (!expected && known.length < event.part.total) return [];
  return [{ channel: event.channel, from: event.from, to: event.to, media: [], inReplyTo: null, kind: 'message', text: decodeText(Buffer.concat(octets), event.part.encoding) }];
}

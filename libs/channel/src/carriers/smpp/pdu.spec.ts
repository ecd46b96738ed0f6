import { decodePdu, encodePdu, MalformedPdu, PDU_OCTETS_MAX, UnknownCommand, type PduOf } from './pdu.js';
import { PduReader } from './pdu-reader.js';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const enquire = encodePdu({ command: 'enquire_link', sequence: 7, fields: {} });
const submit = encodePdu({
  command: 'submit_sm', sequence: 0x7fff_ffff, parameters: new Map([[0x0204, hex('0001')], [0x1400, hex('')]]),
  fields: {
    serviceType: '', sourceTon: 5, sourceNpi: 0, source: 'Parley', destinationTon: 1, destinationNpi: 1, destination: '15550100002', esmClass: 0x40,
    protocolId: 0, priority: 0, scheduledAt: '', validity: '', registeredDelivery: 1, replaceIfPresent: 0, dataCoding: 8, defaultMessage: 0, shortMessage: hex('0500032a0201 0414'),
  },
});

describe('a packet', () => {
  it('goes to bytes and back', () => {
    expect(enquire).toEqual(hex('00000010 00000015 00000000 00000007'));
    const read = decodePdu(submit);
    expect(read).toMatchObject({ command: 'submit_sm', status: 0, sequence: 0x7fff_ffff, fields: { source: 'Parley', destination: '15550100002', dataCoding: 8, registeredDelivery: 1 } });
    expect(read.parameters).toEqual(new Map([[0x0204, hex('0001')], [0x1400, hex('')]]));
    expect(encodePdu(read as PduOf<'submit_sm'>)).toEqual(submit);
  });
  it('with a field that does not fit is not written', () => {
    const fields = { systemId: 'x', password: 'x'.repeat(9), systemType: '', interfaceVersion: 0x34, addressTon: 0, addressNpi: 0, addressRange: '' };
    expect(() => encodePdu({ command: 'bind_transceiver', sequence: 1, fields })).toThrow(RangeError);
    expect(() => encodePdu({ command: 'submit_sm', sequence: 1, fields: { ...decodePdu(submit).fields, shortMessage: Buffer.alloc(255) } as never })).toThrow(RangeError);
  });
  it.each([
    ['an answer without body', '80000004 00000058', { command: 'submit_sm_resp', status: 0x58, fields: { messageId: '' } }],
    ['an id without end', '80000004 00000000 ', { command: 'submit_sm_resp', fields: { messageId: '65' } }, '3635'],
    ['a bind answered with a parameter', '80000009 00000000', { command: 'bind_transceiver_resp', fields: { systemId: 'MC' } }, '4d4300 02100001 34'],
  ])('that is sloppy in a known way is read: %s', (_, header, expected, body = '') => {
    const rest = hex(`${header} 00000001 ${body}`);
    expect(decodePdu(Buffer.concat([hex((rest.length + 4).toString(16).padStart(8, '0')), rest]))).toMatchObject(expected);
  });
  it.each([
    ['ends within its fields', submit.subarray(0, 40)],
    ['has text without end', Buffer.concat([submit.subarray(0, 19), Buffer.from('Parley')])],
    ['promises a longer text', Buffer.concat([submit.subarray(0, 53), hex('ff 00')])],
    ['has half a parameter', Buffer.concat([submit, hex('0204')])],
    ['has a parameter that is too long', Buffer.concat([submit, hex('0204 ffff 00')])],
  ])('that %s is malformed, and says which one it was', (_, bytes) => {
    expect(() => decodePdu(bytes)).toThrow(expect.objectContaining({ name: 'MalformedPdu', header: expect.objectContaining({ sequence: 0x7fff_ffff }) }));
  });
  it('of a command nobody knows is known as that', () => {
    expect(() => decodePdu(hex('00000010 00000021 00000000 00000007'))).toThrow(UnknownCommand);
  });
});

describe('what comes from a socket', () => {
  const all = Buffer.concat([enquire, submit, enquire]);
  const whole = [enquire, submit, enquire].map((bytes) => bytes.toString('hex'));

  it('is cut into packets, however it is cut before', () => {
    for (let size = 1; size <= all.length; size++) {
      const reader = new PduReader();
      const read: string[] = [];
      for (let at = 0; at < all.length; at += size) for (const pdu of reader.push(all.subarray(at, at + size))) read.push(pdu.toString('hex'));
      expect(read).toEqual(whole);
    }
  });
  it.each([0, 15, PDU_OCTETS_MAX + 1, 0x7fff_ffff, 0xffff_ffff])('does not believe in a packet of %d octets', (octets) => {
    const header = Buffer.alloc(16);
    header.writeUInt32BE(octets);
    const reader = new PduReader();
    const read = () => [...reader.push(Buffer.concat([enquire, header]))];
    expect(read).toThrow(MalformedPdu);
  });
});

import fc from 'fast-check';
import { decodeFrame, encodeFrame, isReply, MalformedFrame } from './frame-codec.js';

const header = { method: 'message', id: 'TM1' };
const raw = (text: string) => Buffer.from(text);

describe('frames of the official client', () => {
  it('are what the SDK writes: lengths in bytes, no line end after the payload', () => {
    const head = '{"method":"message","id":"TM1","payload_type":"application/json","payload_size":11}';
    expect(encodeFrame(header, '{"a":"ü👋"}')).toBe(`TWILSOCK V3.0 ${head.length}\r\n${head.replace('11', '14')}\r\n{"a":"ü👋"}`);
  });
  it('without a payload say so', () => expect(encodeFrame(header)).toMatch(/"payload_size":0\}\r\n$/));
  it('come back as they were', () =>
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), fc.dictionary(fc.string(), fc.jsonValue()), (payload, more) => {
      const decoded = decodeFrame(raw(encodeFrame({ ...more, ...header }, payload)));
      expect(decoded.payload).toBe(payload);
      expect(decoded.header).toMatchObject(header);
    })));
  it('may end in a line end', () => expect(decodeFrame(raw(`${encodeFrame(header, '{}')}\r\n`)).payload).toBe('{}'));
  it.each([
    ['nothing', ''], ['no first line', '{"method":"init"}'], ['another version', 'TWILSOCK V2.0 2\r\n{}\r\n'], ['no length', 'TWILSOCK V3.0 x\r\n{}\r\n'],
    ['a header cut off', 'TWILSOCK V3.0 90\r\n{"method":"init"'], ['no JSON', 'TWILSOCK V3.0 3\r\n{a}\r\n'], ['no object', 'TWILSOCK V3.0 4\r\nnull\r\n'],
    ['no method', 'TWILSOCK V3.0 10\r\n{"id":"a"}\r\n'], ['a payload cut off', 'TWILSOCK V3.0 49\r\n{"method":"init","id":"TM1","payload_size":  500}\r\n{}'],
    ['a negative size', 'TWILSOCK V3.0 44\r\n{"method":"init","id":"TM1","payload_size":-1}\r\n'],
  ])('with %s are refused', (_, text) => expect(() => decodeFrame(raw(text))).toThrow(MalformedFrame));
  it.each([
    ['as the SDK writes it', '{"id":"TM01980000-0000-4000-8000-000000000000","method":"reply","payload_type":"application/json","status":{"code":200,"status":"OK"},"payload_size":0}', true],
    ['a request', '{"id":"TM1","method":"message"}', false], ['a request that talks of one', '{"id":"TM1","method":"message","x":"\\"method\\":\\"reply\\""}', false],
  ])('tell a reply by its bytes: %s', (_, head, is) => expect(isReply(raw(`TWILSOCK V3.0 ${head.length}\r\n${head}\r\n`))).toBe(is));
  it('of any bytes are read or refused', () =>
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, framed) => {
      try {
        decodeFrame(Buffer.concat([framed ? raw('TWILSOCK V3.0 20\r\n') : raw(''), bytes]));
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedFrame);
      }
    })));
});

import { binaryFrame, textFrame } from './websocket-frame.js';

describe('textFrame', () => {
  it.each([0, 1, 125, 126, 127, 65_535, 65_536, 70_000])('of %i bytes has the shortest header and its text', (length) => {
    const text = 'x'.repeat(length);
    const frame = textFrame(text);
    const start = length < 126 ? 2 : length < 65_536 ? 4 : 10;
    expect(frame[0]).toBe(0x81);
    expect(frame[1]).toBe(length < 126 ? length : length < 65_536 ? 126 : 127);
    expect(frame.length).toBe(start + length);
    expect(frame.toString('utf8', start)).toBe(text);
  });
  it('counts bytes, not characters', () => {
    const frame = textFrame('ü👋\ud800');
    expect(frame[1]).toBe(frame.length - 2);
    expect(frame.toString('utf8', 2)).toBe('ü👋\ufffd');
  });
  it('in a binary message differs in the opcode only', () => {
    const [text, binary] = [textFrame('ü'), binaryFrame('ü')];
    expect(binary[0]).toBe(0x82);
    expect(binary.subarray(1)).toEqual(text.subarray(1));
  });
});

/**
 * Websocket frames as bytes (RFC 6455, section 5.2): one unfragmented frame, unmasked as a server's are. Built once
 * and written to every receiver's TCP socket as it is: the header depends on the length alone.
 */
const FINAL = 0x80;
const opcodes = { text: 1, binary: 2 };

export const textFrame = (text: string): Buffer => framed(opcodes.text, text);
/** `text` as UTF-8 in a binary message. */
export const binaryFrame = (text: string): Buffer => framed(opcodes.binary, text);

function framed(opcode: number, text: string): Buffer {
  const bytes = Buffer.byteLength(text);
  const start = bytes < 126 ? 2 : bytes < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(start + bytes);
  frame[0] = FINAL | opcode;
  if (start === 2) frame[1] = bytes;
  else if (start === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(bytes, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(bytes), 2);
  }
  frame.write(text, start);
  return frame;
}

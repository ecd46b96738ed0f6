/** Frames of the official client SDK's protocol as a client writes and reads them: websocket frames with a header line, a header and a payload. */
import { ByteMark } from './byte-mark.ts';
import { binaryFrame } from './websocket-connection.ts';

export type SdkHeader = { method: string; id: string } & Record<string, unknown>;

const ID_BYTES = 38;
const ID = new ByteMark('"id":"TM');
const QUOTED = '"id":"'.length;
const text = (header: object, payload: string): string => {
  const head = JSON.stringify({ ...header, payload_size: Buffer.byteLength(payload) });
  return `TWILSOCK V3.0 ${Buffer.byteLength(head)}\r\n${head}\r\n${payload}`;
};

/** As the SDK acknowledges what it got: a reply with the same id. */
const acknowledgement = binaryFrame(Buffer.from(text({ id: 'TM'.padEnd(ID_BYTES, '-'), method: 'reply', payload_type: 'application/json', status: { code: 200, status: 'OK' } }, '')));
const ID_AT = acknowledgement.indexOf('TM-');

export const SdkFrames = {
  encode: (header: object, body?: object): Buffer => binaryFrame(Buffer.from(text(header, body === undefined ? '' : JSON.stringify(body)))),

  /** Of the frame `data[start..end)`; the bytes are used again by the next call. */
  acknowledgement(data: Buffer, start: number, end: number): Buffer {
    const at = ID.find(data, start, end) + QUOTED;
    data.copy(acknowledgement, ID_AT, at, at + ID_BYTES);
    return acknowledgement;
  },

  parse(frame: string): { header: SdkHeader; payload: string } {
    const [, head, ...rest] = frame.split('\r\n');
    return { header: JSON.parse(head!) as SdkHeader, payload: rest.join('\r\n') };
  },
};

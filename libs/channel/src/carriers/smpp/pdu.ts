/**
 * SMPP's packets to bytes and back: a header of 16 octets, the command's fields, parameters with tags. Strict with our own,
 * and with what would shift everything behind it; lenient only where message centres are known to be sloppy.
 */
import { commandIds, commandNames, isAnswer, layouts, type CommandName, type Field } from './commands.js';

type Value<F extends Field> = F[1] extends 'octet' ? number : F[1] extends 'text' ? string : Buffer;
type FieldsOf<L extends readonly Field[]> = { [F in L[number] as F[0]]: Value<F> };
export type Fields<N extends CommandName> = FieldsOf<(typeof layouts)[N]>;
export type Parameters = ReadonlyMap<number, Buffer>;

export type PduOf<N extends CommandName> = { command: N; status: number; sequence: number; fields: Fields<N>; parameters: Parameters };
export type Pdu = { [N in CommandName]: PduOf<N> }[CommandName];

export const HEADER_OCTETS = 16;
/** message_payload has at most 65,535 octets; nothing honest is longer than that with its fields and some parameters. */
export const PDU_OCTETS_MAX = 70_000;
export const SHORT_MESSAGE_OCTETS_MAX = 254;
export const SEQUENCE_MAX = 0x7fff_ffff;

type Header = { commandId: number; status: number; sequence: number };

/** The bytes are no packet. Without a header nobody knows where the next one begins: the connection is of no use any more. */
export class MalformedPdu extends Error {
  override name = 'MalformedPdu';
  constructor(message: string, readonly header?: Header) {
    super(message);
  }
}

/** A packet in order of a command that we do not know. */
export class UnknownCommand extends MalformedPdu {
  override name = 'UnknownCommand';
}

const none: Parameters = new Map();

/** Throws RangeError when a field does not fit. */
export function encodePdu<N extends CommandName>(
  { command, status = 0, sequence, fields, parameters = none }: { command: N; status?: number; sequence: number; fields: Fields<N>; parameters?: Parameters },
): Buffer {
  const layout: readonly Field[] = layouts[command];
  const values = fields as Record<string, number | string | Buffer>;
  let length = HEADER_OCTETS;
  for (const field of layout) length += sizeOf(field, values[field[0]]!);
  for (const value of parameters.values()) length += 4 + value.length;
  const pdu = Buffer.allocUnsafe(length);
  pdu.writeUInt32BE(length, 0);
  pdu.writeUInt32BE(commandIds[command], 4);
  pdu.writeUInt32BE(status, 8);
  pdu.writeUInt32BE(sequence, 12);
  let at = HEADER_OCTETS;
  for (const [name] of layout) {
    const value = values[name]!;
    if (typeof value === 'number') at = pdu.writeUInt8(value, at);
    else if (typeof value === 'string') at = pdu.writeUInt8(0, at + pdu.write(value, at, 'latin1'));
    else at = pdu.writeUInt8(value.length, at) + value.copy(pdu, at + 1);
  }
  for (const [tag, value] of parameters) {
    pdu.writeUInt16BE(tag, at);
    pdu.writeUInt16BE(value.length, at + 2);
    at += 4 + value.copy(pdu, at + 4);
  }
  return pdu;
}

function sizeOf([name, kind, max]: Field, value: number | string | Buffer): number {
  if (kind === 'octet') return 1;
  if (kind === 'text') {
    if ((value as string).length >= max!) throw new RangeError(`${name} has ${max! - 1} characters at most`);
    return (value as string).length + 1;
  }
  if ((value as Buffer).length > SHORT_MESSAGE_OCTETS_MAX) throw new RangeError(`${name} has ${SHORT_MESSAGE_OCTETS_MAX} octets at most`);
  return (value as Buffer).length + 1;
}

/** One whole packet, as PduReader cuts them. Throws MalformedPdu. */
export function decodePdu(bytes: Buffer): Pdu {
  const header = { commandId: bytes.readUInt32BE(4), status: bytes.readUInt32BE(8), sequence: bytes.readUInt32BE(12) };
  const command = commandNames.get(header.commandId);
  if (command === undefined) throw new UnknownCommand(`command 0x${header.commandId.toString(16)}`, header);
  const fields: Record<string, number | string | Buffer> = {};
  const lenient = isAnswer(header.commandId);
  let at = HEADER_OCTETS;
  for (const [name, kind] of layouts[command] as readonly Field[]) {
    if (at >= bytes.length) {
      // A refusal has no body, and some leave out the id of deliver_sm_resp.
      if (!lenient) throw new MalformedPdu(`${command} ends before ${name}`, header);
      fields[name] = kind === 'octet' ? 0 : kind === 'text' ? '' : Buffer.alloc(0);
    } else if (kind === 'octet') {
      fields[name] = bytes[at++]!;
    } else if (kind === 'text') {
      const nul = bytes.indexOf(0, at);
      if (nul < 0 && !lenient) throw new MalformedPdu(`${name} has no end`, header);
      const end = nul < 0 ? bytes.length : nul;
      fields[name] = bytes.toString('latin1', at, end);
      at = end + 1;
    } else {
      const end = at + 1 + bytes[at]!;
      if (end > bytes.length) throw new MalformedPdu(`${name} is longer than ${command}`, header);
      fields[name] = bytes.subarray(at + 1, end);
      at = end;
    }
  }
  return { command, status: header.status, sequence: header.sequence, fields, parameters: parametersOf(bytes, at, header) } as Pdu;
}

function parametersOf(bytes: Buffer, from: number, header: Header): Parameters {
  if (from >= bytes.length) return none;
  const parameters = new Map<number, Buffer>();
  for (let at = from; at < bytes.length; ) {
    if (at + 4 > bytes.length) throw new MalformedPdu('a parameter without length', header);
    const end = at + 4 + bytes.readUInt16BE(at + 2);
    if (end > bytes.length) throw new MalformedPdu('a parameter longer than its packet', header);
    const tag = bytes.readUInt16BE(at);
    if (!parameters.has(tag)) parameters.set(tag, bytes.subarray(at + 4, end));
    at = end;
  }
  return parameters;
}

/**
 * A mobile operator's message centre for a run, in this process: it outlives every fault of ours, has faults of its own, and
 * keeps what phones received. Receipts and texts of people are offered until they are taken, over whichever session there is.
 */
import { Status } from '@parley/channel/carriers/smpp/command-status';
import { SmppConnection } from '@parley/channel/carriers/smpp/connection';
import type { Pdu, PduOf } from '@parley/channel/carriers/smpp/pdu';
import { createServer, type AddressInfo, type Socket } from 'node:net';

/** `silent`: takes what comes and answers nothing. `cut`: takes it, then the line is cut. */
export type CentreMood = 'well' | 'throttled' | 'silent' | 'cut';
type Fields = PduOf<'submit_sm'>['fields'];

const ANSWER_MILLIS = 3_000;
const OFFER_MILLIS = 250;
const RECEIPT = 4;

export class MessageCentre {
  mood: CentreMood = 'well';
  private readonly phones = new Map<string, { body: string; sends: number }[]>();
  private readonly owed = new Map<string, Fields>();
  private readonly sessions = new Map<SmppConnection, Socket>();
  private readonly server = createServer((socket) => this.take(socket));
  private readonly offering = setInterval(() => this.offerAll(), OFFER_MILLIS);
  private port = 0;
  private count = 0;
  private pattern: Fields | undefined;

  async listen(): Promise<number> {
    await new Promise<void>((resolve, reject) => this.server.once('error', reject).listen(this.port, '127.0.0.1', resolve));
    this.port = (this.server.address() as AddressInfo).port;
    return this.port;
  }

  /** What the phone of this number has, in order; the same words again are the same message once more. */
  received(address: string): { body: string; sends: number }[] {
    return this.phones.get(address.replace('+', '')) ?? [];
  }

  /** A person writes; resolves when Parley has it. Rejects when there is no session, or no good answer. */
  async says(person: string, to: string, body: string): Promise<void> {
    if (!this.pattern) throw new Error('nobody was written to yet');
    await this.deliver({ ...this.pattern, source: person.replace('+', ''), destination: to.replace('+', ''), sourceTon: 1, sourceNpi: 1, destinationTon: 1, destinationNpi: 1, esmClass: 0, shortMessage: Buffer.from(body) });
  }

  dropSessions(): void {
    for (const socket of this.sessions.values()) socket.destroy();
  }

  /** Nobody answers the phone, so to say; `listen` ends it. */
  async goAway(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.dropSessions();
    await closed;
  }

  close(): Promise<void> {
    clearInterval(this.offering);
    return this.goAway();
  }

  private take(socket: Socket): void {
    const connection = new SmppConnection(socket);
    connection.onClose = () => this.sessions.delete(connection);
    connection.onRequest = (pdu) => this.serve(connection, socket, pdu);
  }

  private serve(connection: SmppConnection, socket: Socket, pdu: Pdu): void {
    const { command, sequence } = pdu;
    if (command === 'bind_transceiver') {
      this.sessions.set(connection, socket);
      return connection.answer('bind_transceiver_resp', sequence, { systemId: 'chaos' });
    }
    if (command === 'unbind') return connection.answer('unbind_resp', sequence, {});
    if (command !== 'submit_sm') return connection.refuse(command, sequence, Status.invalidCommand);
    if (this.mood === 'throttled') return connection.answer('submit_sm_resp', sequence, { messageId: '' }, Status.throttled);
    const messageId = String(++this.count);
    this.keep(messageId, pdu.fields);
    if (this.mood === 'cut') return void socket.destroy();
    if (this.mood === 'silent') return undefined;
    return connection.answer('submit_sm_resp', sequence, { messageId });
  }

  private keep(messageId: string, fields: Fields): void {
    this.pattern = fields;
    const phone = this.phones.get(fields.destination) ?? [];
    this.phones.set(fields.destination, phone);
    const body = fields.shortMessage.toString('latin1');
    const known = phone.find((one) => one.body === body);
    if (known) known.sends++;
    else phone.push({ body, sends: 1 });
    const { source, sourceTon, sourceNpi, destination, destinationTon, destinationNpi } = fields;
    this.owed.set(messageId, {
      ...fields, source: destination, sourceTon: destinationTon, sourceNpi: destinationNpi, destination: source, destinationTon: sourceTon, destinationNpi: sourceNpi, esmClass: RECEIPT,
      shortMessage: Buffer.from(`id:${messageId} sub:001 dlvrd:001 submit date:2611221159 done date:2611221200 stat:DELIVRD err:000 text:`),
    });
  }

  private offerAll(): void {
    for (const [messageId, fields] of this.owed) {
      this.owed.delete(messageId);
      this.deliver(fields).catch(() => this.owed.set(messageId, fields));
    }
  }

  private async deliver(fields: Fields): Promise<void> {
    const [connection] = this.sessions.keys();
    if (!connection) throw new Error('no session');
    const { status } = await connection.request('deliver_sm', { ...fields, registeredDelivery: 0, dataCoding: 0 }, { timeoutMillis: ANSWER_MILLIS });
    if (status !== Status.ok) throw new Error(`deliver_sm was answered ${status}`);
  }
}

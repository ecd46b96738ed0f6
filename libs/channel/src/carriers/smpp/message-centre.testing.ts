/**
 * A message centre on a real socket, for tests and measurements: takes binds and submits, answers as told, sends receipts when
 * told, and texts of people. Speaks the same codec as the session; independent peers check both (peers.spec.ts).
 */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { EsmClass, Tag } from './commands.js';
import { Status } from './command-status.js';
import { SmppConnection } from './connection.js';
import type { Fields, Parameters, Pdu, PduOf } from './pdu.js';

/** `garbage`: answers with bytes that are no packet. `drop`: takes the submit, then closes the connection. A number: that command_status. */
export type SubmitAnswer = 'accept' | 'hang' | 'drop' | 'garbage' | number;
export type Submitted = PduOf<'submit_sm'> & { messageId: string };
type Esme = { connection: SmppConnection; socket: Socket; bind?: PduOf<'bind_transceiver' | 'bind_transmitter' | 'bind_receiver'>; unbound: boolean };

export type MessageCentreOptions = { systemId?: string; password?: string; tls?: { key: string; cert: string } };

export class MessageCentre {
  /** For each submit, in the order they come. */
  answer: (submit: PduOf<'submit_sm'>, count: number) => SubmitAnswer = () => 'accept';
  /** How ids are written in answers. */
  idOf: (count: number) => string = (count) => String(count);
  bindStatus: number = Status.ok;
  /** Answers no enquire_link and nothing else that is asked, as a dead line. */
  deaf = false;
  readonly submits: Submitted[] = [];
  readonly binds: Array<PduOf<'bind_transceiver' | 'bind_transmitter' | 'bind_receiver'>> = [];
  /** To what was not asked by `deliver`. */
  readonly answers: Array<{ command: string; sequence: number; status: number }> = [];
  unbinds = 0;
  onEnquiry: () => void = () => {};
  /** Most submits that were unanswered at once, over all sessions. */
  unansweredMost = 0;
  keepSubmits = true;
  count = 0;
  private unanswered: Array<() => void> = [];
  private readonly esmes = new Set<Esme>();
  private readonly server: Server;

  constructor(private readonly options: MessageCentreOptions = {}) {
    const take = (socket: Socket) => this.take(socket);
    this.server = options.tls ? createTlsServer(options.tls, take) : createServer(take);
  }

  get port(): number { return (this.server.address() as AddressInfo).port; }
  get hanging(): number { return this.unanswered.length; }
  get sessions(): number { return [...this.esmes].filter(({ bind }) => bind).length; }

  listen(port = 0): Promise<this> {
    return new Promise((resolve, reject) => this.server.once('error', reject).listen(port, '127.0.0.1', () => resolve(this)));
  }

  async close(): Promise<void> {
    this.dropAll();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  dropAll(): void {
    for (const { socket } of this.esmes) socket.destroy();
  }

  /** Answers what was left hanging. */
  answerHanging(): void {
    for (const answer of this.unanswered.splice(0)) answer();
  }

  /** Bytes as they are, on every session. */
  write(bytes: Buffer): void {
    for (const { socket } of this.esmes) socket.write(bytes);
  }

  /** As the message centre asks whether the line is alive; the command_status of the answer. */
  async enquire(): Promise<number> {
    const [esme] = this.esmes;
    return (await esme!.connection.request('enquire_link', {}, { timeoutMillis: 30_000 })).status;
  }

  async unbindAll(): Promise<number> {
    const answers = await Promise.all([...this.esmes].map(({ connection }) => connection.request('unbind', {}, { timeoutMillis: 30_000 })));
    return Math.max(...answers.map(({ status }) => status));
  }

  /** A text to a sender of the session; resolves with the command_status it was answered with. */
  async deliver(fields: Partial<Fields<'deliver_sm'>>, parameters?: Parameters, timeoutMillis = 30_000): Promise<number> {
    const esme = [...this.esmes].find(({ bind, connection }) => bind && bind.command !== 'bind_transmitter' && connection.open);
    if (!esme) throw new Error('nobody is bound who receives');
    const { status } = await esme.connection.request('deliver_sm', {
      serviceType: '', sourceTon: 1, sourceNpi: 1, source: '15550100002', destinationTon: 1, destinationNpi: 1, destination: '15550100001',
      esmClass: 0, protocolId: 0, priority: 0, scheduledAt: '', validity: '', registeredDelivery: 0, replaceIfPresent: 0, dataCoding: 0,
      defaultMessage: 0, shortMessage: Buffer.alloc(0), ...fields,
    }, { timeoutMillis, ...(parameters && { parameters }) });
    return status;
  }

  /** A receipt for a submit: as text, and as parameters where `parameters` says so. */
  receipt(submitted: Pick<Submitted, 'fields' | 'messageId'>, stat = 'DELIVRD', { id = submitted.messageId, parameters = false } = {}): Promise<number> {
    const { source, sourceTon, destination, destinationTon } = submitted.fields;
    const text = `id:${id} sub:001 dlvrd:001 submit date:2611221159 done date:2611221200 stat:${stat} err:000 text:`;
    const state = ['', 'ENROUTE', 'DELIVRD', 'EXPIRED', 'DELETED', 'UNDELIV', 'ACCEPTD', 'UNKNOWN', 'REJECTD'].indexOf(stat);
    return this.deliver({
      source: destination, sourceTon: destinationTon, destination: source, destinationTon: sourceTon, esmClass: EsmClass.receipt, shortMessage: Buffer.from(text),
    }, parameters ? new Map([[Tag.receiptedMessageId, Buffer.from(`${id}\0`)], [Tag.messageState, Buffer.from([state])]]) : undefined);
  }

  private take(socket: Socket): void {
    const connection = new SmppConnection(socket);
    const esme: Esme = { connection, socket, unbound: false };
    this.esmes.add(esme);
    connection.onClose = () => this.esmes.delete(esme);
    connection.onRequest = (pdu) => this.serve(esme, pdu);
    connection.onEnquiry = () => this.onEnquiry();
    connection.onStrayAnswer = ({ command, sequence, status }) => this.answers.push({ command, sequence, status });
    if (this.deaf) socket.pause();
  }

  /** From now on nothing that comes is read. */
  goDeaf(): void {
    this.deaf = true;
    for (const { connection } of this.esmes) connection.pause();
  }

  private serve(esme: Esme, pdu: Pdu): void {
    const { connection } = esme;
    switch (pdu.command) {
      case 'bind_transceiver': case 'bind_transmitter': case 'bind_receiver': return this.bind(esme, pdu);
      case 'submit_sm': return esme.bind && esme.bind.command !== 'bind_receiver' ? this.submit(esme, pdu) : connection.refuse('submit_sm', pdu.sequence, Status.wrongState);
      case 'unbind':
        this.unbinds++;
        connection.answer('unbind_resp', pdu.sequence, {});
        return connection.end();
      default: return connection.refuse(pdu.command, pdu.sequence, Status.invalidCommand);
    }
  }

  private bind(esme: Esme, pdu: NonNullable<Esme['bind']>): void {
    this.binds.push(pdu);
    const { systemId = pdu.fields.systemId, password = pdu.fields.password } = this.options;
    const status = pdu.fields.systemId !== systemId || pdu.fields.password !== password ? Status.wrongPassword : this.bindStatus;
    esme.connection.answer(`${pdu.command}_resp`, pdu.sequence, { systemId: 'centre' }, status);
    if (status === Status.ok) esme.bind = pdu;
    else esme.connection.end();
  }

  private submit({ connection, socket }: Esme, pdu: PduOf<'submit_sm'>): void {
    const count = ++this.count;
    const messageId = this.idOf(count);
    const answer = this.answer(pdu, count);
    if (typeof answer === 'number') return connection.answer('submit_sm_resp', pdu.sequence, { messageId: '' }, answer);
    if (this.keepSubmits) this.submits.push({ ...pdu, messageId });
    if (answer === 'accept') return connection.answer('submit_sm_resp', pdu.sequence, { messageId });
    if (answer === 'drop') return void socket.destroy();
    if (answer === 'garbage') return void socket.write(Buffer.from('7fffffff800000040000000000000001', 'hex'));
    this.unanswered.push(() => connection.answer('submit_sm_resp', pdu.sequence, { messageId }));
    this.unansweredMost = Math.max(this.unansweredMost, this.unanswered.length);
    return undefined;
  }
}

/** Independent programs on the other end: what two of our own halves agree on proves little. */
import type { AddressInfo, Server } from 'node:net';
import { MessageCentre } from './message-centre.testing.js';
import { npmSmpp, type PeerPdu, type PeerSession } from './npm-smpp.testing.js';
import { decodeText } from './message-text.js';
import { aDelivery, connectionTo, until } from './played-smpp.testing.js';
import { SmppAdapter } from './adapter.js';
import type { InboundEvent } from '../../inbound-event.js';

const soon = () => AbortSignal.timeout(30_000);

describe('our session with a message centre made of npm smpp', () => {
  let server: Server;
  let session: PeerSession | undefined;
  let binds: PeerPdu[];
  let submits: PeerPdu[];
  let status: (count: number) => number;
  let adapter: SmppAdapter;
  let events: InboundEvent[];

  beforeEach(async () => {
    [binds, submits, events, status] = [[], [], [], () => 0];
    server = npmSmpp.createServer({}, (peer) => {
      peer.on('error', () => peer.destroy());
      peer.on('bind_transceiver', (pdu) => {
        binds.push(pdu);
        peer.send(pdu.response({ system_id: 'peer', command_status: pdu.password === 'secret' ? 0 : 0x0e }));
        session = peer;
      });
      peer.on('enquire_link', (pdu) => peer.send(pdu.response()));
      peer.on('unbind', (pdu) => {
        peer.send(pdu.response());
        peer.close();
      });
      peer.on('submit_sm', (pdu) => {
        submits.push(pdu);
        const count = submits.length;
        if (status(count) < 0) return peer.destroy();
        return peer.send(pdu.response(status(count) === 0 ? { message_id: count.toString(16).padStart(8, '0') } : { command_status: status(count) }));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    adapter = new SmppAdapter(connectionTo((server.address() as AddressInfo).port), { reconnectMillis: [1, 20] });
    await adapter.listen({ receive: async (some) => void events.push(...some) });
    await until(() => session);
  });
  afterEach(async () => {
    await adapter.close();
    session?.destroy();
    session = undefined;
    await new Promise((resolve) => server.close(resolve));
  });

  it('binds as version 3.4', () => {
    expect(binds).toMatchObject([{ system_id: 'parley', interface_version: 0x34 }]);
  });
  it('has its texts read as they were written', async () => {
    for (const body of ['Hello @ € [x]', 'Привет 👋']) await adapter.send(aDelivery({ body }), soon());
    expect(submits).toMatchObject([
      { data_coding: 0, source_addr: '15550100001', source_addr_ton: 1, destination_addr: '15550100002', dest_addr_npi: 1, registered_delivery: 1 }, { data_coding: 8 },
    ]);
    // The peer decodes by itself, by another table.
    expect(submits.map(({ short_message }) => short_message.message.toString())).toEqual(['Hello @ € [x]', 'Привет 👋']);
  });
  it('has its long messages joined', async () => {
    const body = 'Ünïcødé 🙂 '.repeat(20);
    const { providerMessageIds } = await adapter.send(aDelivery({ body }), soon());
    expect(providerMessageIds).toHaveLength(submits.length);
    expect(submits.map(({ short_message: { udh } }) => [udh![0]![0], udh![0]!.at(-2), udh![0]!.at(-1)])).toEqual([[0, 4, 1], [0, 4, 2], [0, 4, 3], [0, 4, 4]]);
    expect(submits.map(({ short_message }) => short_message.message.toString()).join('')).toBe(body);
  });
  it('is told of a wrong number, of a line that breaks, of throttling', async () => {
    status = (count) => [0x0b, -1, 0, 0x58][count - 1]!;
    const outcomes = [];
    for (let i = 0; i < 4; i++) outcomes.push(await adapter.send(aDelivery(), soon()).then(() => 'accepted', (error: { outcome: string }) => error.outcome));
    expect(outcomes).toEqual(['permanent', 'ambiguous', 'accepted', 'retryable']);
  });
  it('takes receipts and texts, and says so', async () => {
    const answered: number[] = [];
    const deliver = (fields: Record<string, unknown>) => session!.deliver_sm({ source_addr_ton: 1, source_addr: '15550100002', dest_addr_ton: 1, destination_addr: '15550100001', ...fields }, ({ command_status }) => answered.push(command_status));
    const { providerMessageIds: [id] } = await adapter.send(aDelivery(), soon());
    deliver({ esm_class: 4, short_message: 'id:00000001 sub:001 dlvrd:001 submit date:2611221200 done date:2611221201 stat:DELIVRD err:000 text:' });
    deliver({ esm_class: 4, short_message: '', receipted_message_id: '00000001', message_state: 2 });
    deliver({ short_message: 'Привет 👋' });
    deliver({ data_coding: 0, short_message: 'STOP' });
    deliver({ data_coding: 8, short_message: { udh: Buffer.from([5, 0, 3, 0x17, 2, 2]), message: Buffer.from('ho', 'utf16le').swap16() } });
    await until(() => answered.length === 5);
    expect(answered).toEqual([0, 0, 0, 0, 0]);
    expect(events).toMatchObject([
      { kind: 'status', status: 'delivered', providerMessageId: id }, { kind: 'status', status: 'delivered', providerMessageId: id },
      { kind: 'message', text: 'Привет 👋', from: '+15550100002', to: '+15550100001' }, { kind: 'opt_out', text: 'STOP' },
      { kind: 'part', part: { number: 2, total: 2, encoding: 'ucs2' } },
    ]);
  });
});

describe('npm smpp as a client of our message centre', () => {
  let centre: MessageCentre;
  beforeEach(async () => { centre = await new MessageCentre({ systemId: 'a', password: 'secret' }).listen(); });
  afterEach(() => centre.close());

  it('binds, submits, gets its receipt and a text', async () => {
    const delivered: PeerPdu[] = [];
    const peer = await new Promise<PeerSession>((resolve) => {
      const connecting = npmSmpp.connect({ url: `smpp://127.0.0.1:${centre.port}` }, () => resolve(connecting));
    });
    peer.on('error', () => peer.destroy());
    peer.on('deliver_sm', (pdu) => {
      delivered.push(pdu);
      peer.send(pdu.response());
    });
    const asks = (command: 'bind_transceiver' | 'submit_sm' | 'enquire_link' | 'unbind', fields = {}) => new Promise<PeerPdu>((resolve) => peer[command](fields, resolve));
    expect(await asks('submit_sm', { short_message: 'early' })).toMatchObject({ command_status: 4 });
    expect(await asks('bind_transceiver', { system_id: 'a', password: 'secret', interface_version: 0x34 })).toMatchObject({ command_status: 0, system_id: 'centre' });
    expect(await asks('submit_sm', { source_addr: '1', destination_addr: '2', short_message: 'Привет', registered_delivery: 1 })).toMatchObject({ command_status: 0, message_id: '1' });
    expect(decodeText(centre.submits[0]!.fields.shortMessage, 'ucs2')).toBe('Привет');
    expect(await asks('enquire_link')).toMatchObject({ command_status: 0 });
    expect(await centre.receipt(centre.submits[0]!, 'DELIVRD', { parameters: true })).toBe(0);
    expect(await centre.deliver({ shortMessage: Buffer.from('hi') })).toBe(0);
    expect(delivered).toMatchObject([{ esm_class: 4, receipted_message_id: '1', message_state: 2 }, { source_addr: '15550100002', short_message: { message: 'hi' } }]);
    expect(await asks('unbind')).toMatchObject({ command_status: 0 });
    peer.close();
  });
});

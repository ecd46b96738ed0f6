/** The sessions that the adapter keeps, seen from the message centre. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SmppAdapter } from './adapter.js';
import { Status } from './command-status.js';
import { MessageCentre } from './message-centre.testing.js';
import { aDelivery, connectionTo, failureOf, PlayedSmpp, soon, until } from './played-smpp.testing.js';

let played: PlayedSmpp;
let centre: MessageCentre;
beforeEach(async () => {
  centre = await new MessageCentre({ systemId: 'parley', password: 'secret' }).listen();
  played = new PlayedSmpp(centre);
});
afterEach(() => played.close());

describe('a bind', () => {
  it('says version 3.4, who we are, and where we come from', async () => {
    await played.adapter({ systemType: 'VMA', addressRange: '^1555' });
    expect(centre.binds[0]).toMatchObject({
      command: 'bind_transceiver', fields: { systemId: 'parley', password: 'secret', systemType: 'VMA', interfaceVersion: 0x34, addressRange: '^1555' },
    });
  });
  it('is made as often as configured, and as two of one direction where wanted', async () => {
    await played.adapter({ binds: 3 });
    await until(() => centre.sessions === 3);
    const separate = await played.adapter({ bindAs: 'transmitter_and_receiver' });
    await until(() => centre.sessions === 5);
    expect(centre.binds.slice(3).map(({ command }) => command).toSorted()).toEqual(['bind_receiver', 'bind_transmitter']);
    await separate.send(aDelivery(), soon());
    expect(centre.submits).toHaveLength(1);
  });
  it('for sending alone takes no messages', async () => {
    const adapter = new SmppAdapter(connectionTo(centre.port));
    played.opened.push(adapter);
    await adapter.send(aDelivery(), soon());
    expect(centre.binds.map(({ command }) => command)).toEqual(['bind_transmitter']);
  });
  it('that is refused for its password leaves messages waiting', async () => {
    centre.bindStatus = Status.wrongPassword;
    const adapter = new SmppAdapter(connectionTo(centre.port), { reconnectMillis: [10, 50] });
    played.opened.push(adapter);
    expect(await failureOf(adapter.send(aDelivery(), soon()))).toMatchObject({ code: 'authentication', outcome: 'retryable', errorCode: 20003 });
    centre.bindStatus = Status.ok;
    await until(() => centre.sessions > 0);
    await adapter.send(aDelivery(), soon());
  });
  it('ends in order: what is on its way is answered first', async () => {
    const adapter = await played.adapter();
    centre.answer = () => 'hang';
    const sent = adapter.send(aDelivery(), soon());
    await until(() => centre.submits.length === 1);
    const closed = adapter.close();
    centre.answerHanging();
    expect((await sent).providerMessageIds).toHaveLength(1);
    await closed;
    expect(centre.unbinds).toBe(1);
    expect(await failureOf(adapter.send(aDelivery(), soon()))).toMatchObject({ code: 'unreachable', outcome: 'retryable' });
  });
  it('over TLS checks the certificate', async () => {
    const { key, cert } = await certificate();
    const secure = await new MessageCentre({ tls: { key, cert } }).listen();
    const trusting = new SmppAdapter(connectionTo(secure.port, { tls: true, tlsCa: cert, host: 'localhost' }));
    const strict = new SmppAdapter(connectionTo(secure.port, { tls: true, host: 'localhost' }));
    expect((await trusting.send(aDelivery(), soon())).providerMessageIds).toHaveLength(1);
    expect(await failureOf(strict.send(aDelivery(), soon()))).toMatchObject({ code: 'unreachable' });
    await Promise.all([trusting.close(), strict.close()]);
    await secure.close();
  });
});

describe('a line', () => {
  it('that is dead is given up after two tests, and another one is made', async () => {
    await played.adapter({}, { enquireLinkMillis: 20, responseMillis: 30 });
    centre.goDeaf();
    centre.deaf = false;
    await until(() => centre.binds.length >= 2);
  });
  it('that is quiet but alive stays', async () => {
    let enquiries = 0;
    const quiet = await played.adapter({}, { enquireLinkMillis: 5 });
    centre.onEnquiry = () => enquiries++;
    await until(() => enquiries > 5);
    expect(centre.binds).toHaveLength(1);
    await quiet.send(aDelivery(), soon());
  });
  it('is tested by the message centre as well', async () => {
    await played.adapter();
    expect(await centre.enquire()).toBe(Status.ok);
  });
  it('that brings what is no packet is closed and made again; a packet that is wrong in itself is refused for good', async () => {
    await played.adapter();
    // deliver_sm that ends within its fields, then a command nobody knows, then a header that cannot be.
    centre.write(Buffer.from('000000120000000500000000000000090001', 'hex'));
    centre.write(Buffer.from('0000001000000021000000000000000a', 'hex'));
    await until(() => centre.answers.length === 2);
    expect(centre.answers).toMatchObject([
      { command: 'deliver_sm_resp', sequence: 9, status: Status.permanentApplicationError }, { command: 'generic_nack', sequence: 10, status: Status.invalidCommand },
    ]);
    expect(centre.binds).toHaveLength(1);
    centre.write(Buffer.from('7fffffff000000050000000000000000', 'hex'));
    await until(() => centre.binds.length >= 2);
  });
  it('that the message centre ends by unbind is made again', async () => {
    await played.adapter();
    expect(await centre.unbindAll()).toBe(Status.ok);
    await until(() => centre.binds.length >= 2);
  });
});

/** Self-signed, for localhost. */
async function certificate(): Promise<{ key: string; cert: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-tls-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  await promisify(execFile)('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost',
    '-keyout', key, '-out', cert,
  ]);
  const made = { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') };
  await rm(folder, { recursive: true });
  return made;
}

/** The smtp carrier against Postfix, Dovecot and swaks: out by SMTP, a genuine bounce in by LMTP, a mailbox read by IMAP, mail of another client. */
import { openSmtp, type SmtpAdapter } from '@parley/channel/carriers/smtp/adapter';
import type { SmtpSettings } from '@parley/channel/carriers/smtp/definition';
import type { Delivery } from '@parley/channel/channel-adapter';
import type { InboundEvent } from '@parley/channel/inbound-event';
import { newSid } from '@parley/domain/sid';
import type { AddressInfo } from 'node:net';
import { createTransport } from 'nodemailer';
import { SMTPServer } from 'smtp-server';
import { until } from './installation.js';
import { sparePort } from './mail-peer.js';
import { MailServers, mailServersAreMissing } from './mail-servers.js';
import { describeWithPeer } from './peers.js';

describeWithPeer('Postfix, Dovecot and swaks', mailServersAreMissing, () => {
  const events: InboundEvent[] = [];
  const adapters: SmtpAdapter[] = [];
  /** Has no mailbox for anybody. */
  const far = new SMTPServer({
    disabledCommands: ['AUTH'], hideSTARTTLS: true, logger: false, disableReverseLookup: true, closeTimeout: 100,
    onRcptTo: (_address, _session, callback) => callback(Object.assign(new Error('5.1.1 no such user'), { responseCode: 550 })),
  });
  let servers: MailServers;
  let listenerPort = 0;
  let adapter: SmtpAdapter;
  const open = (settings: Partial<SmtpSettings>): SmtpAdapter => {
    const opened = openSmtp({
      sid: 'CX1', account: 'AC1', publicUrl: 'https://parley.example.test', webhookUrl: 'https://parley.example.test/webhooks/smtp/CX1', signingKey: 'key',
      credentials: { imapUser: 'support@remote.example.test', imapPassword: 'secret' },
      settings: { domain: 'inbox.example.test', host: '127.0.0.1', port: servers.smtpPort, tls: 'none', ...settings },
    });
    adapters.push(opened);
    return opened;
  };
  const sink = { receive: async (all: InboundEvent[]) => void events.push(...all) };
  const delivery = (recipient: string): Delivery => ({
    deliveryId: newSid('DY'), conversationSid: newSid('CH'), sender: 'support@inbox.example.test', recipient, body: 'Grüße 👋', media: [], firstAttemptAt: new Date().toISOString(),
  });
  const send = (one: Delivery) => adapter.send(one, AbortSignal.timeout(30_000));
  const next = (which: (event: InboundEvent) => boolean) => until(async () => events.find(which), `an event; ${servers.log()}`);

  beforeAll(async () => {
    const port = (listenerPort = await sparePort());
    await new Promise<void>((resolve) => far.listen(0, '127.0.0.1', () => resolve()));
    servers = await MailServers.start(port, (far.server.address() as AddressInfo).port);
    adapter = open({ listen: { port, protocol: 'lmtp' } });
    await adapter.listen(sink);
  }, 240_000);
  afterAll(async () => {
    await Promise.all(adapters.map((one) => one.close()));
    await servers?.stop();
    await new Promise<void>((resolve) => far.close(() => resolve()));
  });

  it('refuse a mail to nobody at once', async () => {
    await expect(send(delivery('nobody@remote.example.test'))).rejects.toMatchObject({ outcome: 'permanent', code: 'invalid_recipient', errorCode: 30005 });
  });

  it('take a mail and return it: their report is about our delivery', async () => {
    const one = delivery('gone@far.example.test');
    expect(await send(one)).toMatchObject({ status: 'sent' });
    expect(await next(({ kind }) => kind === 'status')).toMatchObject({
      deliveryId: one.deliveryId, from: 'gone@far.example.test', status: 'undelivered', errorCode: 30005, carrierCode: expect.stringContaining('5.1.1') as string, suppress: 'bounce',
    });
  }, 180_000);

  it('hand on what people answer, and what is in a mailbox, once', async () => {
    const mailbox = () => open({ domain: 'remote.example.test', imap: { host: '127.0.0.1', port: servers.imapPort, tls: 'none', pollSeconds: 1 } });
    const first = mailbox();
    await first.listen(sink);
    const transport = createTransport({ host: '127.0.0.1', port: servers.smtpPort, ignoreTLS: true });
    const write = (to: string, subject: string) => transport.sendMail({
      from: 'Änä <ana@remote.example.test>', to, subject, text: `about ${subject}`, attachments: [{ filename: 'résumé.txt', content: 'x'.repeat(1000) }],
    });
    await write('support@inbox.example.test', 'by LMTP');
    await write('support+detail@remote.example.test', 'by IMAP');
    const about = (subject: string) => (event: InboundEvent) => 'email' in event && event.email?.subject === subject;
    const file = { filename: 'résumé.txt', contentType: 'text/plain', bytes: 1000 };
    expect(await next(about('by LMTP'))).toMatchObject({ kind: 'message', from: 'ana@remote.example.test', to: 'support@inbox.example.test', text: 'about by LMTP', media: [file] });
    expect(await next(about('by IMAP'))).toMatchObject({ kind: 'message', from: 'ana@remote.example.test', to: 'support+detail@remote.example.test', profileName: 'Änä', media: [file] });
    await first.close();
    // A mail that we have trouble with comes again, and holds up none that came after it.
    let [trouble, met] = [true, 0];
    await mailbox().listen({ receive: async (all) => {
      if (trouble && all.some(about('troublesome'))) throw new Error(`not now, for the ${++met}th time`);
      events.push(...all);
    } });
    await write('support@remote.example.test', 'troublesome');
    await until(async () => met > 0, 'the troublesome mail');
    await write('support@remote.example.test', 'later');
    await next(about('later'));
    trouble = false;
    await next(about('troublesome'));
    transport.close();
    expect(events.filter(about('by IMAP'))).toHaveLength(1);
  }, 180_000);

  it('bring what swaks writes, with its file; straight to our listener it is told for each recipient whether we take it', async () => {
    const written = (subject: string) => ['--from', 'ana@remote.example.test', '--h-Subject', subject, '--body', `about ${subject}`, '--attach-type', 'text/plain', '--attach-name', 'note.txt', '--attach', 'a note', '--suppress-data'];
    const about = (subject: string) => (event: InboundEvent) => 'email' in event && event.email?.subject === subject;
    const support = 'support@inbox.example.test';
    const through = await servers.swaks('--server', '127.0.0.1', '--port', String(servers.smtpPort), '--to', support, ...written('by swaks'));
    expect(through).toMatchObject({ end: 0, said: expect.stringContaining('250 2.0.0 Ok: queued') as string });
    const seen = { kind: 'message', from: 'ana@remote.example.test', to: support, media: [{ filename: 'note.txt', contentType: 'text/plain' }] };
    expect(await next(about('by swaks'))).toMatchObject({ ...seen, text: 'about by swaks' });

    const us = ['--protocol', 'LMTP', '--server', '127.0.0.1', '--port', String(listenerPort)];
    const straight = await servers.swaks(...us, '--to', `${support},someone@elsewhere.example.test`, ...written('straight'));
    expect(straight.said).toMatch(/^<\*\* 550 5\.7\.1 /m);
    expect(straight.said).toMatch(/^<- {2}250 .*stored/m);
    expect(events.filter(about('straight'))).toMatchObject([{ ...seen, text: 'about straight' }]);
    expect(await servers.swaks(...us, '--to', 'someone@elsewhere.example.test', ...written('nowhere'))).toMatchObject({ end: 24 });
    expect(events.filter(about('nowhere'))).toEqual([]);
  }, 180_000);
});

/** What SNS brings from SES. Payloads are ours, written from the documented fields: AWS publishes examples, no captures. */
import type { InboundEvent } from '../../inbound-event.js';
import { MAIL_DOMAIN } from '../../email/mail-delivery.testing.js';
import { asked, confirmation, openPlayedSes, postedBySns, published } from './played-ses.testing.js';

const open = () => openPlayedSes('http://127.0.0.1:1');
const deliveryId = `DY${'a'.repeat(32)}`;
const about = { mail: { messageId: '0100-abc', destination: ['ana@example.com'], tags: { 'ses:from-domain': [MAIL_DOMAIN], delivery: [deliveryId] } } };
const bounce = (fields: object, recipient: object = {}) => ({ eventType: 'Bounce', bounce: { bounceType: 'Permanent', bounceSubType: 'General', bouncedRecipients: [{ emailAddress: 'ana@example.com', ...recipient }], ...fields } });

describe('an event of SES', () => {
  it.each<[object, object | undefined]>([
    [{ eventType: 'Send', send: {} }, { status: 'sent' }],
    [{ eventType: 'DeliveryDelay', deliveryDelay: { delayType: 'MailboxFull' } }, { status: 'sent' }],
    [{ eventType: 'Delivery', delivery: { recipients: ['ana@example.com'] } }, { status: 'delivered' }],
    [{ eventType: 'Open', open: {} }, { status: 'read' }],
    [bounce({}, { status: '5.1.1', diagnosticCode: 'smtp; 550 5.1.1 user unknown' }), { status: 'undelivered', errorCode: 30005, suppress: 'bounce', carrierCode: '5.1.1 General: smtp; 550 5.1.1 user unknown' }],
    [bounce({ bounceType: 'Transient', bounceSubType: 'MailboxFull' }), { status: 'undelivered', errorCode: 30003, retryable: true }],
    [bounce({ bounceType: 'Transient', bounceSubType: 'ContentRejected' }), { status: 'undelivered', errorCode: 30007 }],
    [bounce({ bounceSubType: 'OnAccountSuppressionList' }), { status: 'failed', errorCode: 21610, carrierCode: 'OnAccountSuppressionList' }],
    [{ eventType: 'Complaint', complaint: { complaintFeedbackType: 'abuse' } }, { status: 'delivered', suppress: 'complaint' }],
    [{ eventType: 'Complaint', complaint: { complaintFeedbackType: 'not-spam' } }, undefined],
    [{ eventType: 'Reject', reject: { reason: 'Bad content' } }, { status: 'failed', errorCode: 30007, carrierCode: 'Reject: Bad content' }],
    [{ eventType: 'Subscription', subscription: { newTopicPreferences: { unsubscribeAll: true } } }, { status: 'delivered', suppress: 'unsubscribe' }],
    [{ eventType: 'Click', click: {} }, undefined],
    [{ eventType: 'Teleport' }, undefined],
  ])('%j', async (said, expected) => {
    const seen = await open().parseWebhook(published({ ...about, ...said }));
    expect(seen).toEqual(expected === undefined ? [] : [expect.objectContaining({ ...expected, kind: 'status', deliveryId, from: 'ana@example.com', providerMessageId: '<0100-abc@eu-west-1.amazonses.com>' })]);
    if (expected && !('suppress' in expected)) expect(seen[0]).not.toHaveProperty('suppress');
  });

  it('without a configuration set has other names, and no reference of ours', async () => {
    const { mail: { tags: _, ...mail } } = about;
    const [event] = await open().parseWebhook(published({ mail, notificationType: 'Bounce', bounce: bounce({}, { status: '5.1.1' }).bounce }));
    expect(event).toMatchObject({ status: 'undelivered', errorCode: 30005, providerMessageId: '<0100-abc@eu-west-1.amazonses.com>' });
    expect(event).not.toHaveProperty('deliveryId');
  });
});

describe('a mail that SES received', () => {
  const mime = `From: Ana <ana@example.com>\r\nTo: support@${MAIL_DOMAIN}\r\nSubject: Hi\r\nMessage-ID: <m1@example.com>\r\n\r\nGr\u00fc\u00dfe`;
  const received = (more: object, verdicts: object = {}) => published({
    notificationType: 'Received', mail: { messageId: 'o3vr', source: 'ana@example.com' },
    receipt: { recipients: [`support@${MAIL_DOMAIN}`], spfVerdict: { status: 'PASS' }, dkimVerdict: { status: 'GRAY' }, dmarcVerdict: { status: 'FAIL' }, ...verdicts }, ...more,
  });
  it.each([['UTF-8', mime], ['base64', Buffer.from(mime).toString('base64')]])('comes whole, as %s, with its verdicts', async (_, content) => {
    expect(await open().parseWebhook(received({ content }))).toMatchObject([{
      kind: 'message', from: 'ana@example.com', to: `support@${MAIL_DOMAIN}`, text: 'Grüße', providerMessageId: '<m1@example.com>',
      email: { subject: 'Hi', authentication: { spf: 'pass', dkim: 'none', dmarc: 'fail' } },
    }]);
  });
  it('with a virus, or without its content, is passed over', async () => {
    const reasons = async (...events: Promise<InboundEvent[]>[]) => (await Promise.all(events)).flat().map((event) => event.kind === 'ignore' && event.reason);
    expect(await reasons(open().parseWebhook(received({ content: mime }, { virusVerdict: { status: 'FAIL' } })), open().parseWebhook(received({})))).toEqual(['a virus', 'without its content: publish it to SNS']);
  });
});

describe('a post of SNS', () => {
  const event = { ...about, eventType: 'Send' };
  const Message = JSON.stringify(event);
  it.each(['1', '2'])('signed by version %s is believed, and the certificate fetched once', async (SignatureVersion) => {
    const adapter = open();
    asked.length = 0;
    for (let i = 0; i < 2; i++) expect(await adapter.parseWebhook(published(event, { SignatureVersion, Subject: 'Amazon SES Email Event Notification' }))).toHaveLength(1);
    expect(asked).toEqual(['https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0a1b.pem']);
  });
  it.each<[what: string, fields: Record<string, string>, tampered?: Record<string, unknown>]>([
    ['of another topic', { TopicArn: 'arn:aws:sns:eu-west-1:999999999999:theirs' }],
    ['that was changed', {}, { Message: Message.replace('Send', 'Open') }],
    ['from long ago', { Timestamp: '2020-01-01T00:00:00.000Z' }],
    ['whose time is no text', {}, { Timestamp: [new Date().toISOString()] }],
    // The same bytes are signed, whichever field the line is in.
    ['of which a part moved to another field', { MessageId: 'f3e8', Subject: 'a' }, { Subject: undefined, MessageId: 'f3e8\nSubject\na' }],
    ['whose subject is no text', {}, { Subject: ['a'] }],
    ['of a signature nobody knows', { SignatureVersion: '3' }],
    ['of a signature that is a word of the language', { SignatureVersion: 'constructor' }],
    ['whose certificate lies elsewhere', { SigningCertURL: 'https://sns.eu-west-1.amazonaws.com.example.test/SimpleNotificationService-0a1b.pem' }],
    ['whose certificate lies with another region', { SigningCertURL: 'https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0a1b.pem' }],
    ['whose certificate is any file of SNS', { SigningCertURL: 'https://sns.eu-west-1.amazonaws.com/?Action=x' }],
    ['whose certificate comes unencrypted', { SigningCertURL: 'http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0a1b.pem' }],
  ])('%s is refused, and nobody else is asked', async (...[, fields, tampered]) => {
    asked.length = 0;
    await expect(open().parseWebhook(postedBySns({ Message, ...fields }, tampered))).rejects.toMatchObject({ name: 'InvalidSignature', status: 403 });
    expect(asked.filter((url) => !url.startsWith('https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-'))).toEqual([]);
  });
  it('that asks whether the topic is wanted is answered at SNS; where that fails, it asks again', async () => {
    asked.length = 0;
    expect(await open().parseWebhook(confirmation('2336'))).toEqual([]);
    expect(asked.at(-1)).toMatch(/^https:\/\/sns\.eu-west-1\.amazonaws\.com\/\?Action=ConfirmSubscription&.*Token=2336$/);
    await expect(open().parseWebhook(confirmation('slow'))).rejects.not.toMatchObject({ name: 'InvalidSignature' });
  });
  it('does not make us call anybody else', async () => {
    asked.length = 0;
    const elsewhere = postedBySns({ Type: 'SubscriptionConfirmation', Message: 'x', Token: 't', SubscribeURL: 'https://127.0.0.1/?Action=ConfirmSubscription' });
    await expect(open().parseWebhook(elsewhere)).rejects.toMatchObject({ name: 'InvalidSignature' });
    expect(asked).toHaveLength(1);
  });
});

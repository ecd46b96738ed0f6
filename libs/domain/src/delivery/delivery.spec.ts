import { givenWhenThen } from '../given-when-then.js';
import { delivery, type DeliveryCommand, type DeliveryEvent, type ReceiptStatus } from './delivery.js';

const given = givenWhenThen(delivery);
const now = '2026-01-01T00:00:00.000Z';
const receipt = {
  receiptSid: 'DY1', conversationSid: 'CH1', messageSid: 'IM1', participantSid: 'MB1', channelMessageSid: 'SM1', errorCode: 0,
} as const;
const report = (status: ReceiptStatus): DeliveryCommand => ({ type: 'ReportDelivery', data: { ...receipt, status, now } });
const was = (status: ReceiptStatus): DeliveryEvent => ({ type: 'DeliveryUpdated', data: { ...receipt, status, updatedAt: now } });

describe('ReportDelivery', () => {
  it('records the first report', () => given().when(report('sent')).then(was('sent')));
  it('moves forward', () => given(was('sent')).when(report('delivered')).then(was('delivered')));
  it('ignores a repetition', () => given(was('delivered')).when(report('delivered')).thenNothing());
  it('ignores a late one', () => given(was('read')).when(report('sent')).thenNothing());
  it('lets a delivery win over a failure', () => given(was('failed')).when(report('delivered')).then(was('delivered')));
  it('does not let a failure win over a delivery', () => given(was('delivered')).when(report('failed')).thenNothing());
  it('keeps receipts of recipients apart', () =>
    given(was('read')).when({ type: 'ReportDelivery', data: { ...receipt, receiptSid: 'DY2', status: 'sent', now } })
      .then({ type: 'DeliveryUpdated', data: { ...receipt, receiptSid: 'DY2', status: 'sent', updatedAt: now } }));
});

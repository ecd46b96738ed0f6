import { channelOf, channelOfProxy } from './address.js';

describe('the channel of an address', () => {
  it.each([
    ['+15558675310', 'sms'], ['whatsapp:+15558675310', 'whatsapp'], ['whatsapp:US.1a', 'whatsapp'], ['whatsapp:US.ENT.1a', 'whatsapp'], ['whatsapp:US.X.1a', undefined], ['a@example.com', 'email'], ['messenger:1', 'messenger'],
    ['55501', undefined], ['Parley', undefined], ['+1', undefined], ['whatsapp:', undefined], ['', undefined],
  ])('%s: %s', (address, channel) => expect(channelOf(address)).toBe(channel));
});

describe('the channel of a sender', () => {
  it.each([
    ['+15558675310', 'sms'], ['123', 'sms'], ['12345678', 'sms'], ['Parley', 'sms'], ['A-B_C+D & 1', 'sms'],
    ['12', undefined], ['123456789', undefined], ['Parley Mobile', undefined], ['Grüße', undefined], ['+-_&', undefined],
  ])('%s: %s', (address, channel) => expect(channelOfProxy(address)).toBe(channel));
});

import { isTwilioSignature, twilioSignature } from './signatures.js';

const token = '12345';
const url = 'https://mycompany.com/myapp.php?foo=1&bar=2';
const form = new URLSearchParams({
  CallSid: 'CA1234567890ABCDE', Caller: '+14158675309', Digits: '1234', From: '+14158675309', To: '+18005551212',
});

describe('X-Twilio-Signature', () => {
  it('is what the public example says', () => {
    expect(twilioSignature(token, url, form)).toBe('RSOYDt4T1cUTdK1PDd93/VVr8B8=');
  });
  it('does not depend on the order of parameters', () => {
    const reversed = new URLSearchParams([...form].reverse());
    expect(twilioSignature(token, url, reversed)).toBe(twilioSignature(token, url, form));
  });
  it('counts a repeated value once and sorts the others', () => {
    const of = (values: string[]) => twilioSignature(token, url, new URLSearchParams(values.map((value): [string, string] => ['A', value])));
    expect(of(['2', '1', '2'])).toBe(of(['1', '2']));
    expect(of(['1', '2'])).not.toBe(of(['1']));
  });
  it.each([
    ['https://a.test/x', 'https://a.test:443/x', true],
    ['https://a.test:443/x?y=1', 'https://a.test/x?y=1', true],
    ['http://a.test/x', 'http://a.test:80/x', true],
    ['http://[::1]/x', 'http://[::1]:80/x', true],
    ['https://a.test:8443/x', 'https://a.test/x', false],
    ['https://a.test/x', 'http://a.test/x', false],
  ])('made over %s is checked over %s: %s', (made, checked, valid) => {
    expect(isTwilioSignature(token, twilioSignature(token, made, form), checked, form)).toBe(valid);
  });
  it.each(['', 'nonsense', twilioSignature('another token', url, form)])('%j is refused', (signature) => {
    expect(isTwilioSignature(token, signature, url, form)).toBe(false);
  });
});

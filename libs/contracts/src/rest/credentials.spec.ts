import { createCredential, updateCredential } from './credentials.js';
import { codeOf } from './fault-table.testing.js';
import { parameters } from './parameters.js';

const tooLong = 'x'.repeat(16_385);

describe('createCredential', () => {
  it.each([
    [{}, 20001],
    [{ Type: '' }, 20001],
    [{ Type: 'sms' }, 20001],
    [{ Type: 'FcM' }, undefined],
    [{ Type: 'apn', FriendlyName: 'x'.repeat(65) }, 50003],
    [{ Type: 'apn', Sandbox: 'maybe' }, 20001],
    [{ Type: 'apn', Sandbox: '' }, 20001],
    [{ Type: 'apn', Certificate: '' }, 20001],
    [{ Type: 'apn', PrivateKey: '' }, 20001],
    [{ Type: 'gcm', ApiKey: '' }, 20001],
    [{ Type: 'fcm', Secret: '' }, 20001],
    [{ Type: 'apn', Certificate: tooLong }, 20001],
    [{ Type: 'apn', PrivateKey: tooLong }, 20001],
    [{ Type: 'gcm', ApiKey: tooLong }, 20001],
    [{ Type: 'fcm', Secret: tooLong }, 20001],
  ])('%# is %s', (form, code) => expect(codeOf(createCredential, form as Record<string, string>)).toBe(code));

  it('keeps secrets apart from what may be shown', () =>
    expect(parameters(createCredential, { Type: 'APN', FriendlyName: '', Certificate: 'c', PrivateKey: 'k', Sandbox: 'true' })).toEqual({
      open: { friendly_name: null, type: 'apn', sandbox: 'True' }, secrets: { certificate: 'c', private_key: 'k' },
    }));
});
describe('updateCredential', () => {
  it.each([[{}, undefined], [{ Type: 'x' }, 20001], [{ FriendlyName: 'x'.repeat(65) }, 50003]])('%j is %s', (form, code) =>
    expect(codeOf(updateCredential, form as Record<string, string>)).toBe(code));
});

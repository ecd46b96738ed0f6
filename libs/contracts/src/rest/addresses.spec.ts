import { createAddressConfiguration, listAddressConfigurations, updateAddressConfiguration } from './addresses.js';
import { codeOf } from './fault-table.testing.js';
import { parameters } from './parameters.js';

const sms = { Type: 'sms', Address: '+37256123457' };

describe('createAddressConfiguration', () => {
  it.each([
    [{}, 20001],
    [{ Address: '+37256123457' }, 20001],
    [{ Type: 'fax', Address: '+37256123457' }, 20001],
    [{ Type: 'sms', Address: '' }, 20001],
    [{ Type: 'sms', Address: 'whatsapp:+37256123457' }, 20001],
    [{ ...sms, FriendlyName: 'x'.repeat(257) }, 50003],
    [{ ...sms, AddressCountry: 'USA' }, 20001],
    [{ ...sms, 'AutoCreation.Enabled': 'maybe' }, 20001],
    [{ ...sms, 'AutoCreation.Type': 'bot' }, 20001],
    [{ ...sms, 'AutoCreation.ConversationServiceSid': 'IS1' }, 50050],
    [{ ...sms, 'AutoCreation.Type': 'webhook' }, 50369],
    [{ ...sms, 'AutoCreation.WebhookUrl': 'ftp://x' }, 50054],
    [{ ...sms, 'AutoCreation.WebhookUrl': `https://x/${'y'.repeat(512)}` }, 50372],
    [{ ...sms, 'AutoCreation.WebhookMethod': 'put' }, 50055],
    [{ ...sms, 'AutoCreation.WebhookFilters': ['onTea'] }, 50365],
    [{ ...sms, 'AutoCreation.Type': 'studio' }, 50367],
    [{ ...sms, 'AutoCreation.StudioFlowSid': 'FW1' }, 50367],
    [{ ...sms, 'AutoCreation.StudioRetryCount': 'x' }, 50065],
  ])('%j is %d', (form, code) => expect(codeOf(createAddressConfiguration, form)).toBe(code));

  it('is off unless asked for', () =>
    expect(parameters(createAddressConfiguration, sms)).toEqual({
      type: 'sms', address: '+37256123457', friendlyName: null, addressCountry: null,
      autoCreation: { enabled: false, type: 'default' },
    }));
  it('echoes the type, and has the API\'s own names inside', () =>
    expect(parameters(createAddressConfiguration, {
      Type: 'WhatsApp', Address: 'whatsapp:+37256123457', AddressCountry: 'ee', 'AutoCreation.Enabled': 'True',
      'AutoCreation.Type': 'Webhook', 'AutoCreation.WebhookUrl': 'https://example.com', 'AutoCreation.WebhookMethod': 'post',
      'AutoCreation.WebhookFilters': ['onmessageadded', 'onParticipantAdded'],
    })).toMatchObject({
      type: 'WhatsApp', addressCountry: 'EE',
      autoCreation: {
        enabled: true, type: 'webhook', webhook_url: 'https://example.com', webhook_method: 'POST',
        webhook_filters: ['onMessageAdded', 'onParticipantAdded'],
      },
    }));
});
describe('updateAddressConfiguration', () => {
  it('holds only what was given', () =>
    expect(parameters(updateAddressConfiguration, { 'AutoCreation.Enabled': 'false' })).toEqual({ autoCreation: { enabled: false } }));
});
describe('listAddressConfigurations', () => {
  it('filters by a known type', () => expect(codeOf(listAddressConfigurations, { Type: 'fax' })).toBe(20001));
});

import { codeOf } from './fault-table.testing.js';
import { parameters } from './parameters.js';
import { createService, updateServiceConfiguration, updateServiceNotification } from './services.js';

const RL = `RL${'0'.repeat(32)}`;

describe('createService', () => {
  it.each([
    [{}, 50000],
    [{ FriendlyName: '' }, 50000],
    [{ FriendlyName: 'x'.repeat(257) }, 50003],
    [{ FriendlyName: 'x'.repeat(256) }, undefined],
  ])('%j is %s', (form, code) => expect(codeOf(createService, form)).toBe(code));
});
describe('updateServiceConfiguration', () => {
  it.each([
    [{}, undefined],
    [{ DefaultConversationCreatorRoleSid: 'RL1' }, 50106],
    [{ DefaultConversationCreatorRoleSid: '' }, 50103],
    [{ DefaultConversationRoleSid: 'RL1' }, 50109],
    [{ DefaultConversationRoleSid: '' }, 50103],
    [{ DefaultChatServiceRoleSid: `IS${'0'.repeat(32)}` }, 50102],
    [{ DefaultChatServiceRoleSid: '' }, 50103],
    [{ DefaultChatServiceRoleSid: `${RL}0` }, 50102],
    [{ ReachabilityEnabled: 'maybe' }, 20001],
    [{ ReachabilityEnabled: '' }, 20001],
  ])('%j is %s', (form, code) => expect(codeOf(updateServiceConfiguration, form)).toBe(code));
  it('holds only what was given, as columns', () =>
    expect(parameters(updateServiceConfiguration, { ReachabilityEnabled: 'True', DefaultChatServiceRoleSid: RL }))
      .toEqual({ reachability_enabled: true, default_chat_service_role_sid: RL }));
});
describe('updateServiceNotification', () => {
  it.each([
    [{}, undefined],
    [{ LogEnabled: 'yes' }, 20001],
    [{ LogEnabled: '' }, 20001],
    [{ 'NewMessage.Enabled': '1' }, 20001],
    [{ 'NewMessage.BadgeCountEnabled': 'x' }, 20001],
    [{ 'NewMessage.WithMedia.Enabled': 'x' }, 20001],
    [{ 'AddedToConversation.Enabled': 'x' }, 20001],
    [{ 'RemovedFromConversation.Enabled': 'x' }, 20001],
    [{ 'NewMessage.Template': 'x'.repeat(1025) }, 50058],
    [{ 'NewMessage.WithMedia.Template': 'x'.repeat(1025) }, 50058],
    [{ 'AddedToConversation.Template': 'x'.repeat(1025) }, 50058],
    [{ 'RemovedFromConversation.Template': 'x'.repeat(1025) }, 50058],
    [{ 'NewMessage.Sound': 'x'.repeat(257) }, 50059],
    [{ 'AddedToConversation.Sound': 'x'.repeat(257) }, 50059],
    [{ 'RemovedFromConversation.Sound': 'x'.repeat(257) }, 50059],
  ])('%# is %s', (form, code) => expect(codeOf(updateServiceNotification, form as Record<string, string>)).toBe(code));
  it('clears texts with an empty value', () =>
    expect(parameters(updateServiceNotification, { 'NewMessage.Template': '', 'NewMessage.WithMedia.Enabled': 'false' }))
      .toEqual({ new_message_template: null, new_message_with_media_enabled: false }));
});

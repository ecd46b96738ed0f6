import { codeOf } from './fault-table.testing.js';
import { parameters } from './parameters.js';
import { createConversationWebhook, updateConversationWebhook, updateGlobalWebhooks, updateServiceWebhooks } from './webhooks.js';

const long = `https://example.com/${'x'.repeat(512)}`;
const hook = { Target: 'webhook', 'Configuration.Url': 'https://example.com', 'Configuration.Filters': ['onMessageAdded'] };
const trigger = { Target: 'trigger', 'Configuration.Url': 'https://example.com', 'Configuration.Triggers': ['help'] };

describe('updateGlobalWebhooks and updateServiceWebhooks', () => {
  it.each([
    [{ Method: 'PUT' }, 50055],
    [{ PreWebhookUrl: 'example.com' }, 50054],
    [{ PreWebhookUrl: long }, 50372],
    [{ PostWebhookUrl: 'ftp://example.com' }, 50054],
    [{ Filters: ['onTea'] }, 50365],
    [{ Filters: ['onMessageAdded', 'onTea'] }, 50365],
  ])('%j is %d', (form, code) => {
    expect(codeOf(updateGlobalWebhooks, form)).toBe(code);
    expect(codeOf(updateServiceWebhooks, form)).toBe(code);
  });
  it('only the account asks about users, and names a target', () => {
    expect(codeOf(updateGlobalWebhooks, { Filters: ['onUserAdded'] })).toBeUndefined();
    expect(codeOf(updateServiceWebhooks, { Filters: ['onUserAdded'] })).toBe(50365);
    expect(codeOf(updateGlobalWebhooks, { Target: 'Flex' })).toBeUndefined();
    expect(codeOf(updateGlobalWebhooks, { Target: 'tea' })).toBe(20001);
  });
  it('holds only what was given, in the API\'s spelling; empty clears', () => {
    expect(parameters(updateGlobalWebhooks, {})).toEqual({});
    expect(parameters(updateServiceWebhooks, {
      Method: 'get', Filters: ['ONMESSAGEADDED', 'onMessageAdd', 'onMessageAdd'], PreWebhookUrl: '', PostWebhookUrl: 'http://example.com/a?b=1',
    })).toEqual({ method: 'GET', filters: ['onMessageAdded', 'onMessageAdd'], pre_webhook_url: null, post_webhook_url: 'http://example.com/a?b=1' });
    expect(parameters(updateGlobalWebhooks, { Filters: [''] })).toEqual({ filters: [] });
  });
});

describe('createConversationWebhook', () => {
  it.each([
    [{}, 50368],
    [{ ...hook, Target: '' }, 50368],
    [{ ...hook, Target: 'flex' }, 50364],
    [{ ...hook, 'Configuration.Url': 'nowhere' }, 50054],
    [{ ...hook, 'Configuration.Url': long }, 50372],
    [{ Target: 'webhook', 'Configuration.Filters': ['onMessageAdded'] }, 50369],
    [{ Target: 'trigger', 'Configuration.Triggers': ['help'] }, 50369],
    [{ ...hook, 'Configuration.Filters': ['onMessageAdd'] }, 50365],
    [{ ...hook, 'Configuration.Filters': ['onConversationAdded'] }, 50365],
    [{ Target: 'webhook', 'Configuration.Url': 'https://example.com' }, 50370],
    [{ Target: 'trigger', 'Configuration.Url': 'https://example.com' }, 50371],
    [{ ...trigger, 'Configuration.Triggers': ['1', '2', '3', '4', '5', '6'] }, 50362],
    [{ ...trigger, 'Configuration.Triggers': ['x'.repeat(257)] }, 50366],
    [{ ...hook, 'Configuration.Method': 'put' }, 50055],
    [{ Target: 'studio' }, 50367],
    [{ Target: 'studio', 'Configuration.FlowSid': 'FW1' }, 50367],
    [{ ...hook, 'Configuration.ReplayAfter': '-1' }, 20001],
  ])('%j is %d', (form, code) => expect(codeOf(createConversationWebhook, form)).toBe(code));

  it('takes each target with what it needs', () => {
    expect(parameters(createConversationWebhook, { ...hook, 'Configuration.Method': 'GET', 'Configuration.ReplayAfter': '7' })).toEqual({
      target: 'webhook', url: 'https://example.com', method: 'get', filters: ['onMessageAdded'], replay_after: 7,
    });
    expect(parameters(createConversationWebhook, { ...trigger, Target: 'TRIGGER' })).toMatchObject({ target: 'trigger', triggers: ['help'], replay_after: null });
    expect(parameters(createConversationWebhook, { Target: 'studio', 'Configuration.FlowSid': `FW${'0'.repeat(32)}` })).toMatchObject({ target: 'studio' });
  });
});
describe('updateConversationWebhook', () => {
  it('holds only what was given', () => expect(parameters(updateConversationWebhook, { 'Configuration.Method': 'post' })).toEqual({ method: 'post' }));
});

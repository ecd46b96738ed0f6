import { updateConfiguration } from './configuration.js';
import { codeOf } from './fault-table.testing.js';
import { parameters } from './parameters.js';

describe('updateConfiguration', () => {
  it.each([
    [{}, undefined],
    [{ DefaultChatServiceSid: '' }, 50051],
    [{ DefaultChatServiceSid: 'IS1' }, 50050],
    [{ DefaultChatServiceSid: `CH${'0'.repeat(32)}` }, 50050],
    [{ DefaultChatServiceSid: `IS${'0'.repeat(33)}` }, 50050],
    [{ DefaultMessagingServiceSid: 'MG1' }, 50341],
    [{ DefaultMessagingServiceSid: `MG${'0'.repeat(33)}` }, 50341],
    [{ DefaultInactiveTimer: 'soon' }, 50379],
    [{ DefaultInactiveTimer: 'PT59S' }, 50375],
    [{ DefaultInactiveTimer: `P${'9'.repeat(300)}D` }, 50379],
    [{ DefaultClosedTimer: 'PT9M' }, 50376],
    [{ DefaultClosedTimer: '10' }, 50380],
    [{ DefaultClosedTimer: `P${'9'.repeat(300)}D` }, 50380],
  ])('%j is %s', (form, code) => expect(codeOf(updateConfiguration, form as Record<string, string>)).toBe(code));

  it('keeps durations as they were written, and clears with an empty value', () =>
    expect(parameters(updateConfiguration, { DefaultInactiveTimer: 'PT1M', DefaultClosedTimer: '', DefaultMessagingServiceSid: '' }))
      .toEqual({ default_inactive_timer: 'PT1M', default_closed_timer: null, default_messaging_service_sid: null }));
});

import { createConversation, listConversations, updateConversation } from './conversations.js';
import { codeOf } from './fault-table.testing.js';
import { parameters } from './parameters.js';

const long = (n: number) => 'x'.repeat(n);

describe('createConversation', () => {
  it.each([
    [{ FriendlyName: long(257) }, 50003],
    [{ UniqueName: long(257) }, 50004],
    [{ UniqueName: `CH${'0'.repeat(32)}` }, 50390],
    [{ DateCreated: 'yesterday' }, 50308],
    [{ DateCreated: '0000-01-01T00:00:00Z' }, 50308],
    [{ DateUpdated: '2026-13-01T00:00:00Z' }, 50309],
    [{ DateCreated: '2026-02-29T00:00:00Z' }, 50308],
    [{ DateCreated: '31 Apr 2026 00:00:00 GMT' }, 50308],
    [{ DateCreated: '2024-02-29T23:59:59-10:00' }, undefined],
    [{ DateCreated: 'Thu, 29 Feb 2024 00:00:00 GMT' }, undefined],
    [{ MessagingServiceSid: 'MG1' }, 50341],
    [{ Attributes: '{' }, 50304],
    [{ Attributes: '' }, 50304],
    [{ Attributes: `"${long(16_383)}"` }, 50303],
    [{ Attributes: `"${'ü'.repeat(8_192)}"` }, 50303],
    [{ State: '' }, 50374],
    [{ State: 'open' }, 50378],
    [{ State: 'initializing' }, 50378],
    [{ 'Timers.Inactive': 'PT59S' }, 50375],
    [{ 'Timers.Inactive': 'soon' }, 50379],
    [{ 'Timers.Inactive': 'P99999999999999W' }, 50379],
    [{ 'Timers.Closed': 'PT9M' }, 50376],
    [{ 'Timers.Closed': 'P' }, 50380],
    [{ 'Bindings.Email.Name': long(257) }, 20001],
  ])('%j is %s', (form, code) => expect(codeOf(createConversation, form)).toBe(code));

  it('takes what is allowed', () =>
    expect(parameters(createConversation, {
      FriendlyName: 'Home Repair', UniqueName: 'repair/1', State: 'INACTIVE', Attributes: '{ "a": 1 }',
      DateCreated: 'Wed, 16 Dec 2015 22:18:37 +0000', DateUpdated: '2015-12-16T23:18:38.5+01:00',
      'Timers.Inactive': 'PT1M', 'Timers.Closed': 'P1D', Unknown: 'ignored',
    })).toEqual({
      friendlyName: 'Home Repair', uniqueName: 'repair/1', state: 'inactive', attributes: '{ "a": 1 }',
      createdAt: '2015-12-16T22:18:37.000Z', updatedAt: '2015-12-16T22:18:38.500Z', timers: { inactive: 'PT1M', closed: 'P1D' },
    }));
});
describe('updateConversation', () => {
  it('holds only what was given', () => expect(parameters(updateConversation, {})).toEqual({}));
  it('clears with an empty value', () =>
    expect(parameters(updateConversation, { UniqueName: '', MessagingServiceSid: '', 'Timers.Closed': '' })).toEqual({
      uniqueName: null, messagingServiceSid: null, timers: { closed: '' },
    }));
});
describe('listConversations', () => {
  it.each([
    [{ StartDate: 'x' }, 20001],
    [{ State: 'open' }, 50378],
    [{ StartDate: '2026-01-02', EndDate: '2026-01-01' }, 50396],
  ])('%j is %d', (form, code) => expect(codeOf(listConversations, form)).toBe(code));
  it('means whole days and whole seconds', () =>
    expect(parameters(listConversations, { StartDate: '2026-01-01', EndDate: '2026-01-01', State: 'Closed' })).toEqual({
      StartDate: { given: '2026-01-01', at: '2026-01-01T00:00:00.000Z' },
      EndDate: { given: '2026-01-01', at: '2026-01-01T23:59:59.999Z' }, State: 'closed',
    }));
});

import { codeOf } from './fault-table.testing.js';
import { parameters } from './parameters.js';
import { createUser, listParticipantConversations, updateUser, updateUserConversation } from './users.js';

const shared: [Record<string, string>, number | undefined][] = [
  [{ FriendlyName: 'x'.repeat(257) }, 50003],
  [{ Attributes: '{' }, 50304],
  [{ Attributes: '' }, 50304],
  [{ Attributes: JSON.stringify('x'.repeat(4096)) }, 50303],
  [{ RoleSid: '' }, 50102],
  [{ RoleSid: 'RL1' }, 50102],
  [{ RoleSid: `RL${'a'.repeat(33)}` }, 50102],
  [{ FriendlyName: '' }, undefined],
];

describe('createUser', () => {
  it.each<[Record<string, string>, number | undefined]>([
    [{}, 50204],
    [{ Identity: '' }, 50204],
    [{ Identity: 'x'.repeat(257) }, 50207],
    [{ Identity: `US${'a'.repeat(32)}` }, 50206],
    [{ Identity: 'system' }, 50203],
    [{ Identity: 'System' }, undefined],
    ...shared.map(([form, code]): [Record<string, string>, number | undefined] => [{ Identity: 'ann', ...form }, code]),
  ])('%j is %s', (form, code) => expect(codeOf(createUser, form)).toBe(code));

  it('has defaults', () => expect(parameters(createUser, { Identity: 'ann' }))
    .toEqual({ identity: 'ann', friendlyName: null, attributes: '{}', roleSid: undefined }));
});

describe('updateUser', () => {
  it.each(shared)('%j is %s', (form, code) => expect(codeOf(updateUser, form)).toBe(code));
  it('leaves alone what is not given', () => expect(parameters(updateUser, { FriendlyName: '' })).toEqual({ friendly_name: null }));
});

describe('updateUserConversation', () => {
  it.each([
    [{ NotificationLevel: 'loud' }, 50210],
    [{ NotificationLevel: '' }, 50210],
    [{ NotificationLevel: 'x'.repeat(300) }, 50210],
    [{ LastReadMessageIndex: 'x' }, 50421],
    [{ LastReadMessageIndex: '-1' }, 50421],
    [{ LastReadMessageIndex: '99999999999' }, 50421],
    [{ LastReadTimestamp: 'yesterday' }, 50405],
  ])('%j is %d', (form, code) => expect(codeOf(updateUserConversation, form)).toBe(code));
  it('takes level and horizon', () => expect(parameters(updateUserConversation, { NotificationLevel: 'MUTED', LastReadMessageIndex: 'null' }))
    .toEqual({ notificationLevel: 'muted', horizon: { lastReadMessageIndex: null } }));
});

it.each([
  [{}, 20001],
  [{ Identity: 'ann', Address: '+15550100001' }, 50451],
  [{ Identity: '' }, 50204],
  [{ Identity: 'x'.repeat(257) }, 50207],
  [{ Address: '' }, 50411],
  [{ Address: '1'.repeat(257) }, 50407],
  [{ Identity: 'ann' }, undefined],
])('listParticipantConversations: %j is %s', (form, code) => expect(codeOf(listParticipantConversations, form)).toBe(code));

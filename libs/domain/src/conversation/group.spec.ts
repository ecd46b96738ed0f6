import { givenWhenThen } from '../given-when-then.js';
import type { DomainErrorCode } from '../domain-error.js';
import { conversation, defaultLimits, type ConversationCommand } from './conversation.js';
import type { ConversationEvent, GroupBinding, Participant, Recipient } from './events.js';
import { groupKey, isGroupNumber } from './group.js';

const given = givenWhenThen(conversation);
const now = '2026-01-01T00:00:00.000Z';
const fields = {
  conversationSid: 'CH1', chatServiceSid: 'IS1', messagingServiceSid: null, friendlyName: null, uniqueName: null, attributes: '{}',
  state: 'active', timers: {}, email: {},
} as const;
const created: ConversationEvent = { type: 'ConversationCreated', data: { ...fields, createdAt: now, updatedAt: now } };
const text = { messageSid: 'IM1', body: 'hello', attributes: '{}', media: null, contentSid: null, subject: null, source: null } as const;
const [ANN, BOB, DESK, SHOP] = ['+12025550101', '+12025550102', '+12025550103', '+12025550104'] as const;

const someone = (n: number, more: Partial<Participant>): Participant => ({ participantSid: `MB${n}`, identity: null, binding: null, attributes: '{}', roleSid: null, ...more });
const phone = (n: number, address: string) => someone(n, { group: { address } });
const projected = (n: number, projectedAddress: string, identity: string | null = null) => someone(n, { identity, group: { projectedAddress } });
const pair = (n: number) => someone(n, { binding: { type: 'sms', address: BOB, proxyAddress: DESK } });
const chat = (n: number) => someone(n, { identity: `user-${n}` });
const joined = (who: Participant): ConversationEvent => ({ type: 'ParticipantAdded', data: { ...who, createdAt: now, updatedAt: now } });
const add = (who: Participant, groupMembersMax?: number): ConversationCommand =>
  ({ type: 'AddParticipant', data: { ...who, limits: defaultLimits, ...(groupMembersMax !== undefined && { groupMembersMax }), now } });
const change = (n: number, what: object): ConversationCommand => ({ type: 'UpdateParticipant', data: { participantSid: `MB${n}`, ...what, now } });
const changed = (n: number, what: { group?: GroupBinding | null; identity?: string }): ConversationEvent =>
  ({ type: 'ParticipantUpdated', data: { participantSid: `MB${n}`, ...what, updatedAt: now } });

it.each([
  ['+12025550101', true], ['+15550100002', true], ['+16045550101', true],
  ['+18005550123', false], ['+18775550123', false], ['+19005550123', false], ['+16715550123', false], ['+17875550123', false], ['+18765550123', false],
  ['+447700900123', false], ['12345', false], ['+1202555010', false], ['whatsapp:+12025550101', false], ['Parley', false],
])('%s may be in a group: %s', (number, may) => expect(isGroupNumber(number)).toBe(may));

it('a group is known by its numbers', () => {
  expect(groupKey([BOB, ANN, DESK, ANN])).toBe(groupKey([DESK, BOB, ANN]));
  expect(groupKey([BOB, ANN])).not.toBe(groupKey([DESK, BOB, ANN]));
});

describe('who joins', () => {
  const group = [created, joined(projected(1, DESK, 'agent')), joined(phone(2, ANN))];
  it.each<[string, ConversationEvent[], Participant]>([
    ['a phone', [created], phone(1, ANN)], ['another phone', group, phone(3, BOB)], ['a user behind another number', group, projected(3, SHOP, 'shop')],
    ['a number of ours', group, projected(3, SHOP)], ['a phone again, after it left', [...group, { type: 'ParticipantRemoved', data: { participantSid: 'MB2', removedAt: now } }], phone(3, ANN)],
  ])('%s does', (_, before, who) => given(...before).when(add(who)).then(joined(who)));
  it.each<[string, ConversationEvent[], Participant, DomainErrorCode]>([
    ['a phone that is there', group, phone(3, ANN), 'group_participant_exists'],
    ['a phone as a number of ours', group, projected(3, ANN), 'group_participant_exists'],
    ['a user who is there', group, projected(3, SHOP, 'agent'), 'participant_exists'],
    ['a user without a number', group, chat(3), 'projected_address_missing'],
    ['a phone with a proxy address', group, pair(3), 'proxy_address_cannot_be_added'],
    ['a phone beside an address pair', [created, joined(pair(1))], phone(2, ANN), 'group_activation_failed'],
    ['a number of ours beside a chat member', [created, joined(chat(1))], projected(2, DESK), 'group_activation_failed'],
  ])('%s does not', (_, before, who, code) => given(...before).when(add(who)).thenRejects(code));
  it('is one of ten, or of as many as the carrier takes', () => {
    const ten = Array.from({ length: 10 }, (_, n) => joined(phone(n, `+1202555011${n}`)));
    given(created, ...ten).when(add(phone(99, ANN))).thenRejects('group_participant_limit_exceeded');
    given(created, ...ten.slice(1)).when(add(phone(99, ANN))).then(joined(phone(99, ANN)));
    given(created, ...ten.slice(1)).when(add(phone(99, ANN), 9)).thenRejects('group_participant_limit_exceeded');
  });
});

describe('who changes', () => {
  const group = [created, joined(projected(1, DESK)), joined(phone(2, ANN)), joined(projected(3, SHOP, 'shop'))];
  const alone = [created, joined(projected(1, DESK, 'agent'))];
  it.each<[string, ConversationEvent[], ConversationCommand, ConversationEvent]>([
    ['a user takes a number over', group, change(1, { identity: 'agent' }), changed(1, { identity: 'agent' })],
    ['a user takes another number', group, change(3, { projectedAddress: BOB, groupMembersMax: 3 }), changed(3, { group: { projectedAddress: BOB } })],
    ['a chat member gets a number', [created, joined(chat(1))], change(1, { projectedAddress: DESK }), changed(1, { group: { projectedAddress: DESK } })],
    ['the last user gives the number back', alone, change(1, { projectedAddress: null }), changed(1, { group: null })],
  ])('%s', (_, before, command, fact) => given(...before).when(command).then(fact));
  it.each<[string, ConversationEvent[], ConversationCommand, DomainErrorCode]>([
    ['a user of a group without a number', group, change(3, { projectedAddress: null }), 'projected_address_cannot_be_removed'],
    ['a number without its number', group, change(1, { projectedAddress: null }), 'projected_address_cannot_be_removed'],
    ['a phone without the number it never had', group, change(2, { projectedAddress: null }), 'projected_address_cannot_be_removed'],
    ['a phone as a number of ours', group, change(2, { projectedAddress: BOB }), 'projected_address_cannot_be_added'],
    ['a number that is there', group, change(3, { projectedAddress: ANN }), 'group_participant_exists'],
    ['a chat member beside others', [created, joined(chat(1)), joined(chat(2))], change(1, { projectedAddress: DESK }), 'projected_address_cannot_be_added'],
    ['a phone with an identity', group, change(2, { identity: 'ann' }), 'identity_cannot_be_added'],
    ['a user with another identity', group, change(3, { identity: 'ann' }), 'identity_cannot_be_added'],
    ['a number with a user who is there', group, change(1, { identity: 'shop' }), 'participant_exists'],
    ['a member with a proxy address', group, change(2, { proxyAddress: DESK }), 'proxy_address_cannot_be_added'],
    ['a number whose carrier takes fewer', group, change(3, { projectedAddress: BOB, groupMembersMax: 2 }), 'group_participant_limit_exceeded'],
  ])('nobody has: %s', (_, before, command, code) => given(...before).when(command).thenRejects(code));
});

describe('what is said', () => {
  const group = [created, joined(phone(2, ANN)), joined(projected(1, DESK, 'agent')), joined(projected(4, SHOP)), joined(phone(3, BOB))];
  const say = (author: string): ConversationCommand => ({ type: 'AddMessage', data: { ...text, author, now } });
  const to = (n: number, address: string, proxyAddress: string): Recipient => ({ participantSid: `MB${n}`, type: 'sms', address, proxyAddress });
  const said = (author: string, participantSid: `MB${number}`, recipients: Recipient[], numbers?: string[]): ConversationEvent =>
    ({ type: 'MessageAdded', data: { ...text, author, index: 0, participantSid, recipients, ...(numbers && { group: numbers }), createdAt: now, updatedAt: now } });
  it('by a user goes to everybody else at once', () =>
    given(...group).when(say('agent')).then(said('agent', 'MB1', [to(2, ANN, DESK), to(3, BOB, DESK)], [ANN, BOB, SHOP])));
  it('by a number of ours too', () =>
    given(...group).when(say(SHOP)).then(said(SHOP, 'MB4', [to(2, ANN, SHOP), to(3, BOB, SHOP)], [ANN, BOB, DESK])));
  it('by a phone has reached them already', () => given(...group).when(say(ANN)).then(said(ANN, 'MB2', [])));
  it('to a single phone is said in the group all the same', () =>
    given(created, joined(phone(2, ANN)), joined(projected(1, DESK, 'agent'))).when(say('agent')).then(said('agent', 'MB1', [to(2, ANN, DESK)], [ANN])));
  it('where no phone is goes nowhere', () => given(created, joined(projected(1, DESK, 'agent')), joined(projected(4, SHOP))).when(say('agent')).then(said('agent', 'MB1', [])));
  it('is said by a member', () => given(...group).when(say('system')).thenRejects('author_not_in_group'));
  it('goes from the number its author has now', () =>
    given(...group, changed(1, { group: { projectedAddress: '+12025550199' } })).when(say('agent'))
      .then(said('agent', 'MB1', [to(2, ANN, '+12025550199'), to(3, BOB, '+12025550199')], [ANN, BOB, SHOP])));
});

it('a group that a message opens is there with its members and that message, or not at all', () => {
  const members = [phone(1, ANN), phone(2, BOB), projected(3, DESK)];
  const facts: ConversationEvent[] = [
    { type: 'ConversationCreated', data: { ...fields, state: 'initializing', createdAt: now, updatedAt: now } }, ...members.map(joined),
    { type: 'MessageAdded', data: { ...text, author: ANN, index: 0, participantSid: 'MB1', recipients: [], createdAt: now, updatedAt: now } },
    { type: 'ConversationStateUpdated', data: { from: 'initializing', to: 'active', reason: 'EVENT', updatedAt: now } },
  ];
  given().when({ type: 'CreateConversation', data: { ...fields, participants: members, message: { ...text, author: ANN }, now } }).then(...facts);
});

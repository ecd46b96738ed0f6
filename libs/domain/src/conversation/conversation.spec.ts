import { givenWhenThen } from '../given-when-then.js';
import type { MessagingBinding } from '../address.js';
import type { DomainErrorCode } from '../domain-error.js';
import { conversation, defaultLimits, type ConversationCommand } from './conversation.js';
import type { ConversationEvent, Recipient } from './events.js';

const given = givenWhenThen(conversation);
const now = '2026-01-01T00:00:00.000Z';
const fields = {
  conversationSid: 'CH1', chatServiceSid: 'IS1', messagingServiceSid: null, friendlyName: null, uniqueName: null, attributes: '{}',
  state: 'active', timers: {}, email: {},
} as const;
const create: ConversationCommand = { type: 'CreateConversation', data: { ...fields, now } };
const created: ConversationEvent = { type: 'ConversationCreated', data: { ...fields, createdAt: now, updatedAt: now } };
const deleted: ConversationEvent = { type: 'ConversationDeleted', data: { deletedAt: now } };
const stateChanged = (from: 'active' | 'inactive', to: 'active' | 'inactive' | 'closed', reason: 'API' | 'EVENT' = 'API'): ConversationEvent =>
  ({ type: 'ConversationStateUpdated', data: { from, to, reason, updatedAt: now } });
const closed = stateChanged('active', 'closed');

const chat = (n: number) => ({ participantSid: `MB${n}` as const, identity: `user-${n}`, binding: null, attributes: '{}', roleSid: null });
const sms = (n: number, proxyAddress = '+15550100001') =>
  ({ participantSid: `MB${n}` as const, identity: null, binding: binding(n, proxyAddress), attributes: '{}', roleSid: null });
const binding = (n: number, proxyAddress: string): MessagingBinding => ({ type: 'sms', address: `+1555020000${n}`, proxyAddress });
type Someone = ReturnType<typeof chat> | ReturnType<typeof sms>;
const joined = (who: Someone): ConversationEvent => ({ type: 'ParticipantAdded', data: { ...who, createdAt: now, updatedAt: now } });
const add = (who: Someone, limits = defaultLimits): ConversationCommand => ({ type: 'AddParticipant', data: { ...who, limits, now } });

const text = { messageSid: 'IM1', body: 'hello', attributes: '{}', media: null, contentSid: null, subject: null, source: null } as const;
const say = (author = 'system'): ConversationCommand => ({ type: 'AddMessage', data: { ...text, author, now } });
const said = (index: number, author = 'system', recipients: Recipient[] = [], participantSid: `MB${number}` | null = null): ConversationEvent =>
  ({ type: 'MessageAdded', data: { ...text, author, index, participantSid, recipients, createdAt: now, updatedAt: now } });
const to = (n: number): Recipient => ({ participantSid: `MB${n}`, ...binding(n, '+15550100001') });

describe('CreateConversation', () => {
  it('records it with its deadlines', () => given().when(create).then(created));
  it('counts timers from now', () =>
    given().when({ type: 'CreateConversation', data: { ...fields, timers: { closed: 'PT10M' }, now } }).then({
      type: 'ConversationCreated',
      data: { ...fields, timers: { closed: 'PT10M', dateClosed: '2026-01-01T00:10:00.000Z' }, createdAt: now, updatedAt: now },
    }));
  it('never makes the same one twice', () => given(created).when(create).thenRejects('conflicting_modification'));
  it('is refused as closed', () =>
    given().when({ type: 'CreateConversation', data: { ...fields, state: 'closed', now } }).thenRejects('initial_state_closed'));
});

describe('CreateConversation with participants', () => {
  const together = (participants: Someone[], extra: object = {}): ConversationCommand =>
    ({ type: 'CreateConversation', data: { ...fields, ...extra, participants, now } });
  const initializing: ConversationEvent = { type: 'ConversationCreated', data: { ...fields, state: 'initializing', createdAt: now, updatedAt: now } };
  const ready = (to: 'active' | 'inactive'): ConversationEvent =>
    ({ type: 'ConversationStateUpdated', data: { from: 'initializing', to, reason: 'EVENT', updatedAt: now } });
  it('records all of it at once', () =>
    given().when(together([chat(1), sms(2)])).then(...[initializing, joined(chat(1)), joined(sms(2)), ready('active')]));
  it('ends in the state asked for', () =>
    given().when(together([chat(1)], { state: 'inactive' })).then(...[initializing, joined(chat(1)), ready('inactive')]));
  it('is a plain one without any', () => given().when(together([])).then(created));
  it.each<[string, Someone[], DomainErrorCode]>([
    ['the same identity twice', [chat(1), { ...chat(2), identity: 'user-1' }], 'participant_exists'],
    ['the same pair twice', [sms(1), { ...sms(1), participantSid: 'MB9' }], 'address_pair_in_use'],
  ])('refuses %s', (_case, participants, code) => given().when(together(participants)).thenRejects(code));
  it('keeps to the limits', () =>
    given().when(together([chat(1), chat(2)], { limits: { participantsMax: 1, nonChatParticipantsMax: 1 } })).thenRejects('participant_limit_exceeded'));
});

describe('AddMessage', () => {
  it('gets index 0 first', () => given(created).when(say()).then(said(0)));
  it('takes the next index', () => given(created, said(0), said(1)).when(say()).then(said(2)));
  it('does not reuse the index of a deleted message', () =>
    given(created, said(0), { type: 'MessageDeleted', data: { messageSid: 'IM1', index: 0, deletedAt: now } }).when(say()).then(said(1)));
  it('goes to everybody outside the chat', () =>
    given(created, joined(chat(1)), joined(sms(2)), joined(sms(3))).when(say()).then(said(0, 'system', [to(2), to(3)])));
  it('does not go back to its author, whom it names', () =>
    given(created, joined(sms(2)), joined(sms(3))).when(say('+15550200002')).then(said(0, '+15550200002', [to(3)], 'MB2')));
  it('names the chat member who wrote it', () =>
    given(created, joined(chat(1)), joined(sms(2))).when(say('user-1')).then(said(0, 'user-1', [to(2)], 'MB1')));
  it('does not go to who has it already', () =>
    given(created, joined(sms(2)), joined(sms(3))).when({ type: 'AddMessage', data: { ...text, author: '+15550100001', heldBy: '+15550200002', now } })
      .then(said(0, '+15550100001', [to(3)])));
  it('does not go to who has left', () =>
    given(created, joined(sms(2)), { type: 'ParticipantRemoved', data: { participantSid: 'MB2', removedAt: now } })
      .when(say()).then(said(0)));
  it('wakes an inactive conversation', () =>
    given(created, stateChanged('active', 'inactive')).when(say()).then(stateChanged('inactive', 'active', 'EVENT'), said(0)));
  it('is refused once closed', () => given(created, closed).when(say()).thenRejects('conversation_closed'));
  it('is refused after deletion', () => given(created, deleted).when(say()).thenRejects('conversation_not_found'));
  it('is refused where there is no conversation', () => given().when(say()).thenRejects('conversation_not_found'));
});

describe('AddParticipant', () => {
  it('records who joined', () => given(created).when(add(chat(1))).then(joined(chat(1))));
  it('refuses an identity that is there', () =>
    given(created, joined(chat(1))).when(add({ ...chat(2), identity: 'user-1' })).thenRejects('participant_exists'));
  it('takes an identity again after it left', () =>
    given(created, joined(chat(1)), { type: 'ParticipantRemoved', data: { participantSid: 'MB1', removedAt: now } })
      .when(add(chat(1))).then(joined(chat(1))));
  it('refuses the same address pair', () =>
    given(created, joined(sms(2))).when(add({ ...sms(2), participantSid: 'MB9' })).thenRejects('address_pair_in_use'));
  it('takes the same address with another proxy', () =>
    given(created, joined(sms(2))).when(add(sms(2, '+15550100077'))).then(joined(sms(2, '+15550100077'))));
  it('keeps to the limit of participants', () =>
    given(created, joined(chat(1))).when(add(chat(2), { participantsMax: 1, nonChatParticipantsMax: 1 })).thenRejects('participant_limit_exceeded'));
  it('keeps to the limit of participants outside the chat', () =>
    given(created, joined(sms(1))).when(add(sms(2), { participantsMax: 9, nonChatParticipantsMax: 1 }))
      .thenRejects('non_chat_participant_limit_exceeded'));
  it('is refused once closed', () => given(created, closed).when(add(chat(1))).thenRejects('conversation_closed'));
});

describe('UpdateParticipant', () => {
  it('moves a participant to another proxy', () =>
    given(created, joined(sms(2))).when({ type: 'UpdateParticipant', data: { participantSid: 'MB2', proxyAddress: '+15550100077', now } })
      .then({ type: 'ParticipantUpdated', data: { participantSid: 'MB2', binding: binding(2, '+15550100077'), updatedAt: now } }));
  it('follows a participant to a new address', () =>
    given(created, joined(sms(2))).when({ type: 'UpdateParticipant', data: { participantSid: 'MB2', address: '+15550200009', now } })
      .then({ type: 'ParticipantUpdated', data: { participantSid: 'MB2', binding: { ...binding(2, '+15550100001'), address: '+15550200009' }, updatedAt: now } }));
  it('and messages go there from then on', () =>
    given(created, joined(sms(2)), { type: 'ParticipantUpdated', data: { participantSid: 'MB2', binding: { ...binding(2, '+15550100001'), address: '+15550200009' }, updatedAt: now } })
      .when(say()).then(said(0, 'system', [{ ...to(2), address: '+15550200009' }])));
  it('is nothing when the address is the one it has', () =>
    given(created, joined(sms(2))).when({ type: 'UpdateParticipant', data: { participantSid: 'MB2', address: binding(2, '').address, now } }).thenNothing());
  it('does not take the proxy away', () =>
    given(created, joined(sms(2))).when({ type: 'UpdateParticipant', data: { participantSid: 'MB2', proxyAddress: null, now } })
      .thenRejects('proxy_address_cannot_be_removed'));
  it('does not give a chat member a proxy', () =>
    given(created, joined(chat(1))).when({ type: 'UpdateParticipant', data: { participantSid: 'MB1', proxyAddress: '+15550100077', now } })
      .thenRejects('proxy_address_cannot_be_added'));
  it('knows only its participants', () =>
    given(created).when({ type: 'UpdateParticipant', data: { participantSid: 'MB1', attributes: '{}', now } }).thenRejects('participant_not_found'));
});

describe('ReadUpTo', () => {
  const read = (index: number): ConversationCommand => ({ type: 'ReadUpTo', data: { participantSid: 'MB2', index, now } });
  const horizon = (lastReadMessageIndex: number | null): ConversationEvent => ({ type: 'ParticipantUpdated', data: { participantSid: 'MB2', lastReadMessageIndex, updatedAt: now } });
  const moved = (index: number): ConversationEvent => ({ type: 'ParticipantUpdated', data: { participantSid: 'MB2', lastReadMessageIndex: index, lastReadTimestamp: now, updatedAt: now } });
  it('moves the horizon', () => given(created, joined(sms(2))).when(read(0)).then(moved(0)));
  it('only forward, whoever set it', () => given(created, joined(sms(2)), horizon(3)).when(read(3)).thenNothing());
  it('from nothing when it was taken back', () => given(created, joined(sms(2)), horizon(3), horizon(null)).when(read(1)).then(moved(1)));
  it('is nothing of somebody who has left', () =>
    given(created, joined(sms(2)), { type: 'ParticipantRemoved', data: { participantSid: 'MB2', removedAt: now } }).when(read(0)).thenNothing());
  it('is nothing, and no error, once closed', () => given(created, joined(sms(2)), closed).when(read(0)).thenNothing());
});

describe('state', () => {
  const close: ConversationCommand = { type: 'ChangeState', data: { state: 'closed', reason: 'API', now } };
  it('closes', () => given(created).when(close).then(closed));
  it('closing twice does nothing', () => given(created, closed).when(close).thenNothing());
  it('never opens again', () =>
    given(created, closed).when({ type: 'UpdateConversation', data: { state: 'active', now } }).thenRejects('conversation_closed'));
  it('update to the state it has is no fact', () => given(created).when({ type: 'UpdateConversation', data: { state: 'active', now } }).thenNothing());
  it('may be deleted when closed', () => given(created, closed).when({ type: 'DeleteConversation', data: { now } }).then(deleted));
});

describe('timers', () => {
  it('keep the one that is not named', () =>
    given({ type: 'ConversationCreated', data: { ...fields, timers: { inactive: 'PT5M' }, createdAt: now, updatedAt: now } })
      .when({ type: 'UpdateConversation', data: { timers: { closed: 'P1D' }, now } })
      .then({
        type: 'ConversationUpdated',
        data: {
          timers: { inactive: 'PT5M', dateInactive: '2026-01-01T00:05:00.000Z', closed: 'P1D', dateClosed: '2026-01-02T00:00:00.000Z' },
          updatedAt: now,
        },
      }));
  const from = (timers: object, state: 'active' | 'inactive' = 'active'): ConversationEvent =>
    ({ type: 'ConversationCreated', data: { ...fields, state, timers, createdAt: now, updatedAt: now } });
  const minute = { inactive: 'PT1M', dateInactive: '2026-01-01T00:01:00.000Z' };
  const ten = { closed: 'PT10M', dateClosed: '2026-01-01T00:10:00.000Z' };
  const at = (time: string) => `2026-01-01T00:${time}Z`;
  const apply = (time: string): ConversationCommand => ({ type: 'ApplyTimers', data: { now: at(time) } });
  const ranOut = (from: 'active' | 'inactive', to: 'inactive' | 'closed', time: string): ConversationEvent =>
    ({ type: 'ConversationStateUpdated', data: { from, to, reason: 'TIMER', updatedAt: at(time) } });
  const saidAt = (time: string, index = 0): ConversationEvent => ({ ...said(index), data: { ...said(index).data, createdAt: at(time) } } as ConversationEvent);
  it.each<[string, ConversationEvent[], string, ConversationEvent | undefined]>([
    ['not yet', [from(minute)], '00:59.999', undefined],
    ['inactive at its minute', [from({ ...minute, ...ten })], '01:00.000', ranOut('active', 'inactive', '01:00.000')],
    ['closed at its ten minutes', [from(ten)], '10:00.000', ranOut('active', 'closed', '10:00.000')],
    ['closed also when inactive', [from({ ...minute, ...ten }), ranOut('active', 'inactive', '01:00.000')], '10:00.000', ranOut('inactive', 'closed', '10:00.000')],
    ['closed at once when both are long over', [from({ ...minute, ...ten })], '30:00.000', ranOut('active', 'closed', '30:00.000')],
    ['inactive only once', [from(minute), ranOut('active', 'inactive', '01:00.000')], '05:00.000', undefined],
    ['never without timers', [from({})], '59:00.000', undefined],
    ['never again once closed', [from(ten), ranOut('active', 'closed', '10:00.000')], '20:00.000', undefined],
    ['counted from the last message', [from(minute), saidAt('00:30.000')], '01:29.999', undefined],
    ['counted from the last message, then', [from(minute), saidAt('00:30.000')], '01:30.000', ranOut('active', 'inactive', '01:30.000')],
    ['not moved back by an imported message', [from(minute), saidAt('00:30.000'), { ...saidAt('00:00.000', 1) }], '01:29.000', undefined],
    ['not counted from an imported date of creation', [{ ...from(minute), data: { ...from(minute).data, createdAt: '2015-01-01T00:00:00.000Z' } } as ConversationEvent], '00:59.000', undefined],
    ['counted anew from being set', [from(minute), { type: 'ConversationUpdated', data: { timers: { inactive: 'PT1M', dateInactive: at('01:50.000') }, updatedAt: at('00:50.000') } }],
      '01:49.000', undefined],
    ['counted anew from becoming active', [from(minute, 'inactive'), { type: 'ConversationStateUpdated', data: { from: 'inactive', to: 'active', reason: 'API', updatedAt: at('05:00.000') } }],
      '05:59.000', undefined],
  ])('make it %s', (_case, events, time, expected) => {
    const outcome = given(...events).when(apply(time));
    if (expected) outcome.then(expected);
    else outcome.thenNothing();
  });
  it('an empty duration removes one', () =>
    given({ type: 'ConversationCreated', data: { ...fields, timers: { inactive: 'PT5M' }, createdAt: now, updatedAt: now } })
      .when({ type: 'UpdateConversation', data: { timers: { inactive: '' }, now } })
      .then({ type: 'ConversationUpdated', data: { timers: {}, updatedAt: now } }));
});

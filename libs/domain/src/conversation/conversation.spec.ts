import { givenWhenThen } from '../given-when-then.js';
import type { MessagingBinding } from '../address.js';
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
  it('does not take the proxy away', () =>
    given(created, joined(sms(2))).when({ type: 'UpdateParticipant', data: { participantSid: 'MB2', proxyAddress: null, now } })
      .thenRejects('proxy_address_cannot_be_removed'));
  it('does not give a chat member a proxy', () =>
    given(created, joined(chat(1))).when({ type: 'UpdateParticipant', data: { participantSid: 'MB1', proxyAddress: '+15550100077', now } })
      .thenRejects('proxy_address_cannot_be_added'));
  it('knows only its participants', () =>
    given(created).when({ type: 'UpdateParticipant', data: { participantSid: 'MB1', attributes: '{}', now } }).thenRejects('participant_not_found'));
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
  it('an empty duration removes one', () =>
    given({ type: 'ConversationCreated', data: { ...fields, timers: { inactive: 'PT5M' }, createdAt: now, updatedAt: now } })
      .when({ type: 'UpdateConversation', data: { timers: { inactive: '' }, now } })
      .then({ type: 'ConversationUpdated', data: { timers: {}, updatedAt: now } }));
});

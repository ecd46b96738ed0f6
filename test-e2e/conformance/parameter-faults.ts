/**
 * What each parameter answers to a wrong value, an over-long one, an empty one, and to its absence (API reference 1 and
 * 2.8; docs/rest-api.md where the reference leaves room). A row is four outcomes: a code, `ok`, or `-` where there is no
 * such value: any text is right.
 */
import type { Operation } from './published-api.js';
import { another, PROXY, type Form } from './world.js';

export const ACCEPTED = 0;
export type Try = 'wrong' | 'long' | 'empty' | 'absent';
type Rows = Readonly<Record<string, string>>;
type Entry = { base?: () => Form; rows: Rows };

/** Of every list. Above the maximum a page is as large as allowed. */
const paging: Rows = { PageSize: '20007 20007 20007 ok', Page: '20001 20001 20001 ok', PageToken: '21481 21481 21481 ok' };
const dates: Rows = { DateCreated: '50308 50308 50308 ok', DateUpdated: '50309 50309 50309 ok' };
const attributes: Rows = { Attributes: '50304 50303 50304 ok' };
const friendlyName: Rows = { FriendlyName: '- 50003 ok ok' };
const conversation: Rows = {
  ...friendlyName, ...dates, ...attributes, 'UniqueName': '50390 50004 ok ok', 'MessagingServiceSid': '50341 50341 ok ok', 'State': '50378 50378 50374 ok',
  'Timers.Inactive': '50379 50379 ok ok', 'Timers.Closed': '50380 50380 ok ok', 'Bindings.Email.Address': '- 20001 ok ok', 'Bindings.Email.Name': '- 20001 ok ok',
};
const message: Rows = { ...dates, ...attributes, Author: '- 50310 ok ok', Subject: '- 20001 ok ok' };
const horizon: Rows = { LastReadMessageIndex: '50421 50421 ok ok', LastReadTimestamp: '50405 50405 ok ok' };
const automatic: Rows = {
  ...friendlyName, 'AutoCreation.Enabled': '20001 20001 20001 ok', 'AutoCreation.Type': '20001 20001 20001 ok', 'AutoCreation.ConversationServiceSid': '50050 50050 50050 ok',
  'AutoCreation.WebhookUrl': '50054 50372 50054 ok', 'AutoCreation.WebhookMethod': '50055 50055 50055 ok', 'AutoCreation.WebhookFilters': '50365 50365 ok ok',
  'AutoCreation.StudioFlowSid': '50367 50367 50367 ok', 'AutoCreation.StudioRetryCount': '50065 50065 50065 ok',
};
const webhooks: Rows = { Method: '50055 50055 50055 ok', Filters: '50365 50365 ok ok', PreWebhookUrl: '50054 50372 ok ok', PostWebhookUrl: '50054 50372 ok ok' };
const secrets: Rows = { Certificate: '- 20001 20001 ok', PrivateKey: '- 20001 20001 ok', Sandbox: '20001 20001 20001 ok', ApiKey: '- 20001 20001 ok', Secret: '- 20001 20001 ok' };
const hook: Rows = { 'Configuration.Method': '50055 50055 50055 ok', 'Configuration.Triggers': '- 50366 ok ok', 'Configuration.FlowSid': '50367 50367 50367 ok' };
const user: Rows = { ...friendlyName, ...attributes, RoleSid: '50102 50102 50102 ok' };
const onOff = '20001 20001 20001 ok';
const template = '- 50058 ok ok';
const sound = '- 50059 ok ok';
/** One participant has an identity or a pair of addresses. */
const pair = () => ({ 'MessagingBinding.Address': `+1888${1_000_000 + Number(another('').trim())}`, 'MessagingBinding.ProxyAddress': PROXY });
const identity = () => ({ Identity: another('identity') });

const entries: Readonly<Record<string, Entry>> = {
  'POST Configuration': { rows: {
    DefaultChatServiceSid: '50050 50050 50051 ok', DefaultMessagingServiceSid: '50341 50341 ok ok', DefaultInactiveTimer: '50379 50379 ok ok', DefaultClosedTimer: '50380 50380 ok ok',
  } },
  'GET Configuration/Addresses': { rows: { ...paging, Type: '20001 20001 20001 ok' } },
  'POST Configuration/Addresses': {
    base: () => ({ Type: 'sms', Address: `+1777${1_000_000 + Number(another('').trim())}` }),
    rows: { ...automatic, Type: '20001 20001 20001 20001', Address: '20001 20001 20001 20001', AddressCountry: '20001 20001 20001 ok' },
  },
  'POST Configuration/Addresses/{}': { rows: automatic },
  'POST Configuration/Webhooks': { rows: { ...webhooks, Target: '20001 20001 20001 ok' } },
  'POST Conversations': { rows: conversation },
  'GET Conversations': { rows: { ...paging, StartDate: '20001 20001 20001 ok', EndDate: '20001 20001 20001 ok', State: '50378 50378 50378 ok' } },
  'POST Conversations/{}': { rows: conversation },
  'POST Conversations/{}/Messages': {
    base: () => ({ Body: 'x' }),
    rows: { ...message, Body: '- 50504 50503 50503', MediaSid: '50510 50510 50510 ok', ContentSid: '50526 50526 50526 ok', ContentVariables: '50528 50528 50528 ok' },
  },
  'GET Conversations/{}/Messages': { rows: { ...paging, Order: '20001 20001 20001 ok' } },
  'POST Conversations/{}/Messages/{}': { rows: { ...message, Body: '- 50504 ok ok' } },
  'GET Conversations/{}/Messages/{}/Receipts': { rows: paging },
  'POST Conversations/{}/Participants': { base: identity, rows: {
    ...dates, ...attributes, 'Identity': '50206 50207 50204 50204', 'MessagingBinding.Address': '50407 50407 50411 50411',
    'MessagingBinding.ProxyAddress': '50408 50408 50412 50407', 'MessagingBinding.ProjectedAddress': '50439 50439 50434 ok', 'RoleSid': '50109 50109 50109 ok',
  } },
  'GET Conversations/{}/Participants': { rows: paging },
  'POST Conversations/{}/Participants/{}': { rows: {
    ...dates, ...attributes, ...horizon, 'Identity': '50206 50207 50204 ok', 'RoleSid': '50109 50109 50109 ok', 'MessagingBinding.ProxyAddress': '50441 50408 50412 ok',
    'MessagingBinding.ProjectedAddress': '50439 50439 50434 ok',
  } },
  'GET Conversations/{}/Webhooks': { rows: paging },
  'POST Conversations/{}/Webhooks': {
    base: () => ({ 'Target': 'webhook', 'Configuration.Url': 'https://example.com/', 'Configuration.Filters': ['onMessageAdded'] }),
    rows: {
      ...hook, 'Target': '50364 50364 50368 50368', 'Configuration.Url': '50054 50372 50054 50369', 'Configuration.Filters': '50365 50365 50370 50370',
      'Configuration.ReplayAfter': '20001 20001 20001 ok',
    },
  },
  'POST Conversations/{}/Webhooks/{}': { rows: { ...hook, 'Configuration.Url': '50054 50372 50054 ok', 'Configuration.Filters': '50365 50365 50370 ok' } },
  'POST ConversationWithParticipants': { rows: { ...conversation, Participant: '50424 50424 50424 ok' } },
  'GET ParticipantConversations': { rows: { ...paging, Identity: '- 50207 50204 20001', Address: '50451 50407 50411 ok' } },
  'GET Credentials': { rows: paging },
  'POST Credentials': { base: () => ({ Type: 'fcm' }), rows: { ...friendlyName, ...secrets, Type: '20001 20001 20001 20001' } },
  'POST Credentials/{}': { rows: { ...friendlyName, ...secrets, Type: '20001 20001 20001 ok' } },
  'GET Roles': { rows: paging },
  'POST Roles': {
    base: () => ({ FriendlyName: another('role'), Type: 'conversation', Permission: ['sendMessage'] }),
    rows: { FriendlyName: '- 50003 50000 50000', Type: '50105 50105 50105 50105', Permission: '50104 50104 50104 50104' },
  },
  'POST Roles/{}': { base: () => ({ Permission: ['sendMessage'] }), rows: { Permission: '50104 50104 50104 50104' } },
  'GET Services': { rows: paging },
  'POST Services': { base: () => ({ FriendlyName: 'x' }), rows: { FriendlyName: '- 50003 50000 50000' } },
  'GET Bindings': { rows: { ...paging, BindingType: '50209 50209 50209 ok', Identity: '- 50207 50204 ok' } },
  'Services:POST Configuration': { rows: {
    DefaultConversationCreatorRoleSid: '50106 50106 50103 ok', DefaultConversationRoleSid: '50109 50109 50103 ok', DefaultChatServiceRoleSid: '50102 50102 50103 ok',
    ReachabilityEnabled: onOff,
  } },
  'POST Configuration/Notifications': { rows: {
    'LogEnabled': onOff, 'NewMessage.Enabled': onOff, 'NewMessage.Template': template, 'NewMessage.Sound': sound, 'NewMessage.BadgeCountEnabled': onOff,
    'NewMessage.WithMedia.Enabled': onOff, 'NewMessage.WithMedia.Template': template, 'AddedToConversation.Enabled': onOff, 'AddedToConversation.Template': template,
    'AddedToConversation.Sound': sound, 'RemovedFromConversation.Enabled': onOff, 'RemovedFromConversation.Template': template, 'RemovedFromConversation.Sound': sound,
  } },
  'Services:POST Configuration/Webhooks': { rows: webhooks },
  'GET Users': { rows: paging },
  'POST Users': { base: () => ({ Identity: another('user') }), rows: { ...user, Identity: '50206 50207 50204 50204' } },
  'POST Users/{}': { rows: user },
  'GET Users/{}/Conversations': { rows: paging },
  'POST Users/{}/Conversations/{}': { rows: { ...horizon, NotificationLevel: '50210 50210 50210 ok' } },
};

const entryOf = ({ family, verb, shape }: Operation): Entry | undefined => (family === 'service' && entries[`Services:${verb} ${shape}`]) || entries[`${verb} ${shape}`];

/** A form that is accepted, to put the odd value into. */
export function baseOf(operation: Operation, name = ''): Form {
  if (operation.shape === 'Conversations/{}/Participants' && /\.(Proxy)?Address$/.test(name)) return pair();
  return entryOf(operation)?.base?.() ?? {};
}

/** The code each value gives; undefined: there is no such value. */
export function expectedOf(operation: Operation, name: string): Readonly<Record<Try, number | undefined>> | undefined {
  const row = entryOf(operation)?.rows[name];
  if (row === undefined) return undefined;
  const [wrong, long, empty, absent] = row.split(' ').map((cell) => (cell === '-' ? undefined : cell === 'ok' ? ACCEPTED : Number(cell)));
  return { wrong, long, empty, absent };
}

/** Longer than any limit; in a query, short of what Node takes for a head. */
const LONG = 'x'.repeat(40_000);
const LONG_IN_QUERY = 'x'.repeat(5_000);

export function valuesOf({ verb }: Operation, name: string): Record<'wrong' | 'long' | 'empty', string> {
  const long = verb === 'GET' ? LONG_IN_QUERY : LONG;
  switch (name) {
    case 'Attributes': return { wrong: '{', long: `"${long}"`, empty: '' };
    case 'Participant': return { wrong: '{', long: `{"identity":"${long}"}`, empty: '' };
    case 'ContentVariables': return { wrong: '[', long: `{"1":"${long}"}`, empty: '' };
    case 'UniqueName': return { wrong: `CH${'a'.repeat(32)}`, long, empty: '' };
    case 'Identity': return { wrong: `US${'a'.repeat(32)}`, long, empty: '' };
  }
  if (name.endsWith('Url')) return { wrong: 'nowhere', long: `https://example.com/${long}`, empty: '' };
  if (name.endsWith('Address')) return { wrong: '?!', long: `+${'1'.repeat(400)}`, empty: '' };
  if (/^Page(Size)?$|Index$|Count$|ReplayAfter$/.test(name)) return { wrong: 'many', long: '9'.repeat(40), empty: '' };
  return { wrong: 'wrong!', long, empty: '' };
}

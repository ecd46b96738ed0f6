/**
 * What a user may do with an access token (API reference, section 6): one rule per operation, and nothing that has no rule.
 * A user acts with the union of his service role's permissions and, within a conversation, his participant's role's.
 */
import type { ErrorCode } from '@parley/contracts/error-catalogue';
import type { Form } from '@parley/contracts/rest/parameters';
import type { Permission } from '@parley/domain/roles';

export type Asked = {
  identity: string;
  /** Parameters of the request; of a GET, those of its query. */
  form: Form;
  /** By the service role, or by the participant's. */
  may(permission: Permission): boolean;
  /** Takes part in the conversation the path names, or the medium it names is in. */
  inConversation: boolean;
  /** The message, participant, user or medium the path names is his. */
  own: boolean;
};
/** Why not; undefined: go on. */
export type Rule = (asked: Asked) => ErrorCode | undefined;

/** Of these alone he may give parameters; anything else, dates above all, is the account's business. */
const only = (names: readonly string[], rule: Rule): Rule => (asked) =>
  (Object.keys(asked.form).some((name) => !names.includes(name) && name !== 'RoleSid') ? 50107 : 'RoleSid' in asked.form ? 50205 : rule(asked));
const refusedWithout = (asked: Asked, permission: Permission): ErrorCode | undefined => {
  if (asked.may(permission)) return undefined;
  return asked.inConversation ? 50107 : 50430;
};
const needs = (permission: Permission): Rule => (asked) => refusedWithout(asked, permission);
/** The service role alone can grant it: there is no conversation yet. */
const inService = (permission: Permission): Rule => ({ may }) => (may(permission) ? undefined : 50107);
const members: Rule = ({ inConversation }) => (inConversation ? undefined : 50430);
const everybody: Rule = () => undefined;
const himself: Rule = ({ own }) => (own ? undefined : 50107);
/** The first that refuses. */
const all = (...rules: Rule[]): Rule => (asked) => {
  for (const rule of rules) {
    const refused = rule(asked);
    if (refused !== undefined) return refused;
  }
  return undefined;
};
const when = (names: readonly string[], rule: Rule): Rule => (asked) => (names.some((name) => name in asked.form) ? rule(asked) : undefined);
/** What is his needs one of both permissions, what is others' the second. */
const ownOrAny = (ofOwn: Permission, ofAny: Permission): Rule => (asked) =>
  (asked.own && asked.inConversation && asked.may(ofOwn) ? undefined : refusedWithout(asked, ofAny));

const joining: Rule = (asked) => {
  const { Identity } = asked.form;
  if (Identity === undefined) return refusedWithout(asked, 'addNonChatParticipant');
  return Identity === asked.identity && asked.may('joinConversation') ? undefined : refusedWithout(asked, 'addParticipant');
};
const speaking: Rule = ({ form, identity }) => (form['Author'] === undefined || form['Author'] === identity ? undefined : 50107);
const horizon = ['LastReadMessageIndex', 'LastReadTimestamp'];

const rules: Readonly<Record<string, Rule>> = {
  'POST /Conversations': only(['FriendlyName', 'UniqueName', 'Attributes'], inService('createConversation')),
  'GET /Conversations/:': members,
  'POST /Conversations/:': only(['FriendlyName', 'UniqueName', 'Attributes'], all(
    when(['FriendlyName', 'UniqueName'], needs('editConversationName')), when(['Attributes'], needs('editConversationAttributes')))),
  'DELETE /Conversations/:': needs('deleteConversation'),

  'GET /Conversations/:/Messages': members,
  'POST /Conversations/:/Messages': only(['Author', 'Body', 'Attributes', 'MediaSid', 'ContentSid', 'ContentVariables', 'Subject'], all(
    members, speaking, when(['MediaSid'], needs('sendMediaMessage')), (asked) => ('MediaSid' in asked.form ? undefined : refusedWithout(asked, 'sendMessage')))),
  'GET /Conversations/:/Messages/:': members,
  'POST /Conversations/:/Messages/:': only(['Body', 'Attributes', 'Subject'], all(
    (asked) => (asked.may('editAnyMessage') || asked.may('editAnyMessageAttributes') ? undefined : members(asked)),
    when(['Body', 'Subject'], ownOrAny('editOwnMessage', 'editAnyMessage')),
    when(['Attributes'], ownOrAny('editOwnMessageAttributes', 'editAnyMessageAttributes')))),
  'DELETE /Conversations/:/Messages/:': ownOrAny('deleteOwnMessage', 'deleteAnyMessage'),
  'GET /Conversations/:/Messages/:/ChannelMetadata': all(members, ({ may }) => (may('readChannelMetadata') ? undefined : 50531)),
  'GET /Conversations/:/Messages/:/Receipts': members,
  'GET /Conversations/:/Messages/:/Receipts/:': members,

  'GET /Conversations/:/Participants': members,
  'POST /Conversations/:/Participants': only(
    ['Identity', 'Attributes', 'MessagingBinding.Address', 'MessagingBinding.ProxyAddress', 'MessagingBinding.ProjectedAddress'], joining),
  'GET /Conversations/:/Participants/:': members,
  'POST /Conversations/:/Participants/:': only(['Attributes', ...horizon], all(
    (asked) => (asked.may('editAnyParticipantAttributes') ? undefined : members(asked)),
    when(['Attributes'], ownOrAny('editOwnParticipantAttributes', 'editAnyParticipantAttributes')), when(horizon, himself))),
  'DELETE /Conversations/:/Participants/:': ownOrAny('leaveConversation', 'removeParticipant'),

  'GET /ParticipantConversations': ({ form, identity }) => (form['Identity'] === identity && form['Address'] === undefined ? undefined : 50107),
  'GET /Users/:': everybody,
  'POST /Users/:': only(['FriendlyName', 'Attributes'], ({ own, may }) =>
    ((own && may('editOwnUserInfo')) || may('editAnyUserInfo') ? undefined : 50107)),
  'GET /Users/:/Conversations': himself,
  'GET /Users/:/Conversations/:': himself,
  'POST /Users/:/Conversations/:': only(['NotificationLevel', ...horizon], all(himself, members, when(['NotificationLevel'], needs('editNotificationLevel')))),
  'DELETE /Users/:/Conversations/:': all(himself, members, needs('leaveConversation')),

  'POST /Devices': only(['BindingType', 'Address', 'CredentialSid', 'Endpoint', 'MessageTypes'], everybody),
  'GET /Devices/:': himself,
  'DELETE /Devices/:': himself,

  // Nobody else can see it before it is in a message.
  'POST /Media': everybody,
  'GET /Media/:': (asked) => (asked.own ? undefined : members(asked)),
  'POST /MediaSet': everybody, // each file is asked about: media.controller.ts
  'GET /Media/:/Content': (asked) => (asked.own ? undefined : members(asked)),
};

/** `operation`: method and path without version and service, each parameter a colon. Without a rule: refused. */
export const memberRule = (operation: string): Rule => rules[operation] ?? (() => 50107);

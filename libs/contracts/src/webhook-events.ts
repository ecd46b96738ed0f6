/** The names of webhook events (API reference 4.1) and which scope may ask for which (4.2). */
export const postEvents = [
  'onMessageAdded', 'onMessageUpdated', 'onMessageRemoved', 'onConversationAdded', 'onConversationUpdated', 'onConversationRemoved',
  'onConversationStateUpdated', 'onParticipantAdded', 'onParticipantUpdated', 'onParticipantRemoved', 'onUserAdded', 'onUserUpdated',
  'onDeliveryUpdated',
] as const;
/** Asked before something happens: the answer may change or refuse it. */
export const preEvents = [
  'onMessageAdd', 'onMessageUpdate', 'onMessageRemove', 'onConversationAdd', 'onConversationUpdate', 'onConversationRemove',
  'onParticipantAdd', 'onParticipantUpdate', 'onParticipantRemove', 'onUserUpdate',
] as const;

export type PostEvent = (typeof postEvents)[number];
export type PreEvent = (typeof preEvents)[number];
export type WebhookEvent = PostEvent | PreEvent;

export const globalEvents: readonly WebhookEvent[] = [...preEvents, ...postEvents];
/** A service is not asked about users: they are the account's. */
export const serviceEvents: readonly WebhookEvent[] = globalEvents.filter((name) => !name.startsWith('onUser'));
export const conversationEvents: readonly PostEvent[] = postEvents.filter((name) => !name.startsWith('onUser') && name !== 'onConversationAdded');

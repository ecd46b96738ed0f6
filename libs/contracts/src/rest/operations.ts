/**
 * Every path of the API with its verbs (API reference 1: 103 operations, and two more paths that `links` name), and which
 * of them this release has. Tells "no such path" (404), "not with this verb" (405) and "not built yet" (501) apart.
 */
type Verb = 'GET' | 'POST' | 'PUT' | 'DELETE';
type Family = 'account' | 'service' | 'both';
type Row = readonly [resource: string, path: string, family: Family, verbs: string, built: string];

const rows: readonly Row[] = [
  ['Configuration', 'Configuration', 'account', 'GET POST', 'GET POST'],
  ['Address Configuration', 'Configuration/Addresses', 'account', 'GET POST', 'GET POST'],
  ['Address Configuration', 'Configuration/Addresses/{Sid}', 'account', 'GET POST DELETE', 'GET POST DELETE'],
  ['Webhook Configuration', 'Configuration/Webhooks', 'account', 'GET POST', 'GET POST'],
  ['Conversation', 'Conversations', 'both', 'GET POST', 'GET POST'],
  ['Conversation', 'Conversations/{Sid}', 'both', 'GET POST DELETE', 'GET POST DELETE'],
  ['Message', 'Conversations/{Sid}/Messages', 'both', 'GET POST', 'GET POST'],
  ['Message', 'Conversations/{Sid}/Messages/{Sid}', 'both', 'GET POST DELETE', 'GET POST DELETE'],
  ['Delivery Receipt', 'Conversations/{Sid}/Messages/{Sid}/Receipts', 'both', 'GET', 'GET'],
  ['Delivery Receipt', 'Conversations/{Sid}/Messages/{Sid}/Receipts/{Sid}', 'both', 'GET', 'GET'],
  ['Participant', 'Conversations/{Sid}/Participants', 'both', 'GET POST', 'GET POST'],
  ['Participant', 'Conversations/{Sid}/Participants/{Sid}', 'both', 'GET POST DELETE', 'GET POST DELETE'],
  ['Conversation Webhook', 'Conversations/{Sid}/Webhooks', 'both', 'GET POST', 'GET POST'],
  ['Conversation Webhook', 'Conversations/{Sid}/Webhooks/{Sid}', 'both', 'GET POST DELETE', 'GET POST DELETE'],
  ['Conversation with Participants', 'ConversationWithParticipants', 'both', 'POST', 'POST'],
  ['Participant Conversation', 'ParticipantConversations', 'both', 'GET', 'GET'],
  ['Credential', 'Credentials', 'account', 'GET POST', 'GET POST'],
  ['Credential', 'Credentials/{Sid}', 'account', 'GET POST DELETE', 'GET POST DELETE'],
  ['Role', 'Roles', 'both', 'GET POST', 'GET POST'],
  ['Role', 'Roles/{Sid}', 'both', 'GET POST DELETE', 'GET POST DELETE'],
  ['Service', 'Services', 'account', 'GET POST', 'GET POST'],
  ['Service', 'Services/{Sid}', 'account', 'GET DELETE', 'GET DELETE'],
  ['Binding', 'Bindings', 'service', 'GET', 'GET'],
  ['Binding', 'Bindings/{Sid}', 'service', 'GET DELETE', 'GET DELETE'],
  ['Service Configuration', 'Configuration', 'service', 'GET POST', 'GET POST'],
  ['Service Notification', 'Configuration/Notifications', 'service', 'GET POST', 'GET POST'],
  ['Service Webhook Configuration', 'Configuration/Webhooks', 'service', 'GET POST', 'GET POST'],
  ['User', 'Users', 'both', 'GET POST', 'GET POST'],
  ['User', 'Users/{Sid}', 'both', 'GET POST DELETE', 'GET POST DELETE'],
  ['User Conversation', 'Users/{Sid}/Conversations', 'both', 'GET', 'GET'],
  ['User Conversation', 'Users/{Sid}/Conversations/{Sid}', 'both', 'GET POST DELETE', 'GET POST DELETE'],
];
const linked: readonly Row[] = [
  ['Channel Metadata', 'Conversations/{Sid}/Messages/{Sid}/ChannelMetadata', 'both', 'GET', 'GET'],
  ['Media', 'Media', 'service', 'POST', 'POST'],
  ['Media', 'Media/{Sid}', 'service', 'GET DELETE', 'GET DELETE'],
  ['Media', 'Media/{Sid}/Content', 'service', 'GET', 'GET'],
  ['Media', 'MediaSet', 'service', 'POST', 'POST'],
  ['Content', 'Content', 'account', 'GET POST', 'GET POST'],
  ['Content', 'Content/{Sid}', 'account', 'GET PUT DELETE', 'GET PUT DELETE'],
  ['Content', 'Content/{Sid}/ApprovalRequests', 'account', 'GET', 'GET'],
  ['Content', 'Content/{Sid}/ApprovalRequests/whatsapp', 'account', 'POST', 'POST'],
  ['Content', 'ContentAndApprovals', 'account', 'GET', 'GET'],
  ['Carrier', 'CarrierConnections/Carriers', 'account', 'GET', 'GET'],
  ['Carrier Connection', 'CarrierConnections', 'account', 'GET POST', 'GET POST'],
  ['Carrier Connection', 'CarrierConnections/{Sid}', 'account', 'GET POST DELETE', 'GET POST DELETE'],
  ['Routing Policy', 'RoutingPolicies', 'account', 'GET POST', 'GET POST'],
  ['Routing Policy', 'RoutingPolicies/{Sid}', 'account', 'GET POST DELETE', 'GET POST DELETE'],
  ['Sender', 'Senders', 'account', 'GET POST', 'GET POST'],
  ['Sender', 'Senders/{Sid}', 'account', 'GET POST DELETE', 'GET POST DELETE'],
  ['Messaging Service', 'MessagingServices', 'account', 'GET POST', 'GET POST'],
  ['Messaging Service', 'MessagingServices/{Sid}', 'account', 'GET POST DELETE', 'GET POST DELETE'],
  ['Pool Sender', 'MessagingServices/{Sid}/Senders', 'account', 'GET POST', 'GET POST'],
  ['Pool Sender', 'MessagingServices/{Sid}/Senders/{Sid}', 'account', 'GET DELETE', 'GET DELETE'],
  ['Opt Out', 'OptOuts', 'account', 'GET POST', 'GET POST'],
  ['Opt Out', 'OptOuts/{Sid}', 'account', 'GET DELETE', 'GET DELETE'],
  ['Queue', 'Queues', 'account', 'GET', 'GET'],
  ['Delivery', 'Queues/Deliveries', 'account', 'GET', 'GET'],
  ['Delivery', 'Queues/Deliveries/{Sid}', 'account', 'GET', 'GET'],
  ['Dead Letter', 'Queues/DeadLetters', 'account', 'GET', 'GET'],
  ['Dead Letter', 'Queues/DeadLetters/{Sid}', 'account', 'GET POST', 'GET POST'],
  ['Push Notification', 'Queues/PushNotifications', 'account', 'GET', 'GET'],
  ['Device', 'Devices', 'service', 'POST', 'POST'],
  ['Device', 'Devices/{Sid}', 'service', 'GET DELETE', 'GET DELETE'],
  ['Conversation Export', 'Conversations/{Sid}/Export', 'both', 'GET POST', ''],
];

export type ApiPath = { resource: string; path: string; verbs: Verb[]; built: Verb[] };
const verbsIn = (text: string) => text.split(' ').filter(Boolean) as Verb[];
const expand = ([resource, path, family, verbs, built]: Row): ApiPath[] => {
  const one = (prefix: string) => ({ resource, path: `/v1/${prefix}${path}`, verbs: verbsIn(verbs), built: verbsIn(built) });
  return [...(family === 'service' ? [] : [one('')]), ...(family === 'account' ? [] : [one('Services/{Sid}/')])];
};
/** The documented 49 paths. */
export const apiPaths: readonly ApiPath[] = rows.flatMap(expand);

const known = [...apiPaths, ...linked.flatMap(expand)].map((path) => ({
  ...path, pattern: new RegExp(`^${path.path.replaceAll('{Sid}', '[^/]+')}/?$`),
}));

/** The path of the API this is, if any; the query is cut off before. */
export const findApiPath = (path: string): ApiPath | undefined => known.find(({ pattern }) => pattern.test(path));

/**
 * What a restricted API key may do. A permission is `/twilio/<product>/<resource>/<action>` with the actions create, read
 * (one), list, update and delete; `*` as the last part stands for all of a resource, or of a product. The resources are
 * those of operations.ts: `/twilio/conversations/messages/create`, `/twilio/conversations/delivery-receipts/*`.
 */
import { z } from 'zod';
import { apiPaths, findApiPath } from './operations.js';

export const PERMISSIONS_MAX = 100;
const actions = ['create', 'read', 'list', 'update', 'delete'] as const;
type Action = (typeof actions)[number];

const slug = (name: string) => name.toLowerCase().replaceAll(' ', '-');
/** Delivery Receipt -> delivery-receipts. */
const plural = (resource: string) => slug(resource).replace(/(?<!s)$/, 's');
/** Resources that are one thing, not a list of them. */
const isSingle = (path: string) => /Configuration(\/Webhooks|\/Notifications)?$/.test(path);

function actionOf(method: string, path: string): Action {
  if (method === 'DELETE') return 'delete';
  const one = isSingle(path) || /[:}][^/]*$/.test(path);
  if (method === 'POST') return one ? 'update' : 'create';
  return one ? 'read' : 'list';
}

/** Routes beside the documented ones, without the service in front; every name in them is written `:Sid`. */
const beyond: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '/v1/Conversations/:Sid/Messages/:Sid/ChannelMetadata': { GET: 'channel-metadata/read' },
  '/v1/Media': { POST: 'media/create' },
  '/v1/Media/:Sid': { GET: 'media/read', DELETE: 'media/delete' },
  '/v1/Media/:Sid/Content': { GET: 'media/read' },
  '/v1/MediaSet': { POST: 'media/read' },
  '/v1/Content': { GET: 'content/list', POST: 'content/create' },
  '/v1/ContentAndApprovals': { GET: 'content/list' },
  '/v1/Content/:Sid': { GET: 'content/read', PUT: 'content/update', DELETE: 'content/delete' },
  '/v1/Content/:Sid/ApprovalRequests': { GET: 'content/read' },
  '/v1/Content/:Sid/ApprovalRequests/whatsapp': { POST: 'content/update' },
  '/v1/CarrierConnections/Carriers': { GET: 'carrier-connections/list' },
  '/v1/CarrierConnections': { GET: 'carrier-connections/list', POST: 'carrier-connections/create' },
  '/v1/CarrierConnections/:Sid': { GET: 'carrier-connections/read', POST: 'carrier-connections/update', DELETE: 'carrier-connections/delete' },
  '/v1/RoutingPolicies': { GET: 'routing-policies/list', POST: 'routing-policies/create' },
  '/v1/RoutingPolicies/:Sid': { GET: 'routing-policies/read', POST: 'routing-policies/update', DELETE: 'routing-policies/delete' },
  '/v1/Senders': { GET: 'senders/list', POST: 'senders/create' },
  '/v1/Senders/:Sid': { GET: 'senders/read', POST: 'senders/update', DELETE: 'senders/delete' },
  '/v1/MessagingServices': { GET: 'messaging-services/list', POST: 'messaging-services/create' },
  '/v1/MessagingServices/:Sid': { GET: 'messaging-services/read', POST: 'messaging-services/update', DELETE: 'messaging-services/delete' },
  '/v1/MessagingServices/:ServiceSid/Senders': { GET: 'messaging-services/read', POST: 'messaging-services/update' },
  '/v1/MessagingServices/:ServiceSid/Senders/:Sid': { GET: 'messaging-services/read', DELETE: 'messaging-services/update' },
  '/v1/OptOuts': { GET: 'opt-outs/list', POST: 'opt-outs/create' },
  '/v1/OptOuts/:Sid': { GET: 'opt-outs/read', DELETE: 'opt-outs/delete' },
  '/v1/Devices': { POST: 'devices/create' },
  '/v1/Devices/:Sid': { GET: 'devices/read', DELETE: 'devices/delete' },
  '/v1/Queues/PushNotifications': { GET: 'queues/list' },
  '/v1/Queues': { GET: 'queues/list' },
  '/v1/Queues/Deliveries': { GET: 'queues/list' },
  '/v1/Queues/Deliveries/:Sid': { GET: 'queues/read' },
  '/v1/Queues/DeadLetters': { GET: 'queues/list' },
  '/v1/Queues/DeadLetters/:Sid': { GET: 'queues/read', POST: 'queues/update' },
};

/** By a route's pattern (`/v1/Conversations/:Sid`): the permission a request needs. For a route nobody named here, all of them. */
export function permissionOf(method: string, route: string): string {
  const other = beyond[route.replace(/^\/v1\/Services\/:\w+\/(?=.)/, '/v1/').replaceAll(/:\w+/g, ':Sid')]?.[method];
  const resource = findApiPath(route)?.resource;
  return `/twilio/conversations/${other ?? (resource === undefined ? '*' : `${plural(resource)}/${actionOf(method, route)}`)}`;
}

const known = new Set(apiPaths.flatMap(({ resource, path, verbs }) => [
  '/twilio/conversations/*', `/twilio/conversations/${plural(resource)}/*`,
  ...verbs.map((verb) => `/twilio/conversations/${plural(resource)}/${actionOf(verb, path)}`),
]));
for (const verbs of Object.values(beyond)) for (const name of Object.values(verbs))
  known.add(`/twilio/conversations/${name}`).add(`/twilio/conversations/${name.split('/')[0]}/*`);
/** Every permission there is. */
export const permissions: readonly string[] = [...known].sort();

/** The question is asked per request: a key's list is at most PERMISSIONS_MAX long. */
export const isAllowed = (allow: readonly string[], permission: string): boolean =>
  allow.some((entry) => entry === permission || (entry.endsWith('/*') && permission.startsWith(entry.slice(0, -1))));

/** The first entry of the list that is no permission. */
export const unknownPermission = (allow: readonly string[]): string | undefined => allow.find((entry) => !known.has(entry));

/** `{"allow":["/twilio/conversations/messages/create"]}` */
export const keyPolicy = z.object({ allow: z.array(z.string()).min(1).max(PERMISSIONS_MAX) });

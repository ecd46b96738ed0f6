/** Connections, senders, messaging services, refusals, queues and devices for push in our OpenAPI document. */
import { listOf } from './answer-fields.js';
import * as answers from './channel-answers.js';
import * as forms from './channels.js';
import { createDevice, deviceAnswer, pushNotificationsAnswer } from './devices.js';
import { described, type Described } from './openapi-account-paths.js';
import * as routing from './routing-policies.js';

type Resource = { name: string; tag: string; key: string; answer: Described['answer'] & object; create?: Described['form'] & object; update?: Described['form'] & object; query?: Described['query'] & object };

const collection = (path: string, { name, tag, key, answer, create, update, query }: Resource, sid = 'Sid'): Record<string, Record<string, Described>> => ({
  [path]: {
    get: { name: `List${name}`, tag, answer: listOf(key, answer), list: true, ...(query && { query }) },
    ...(create && { post: { name: `Create${name}`, tag, answer, created: true as const, form: create } }),
  },
  [`${path}/{${sid}}`]: {
    get: { name: `Fetch${name}`, tag, answer },
    ...(update && { post: { name: `Update${name}`, tag, answer, form: update } }),
    delete: { name: `Delete${name}`, tag },
  },
});

const paths: Record<string, Record<string, Described>> = {
  '/v1/CarrierConnections/Carriers': { get: { name: 'ListCarrier', tag: 'Carrier Connection', answer: answers.carriersAnswer } },
  ...collection('/v1/CarrierConnections', {
    name: 'CarrierConnection', tag: 'Carrier Connection', key: 'carrier_connections', answer: answers.connectionAnswer, create: forms.createConnection, update: forms.updateConnection,
  }),
  ...collection('/v1/RoutingPolicies', {
    name: 'RoutingPolicy', tag: 'Routing Policy', key: 'routing_policies', answer: routing.routingPolicyAnswer, create: routing.createRoutingPolicy,
    update: routing.updateRoutingPolicy, query: routing.listRoutingPolicies,
  }),
  ...collection('/v1/Senders', {
    name: 'Sender', tag: 'Sender', key: 'senders', answer: answers.senderAnswer, create: forms.createSender, update: forms.updateSender, query: forms.listSenders,
  }),
  ...collection('/v1/MessagingServices', {
    name: 'MessagingService', tag: 'Messaging Service', key: 'messaging_services', answer: answers.messagingServiceAnswer, create: forms.createMessagingService,
    update: forms.updateMessagingService,
  }),
  ...collection('/v1/MessagingServices/{ServiceSid}/Senders', {
    name: 'PoolSender', tag: 'Messaging Service', key: 'senders', answer: answers.poolSenderAnswer, create: forms.addPoolSender,
  }),
  ...collection('/v1/OptOuts', {
    name: 'OptOut', tag: 'Opt-Out', key: 'opt_outs', answer: answers.optOutAnswer, create: forms.createOptOut, query: forms.listOptOuts,
  }),
  '/v1/Queues': { get: { name: 'ListQueue', tag: 'Queue', answer: answers.queuesAnswer } },
  '/v1/Queues/Deliveries': { get: { name: 'ListDelivery', tag: 'Queue', answer: answers.deliveriesAnswer, query: forms.listDeliveries } },
  '/v1/Queues/Deliveries/{Sid}': { get: { name: 'FetchDelivery', tag: 'Queue', answer: answers.deliveryAnswer } },
  '/v1/Queues/PushNotifications': { get: { name: 'ListPushNotification', tag: 'Push', answer: pushNotificationsAnswer } },
  '/v1/Services/{ChatServiceSid}/Devices': { post: { name: 'CreateDevice', tag: 'Push', answer: deviceAnswer, created: true, form: createDevice } },
  '/v1/Services/{ChatServiceSid}/Devices/{Sid}': {
    get: { name: 'FetchDevice', tag: 'Push', answer: deviceAnswer },
    delete: { name: 'DeleteDevice', tag: 'Push' },
  },
  '/v1/Queues/DeadLetters': { get: { name: 'ListDeadLetter', tag: 'Queue', answer: answers.deadLettersAnswer } },
  '/v1/Queues/DeadLetters/{Sid}': {
    get: { name: 'FetchDeadLetter', tag: 'Queue', answer: answers.deadLetterAnswer },
    post: { name: 'ReplayDeadLetter', tag: 'Queue', answer: answers.replayAnswer },
  },
};

export const openApiChannelPaths = (): ReturnType<typeof described> => described(paths);

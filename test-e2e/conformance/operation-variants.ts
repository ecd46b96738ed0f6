/** Further forms of answers that one call per operation does not show: other kinds of participants, webhooks, messages. */
import type { OperationCall } from './operation-calls.js';
import { another, PROXY, type World } from './world.js';

type Variant = readonly [operation: string, what: string, call: (world: World) => Promise<OperationCall>];

const FLOW = `FW${'a'.repeat(32)}`;
let calls = 0;
const phone = () => `+1444${1_000_000 + ++calls}`;
const groupNumber = () => `+1202${5_000_000 + ++calls}`;
const together = 'POST ConversationWithParticipants';

export const operationVariants: readonly Variant[] = [
  ['POST Conversations', 'nothing given', async () => ({ tells: { friendly_name: null, unique_name: null, attributes: '{}', state: 'active', bindings: {}, messaging_service_sid: null } })],
  ['POST Conversations', 'attributes kept to the letter', async () => ({ form: { Attributes: '{ "a" : [1,  2] }' }, tells: { attributes: '{ "a" : [1,  2] }' } })],
  ['POST Conversations/{}', 'nothing changed', async (world) => ({ at: [await world.conversation()], tells: { friendly_name: 'Ours' } })],
  ['POST Conversations/{}', 'closed', async (world) => ({ at: [await world.conversation()], form: { State: 'closed' }, tells: { state: 'closed', timers: {} } })],
  ['POST Conversations/{}/Messages', 'with a file', async (world) => {
    const media = await world.media('text/plain', 'what was agreed');
    return { at: [await world.conversation()], form: { MediaSid: media }, tells: { media: [{ sid: media, size: 15, content_type: 'text/plain', filename: 'agreed.txt' }] } };
  }],
  ['POST Conversations/{}/Messages', 'from a template', async (world) => {
    const content = await world.template('Hello {{name}}');
    return { at: [await world.conversation()], form: { ContentSid: content, ContentVariables: '{"name":"John"}' }, tells: { content_sid: content, body: 'Hello John' } };
  }],
  ['POST Conversations/{}/Messages', 'to a phone', async (world) => {
    const conversation = await world.conversation();
    await world.phone(conversation);
    return { at: [conversation], form: { Author: 'agent', Body: 'x' }, tells: { delivery: { total: 1, sent: 'none', delivered: 'none', read: 'none', failed: 'none', undelivered: 'none' } } };
  }],
  ['POST Conversations/{}/Participants', 'by SMS', async (world) => {
    const address = phone();
    return {
      at: [await world.conversation()], form: { 'MessagingBinding.Address': address, 'MessagingBinding.ProxyAddress': PROXY },
      tells: { identity: null, messaging_binding: { type: 'sms', address, proxy_address: PROXY } },
    };
  }],
  ['POST Conversations/{}/Participants', 'by WhatsApp', async (world) => {
    const address = `whatsapp:${phone()}`;
    return {
      at: [await world.conversation()], form: { 'MessagingBinding.Address': address, 'MessagingBinding.ProxyAddress': `whatsapp:${PROXY}` },
      tells: { messaging_binding: { type: 'whatsapp', address, proxy_address: `whatsapp:${PROXY}` } },
    };
  }],
  ['POST Conversations/{}/Participants', 'on a phone in a group', async (world) => {
    const address = groupNumber();
    return { at: [await world.conversation()], form: { 'MessagingBinding.Address': address }, tells: { identity: null, messaging_binding: { type: 'sms', address } } };
  }],
  ['POST Conversations/{}/Participants', 'behind a number of ours in a group', async (world) => {
    const projected_address = groupNumber();
    return {
      at: [await world.conversation()], form: { 'Identity': another('agent'), 'MessagingBinding.ProjectedAddress': projected_address },
      tells: { messaging_binding: { type: 'sms', projected_address } },
    };
  }],
  ['POST Conversations/{}/Webhooks', 'of keywords', async (world) => ({
    at: [await world.conversation()], form: { 'Target': 'trigger', 'Configuration.Url': 'https://example.com/', 'Configuration.Triggers': ['help', 'stop'] },
    tells: { target: 'trigger', configuration: { url: 'https://example.com/', method: 'post' } },
  })],
  ['POST Conversations/{}/Webhooks', 'of a flow', async (world) => ({
    at: [await world.conversation()], form: { 'Target': 'studio', 'Configuration.FlowSid': FLOW }, tells: { target: 'studio', configuration: { flow_sid: FLOW } },
  })],
  [together, 'without any', async () => ({ form: { FriendlyName: 'Alone' }, tells: { friendly_name: 'Alone', state: 'active' } })],
  [together, 'on phones', async () => ({
    form: { Participant: [JSON.stringify({ messaging_binding: { address: phone(), proxy_address: PROXY } }), JSON.stringify({ identity: another('agent') })] },
  })],
  [together, 'in a group on phones', async () => ({
    form: { Participant: [groupNumber(), groupNumber()].map((address) => JSON.stringify({ messaging_binding: { address } })) }, tells: { state: 'active' },
  })],
  ['GET ParticipantConversations', 'by address', async (world) => {
    const address = phone();
    for (const _ of [1, 2]) {
      const conversation = await world.conversation();
      await world.phone(conversation, address);
      await world.post(`Conversations/${conversation}`, { State: 'closed' });
    }
    const conversation = await world.conversation();
    await world.phone(conversation, address);
    return {
      query: { Address: address },
      tells: {
        conversation_sid: conversation, participant_user_sid: null,
        participant_messaging_binding: { type: 'sms', address, proxy_address: PROXY, level: null, name: null, projected_address: null },
      },
    };
  }],
  ['GET Conversations', 'by state, and from a day on', async (world) => {
    const sid = await world.conversation();
    await world.post(`Conversations/${sid}`, { State: 'inactive' });
    await world.post(`Conversations/${await world.conversation()}`, { State: 'inactive' });
    return { query: { StartDate: '2020-01-01', State: 'inactive' }, tells: { sid, state: 'inactive' } };
  }],
  ['GET Conversations/{}/Messages', 'newest first', async (world) => {
    const conversation = await world.conversation();
    await world.message(conversation);
    return { at: [conversation], query: { Order: 'desc' }, tells: { sid: await world.message(conversation), index: 1 } };
  }],
  ['POST Credentials', 'for Android', async () => ({ form: { Type: 'gcm', ApiKey: 'a key' }, tells: { type: 'gcm', friendly_name: null } })],
];

/** An update that asks for nothing is no fact: dates stay, nobody is told (docs/rest-api.md). */
import { newSid } from '@parley/domain/sid';
import { TestGateway } from './gateway.testing.js';

let gateway: TestGateway;
let commands: string[];
beforeEach(() => { commands = []; });
beforeAll(async () => {
  gateway = await TestGateway.start();
  for (const name of ['updateMessage', 'updateAddressConfiguration', 'updateConversation', 'updateParticipant'] as const)
    gateway.commands[name] = (async () => { commands.push(name); }) as never;
});
afterAll(() => gateway.stop());

it.each<[string, () => Promise<string>]>([
  ['a conversation', async () => `/Conversations/${await gateway.conversation()}`],
  ['a message', async () => {
    const conversation = await gateway.conversation();
    return `/Conversations/${conversation}/Messages/${await gateway.message(conversation, 0)}`;
  }],
  ['a participant', async () => {
    const conversation = await gateway.conversation();
    await gateway.put('participant', { sid: newSid('MB'), account: gateway.account.sid, conversation_sid: conversation, identity: 'ann', attributes: '{}' });
    return `/Conversations/${conversation}/Participants/ann`;
  }],
  ['an address', async () => {
    const sid = newSid('IG');
    await gateway.put('address_configuration', {
      sid, account: gateway.account.sid, type: 'sms', address: '+15550000009', auto_creation: { enabled: true, type: 'default' },
    });
    return `/Configuration/Addresses/${sid}`;
  }],
])('%s', async (_what, at) => {
  const path = await at();
  const { body: before } = await gateway.call(path);
  expect(await gateway.call(path, { form: { Tea: 'green' } })).toMatchObject({ status: 200, body: before });
  expect(commands).toEqual([]);
});

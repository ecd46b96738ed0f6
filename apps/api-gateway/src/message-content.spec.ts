/** What becomes of a message's template; files are tested with their uploads (media.spec.ts). */
import type { AddMessage, ConversationCommands } from '@parley/contracts/commands';
import type { MediaStore } from '@parley/media/media-store';
import type { Call } from './call.js';
import type { Hooks } from './hooks.js';
import { MessageContents } from './message-content.js';
import type { Reads } from './reads.js';

const template = { types: { 'twilio/quick-reply': { body: '{{who}}?', actions: [{ title: 'Yes' }] } }, variables: { who: 'you' } };
const call = { account: { sid: 'AC1' }, caller: { account: 'AC1' }, service: 'IS1' } as unknown as Call;

async function added(values: Record<string, string> | undefined, { found = template as object | null, hook = {} as Partial<AddMessage> } = {}): Promise<AddMessage> {
  let stored: AddMessage | undefined;
  const commands = { addMessage: async (_caller: unknown, _sid: unknown, data: AddMessage) => { stored = data; } } as unknown as ConversationCommands;
  const hooks = { messageAdd: async (_call: unknown, _sid: unknown, message: AddMessage) => ({ ...message, ...hook }) } as unknown as Hooks;
  const reads = { query: async () => (found ? [found] : []) } as unknown as Reads;
  await new MessageContents(commands, hooks, {} as MediaStore, reads).add(call, 'CH1', {
    message: { author: 'ann', body: 'ignored' }, mediaSids: [], contentSid: 'HX1', ...(values && { contentVariables: { json: JSON.stringify(values), values } }),
  });
  return stored!;
}

it('is rendered with the message’s variables over its own', async () => {
  expect(await added({ who: 'Bob' })).toEqual({
    author: 'ann', body: 'Bob?', contentSid: 'HX1',
    content: { variables: '{"who":"Bob"}', channels: { sms: { body: 'Bob?\n- Yes', mediaUrls: [] }, whatsapp: {
      body: 'Bob?\n- Yes', mediaUrls: [], rich: { kind: 'buttons', body: 'Bob?', buttons: [{ id: 'Yes', title: 'Yes' }] },
    } } },
  });
  expect(await added(undefined)).toMatchObject({ body: 'you?', content: { channels: { sms: { body: 'you?\n- Yes' } } } });
});
it('that a webhook wrote anew is that on every channel', async () => {
  expect(await added(undefined, { hook: { body: 'other' } })).toMatchObject({ body: 'other', content: { channels: { sms: { body: 'other' }, whatsapp: { body: 'other' } } } });
});
it.each([[null, 50526], [{ types: { 'whatsapp/flows': {} }, variables: {} }, 50542]])('%j is refused', async (found, code) =>
  expect(added(undefined, { found })).rejects.toMatchObject({ code }));

import type { AddParticipant, ConversationCommands, InboundMessage, ParticipantCommands, RegistryCommands } from '@parley/contracts/commands';
import { DomainError } from '@parley/domain/domain-error';
import { newSid, type ConversationSid, type MessageSid } from '@parley/domain/sid';
import { AddressBook } from './address-book.js';
import type { GroupBook } from './group-book.js';
import type { InboundHooks } from './inbound-hooks.js';
import { InboundRouter } from './inbound-router.js';
import { MailBook } from './mail-book.js';

const account = newSid('AC');
const [defaultService, otherService] = [newSid('IS'), newSid('IS')];

/** The rules of the log that matter here: keys, one open conversation per pair. */
class PlayedLog {
  readonly conversations = new Map<ConversationSid, { open: boolean; service: string; bodies: Array<string | null>; binding?: string }>();
  readonly results = new Map<string, unknown>();
  /** Called before each command; may throw. */
  before: (command: string) => void | Promise<void> = () => {};
  /** Of conversations that were not deleted. */
  webhooks: Array<Record<string, unknown>> = [];
  autoCreation: Record<string, unknown> | undefined = { enabled: true, type: 'default' };

  addressBook = Object.assign(Object.create(AddressBook.prototype) as AddressBook, {
    find: async (_account: string, from: string, to: string) =>
      [...this.conversations].find(([, { open, binding }]) => open && binding === `${from} ${to}`)?.[0],
    otherWay: async () => undefined,
    autoCreation: async () => this.autoCreation as never,
  });
  private async once<T>(command: string, key: string | undefined, work: () => T): Promise<T> {
    await this.before(command);
    if (key !== undefined && this.results.has(key)) return this.results.get(key) as T;
    const result = work();
    if (key !== undefined) this.results.set(key, result);
    return result;
  }
  private openOne(sid: ConversationSid) {
    const conversation = this.conversations.get(sid);
    if (!conversation) throw new DomainError('conversation_not_found');
    if (!conversation.open) throw new DomainError('conversation_closed');
    return conversation;
  }
  commands = {
    createConversation: ({ key }, { chatServiceSid }) => this.once('create', key, () => {
      const conversationSid = newSid('CH');
      this.conversations.set(conversationSid, { open: true, service: chatServiceSid, bodies: [] });
      return { conversationSid };
    }),
    addParticipant: ({ key }, sid: ConversationSid, { binding }: AddParticipant) => this.once('participant', key, () => {
      const pair = `${binding!.address} ${binding!.proxyAddress}`;
      const owner = [...this.conversations].find(([, other]) => other.open && other.binding === pair)?.[0];
      if (owner) throw new DomainError('address_pair_in_use', { conversationSid: owner });
      this.openOne(sid).binding = pair;
      return { participantSid: newSid('MB') };
    }),
    addMessage: ({ key }, sid, { body = null }) => this.once('message', key, () => {
      this.openOne(sid).bodies.push(body);
      return { messageSid: newSid('IM') as MessageSid } as never;
    }),
    create: ({ key }, kind, row) => this.once('webhook', key, () => void this.webhooks.push({ kind, ...row })),
    remove: ({ key }, _kind, sid) => this.once('remove', key, () => { this.webhooks = this.webhooks.filter((webhook) => webhook['sid'] !== sid); }),
    deleteConversation: ({ key }, sid) => this.once('delete', key, () => {
      this.conversations.delete(sid);
      this.webhooks = this.webhooks.filter((webhook) => webhook['conversation_sid'] !== sid);
    }),
  } as Pick<RegistryCommands, 'create' | 'remove'> & Pick<ConversationCommands, 'createConversation' | 'addMessage' | 'deleteConversation'> & Pick<ParticipantCommands, 'addParticipant'>;
}

let log: PlayedLog;
let router: InboundRouter;
/** Known to nobody; the end-to-end test has groups that are. */
let groups: Pick<GroupBook, 'placeOf' | 'openingOf'>;
let hooks: Pick<InboundHooks, 'patience' | 'messageAdd' | 'conversationAdd' | 'participantAdd'>;
beforeEach(() => {
  log = new PlayedLog();
  groups = { placeOf: async () => undefined, openingOf: async () => undefined };
  const commands = log.commands as unknown as ConversationCommands & ParticipantCommands & RegistryCommands;
  const accounts = { find: async () => ({ defaultChatServiceSid: defaultService }) as never };
  hooks = {
    patience: () => 0, messageAdd: async (_caller, _sid, data) => data, conversationAdd: async () => ({}), participantAdd: async () => {},
  };
  router = new InboundRouter(log.addressBook, accounts, commands, commands, commands, hooks, new MailBook(undefined as never), groups);
});
const message = (id: string, body = id): InboundMessage => ({
  channel: 'sms', from: '+15550100002', to: '+15550100001', body, media: null, providerMessageId: `simulator:${id}`, receivedAt: '',
});
const route = (id: string) => router.routeInbound(account, message(id));
const bodies = () => [...log.conversations.values()].map((conversation) => conversation.bodies);

describe('a message from outside', () => {
  it('opens a conversation when its address does that, and the next one joins it', async () => {
    expect(await route('1')).toMatchObject({ outcome: 'routed', created: true });
    expect(await route('2')).toMatchObject({ outcome: 'routed', created: false });
    expect(bodies()).toEqual([['1', '2']]);
    expect([...log.conversations.values()][0]!.service).toBe(defaultService);
  });
  it('to a group that is nobody\'s is its author\'s, and names the others', async () => {
    let attributes: string | undefined;
    hooks.messageAdd = async (_caller, _sid, data) => { ({ attributes } = data); return data; };
    await router.routeInbound(account, { ...message('1'), group: ['+15550100003', '+15550100004'], attributes: '{"sms":{"a":1}}' });
    expect(JSON.parse(attributes!)).toEqual({ sms: { a: 1, group: ['+15550100003', '+15550100004'] } });
  });
  it('has its webhook also when its group was opened by somebody faster, who closed it again', async () => {
    let raced = true;
    log.before = (command) => {
      if (command !== 'create' || !raced) return;
      raced = false;
      throw new DomainError('group_exists');
    };
    groups.openingOf = async () => ({ autoCreation: { enabled: true, type: 'webhook', webhook_url: 'https://example.com' }, participants: [], others: [] });
    expect(await router.routeInbound(account, { ...message('1'), group: ['+15550100003'] })).toMatchObject({ created: true });
    expect(log.webhooks).toHaveLength(1);
  });
  it('opens it in the service the address names', async () => {
    log.autoCreation = { enabled: true, type: 'default', conversation_service_sid: otherService };
    await route('1');
    expect([...log.conversations.values()][0]!.service).toBe(otherService);
  });
  it('is left alone when its address opens nothing', async () => {
    log.autoCreation = undefined;
    expect(await route('1')).toEqual({ outcome: 'unrouted' });
    expect(bodies()).toEqual([]);
  });
  it.each([
    ['nothing', { type: 'default' }, []],
    ['its webhook', { type: 'webhook', webhook_url: 'https://example.com/hook', webhook_method: 'GET', webhook_filters: ['onMessageAdded'] },
      [{ kind: 'ConversationWebhook', target: 'webhook', url: 'https://example.com/hook', method: 'get', filters: ['onMessageAdded'], flow_sid: null, triggers: null }]],
    ['a webhook that is told nothing', { type: 'webhook', webhook_url: 'https://example.com/hook' },
      [{ target: 'webhook', method: 'post', filters: [] }]],
    ['its flow', { type: 'studio', studio_flow_sid: `FW${'0'.repeat(32)}`, webhook_url: 'https://example.com/hook' },
      [{ target: 'studio', url: null, method: null, filters: null, flow_sid: `FW${'0'.repeat(32)}` }]],
  ])('gets %s from its address, before anybody can write', async (_what, auto, webhooks) => {
    log.autoCreation = { enabled: true, ...auto };
    log.before = (command) => { if (command === 'participant') expect(log.webhooks).toHaveLength(webhooks.length); };
    await route('1');
    await route('2');
    expect(log.webhooks).toMatchObject(webhooks);
    expect(log.webhooks).toHaveLength(webhooks.length);
    const [sid] = [...log.conversations.keys()];
    expect(log.webhooks.every((webhook) => webhook['conversation_sid'] === sid)).toBe(true);
  });
  it('that comes twice is one message', async () => {
    const first = await route('1');
    expect(await route('1')).toMatchObject({ messageSid: (first as { messageSid: string }).messageSid });
    expect(bodies()).toEqual([['1']]);
  });
  it('goes to a new conversation when the old one is closed in between', async () => {
    await route('1');
    log.before = (command) => {
      if (command !== 'message') return;
      log.before = () => {};
      [...log.conversations.values()][0]!.open = false;
    };
    expect(await route('2')).toMatchObject({ created: true });
    expect(bodies()).toEqual([['1'], ['2']]);
  });
  it('racing with another first one ends in one conversation', async () => {
    log.autoCreation = { enabled: true, type: 'webhook', webhook_url: 'https://example.com/hook' };
    let together!: () => void;
    const both = new Promise<void>((resolve) => (together = resolve));
    let waiting = 0;
    log.before = (command) => {
      if (command !== 'participant') return undefined;
      if (++waiting === 2) together();
      return both;
    };
    const results = await Promise.all([route('1'), route('2')]);
    expect(new Set(results.map((result) => (result as { conversationSid: string }).conversationSid)).size).toBe(1);
    expect(bodies().map((all) => all.sort())).toEqual([['1', '2']]);
    expect(log.webhooks).toMatchObject([{ conversation_sid: [...log.conversations.keys()][0] }]);
  });
  it.each(['create', 'webhook', 'participant', 'message'])('is finished by a repetition when we died after %s', async (died) => {
    const { commands } = log;
    log.autoCreation = { enabled: true, type: 'webhook', webhook_url: 'https://example.com/hook' };
    const names = { create: 'createConversation', webhook: 'create', participant: 'addParticipant', message: 'addMessage' } as const;
    const name = names[died as keyof typeof names];
    const real = commands[name].bind(commands) as (...args: unknown[]) => Promise<unknown>;
    Object.assign(commands, { [name]: async (...args: unknown[]) => { await real(...args); throw new DomainError('unavailable'); } });
    await expect(route('1')).rejects.toMatchObject({ code: 'unavailable' });
    Object.assign(commands, { [name]: real });
    expect(await route('1')).toMatchObject({ outcome: 'routed' });
    expect(bodies()).toEqual([['1']]);
    expect(log.webhooks).toHaveLength(1);
  });
  it('is changed by a pre-event webhook that wishes so', async () => {
    hooks.messageAdd = async (_caller, _sid, data) => ({ ...data, body: `${data.body} (checked)` });
    await route('1');
    expect(bodies()).toEqual([['1 (checked)']]);
  });
  it.each(['messageAdd', 'conversationAdd', 'participantAdd'] as const)('is stored nowhere when a pre-event webhook refuses at %s', async (event) => {
    Object.assign(hooks, { [event]: () => Promise.reject(new DomainError('webhook_refused')) });
    expect(await route('1')).toEqual({ outcome: 'unrouted' });
    expect(bodies().flat()).toEqual([]);
    if (event !== 'messageAdd') expect(log.conversations.size).toBe(0);
  });
});

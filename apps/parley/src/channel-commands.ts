/** `parley senders|connections|messaging-services|opt-outs …`: what accounts reach people by, as the API has it. */
import { carriers } from '@parley/channel/carriers/catalogue';
import { senderCapabilities } from '@parley/contracts/rest/channels';
import { senderPolicy } from '@parley/contracts/rest/sender-policy';
import { ConnectionFault, Connections } from '@parley/delivery/connections';
import { MessagingServices } from '@parley/delivery/messaging-services';
import { findOptOut, listOptOuts, noteOptOut, optIn } from '@parley/delivery/opt-outs';
import { SenderFault, Senders } from '@parley/delivery/senders';
import { channelOf, channelOfProxy } from '@parley/domain/address';
import { z } from 'zod';
import { mustFindAccount } from './account-commands.js';
import { CommandError, mustBe, one, sidArgument, UsageError, type Group } from './command-group.js';
import { jsonArgument, nameArgument, numberArgument } from './given-arguments.js';
import type { Databases } from './new-account.js';

/** Whoever runs this may name private addresses: it is their installation. */
const connectionsOf = ({ pool, box }: Databases) => new Connections({ pool, box, privateAllowed: true });
const text = { type: 'string' } as const;

const object = z.record(z.string(), z.unknown());
const settingsOf = (value: string | undefined) => (value === undefined ? undefined : jsonArgument(object, value, 'settings'));
/** Not on the command line, where others would see them. */
function secrets({ CARRIER_CREDENTIALS: given }: NodeJS.ProcessEnv = process.env): Record<string, unknown> | undefined {
  return given ? jsonArgument(object, given, 'CARRIER_CREDENTIALS') : undefined;
}
const policyOf = (value: string | undefined) => (value === undefined ? undefined : jsonArgument(senderPolicy, value, 'policy'));
/** null: what the carrier can. */
function capabilitiesOf(value: string | undefined): string[] | null | undefined {
  if (value === undefined || value === 'none') return value === undefined ? undefined : [];
  if (value === 'any') return null;
  const named = value.split(',').map((each) => each.trim());
  if (named.every((each) => (senderCapabilities as readonly string[]).includes(each))) return named;
  throw new UsageError(`capabilities are ${senderCapabilities.join(' and ')} with a comma between, none, or any: what the carrier can`);
}
async function told<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof ConnectionFault || error instanceof SenderFault ? new CommandError(error.message) : error;
  }
}

export const connectionsGroup: Group<Databases> = {
  name: 'connections', about: 'Access of an account to carriers. Credentials are a JSON object in CARRIER_CREDENTIALS.',
  actions: {
    carriers: {
      usage: 'carriers', args: [0, 0], about: 'which carriers there are, and the fields of each',
      run: async () => carriers.map(({ name, title, channels, credentials, settings }) =>
        ({ name, title, channels, credentials: Object.keys(shapeOf(credentials)), settings: Object.keys(shapeOf(settings)) })),
    },
    list: { usage: 'list <account>', args: [1, 1], about: 'its connections, oldest first', run: async (parts, [sid]) => connectionsOf(parts).list((await mustFindAccount(parts, sid)).sid) },
    create: {
      usage: 'create <account> <carrier> [--name=…] [--settings=JSON]', args: [2, 2], about: 'credentials from CARRIER_CREDENTIALS', options: { name: text, settings: text },
      async run(parts, [sid, carrier = ''], options) {
        const name = one(options, 'name');
        const account = await mustFindAccount(parts, sid);
        return told(connectionsOf(parts).create(account.sid, {
          carrier, friendlyName: name === undefined ? null : nameArgument(name), credentials: secrets() ?? {}, settings: settingsOf(one(options, 'settings')) ?? {},
        }));
      },
    },
    update: {
      usage: 'update <account> <connection> [--name=…] [--settings=JSON]', args: [2, 2], about: 'credentials from CARRIER_CREDENTIALS when they are given', options: { name: text, settings: text },
      async run(parts, [sid, named], options) {
        const account = await mustFindAccount(parts, sid);
        const [name, credentials, settings] = [one(options, 'name'), secrets(), settingsOf(one(options, 'settings'))];
        const changes = { ...(name !== undefined && { friendlyName: nameArgument(name) }), ...(credentials && { credentials }), ...(settings && { settings }) };
        return mustBe(await told(connectionsOf(parts).update(account.sid, sidArgument(named, 'CX', 'connection SID'), changes)), 'connection');
      },
    },
    delete: {
      usage: 'delete <account> <connection>', args: [2, 2], about: 'when no sender uses it',
      async run(parts, [sid, named]) {
        const connection = sidArgument(named, 'CX', 'connection SID');
        const end = await connectionsOf(parts).remove((await mustFindAccount(parts, sid)).sid, connection);
        if (end !== 'removed') throw new CommandError(end === 'unknown' ? 'the account has no such connection' : 'senders use this connection, remove them first');
        return { connectionSid: connection, deleted: true };
      },
    },
  },
};
const shapeOf = (schema: unknown): object => (schema as { shape?: object }).shape ?? {};

const senderOptions = { rate: text, cap: text, policy: text, capabilities: text } as const;
const senderChanges = (options: Record<string, string | string[] | undefined>) => Object.fromEntries(Object.entries({
  rate: numberArgument(one(options, 'rate'), 'a rate', { min: 0.0001, max: 99_999, whole: false }), dailyCap: numberArgument(one(options, 'cap'), 'a daily cap', { min: 1, max: 100_000_000, whole: true }), policy: policyOf(one(options, 'policy')),
  capabilities: capabilitiesOf(one(options, 'capabilities')),
}).filter(([, value]) => value !== undefined));

export const sendersGroup: Group<Databases> = {
  name: 'senders', about: 'Numbers and addresses an account writes from. With the first one on a channel the simulator’s part there ends.',
  actions: {
    list: {
      usage: 'list <account> [channel]', args: [1, 2], about: 'its senders, oldest first',
      run: async ({ pool, ...parts }, [sid, channel]) => new Senders(pool).list((await mustFindAccount({ pool, ...parts }, sid)).sid, { channel: channel ?? null }),
    },
    create: {
      usage: 'create <account> <connection> <address> [--rate=N] [--cap=N] [--capabilities=mms,group|none] [--policy=JSON]', args: [3, 3],
      about: 'messages a second, sends of a day at most, what the number can (without it: what the carrier can)', options: senderOptions,
      async run(parts, [sid, connection, address = ''], options) {
        const account = await mustFindAccount(parts, sid);
        const made = await told(new Senders(parts.pool).create(account.sid, { address, connection: sidArgument(connection, 'CX', 'connection SID'), ...senderChanges(options) }));
        if (made === 'taken') throw new CommandError('the account has this sender already');
        return made;
      },
    },
    update: {
      usage: 'update <account> <sender> [--connection=CX…] [--rate=N|none] [--cap=N|none] [--capabilities=mms,group|none|any] [--policy=JSON]', args: [2, 2],
      about: 'what is not given stays', options: { ...senderOptions, connection: text },
      async run(parts, [sid, named], options) {
        const account = await mustFindAccount(parts, sid);
        const connection = one(options, 'connection');
        const changes = { ...senderChanges(options), ...(connection !== undefined && { connection: sidArgument(connection, 'CX', 'connection SID') }) };
        return mustBe(await told(new Senders(parts.pool).update(account.sid, sidArgument(named, 'XE', 'sender SID'), changes)), 'sender');
      },
    },
    delete: {
      usage: 'delete <account> <sender>', args: [2, 2], about: 'nothing more is sent from it',
      async run(parts, [sid, named]) {
        const sender = sidArgument(named, 'XE', 'sender SID');
        if (!(await new Senders(parts.pool).remove((await mustFindAccount(parts, sid)).sid, sender))) throw new CommandError('the account has no such sender');
        return { senderSid: sender, deleted: true };
      },
    },
  },
};

export const messagingServicesGroup: Group<Databases> = {
  name: 'messaging-services', about: 'Pools of senders; MessagingBinding.ProxyAddress=MG… takes one of them',
  actions: {
    list: { usage: 'list <account>', args: [1, 1], about: 'its services, oldest first', run: async (parts, [sid]) => new MessagingServices(parts.pool).list((await mustFindAccount(parts, sid)).sid) },
    create: {
      usage: 'create <account> <name> [--no-sticky]', args: [2, 2], about: 'an empty pool', options: { 'no-sticky': { type: 'boolean' } },
      run: async (parts, [sid, friendlyName = ''], options) =>
        new MessagingServices(parts.pool).create((await mustFindAccount(parts, sid)).sid, { friendlyName: nameArgument(friendlyName), sticky: options['no-sticky'] === undefined }),
    },
    update: {
      usage: 'update <account> <service> [--name=…] [--sticky=true|false]', args: [2, 2], about: 'what is not given stays', options: { name: text, sticky: text },
      async run(parts, [sid, named], options) {
        const [friendlyName, sticky] = [one(options, 'name'), one(options, 'sticky')];
        if (sticky !== undefined && !['true', 'false'].includes(sticky)) throw new UsageError('--sticky is true or false');
        const changes = { ...(friendlyName !== undefined && { friendlyName: nameArgument(friendlyName) }), ...(sticky !== undefined && { sticky: sticky === 'true' }) };
        return mustBe(await new MessagingServices(parts.pool).update(
          (await mustFindAccount(parts, sid)).sid, sidArgument(named, 'MG', 'messaging service SID'), changes), 'messaging service');
      },
    },
    senders: {
      usage: 'senders <account> <service>', args: [2, 2], about: 'the pool',
      run: async (parts, [sid, service]) => new MessagingServices(parts.pool).senders((await mustFindAccount(parts, sid)).sid, sidArgument(service, 'MG', 'messaging service SID')),
    },
    add: {
      usage: 'add <account> <service> <sender> [place]', args: [3, 4], about: 'a sender, behind the others or at this place',
      async run(parts, [sid, service, sender, place]) {
        const added = await new MessagingServices(parts.pool).addSender(
          (await mustFindAccount(parts, sid)).sid, sidArgument(service, 'MG', 'messaging service SID'), sidArgument(sender, 'XE', 'sender SID'),
          place === undefined ? undefined : (numberArgument(place, 'a place', { min: 0, max: 100_000, whole: true }) ?? undefined));
        return mustBe(added, 'messaging service or sender');
      },
    },
    remove: {
      usage: 'remove <account> <service> <sender>', args: [3, 3], about: 'a sender from the pool',
      async run(parts, [sid, service, sender]) {
        const removed = await new MessagingServices(parts.pool).removeSender(
          (await mustFindAccount(parts, sid)).sid, sidArgument(service, 'MG', 'messaging service SID'), sidArgument(sender, 'XE', 'sender SID'));
        return { removed };
      },
    },
    delete: {
      usage: 'delete <account> <service>', args: [2, 2], about: 'the pool; its senders stay',
      async run(parts, [sid, named]) {
        const service = sidArgument(named, 'MG', 'messaging service SID');
        if (!(await new MessagingServices(parts.pool).remove((await mustFindAccount(parts, sid)).sid, service))) throw new CommandError('the account has no such messaging service');
        return { serviceSid: service, deleted: true };
      },
    },
  },
};

export const optOutsGroup: Group<Databases> = {
  name: 'opt-outs', about: 'Who does not want messages of a sender',
  actions: {
    list: {
      usage: 'list <account> [--sender=…] [--recipient=…]', args: [1, 1], about: 'refusals', options: { sender: text, recipient: text },
      run: async (parts, [sid], options) => listOptOuts(parts.pool, (await mustFindAccount(parts, sid)).sid, { sender: one(options, 'sender') ?? null, recipient: one(options, 'recipient') ?? null }),
    },
    add: {
      usage: 'add <account> <sender> <recipient>', args: [3, 3], about: 'as if the person had said STOP',
      async run(parts, [sid, sender = '', recipient = '']) {
        const account = (await mustFindAccount(parts, sid)).sid;
        const channel = channelOfProxy(sender);
        if (channel === undefined || channelOf(recipient) !== channel) throw new UsageError('sender and recipient are addresses of the same channel');
        return noteOptOut(parts.pool, { account, channel, sender, recipient }, 'agent');
      },
    },
    remove: {
      usage: 'remove <account> <refusal>', args: [2, 2], about: 'by its SID (XO…): the person may be written to again',
      async run(parts, [sid, named]) {
        const found = mustBe(await findOptOut(parts.pool, (await mustFindAccount(parts, sid)).sid, sidArgument(named, 'XO', 'SID of a refusal')), 'refusal');
        return { removed: await optIn(parts.pool, found) };
      },
    },
  },
};

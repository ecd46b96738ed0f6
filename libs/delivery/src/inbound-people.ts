/**
 * What chat channels (WhatsApp, Messenger) say beside text: who the person is under all their names, which of our messages
 * they mean, what became of their own. Turns it into what the router understands; everything here may happen twice.
 */
import type { InboundChange, InboundMessage } from '@parley/channel/inbound-event';
import type { InboundRouting, RouterCommands } from '@parley/contracts/commands';
import type { Pool } from '@parley/event-store/database';
import { logger } from '@parley/telemetry/logger';
import { Contacts } from './contacts.js';
import { messageOfProvider, noteInboundMessage } from './known-messages.js';
import { allowMarketing, optOut } from './opt-outs.js';
import { noteWindow } from './reply-window.js';

const chatChannels: ReadonlySet<string> = new Set(['whatsapp', 'messenger']);
/** Of a message's attributes (API reference 3.6). */
const ATTRIBUTES_CHARS_MAX = 4096;
/** What stands in the thread for a message that the carrier could not hand over. */
export const UNSUPPORTED_TEXT = '[This message cannot be shown here]';
const log = logger('inbound-people');

/** As the thread has them. */
export type Understood = { from: string; body: string | null; attributes?: string };

export class InboundPeople {
  private readonly contacts: Contacts;

  constructor(private readonly pool: Pool, private readonly router: RouterCommands) {
    this.contacts = new Contacts(pool);
  }

  async understand(account: string, event: InboundMessage, receivedAt: string): Promise<Understood> {
    const { channel, from, to, text } = event;
    const body = event.kind === 'unsupported' && text === null ? UNSUPPORTED_TEXT : text;
    const attributes = await this.attributesOf(account, event);
    const said = { body, ...(attributes !== undefined && { attributes }) };
    if (!chatChannels.has(channel)) return { from, ...said };
    const names = await this.contacts.met(account, event);
    await noteWindow(this.pool, account, event, names, receivedAt);
    return { from: await this.contacts.addressIn(account, to, from, names), ...said };
  }

  /** What a colleague wrote to somebody in the carrier's own app; the person as the thread has them. */
  async understandEcho(account: string, { channel, from, to, text }: InboundMessage): Promise<Understood> {
    const names = await this.contacts.note({ account, channel }, [to]);
    return { from: await this.contacts.addressIn(account, from, to, names), body: text };
  }

  async routed(account: string, event: InboundMessage, from: string, routing: InboundRouting): Promise<void> {
    if (routing.outcome === 'routed' && event.kind !== 'echo' && chatChannels.has(event.channel)) await noteInboundMessage(this.pool, account, event, from, routing);
  }

  async change(account: string, carrier: string, event: InboundChange): Promise<'done' | 'unmatched'> {
    const { channel, from, to } = event;
    const about = { key: `${carrier}:${event.providerMessageId}`, channel };
    switch (event.kind) {
      case 'edit': case 'delete': {
        const message = await messageOfProvider(this.pool, account, event.kind === 'edit' ? event.editedMessageId : event.deletedMessageId);
        if (!message) return 'unmatched'; // it may still be on its way to the thread
        if (!(await this.isTheirs(account, event, message.messageSid))) return 'done';
        await this.router.changeInbound(account, event.kind === 'edit' ? { ...about, ...message, kind: 'edited', body: event.text } : { ...about, ...message, kind: 'deleted' });
        return 'done';
      }
      case 'system': {
        if (event.change === 'sender_state') await this.noteState(account, to, event.state);
        else if (event.change === 'marketing') await this.marketing(account, event, event.allowed);
        else await this.moved(account, { ...about, from, to, newAddress: event.newAddress });
        return 'done';
      }
      case 'ignore':
        log.info('event passed over', { channel, reason: event.reason });
        return 'done';
    }
  }

  /** Nobody changes what somebody else wrote. */
  private async isTheirs(account: string, { from, channel }: InboundChange, messageSid: string): Promise<boolean> {
    const { rowCount } = await this.pool.query(
      `select 1 from delivery.inbound_message i where i.message_sid = $2 and i.account = $1 and (i.recipient = $3 or exists (
         select 1 from delivery.contact_address a join delivery.contact_address b on b.contact = a.contact
          where a.account = $1 and a.channel = $4 and a.address = $3 and b.address = i.recipient))`, [account, messageSid, from, channel]);
    return rowCount !== 0;
  }

  /** Refusals and the open window go along; the old address may be somebody else's from now on. */
  private async moved(account: string, change: { key: string; channel: InboundMessage['channel']; from: string; to: string; newAddress: string }): Promise<void> {
    const { channel, from, to, newAddress } = change;
    await this.router.changeInbound(account, { ...change, kind: 'moved' });
    await this.contacts.moved({ account, channel }, from, newAddress);
    const person = [account, channel, to, from, newAddress];
    await this.pool.query(
      `insert into delivery.reply_window as w (account, channel, sender, recipient, last_inbound_at)
       select account, channel, sender, $5, last_inbound_at from delivery.reply_window where account = $1 and channel = $2 and sender = $3 and recipient = $4
       on conflict (account, channel, sender, recipient) do update set last_inbound_at = greatest(w.last_inbound_at, excluded.last_inbound_at)`, person);
    await this.pool.query(
      `insert into delivery.opt_out (account, channel, sender, recipient, reason)
       select account, channel, sender, $5, reason from delivery.opt_out where account = $1 and channel = $2 and sender = $3 and recipient = $4 on conflict do nothing`, person);
    await this.pool.query('update delivery.inbound_message set recipient = $5 where account = $1 and channel = $2 and sender = $3 and recipient = $4', person);
  }

  /** Under all their names: a conversation may have any of them. */
  private async marketing(account: string, { channel, from, to }: InboundChange, allowed: boolean): Promise<void> {
    for (const recipient of await this.contacts.note({ account, channel }, [from])) {
      const person = { account, channel, sender: to, recipient };
      await (allowed ? allowMarketing(this.pool, person) : optOut(this.pool, person, 'marketing'));
    }
  }

  private async noteState(account: string, sender: string, state: Readonly<Record<string, unknown>>): Promise<void> {
    log.warn('the carrier says of a sender', { sender, about: Object.keys(state) });
    await this.pool.query('update delivery.sender set state = state || $3, updated_at = now() where account = $1 and address = $2', [account, sender, state]);
  }

  /** Messages that are answered or reacted to are named by our SIDs. */
  private async attributesOf(account: string, { channel, kind, attributes = {}, inReplyTo, buttonPayload, profileName }: InboundMessage): Promise<string | undefined> {
    if (!chatChannels.has(channel)) return Object.keys(attributes).length === 0 ? undefined : fitting(attributes, channel);
    const said = (attributes[channel] ?? {}) as Record<string, unknown>;
    const meant = inReplyTo === null ? undefined : await messageOfProvider(this.pool, account, inReplyTo);
    const messageSid = meant?.messageSid ?? null;
    const own = {
      ...said, ...(kind === 'reaction' && { reaction: { messageSid, ...(said['reaction'] as object | undefined) } }),
      ...(kind !== 'reaction' && meant && { inReplyTo: { messageSid } }), ...(buttonPayload !== undefined && { buttonPayload }), ...(profileName !== undefined && { profileName }),
    };
    return Object.keys(own).length === 0 ? undefined : fitting({ ...attributes, [channel]: own }, channel);
  }
}

function fitting(attributes: Readonly<Record<string, unknown>>, channel: string): string {
  const json = JSON.stringify(attributes);
  return json.length <= ATTRIBUTES_CHARS_MAX ? json : JSON.stringify({ [channel]: { tooLong: true } });
}

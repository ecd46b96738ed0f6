/**
 * A person with a handset or a mailbox who writes to the conversation, one text after another. `at the webhook`: we play the carrier
 * ourselves, which repeats a webhook until it is answered, and some once more; `at the simulator`: its handset writes, once; a
 * message centre offers it by SMPP until it is taken, a mail server brings it until it is taken, and some once more.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Person } from './cast.ts';
import type { InboundText } from './evidence.ts';
import { Mailbox } from './mailbox.ts';
import type { MessageCentre } from './message-centre.ts';
import { basic, persistently, Refused, request } from './persistence.ts';
import type { Access } from './play.ts';
import type { Random } from './random.ts';

export type TexterOptions = {
  access: Access;
  conversation: string;
  person: Person;
  where: 'webhook' | 'simulator' | MessageCentre | Mailbox;
  random: Random;
  /** Mean pause between texts. */
  everyMillis: number;
};

const PATIENCE_MILLIS = 90_000;
/** Carriers repeat a webhook they believe was lost. */
const AGAIN_SHARE = 0.2;

export class Texter {
  readonly texts: InboundText[] = [];
  private readonly options: TexterOptions;

  constructor(options: TexterOptions) {
    this.options = options;
  }

  /** Until the signal; then the text at hand is still brought to its end. */
  async run(stop: AbortSignal): Promise<void> {
    const { random, person, conversation, where, everyMillis } = this.options;
    const name = person.address.replace('@', ' at '); // another byte in the alphabet of short messages
    for (let number = 0; !stop.aborted; number++) {
      const text: InboundText = { conversation, address: person.address, body: `${name} text ${number}`, attempts: 0, acknowledged: false };
      this.texts.push(text);
      try {
        if (where === 'webhook') await this.atWebhook(text);
        else if (where === 'simulator') await this.atSimulator(text);
        else if (where instanceof Mailbox) await this.atMailbox(text, where);
        else await this.atCentre(text, where);
        text.acknowledged = true;
      } catch (error) {
        text.trouble = error instanceof Error ? error.message : String(error);
        if (error instanceof Refused) text.refused = true;
      }
      await pause(random.between(0, 2 * everyMillis), undefined, { signal: stop }).catch(() => {});
    }
  }

  private async atWebhook(text: InboundText): Promise<void> {
    const { access, person, random } = this.options;
    const sid = `SM${randomBytes(16).toString('hex')}`;
    const form = {
      AccountSid: access.accountSid, ApiVersion: '2010-04-01', Body: text.body, From: person.address, MessageSid: sid, NumMedia: '0',
      NumSegments: '1', SmsMessageSid: sid, SmsSid: sid, SmsStatus: 'received', To: person.proxy,
    };
    const url = `${access.webhookUrl}/twilio/sms`;
    const names = Object.keys(form).sort() as (keyof typeof form)[];
    const signed = url + names.map((name) => name + form[name]).join('');
    const signature = createHmac('sha1', access.authToken).update(signed).digest('base64');
    const send = () => {
      text.attempts++;
      return request(url, { method: 'POST', headers: { 'X-Twilio-Signature': signature }, body: new URLSearchParams(form) });
    };
    await persistently(PATIENCE_MILLIS, send);
    if (random.next() < AGAIN_SHARE) void persistently(PATIENCE_MILLIS, send).catch(() => {});
  }

  private async atCentre(text: InboundText, centre: MessageCentre): Promise<void> {
    const { person } = this.options;
    await persistently(PATIENCE_MILLIS, () => {
      text.attempts++;
      return centre.says(person.address, person.proxy, text.body);
    });
  }

  private async atMailbox(text: InboundText, mailbox: Mailbox): Promise<void> {
    const { person, random } = this.options;
    const messageId = `<${randomBytes(16).toString('hex')}@people.example.test>`;
    const send = () => {
      text.attempts++;
      return mailbox.says(person.address, person.proxy, messageId, text.body);
    };
    await persistently(PATIENCE_MILLIS, send);
    if (random.next() < AGAIN_SHARE) void persistently(PATIENCE_MILLIS, send).catch(() => {});
  }

  /** Not repeated: a second try would be a second text of the same words. */
  private async atSimulator(text: InboundText): Promise<void> {
    const { access, person } = this.options;
    text.attempts++;
    await request(`${access.simulatorUrl}/handsets/${encodeURIComponent(person.address)}/messages`, {
      method: 'POST', headers: { Authorization: basic(access), 'Content-Type': 'application/json' },
      body: JSON.stringify({ ...(person.group ? { to: person.group.ours, group: person.group.phones } : { to: person.proxy }), body: text.body }),
    });
  }
}

/**
 * The built-in simulator as a carrier: Twilio's API at another address, except that it keeps our reference, so a repeated
 * send is the same message there and a lookup is exact. Limits are Twilio's, whose place it takes; what it accepted is in
 * its database when it answers.
 */
import { attemptKeyOf, type Delivery } from '../../channel-adapter.js';
import type { CarrierChannel } from '../../inbound-event.js';
import { found, TwilioMessaging, type TwilioOptions } from '../../twilio/messaging-adapter.js';

/** The account's own SID and token, and where the simulator is. */
export type SimulatorAccess = Pick<TwilioOptions, 'accountSid' | 'authToken' | 'baseUrl'>;

abstract class Simulator extends TwilioMessaging {
  override async lookup(delivery: Delivery, signal: AbortSignal) {
    return found(await this.list({ Reference: attemptKeyOf(delivery) }, signal));
  }

  /** Files lie wherever a handset says: nobody there is owed our credentials. */
  override mediaHeaders(): Record<string, string> {
    return {};
  }
}

export class SimulatorSms extends Simulator {
  override readonly limits = { bodyCharsMax: 1600, mediaBytesMax: 5_000_000, lookupDelayMillis: 1_000 };
}
export class SimulatorWhatsapp extends Simulator {
  override readonly limits = { bodyCharsMax: 1600, mediaBytesMax: 16_000_000, lookupDelayMillis: 1_000 };
}

/** Limits are Messenger's (docs/channels/messenger.md). */
class SimulatorMessenger extends Simulator {
  override readonly limits = { bodyCharsMax: 2000, mediaBytesMax: 25_000_000, lookupDelayMillis: 1_000 };
}

/** Without subjects and threads: a mail is its text and files. Limits are those of our mail carriers (docs/channels/email.md). */
class SimulatorMail extends Simulator {
  override readonly limits = { bodyCharsMax: 100_000, mediaBytesMax: 18_000_000, lookupDelayMillis: 1_000 };

  /** "Stop" is a word there. */
  protected override keyword() {
    return { kind: 'message' as const };
  }
}

export function openSimulator(options: TwilioOptions, channel: CarrierChannel): TwilioMessaging {
  switch (channel) {
    case 'whatsapp': return new SimulatorWhatsapp(options);
    case 'messenger': return new SimulatorMessenger(options);
    case 'email': return new SimulatorMail(options);
    default: return new SimulatorSms(options);
  }
}

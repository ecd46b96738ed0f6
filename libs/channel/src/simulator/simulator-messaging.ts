/**
 * The built-in simulator as a carrier: Twilio's API at another address, except that it keeps our reference, so a repeated
 * send is the same message there and a lookup is exact.
 */
import type { Delivery } from '../channel-adapter.js';
import { found, TwilioMessaging } from '../twilio/messaging-adapter.js';

export abstract class SimulatorMessaging extends TwilioMessaging {
  override async lookup({ deliveryId }: Delivery, signal: AbortSignal) {
    return found(await this.list({ Reference: deliveryId }, signal));
  }

  /** Files lie wherever a handset says: nobody there is owed our credentials. */
  override mediaHeaders(): Record<string, string> {
    return {};
  }
}

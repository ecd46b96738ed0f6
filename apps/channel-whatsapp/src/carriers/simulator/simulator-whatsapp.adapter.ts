/** WhatsApp through the built-in simulator (docs/simulator.md). */
import { SimulatorMessaging } from '@parley/channel/simulator/simulator-messaging';

export class SimulatorWhatsapp extends SimulatorMessaging {
  /** Twilio's, whose place it takes; what it accepted is in its database when it answers. */
  override readonly limits = { bodyCharsMax: 1600, mediaBytesMax: 16_000_000, lookupDelayMillis: 1_000 };
}

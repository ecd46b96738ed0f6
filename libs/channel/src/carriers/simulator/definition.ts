/**
 * The built-in simulator (docs/simulator.md). An account without senders on a channel uses it there without any connection;
 * with one, it can have simulated senders of its own beside real ones.
 */
import { z } from 'zod';
import type { CarrierDefinition } from '../../carrier-definition.js';
import type { SimulatorAccess } from './adapter.js';

/** What the installation fills in: the account's own SID and token, and where the simulator is. */
export const simulator: CarrierDefinition<object, object> = {
  name: 'simulator', title: 'Built-in simulator', channels: ['sms', 'whatsapp', 'messenger', 'email'], listens: false,
  credentials: z.strictObject({}), settings: z.strictObject({}), rate: null, groupRecipientsMax: 9,
  load: async () => {
    const { openSimulator } = await import('./adapter.js');
    return ({ credentials, publicUrl }, channel) => openSimulator({ ...(credentials as SimulatorAccess), publicUrl }, channel);
  },
};

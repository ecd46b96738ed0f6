/** Connections to push services over HTTP/1.1; APNs has its own (apns-connection.ts). */
import { HttpExchange } from '@parley/webhooks/http-exchange';
import { publicLookup } from '@parley/webhooks/target-address';

const kept = { idleMillis: 30_000, maxFree: 16 };
/** Wherever the operator says they are. */
export const ownServices = new HttpExchange(kept);
/** Wherever subscriptions lead, but for private networks. */
export const publicServices = new HttpExchange({ ...kept, lookup: publicLookup });

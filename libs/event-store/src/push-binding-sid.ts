/**
 * The SID of a device's binding follows from its address: registered again, by whomever, it is the same binding. Who logs in on
 * a device gets its notifications, and whoever had it before gets none there.
 */
import type { Sid } from '@parley/domain/sid';
import { derivedSid } from './derived-sid.js';

/** `address` as stored; of a browser's subscription the endpoint is what counts. */
export function pushBindingSid(account: string, service: string, type: string, address: string): Sid<'BS'> {
  const place = type === 'webpush' ? (JSON.parse(address) as { endpoint: string }).endpoint : address;
  return derivedSid('BS', account, `${service}|${type === 'gcm' ? 'fcm' : type}|${place}`);
}

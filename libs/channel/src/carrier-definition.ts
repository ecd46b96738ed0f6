/**
 * What a carrier is, before anybody connects to it: its name, the channels it serves, what an account has to know to use it.
 * The gateway checks a new connection by it, the channel apps open adapters with it. Adapters are loaded when one is opened,
 * so that a service that only checks loads none of their libraries.
 */
import type { LookupFunction } from 'node:net';
import type { z } from 'zod';
import type { ChannelAdapter } from './channel-adapter.js';
import type { CarrierChannel } from './inbound-event.js';

/** One account's access to one carrier. */
export type CarrierConnection<Credentials = Record<string, string>, Settings = Record<string, unknown>> = {
  sid: string;
  account: string;
  /** Secrets, as `credentials` of the definition has them. */
  credentials: Credentials;
  /** Everything else: hosts, windows, regions. */
  settings: Settings;
  /** Of this connection alone, the same for ever: for what it signs itself (reply addresses). Absent: it signs nothing. */
  signingKey?: string;
  /** Ours, without trailing slash. */
  publicUrl: string;
  /** Where this connection's webhooks arrive; further path segments and a query are the adapter's own. */
  webhookUrl: string;
  /**
   * How names of hosts are looked up, at every connect: refuses those that lead where this connection may not. Absent: as the system does, anywhere.
   */
  lookup?: LookupFunction;
};

export type CarrierDefinition<Credentials = any, Settings = any> = {
  /** `telnyx`: in connections, in the webhook's path, in metrics. */
  name: string;
  /** As people know it. */
  title: string;
  /** The first is the app that opens its connections and takes its webhooks. */
  channels: readonly [CarrierChannel, ...CarrierChannel[]];
  /** False: nothing of it is ever listened to or polled, so its connections need not be opened to find out. */
  listens?: boolean;
  /** Strict objects; `.describe()` of a field is its help text. Never shown again once given. */
  credentials: z.ZodType<Credentials>;
  settings: z.ZodType<Settings>;
  /** Messages a second of one sender that names no rate of its own; null: as fast as the carrier answers. */
  rate: number | null;
  /** It carries group texting: recipients of one message to a group at most, its sender not among them. */
  groupRecipientsMax?: number;
  load(): Promise<(connection: CarrierConnection<Credentials, Settings>, channel: CarrierChannel) => ChannelAdapter>;
};

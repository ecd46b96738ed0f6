/**
 * The carriers of one channel app: which adapter speaks for which sender, and whose webhook one is. Adapters are opened when
 * they are first needed, kept as long as their connection stays as it is, and closed when it changes. An account without
 * senders of its own on a channel is led to the simulator by its own credentials.
 */
import { carrierNamed } from '@parley/channel/carriers/catalogue';
import type { ChannelAdapter, RawWebhook, WebhookAnswer } from '@parley/channel/channel-adapter';
import type { CarrierDefinition } from '@parley/channel/carrier-definition';
import type { CarrierChannel, InboundEvent } from '@parley/channel/inbound-event';
import { InvalidSignature } from '@parley/channel/send-error';
import { claimedAccount } from '@parley/channel/twilio/messaging-webhook';
import type { Accounts } from '@parley/event-store/accounts';
import type { Pool } from '@parley/event-store/database';
import { LruMap } from '@parley/event-store/lru-map';
import type { SecretBox } from '@parley/event-store/secret-box';
import { logger } from '@parley/telemetry/logger';
import { publicLookup } from '@parley/webhooks/target-address';
import type { LookupFunction } from 'node:net';
import { hostsNamed, leadingInside, type Resolve } from './connection-hosts.js';

export const SIMULATOR = 'simulator';

/** Who a sender's messages go by; without a connection, the simulator. */
export type CarrierRef = { account: string; carrier: string | null; connection: string | null; version?: number | null };
export type Webhook = { account: string; carrier: string; connection: string | null; events: InboundEvent[]; answer: WebhookAnswer };
export type ConnectionRow = {
  sid: string; account: string; carrier: string; credentials: Buffer; settings: Record<string, unknown>; version: number; active: boolean;
  private_allowed: boolean;
};
/** A connection with its adapter; listening ones are in the hands of `CarrierListeners`. */
export type OpenConnection = ConnectionRow & { adapter: ChannelAdapter; readAt: number };

export type CarriersOptions = {
  channel: CarrierChannel;
  pool: Pool;
  box: SecretBox;
  accounts: Accounts;
  /** Ours, without trailing slash. */
  publicUrl: string;
  simulatorUrl: string;
  /** Settings of the installation for connections that have none of their own, by carrier. */
  usualSettings?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  find?: (name: string) => CarrierDefinition | undefined;
  resolve?: Resolve;
  /** At every connect of those that must not lead inside. */
  lookup?: LookupFunction;
};

/** A change that nobody told us of is seen after so long; sends see it at once, by the version. */
const CACHE_MILLIS = 5_000;
/** So long after it was looked at, a connection is looked at again even for sends: one that leads elsewhere now is not kept open. */
const LOOKED_AT_MILLIS = 60_000;
const OPEN_MAX = 1000;
/** Calls in flight may go on so long after their adapter was replaced. */
const GRACE_MILLIS = 30_000;
const log = logger('carriers');

export class Carriers {
  private readonly open = new Map<string, OpenConnection>();
  private readonly opening = new Map<string, Promise<OpenConnection | undefined>>();
  private readonly simulators = new LruMap<string, Promise<ChannelAdapter>>(1000);
  private readonly graces = new Set<NodeJS.Timeout>();
  /** Connections whose adapter listens: never closed from here. */
  readonly listening = new Map<string, OpenConnection>();

  constructor(private readonly options: CarriersOptions) {}

  definition(name: string): CarrierDefinition | undefined {
    return (this.options.find ?? carrierNamed)(name);
  }

  /** undefined: no such carrier on this channel, or it cannot be opened with what is stored. */
  async adapterFor({ account, carrier, connection, version }: CarrierRef): Promise<ChannelAdapter | undefined> {
    if (connection !== null) {
      const found = await this.connection(connection, version ?? undefined);
      return found?.account === account ? found.adapter : undefined;
    }
    if (carrier !== SIMULATOR) return undefined;
    const authToken = (await this.options.accounts.find(account))?.authToken;
    return authToken === undefined ? undefined : this.simulator(account, authToken);
  }

  /** A webhook at a connection's own address. undefined: there is no such connection. Throws InvalidSignature. */
  async openConnectionWebhook(carrier: string, sid: string, webhook: RawWebhook): Promise<Webhook | undefined> {
    const found = await this.connection(sid);
    if (!found || found.carrier !== carrier || !found.active) return undefined;
    const { account, adapter } = found;
    const asked = webhook.method === 'GET' && adapter.handshake ? adapter.handshake(webhook) : undefined;
    if (asked) return { account, carrier, connection: sid, events: [], answer: asked };
    return { account, carrier, connection: sid, events: await adapter.parseWebhook(webhook), answer: adapter.answer };
  }

  /** Whose webhook this is, by the secret that fits its signature. Throws InvalidSignature when none of an active account does. */
  async openWebhook(webhook: RawWebhook): Promise<Webhook> {
    for (const { account, carrier, connection, adapter } of await this.claimants(webhook)) {
      try {
        const events = await adapter?.parseWebhook(webhook);
        if (adapter && events) return { account, carrier, connection, events, answer: adapter.answer };
      } catch (error) {
        if (!(error instanceof InvalidSignature)) throw error;
      }
    }
    throw new InvalidSignature();
  }

  /** The connection, opened; read again when it may have changed. */
  async connection(sid: string, version?: number): Promise<OpenConnection | undefined> {
    const known = this.listening.get(sid) ?? this.open.get(sid);
    if (known && Date.now() - known.readAt < (version === undefined ? CACHE_MILLIS : LOOKED_AT_MILLIS) && known.version >= (version ?? 0)) return known;
    let opening = this.opening.get(sid);
    if (!opening) this.opening.set(sid, (opening = this.read(sid).finally(() => this.opening.delete(sid))));
    return opening;
  }

  /** After a change: read again at the next use. */
  drop(sid: string): void {
    const known = this.open.get(sid);
    if (known) known.readAt = 0;
    const listening = this.listening.get(sid);
    if (listening) listening.readAt = 0;
  }

  async close(): Promise<void> {
    for (const timer of this.graces) clearTimeout(timer);
    await Promise.all([...this.open.values()].map(({ adapter }) => adapter.close?.().catch(() => undefined)));
    this.open.clear();
  }

  private async read(sid: string): Promise<OpenConnection | undefined> {
    const readAt = Date.now();
    const { rows: [row] } = await this.options.pool.query<ConnectionRow>({ name: 'connection', text: connectionSql, values: [sid] });
    const listening = this.listening.get(sid);
    // Its listener closes it and opens the new version (carrier-listeners.ts): one session at a time. Until then it is what there is.
    if (listening) return Object.assign(listening, { readAt, active: row?.active ?? false });
    const known = this.open.get(sid);
    if (known && row?.version === known.version && !(await this.leadsInside(row))) return Object.assign(known, { readAt, active: row.active });
    if (known) this.retire(known);
    this.open.delete(sid);
    const adapter = row && (await this.adapterOf(row));
    if (!row || !adapter) return undefined;
    const opened = { ...row, adapter, readAt };
    this.open.set(sid, opened);
    if (this.open.size > OPEN_MAX) this.forgetOldest();
    return opened;
  }

  /** undefined: this carrier is not known here, or what is stored no longer fits it. */
  async adapterOf(row: ConnectionRow): Promise<ChannelAdapter | undefined> {
    const { sid, account, carrier, credentials, settings } = row;
    const definition = this.definition(carrier);
    if (!definition?.channels.includes(this.options.channel)) return undefined;
    if (carrier === SIMULATOR) {
      const authToken = (await this.options.accounts.find(account))?.authToken;
      return authToken === undefined ? undefined : this.simulator(account, authToken);
    }
    if (await this.leadsInside(row)) return undefined;
    try {
      const secrets = definition.credentials.parse(JSON.parse(this.options.box.open(credentials)));
      const open = await definition.load();
      const { publicUrl, usualSettings, channel } = this.options;
      return open({
        sid, account, credentials: secrets, settings: definition.settings.parse({ ...usualSettings?.[carrier], ...settings }),
        signingKey: this.options.box.derivedKey(`connection ${sid}`), publicUrl,
        webhookUrl: `${publicUrl}/webhooks/${carrier}/${sid}`, ...(this.isGuarded(row) && { lookup: this.options.lookup ?? publicLookup }),
      }, channel);
    } catch (error) {
      log.error('connection cannot be opened', { connection: sid, carrier, error });
      return undefined;
    }
  }

  /** Accounts wrote where it leads. What names no host leads to the carrier's own, or where the installation says. */
  private isGuarded({ private_allowed, settings }: ConnectionRow): boolean {
    return !private_allowed && hostsNamed(settings).length > 0;
  }

  private async leadsInside({ sid, carrier, settings, private_allowed }: ConnectionRow): Promise<boolean> {
    const inside = private_allowed ? undefined : await leadingInside(settings, this.options.resolve);
    if (inside) log.error('connection leads into a private network', { connection: sid, carrier, field: inside.field });
    return inside !== undefined;
  }

  private retire({ adapter }: OpenConnection): void {
    if (!adapter.close) return;
    const timer = setTimeout(() => {
      this.graces.delete(timer);
      adapter.close!().catch((error: unknown) => log.debug('adapter not closed in order', { error }));
    }, GRACE_MILLIS);
    this.graces.add(timer.unref());
  }

  private forgetOldest(): void {
    const [sid, oldest] = this.open.entries().next().value!;
    this.open.delete(sid);
    this.retire(oldest);
  }

  private async claimants(webhook: RawWebhook): Promise<(CarrierRef & { carrier: string; adapter: ChannelAdapter | undefined })[]> {
    const body = webhook.body.toString();
    const claimed = claimedAccount(body);
    if (claimed === undefined) return [];
    const known = await this.options.accounts.find(claimed);
    if (known) {
      // Signed with either token: while one is being replaced, both are valid.
      const tokens = known.status === 'active' ? [known.authToken, known.secondaryAuthToken] : [];
      const ours = tokens.filter((token) => token !== undefined).map(async (token) =>
        ({ account: claimed, carrier: SIMULATOR, connection: null, adapter: await this.simulator(claimed, token) }));
      return Promise.all(ours);
    }
    const form = new URLSearchParams(body);
    const [from, to] = [form.get('From'), form.get('To')];
    if (`${from}${to}`.includes('\0')) return []; // no text column takes it, so no sender has it
    const { rows } = await this.options.pool.query<{ account: string; carrier: string; connection: string; version: number }>(
      `select distinct c.account, c.carrier, c.sid as connection, c.version
         from delivery.connection c join delivery.sender s on s.connection = c.sid
         join registry.account a on a.sid = c.account and a.status = 'active'
        where c.carrier_account = $1 and s.address in ($2, $3)`,
      [claimed, from, to],
    );
    return Promise.all(rows.map(async (ref) => ({ ...ref, adapter: await this.adapterFor(ref) })));
  }

  private simulator(accountSid: string, authToken: string): Promise<ChannelAdapter> {
    const key = `${accountSid} ${authToken}`;
    let adapter = this.simulators.get(key);
    if (!adapter) {
      const { publicUrl, simulatorUrl: baseUrl, channel } = this.options;
      adapter = this.definition(SIMULATOR)!.load().then((open) => open({
        sid: '', account: accountSid, credentials: { accountSid, authToken, baseUrl }, settings: {}, publicUrl, webhookUrl: `${publicUrl}/webhooks/twilio`,
      }, channel));
      this.simulators.set(key, adapter);
    }
    return adapter;
  }
}

const connectionSql = `
select c.sid, c.account, c.carrier, c.credentials, c.settings, c.version, c.private_allowed, a.status = 'active' as active
  from delivery.connection c join registry.account a on a.sid = c.account where c.sid = $1`;

/**
 * The carriers of one channel app: which adapter speaks for which sender, and which account's secret a webhook was signed
 * with. An account's own credentials lead to the simulator; senders at real carriers are in `delivery.sender`.
 */
import type { ChannelAdapter, RawWebhook, WebhookAnswer } from '@parley/channel/channel-adapter';
import type { InboundEvent } from '@parley/channel/inbound-event';
import { InvalidSignature } from '@parley/channel/send-error';
import type { TwilioOptions } from '@parley/channel/twilio/messaging-adapter';
import { claimedAccount } from '@parley/channel/twilio/messaging-webhook';
import type { Accounts } from '@parley/event-store/accounts';
import type { Pool } from '@parley/event-store/database';
import { LruMap } from '@parley/event-store/lru-map';
import type { SecretBox } from '@parley/event-store/secret-box';

export const SIMULATOR = 'simulator';

/** By the names `delivery.sender.carrier` holds; credentials are those options but the URLs. */
export type CarrierTypes = Record<string, { adapter: new (options: TwilioOptions) => ChannelAdapter; baseUrl: string }>;
export type CarrierRef = { account: string; carrier: string; credentials: Buffer | null };
type Claimant = { account: string; carrier: string; adapter: ChannelAdapter | undefined };
export type Webhook = { account: string; carrier: string; events: InboundEvent[]; answer: WebhookAnswer };

export class Carriers {
  private readonly adapters = new LruMap<string, ChannelAdapter>(1000);

  constructor(
    private readonly types: CarrierTypes,
    private readonly publicUrl: string,
    private readonly accounts: Accounts,
    private readonly pool: Pool,
    private readonly box: SecretBox,
  ) {}

  /** undefined: no such carrier on this channel, or its credentials are unknown. */
  async adapterFor({ account, carrier, credentials }: CarrierRef): Promise<ChannelAdapter | undefined> {
    if (carrier !== SIMULATOR) return credentials ? this.adapter(carrier, this.box.open(credentials)) : undefined;
    const authToken = (await this.accounts.find(account))?.authToken;
    return authToken === undefined ? undefined : this.simulator(account, authToken);
  }

  /** Whose webhook this is, by the secret that fits its signature. Throws InvalidSignature when none of an active account does. */
  async openWebhook(webhook: RawWebhook): Promise<Webhook> {
    for (const { account, carrier, adapter } of await this.claimants(webhook)) {
      try {
        const events = await adapter?.parseWebhook(webhook);
        if (adapter && events) return { account, carrier, events, answer: adapter.answer };
      } catch (error) {
        if (!(error instanceof InvalidSignature)) throw error;
      }
    }
    throw new InvalidSignature();
  }

  private async claimants(webhook: RawWebhook): Promise<Claimant[]> {
    const body = webhook.body.toString();
    const claimed = claimedAccount(body);
    if (claimed === undefined) return [];
    const known = await this.accounts.find(claimed);
    if (known) {
      // Signed with either token: while one is being replaced, both are valid.
      const tokens = known.status === 'active' ? [known.authToken, known.secondaryAuthToken] : [];
      return tokens.flatMap((token) => (token === undefined ? [] : { account: claimed, carrier: SIMULATOR, adapter: this.simulator(claimed, token) }));
    }
    const form = new URLSearchParams(body);
    const [from, to] = [form.get('From'), form.get('To')];
    if (`${from}${to}`.includes('\0')) return []; // no text column takes it, so no sender has it
    const { rows } = await this.pool.query<CarrierRef>(
      `select s.account, s.carrier, s.credentials from delivery.sender s join registry.account a on a.sid = s.account and a.status = 'active'
        where s.carrier_account = $1 and s.address in ($2, $3)`,
      [claimed, from, to],
    );
    return Promise.all(rows.map(async (ref) => ({ account: ref.account, carrier: ref.carrier, adapter: await this.adapterFor(ref) })));
  }

  private simulator(accountSid: string, authToken: string): ChannelAdapter | undefined {
    return this.adapter(SIMULATOR, JSON.stringify({ accountSid, authToken }));
  }

  private adapter(carrier: string, credentials: string): ChannelAdapter | undefined {
    const type = this.types[carrier];
    if (!type) return undefined;
    const key = `${carrier} ${credentials}`;
    let adapter = this.adapters.get(key);
    if (!adapter) {
      const { adapter: Adapter, baseUrl } = type;
      this.adapters.set(key, (adapter = new Adapter({ ...(JSON.parse(credentials) as TwilioOptions), baseUrl, publicUrl: this.publicUrl })));
    }
    return adapter;
  }
}

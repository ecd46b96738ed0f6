/**
 * Carriers that keep a session (SMPP), are polled (IMAP) or call in (SMTP): every instance of the app that a carrier belongs
 * to opens each of its connections, opens it again when it changed, and closes it when it is gone or its account is not
 * active. What comes is stored before the carrier is told that we have it.
 */
import type { InboundEvent } from '@parley/channel/inbound-event';
import type { Pool } from '@parley/event-store/database';
import { logger } from '@parley/telemetry/logger';
import type { Carriers, ConnectionRow } from './carriers.js';

const LOOK_MILLIS = 2_000;
const log = logger('carrier-listeners');

export type ListenersOptions = {
  pool: Pool;
  carriers: Carriers;
  /** Those this app opens: the first channel of their definition is its own. */
  names: readonly string[];
  receive(account: string, carrier: string, events: InboundEvent[]): Promise<void>;
};

export class CarrierListeners {
  /** Of connections looked at: the version, and whether it listens. */
  private readonly seen = new Map<string, number>();
  private readonly names: string[];
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(private readonly options: ListenersOptions) {
    const { carriers, names } = options;
    this.names = names.filter((name) => carriers.definition(name)?.listens !== false);
  }

  async start(): Promise<void> {
    if (this.names.length > 0) this.lookIn(0);
  }

  /** Something changed: looks at once. */
  soon(): void {
    if (this.timer) this.lookIn(0);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.looking;
    await Promise.all([...this.options.carriers.listening.keys()].map((sid) => this.end(sid)));
  }

  private lookIn(millis: number): void {
    if (this.stopped) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.looking = this.looking.then(() => this.look())
        .catch((error: unknown) => log.warn('looking for connections failed', { error }))
        .then(() => this.lookIn(LOOK_MILLIS));
    }, millis);
  }

  private async look(): Promise<void> {
    const { rows } = await this.options.pool.query<{ sid: string; version: number }>(
      `select c.sid, c.version from delivery.connection c join registry.account a on a.sid = c.account and a.status = 'active'
        where c.carrier = any ($1)`, [this.names],
    );
    const current = new Map(rows.map(({ sid, version }) => [sid, version]));
    for (const sid of this.seen.keys()) if (!current.has(sid)) {
      this.seen.delete(sid);
      await this.end(sid);
    }
    const changed = rows.filter(({ sid, version }) => this.seen.get(sid) !== version);
    await Promise.all(changed.map(({ sid }) => this.begin(sid).catch((error: unknown) => log.warn('connection not listened to yet', { connection: sid, error }))));
  }

  private async begin(sid: string): Promise<void> {
    if (this.stopped) return;
    const { pool, carriers, receive } = this.options;
    await this.end(sid);
    const { rows: [row] } = await pool.query<ConnectionRow>(
      'select sid, account, carrier, credentials, settings, version, private_allowed, true as active from delivery.connection where sid = $1', [sid],
    );
    const adapter = row && (await carriers.adapterOf(row));
    if (!row) return;
    if (!adapter?.listen) {
      this.seen.set(sid, row.version);
      return;
    }
    const { account, carrier, version } = row;
    carriers.listening.set(sid, { ...row, adapter, readAt: Date.now() });
    try {
      await adapter.listen({ receive: (events) => receive(account, carrier, events) });
      this.seen.set(sid, version);
      log.info('listening', { connection: sid, carrier });
    } catch (error) {
      await this.end(sid);
      throw error;
    }
  }

  private async end(sid: string): Promise<void> {
    const { listening } = this.options.carriers;
    const open = listening.get(sid);
    if (!open) return;
    listening.delete(sid);
    await open.adapter.close?.().catch((error: unknown) => log.warn('session not closed in order', { connection: sid, error }));
  }
}

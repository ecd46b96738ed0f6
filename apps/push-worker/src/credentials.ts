/** Providers of the accounts' credentials: opened once, kept with their connections and tokens until the credential changes. */
import type { Pool } from '@parley/event-store/database';
import type { SecretBox } from '@parley/event-store/secret-box';
import { providerFor, type PushAddresses } from '@parley/push/providers';
import { PushError, type OpenCredential, type PushProvider } from '@parley/push/push-provider';

type Row = {
  type: OpenCredential['type']; sandbox: string; certificate: string | null; private_key: string | null; api_key: string | null; secret: string | null;
  key_id: string | null; team_id: string | null; topic: string | null; subject: string | null;
};
type Kept = { changedAt: string; provider: Promise<PushProvider> };

/** Each may hold a connection. */
const KEPT_MAX = 500;

export class Credentials {
  /** The one used longest ago first. */
  private readonly kept = new Map<string, Kept>();

  constructor(private readonly pool: Pick<Pool, 'query'>, private readonly box: SecretBox, private readonly addresses: PushAddresses) {}

  /** Throws PushError when the credential cannot work. `changedAt`: as the database says now. */
  provider(account: string, sid: string, changedAt: string): Promise<PushProvider> {
    let entry = this.kept.get(sid);
    this.kept.delete(sid);
    if (entry && entry.changedAt !== changedAt) {
      close(entry);
      entry = undefined;
    }
    entry ??= { changedAt, provider: this.open(account, sid) };
    this.kept.set(sid, entry);
    const [oldest] = this.kept.size > KEPT_MAX ? this.kept : [];
    if (oldest) this.forget(...oldest);
    return entry.provider;
  }

  close(): void {
    for (const each of this.kept) this.forget(...each);
  }

  private forget(sid: string, entry: Kept): void {
    this.kept.delete(sid);
    close(entry);
  }

  private async open(account: string, sid: string): Promise<PushProvider> {
    try {
      const { rows: [row] } = await this.pool.query<Row>('select * from model.credential where sid = $1 and account = $2', [sid, account]);
      if (!row) throw new PushError('the credential is gone', 'never');
      return providerFor(this.opened(row), this.addresses);
    } catch (error) {
      // What the database could not say is asked again.
      if (!(error instanceof PushError)) this.kept.delete(sid);
      throw error;
    }
  }

  private opened(row: Row): OpenCredential {
    const open = (sealed: string | null) => (sealed === null ? undefined : this.box.open(Buffer.from(sealed, 'base64')));
    return {
      type: row.type, sandbox: row.sandbox === 'True', certificate: open(row.certificate), privateKey: open(row.private_key),
      serviceAccount: open(row.secret) ?? open(row.api_key), keyId: row.key_id ?? undefined, teamId: row.team_id ?? undefined, topic: row.topic ?? undefined,
      subject: row.subject ?? undefined,
    };
  }
}

const close = ({ provider }: Kept): void => void provider.then((opened) => opened.close(), () => {});

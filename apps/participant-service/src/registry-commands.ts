/** Commands on what accounts configure: existence and limits are decided here on the stream's version, unique rules by the read models. */
import { Inject, Injectable } from '@nestjs/common';
import type { Caller, RegistryCommands } from '@parley/contracts/commands';
import { DomainError } from '@parley/domain/domain-error';
import { registryTables, type RegistryEvent, type RegistryKind, type RegistryRow, type ServiceRow } from '@parley/domain/registry-events';
import { newService } from '@parley/domain/roles';
import type { Pool } from '@parley/event-store/database';
import { Streams } from '@parley/event-store/streams';
import { POOL } from '@parley/runtime/parts';

const now = () => new Date().toISOString();

type Rules = {
  /** Facts of one parent share its stream, so that a limit on their number holds against races. Default: one stream per resource. */
  parent?: { column: string; max?: number };
  /** Holds personal data: encrypted with a data key of its own. */
  personal?: true;
};

const rules: Partial<Record<RegistryKind, Rules>> = {
  Role: { parent: { column: 'chat_service_sid', max: 1000 } },
  // Beside the conversation's own facts: they end together.
  UserConversation: { parent: { column: 'conversation_sid' } },
  ConversationWebhook: { parent: { column: 'conversation_sid', max: 5 } },
  User: { personal: true },
  PushBinding: { personal: true },
};

@Injectable()
export class RegistryService implements RegistryCommands {
  /** The last change under way of what is changed together. */
  private readonly turns = new Map<string, Promise<void>>();

  constructor(
    private readonly streams: Streams,
    @Inject(POOL) private readonly pool: Pool,
  ) {}

  async create(caller: Caller, kind: RegistryKind, row: RegistryRow): Promise<void> {
    await this.onResource(caller, kind, row, async (version) => {
      // Made by the same Idempotency-Key, more than a day ago.
      if ((version > 0 && !rules[kind]?.parent) || (await this.find(caller, kind, row.sid))) throw new DomainError('idempotency_key_reused');
      await this.checkLimit(kind, row);
      const data = { ...row, account: caller.account };
      return kind === 'Service' ? newService(data as ServiceRow) : [{ type: `${kind}Created`, data }];
    });
  }

  async update(caller: Caller, kind: RegistryKind, sid: string, changes: Record<string, unknown>): Promise<void> {
    const row = await this.mustFind(caller, kind, sid);
    await this.onResource(caller, kind, row, async () => {
      await this.mustFind(caller, kind, sid);
      return [{ type: `${kind}Updated`, data: { updated_at: now(), ...changes, sid } }];
    });
  }

  async createOrUpdate(caller: Caller, kind: RegistryKind, row: RegistryRow, changes: Record<string, unknown>): Promise<void> {
    const service = kind === 'AccountConfiguration' ? (changes['default_chat_service_sid'] as string | undefined) : undefined;
    await this.onResource(caller, kind, row, async () => {
      if (service !== undefined) await this.mustFind(caller, 'Service', service);
      return [(await this.find(caller, kind, row.sid))
        ? { type: `${kind}Updated`, data: { updated_at: now(), ...changes, sid: row.sid } }
        : { type: `${kind}Created`, data: { ...row, account: caller.account } }];
    });
  }

  async remove(caller: Caller, kind: RegistryKind, sid: string, seen: Readonly<Record<string, unknown>> = {}): Promise<void> {
    await this.onResource(caller, kind, await this.mustFind(caller, kind, sid), async () => {
      const row = await this.mustFind(caller, kind, sid);
      if (Object.entries(seen).some(([name, value]) => String(row[name]) !== String(value))) throw new DomainError('resource_not_found');
      if (kind === 'Service') await this.mustNotBeDefault(caller.account, sid);
      // Whoever follows the user is told that he can be notified no more.
      const whose = kind === 'PushBinding' && { chat_service_sid: row['chat_service_sid'], identity: row['identity'] };
      return [{ type: `${kind}Deleted`, data: { sid, ...whose } }];
    });
  }

  /** Looked up after the stream's version was: what changes in between is a lost race, and decided again. */
  private async onResource(caller: Caller, kind: RegistryKind, row: RegistryRow, decide: (version: number) => Promise<RegistryEvent[]>): Promise<void> {
    const { parent, personal } = rules[kind] ?? {};
    const id = parent ? String(row[parent.column]) : row.sid;
    const stream = `${registryTables[kind]}-${id}`;
    // Services and the choice of the default one wait for each other: what was chosen is not removed in the same moment.
    const turn = kind === 'Service' || kind === 'AccountConfiguration' ? caller.account : stream;
    await this.inTurn(`${caller.account} ${turn}`, () => this.streams.onRegistry(caller, id, stream, decide, { result: null, unique: true }, personal && row.sid));
  }

  /** One after the other: many at once would lose their races against each other. Races are against other instances only. */
  private async inTurn(turn: string, work: () => Promise<unknown>): Promise<void> {
    const earlier = this.turns.get(turn);
    const mine = (async () => {
      await earlier?.catch(() => {});
      await work();
    })();
    this.turns.set(turn, mine);
    try {
      await mine;
    } finally {
      if (this.turns.get(turn) === mine) this.turns.delete(turn);
    }
  }

  private async checkLimit(kind: RegistryKind, row: RegistryRow): Promise<void> {
    const { parent } = rules[kind] ?? {};
    if (parent?.max === undefined) return;
    const { rows } = await this.pool.query<{ count: number }>(
      `select count(*)::integer as count from model.${registryTables[kind]} where ${parent.column} = $1`, [row[parent.column]],
    );
    if (rows[0]!.count >= parent.max) throw new DomainError('resource_limit_exceeded', { limit: `at most ${parent.max}` });
  }

  /** Account-level paths act on it. */
  private async mustNotBeDefault(account: string, sid: string): Promise<void> {
    const { rowCount } = await this.pool.query(
      `select 1 from registry.account a left join model.account_configuration c on c.sid = a.sid
        where a.sid = $1 and coalesce(c.default_chat_service_sid, a.default_chat_service_sid) = $2`, [account, sid],
    );
    if (rowCount !== 0) throw new DomainError('service_is_default');
  }

  private async find(caller: Caller, kind: RegistryKind, sid: string): Promise<RegistryRow | undefined> {
    const { rows } = await this.pool.query<RegistryRow>(
      `select * from model.${registryTables[kind]} where sid = $1 and account = $2`, [sid, caller.account],
    );
    return rows[0];
  }

  private async mustFind(caller: Caller, kind: RegistryKind, sid: string): Promise<RegistryRow> {
    const row = await this.find(caller, kind, sid);
    if (!row) throw new DomainError('resource_not_found');
    return row;
  }
}

/**
 * The gateway on a real database for specs: rows are put into the read models, commands are whatever the spec says. What
 * the commands really do is proven where they live, and by the black-box tests.
 */
import { Global, Module } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { CONVERSATION_COMMANDS, PARTICIPANT_COMMANDS, REGISTRY_COMMANDS } from '@parley/contracts/command-tokens';
import type { ConversationCommands, ParticipantCommands, RegistryCommands } from '@parley/contracts/commands';
import { newSid, type SidPrefix } from '@parley/domain/sid';
import { Accounts } from '@parley/event-store/accounts';
import { testDatabase, type TestDatabase } from '@parley/event-store/database.testing';
import { SecretBox } from '@parley/event-store/secret-box';
import { bootstrap } from '@parley/runtime/bootstrap';
import { readConfig } from '@parley/runtime/config';
import { CONFIG, NATS, POOL, REDIS } from '@parley/runtime/parts';
import { Redis } from 'ioredis';
import type { AddressInfo } from 'node:net';
import { ApiGatewayModule } from './app.module.js';
import { configureGateway } from './configure-gateway.js';

export type TestAccount = { sid: string; token: string; service: string };
export type Answer = { status: number; headers: Headers; body: any };
type Commands = Partial<ConversationCommands & ParticipantCommands & RegistryCommands>;
type Request = { method?: string; form?: Record<string, string>; as?: TestAccount | null; headers?: Record<string, string>; body?: string | ReadableStream };

export const PUBLIC_URL = 'https://api.example';

export class TestGateway {
  private constructor(
    readonly database: TestDatabase, readonly account: TestAccount, readonly other: TestAccount, readonly commands: Commands,
    private readonly app: NestFastifyApplication, private readonly redis: Redis,
  ) {}

  static async start(env: Record<string, string> = {}): Promise<TestGateway> {
    const database = await testDatabase();
    const redis = new Redis(process.env['TEST_REDIS_URL']!);
    const config = readConfig({ DATABASE_URL: database.url, PARLEY_KEK: database.kek, PUBLIC_URL, PORT: '0' });
    const commands: Commands = {};
    Object.assign(process.env, env);
    const providers = [
      { provide: CONFIG, useValue: config }, { provide: REDIS, useValue: redis }, { provide: POOL, useValue: database.pool },
      { provide: NATS, useValue: { nats: { publish() {}, subscribe: () => ({ unsubscribe() {} }) } } },
      { provide: SecretBox, useValue: database.box },
      { provide: Accounts, useValue: new Accounts(database.pool, database.box) },
      { provide: CONVERSATION_COMMANDS, useValue: commands }, { provide: PARTICIPANT_COMMANDS, useValue: commands },
      { provide: REGISTRY_COMMANDS, useValue: commands },
    ];
    @Global()
    @Module({ providers, exports: providers.map(({ provide }) => provide) })
    class Parts {}
    @Module({ imports: [Parts, ApiGatewayModule] })
    class Service {}
    const app = await bootstrap(Service, { name: 'spec', port: 0, host: '127.0.0.1', configure: configureGateway });
    for (const name of Object.keys(env)) delete process.env[name];
    return new TestGateway(database, await newAccount(database), await newAccount(database), commands, app, redis);
  }

  async stop(): Promise<void> {
    await this.app.close();
    this.redis.disconnect();
    await this.database.drop();
  }

  /** `path` without `/v1`; a form makes it a POST. */
  async call(path: string, { method, form, as = this.account, headers = {}, body }: Request = {}): Promise<Answer> {
    const { port } = this.app.getHttpServer().address() as AddressInfo;
    const authorization = as && `Basic ${Buffer.from(`${as.sid}:${as.token}`).toString('base64')}`;
    const response = await fetch(`http://127.0.0.1:${port}${path.startsWith('/') ? `/v1${path}` : path.replace(`${PUBLIC_URL}`, '')}`, {
      method: method ?? (form || body !== undefined ? 'POST' : 'GET'),
      headers: { ...(authorization && { authorization }), ...(form && { 'content-type': 'application/x-www-form-urlencoded' }), ...headers },
      ...(form && { body: new URLSearchParams(form).toString() }), ...(body !== undefined && { body, duplex: 'half' }),
    } as RequestInit);
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === '' ? undefined : (JSON.parse(text) as unknown) };
  }

  /** The answer as it comes: for what is no JSON. */
  fetch(path: string, init: RequestInit = {}, as: TestAccount | null = this.account): Promise<Response> {
    const { port } = this.app.getHttpServer().address() as AddressInfo;
    const authorization = as && `Basic ${Buffer.from(`${as.sid}:${as.token}`).toString('base64')}`;
    return fetch(`http://127.0.0.1:${port}${path.replace(PUBLIC_URL, '')}`, { ...init, headers: { ...(authorization && { authorization }), ...init.headers } });
  }

  /** A row of a read model, completed with what every row has. */
  async put(table: string, row: Record<string, unknown>): Promise<void> {
    const full: Record<string, unknown> = { created_at: '2026-01-01T00:00:00.250Z', updated_at: '2026-01-01T00:00:01Z', ...row };
    await this.database.pool.query(`insert into model.${table} select * from jsonb_populate_record(null::model.${table}, $1)`, [full]);
  }

  async conversation(row: Record<string, unknown> = {}, { sid: account, service }: TestAccount = this.account): Promise<string> {
    const sid = (row['sid'] as string | undefined) ?? newSid('CH');
    await this.put('conversation', {
      sid, account, chat_service_sid: service, attributes: '{}', state: 'active', last_activity_at: '2026-01-01T00:00:00Z', ...row,
    });
    return sid;
  }

  async message(conversation: string, index: number, row: Record<string, unknown> = {}): Promise<string> {
    const sid = newSid('IM');
    await this.put('message', { conversation_sid: conversation, index, sid, author: 'system', body: `message ${index}`, attributes: '{}', ...row });
    return sid;
  }
}

export const unknown = (prefix: SidPrefix): string => `${prefix}${'0'.repeat(32)}`;

async function newAccount({ pool, box }: TestDatabase): Promise<TestAccount> {
  const account = { sid: newSid('AC'), token: newSid('SK').slice(2), service: newSid('IS') };
  await pool.query('insert into registry.account (sid, friendly_name, auth_token, default_chat_service_sid) values ($1, $1, $2, $3)',
    [account.sid, box.seal(account.token), account.service]);
  await pool.query(
    `insert into model.service select * from jsonb_populate_record(null::model.service, $1)`,
    [{
      sid: account.service, account: account.sid, friendly_name: 'Default', default_chat_service_role_sid: newSid('RL'),
      default_conversation_role_sid: newSid('RL'), default_conversation_creator_role_sid: newSid('RL'), reachability_enabled: false,
      created_at: '2026-01-01T00:00:00Z', updated_at: '2026-01-01T00:00:00Z',
    }]);
  return account;
}

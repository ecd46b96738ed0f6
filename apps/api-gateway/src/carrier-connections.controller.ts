/** `/v1/CarrierConnections`: an account's access to carriers. Credentials are sealed when they arrive and never shown again. */
import { Controller, Delete, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { carriers } from '@parley/channel/carriers/catalogue';
import { ApiError } from '@parley/contracts/error-catalogue';
import { createConnection, updateConnection, type CreateConnection, type UpdateConnection } from '@parley/contracts/rest/channels';
import type { Paging } from '@parley/contracts/rest/paging';
import { ConnectionFault, Connections, type ConnectionRecord } from '@parley/delivery/connections';
import { isSid } from '@parley/domain/sid';
import type { Config } from '@parley/runtime/config';
import { CONFIG } from '@parley/runtime/parts';
import { z } from 'zod';
import { pageAt, sidCursor } from './account-access.js';
import { Form, PagingOf, TheCall, type Call } from './call.js';
import { NotFound } from './error-answer.js';
import { listAnswer } from './list-answer.js';
import { Once } from './once.js';
import { seconds } from './sender-json.js';

@Controller('v1/CarrierConnections')
export class CarrierConnectionsController {
  constructor(
    @Inject(Connections) private readonly connections: Connections,
    @Inject(Once) private readonly once: Once,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Get('Carriers')
  carriers(): string {
    return JSON.stringify({ carriers: carriers.map(({ name, title, channels, rate, credentials, settings }) =>
      ({ name, title, channels, rate, credentials: fieldsOf(credentials), settings: fieldsOf(settings) })) });
  }

  @Post()
  create(@TheCall() call: Call, @Form(createConnection) asked: CreateConnection): Promise<string> {
    return this.once.run(call, async () => this.json(call, await checked(this.connections.create(call.account.sid, asked, this.once.sid(call, 'CX')))));
  }

  @Get()
  async list(@TheCall() call: Call, @PagingOf(100) paging: Paging): Promise<string> {
    const cursor = sidCursor(paging.PageToken, 'carrier-connections', 'CX');
    return listAnswer({
      key: 'carrier_connections', url: `${call.base}/CarrierConnections`, list: 'carrier-connections', paging,
      cursor: cursor && { key: [cursor.key] as const, back: cursor.back }, rows: await this.connections.list(call.account.sid, pageAt(cursor, paging.PageSize)),
      keyOf: ({ sid }) => [sid] as const, json: (row) => this.json(call, row),
    });
  }

  @Get(':Sid')
  async fetch(@TheCall() call: Call, @Param('Sid') sid: string): Promise<string> {
    return this.json(call, isSid(sid, 'CX') ? await this.connections.find(call.account.sid, sid) : undefined);
  }

  @Post(':Sid')
  @HttpCode(200)
  update(@TheCall() call: Call, @Param('Sid') sid: string, @Form(updateConnection) changes: UpdateConnection): Promise<string> {
    return this.once.run(call, async () => this.json(call, isSid(sid, 'CX') ? await checked(this.connections.update(call.account.sid, sid, changes)) : undefined));
  }

  @Delete(':Sid')
  @HttpCode(204)
  async remove(@TheCall() call: Call, @Param('Sid') sid: string): Promise<void> {
    await this.once.run(call, async () => {
      const end = isSid(sid, 'CX') ? await this.connections.remove(call.account.sid, sid) : 'unknown';
      if (end === 'unknown') throw new NotFound();
      if (end === 'in_use') throw new ApiError(20409, 'senders use this connection, remove them first');
      return '';
    });
  }

  private json({ account, base }: Call, record: ConnectionRecord | undefined): string {
    if (!record) throw new NotFound();
    const { sid, carrier, friendlyName, settings, created, updated } = record;
    return JSON.stringify({
      sid, account_sid: account.sid, carrier, friendly_name: friendlyName, settings, webhook_url: `${this.config.publicUrl}/webhooks/${carrier}/${sid}`,
      date_created: seconds(created), date_updated: seconds(updated), url: `${base}/CarrierConnections/${sid}`,
    });
  }
}

/** What a carrier wants to know, from its definition. */
function fieldsOf(schema: z.ZodType): { name: string; required: boolean; description: string | null }[] {
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as { properties?: Record<string, { description?: string }>; required?: string[] };
  return Object.entries(properties).map(([name, { description }]) => ({ name, required: required.includes(name), description: description ?? null }));
}

async function checked<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof ConnectionFault) throw new ApiError(20001, `${error.field} (${error.reason})`);
    throw error;
  }
}

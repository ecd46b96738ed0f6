/** The people behind the numbers, driven by HTTP (docs/simulator.md): they write, they receive, they behave. */
import { Body, Controller, Delete, Get, Headers, HttpCode, Inject, Param, Post, Put, Query } from '@nestjs/common';
import { z } from 'zod';
import { behaviourSchema, type Behaviour } from './behaviour.js';
import { Callbacks } from './callbacks.js';
import { Callers, refusal } from './callers.js';
import { address, mediaUrl, parsed, whole } from './checked-input.js';
import { handsetMessage } from './message-json.js';
import { SimulatorStore } from './simulator-store.js';

const PAGE_MAX = 10_000;
const text = (max: number) => z.string().max(max).transform((value) => value.replaceAll('\0', '').toWellFormed());

const writtenMessage = z.strictObject({
  /** Of a group, all the numbers of ours in it: each is told. */
  to: z.union([address, z.array(address).min(1).max(10)]),
  /** The other phones. */
  group: z.array(address).max(10).default([]),
  body: text(32_768).default(''),
  media: z.array(z.strictObject({ contentType: text(255), url: mediaUrl })).max(10).default([]),
}).refine(({ body, media }) => body !== '' || media.length > 0, { message: 'body or media is needed', path: ['body'] });
const receivedQuery = z.object({ after: whole(0, Number.MAX_SAFE_INTEGER, 0), limit: whole(1, PAGE_MAX, 1000) });
const statusReport = z.strictObject({
  status: z.enum(['queued', 'sending', 'sent', 'delivered', 'read', 'failed', 'undelivered']), errorCode: z.int().min(1).max(999_999).optional(),
});

@Controller('simulator')
export class HandsetsController {
  constructor(
    @Inject(Callers) private readonly callers: Callers,
    @Inject(SimulatorStore) private readonly store: SimulatorStore,
    @Inject(Callbacks) private readonly callbacks: Callbacks,
  ) {}

  @Post('handsets/:address/messages')
  @HttpCode(201)
  async write(@Param('address') from: string, @Headers('authorization') authorization: string | undefined, @Body() body: unknown) {
    const { sid: account } = await this.callers.identify(authorization);
    const { to, group, body: said, media } = parsed(writtenMessage, body);
    const ours = typeof to === 'string' ? [to] : to;
    const everybody = [...ours, ...group];
    const [message] = await Promise.all(ours.map((recipient) => this.store.writeMessage({
      account, sender: parsed(address, from), recipient, body: said, media, ...(everybody.length > 1 && { group: everybody.filter((number) => number !== recipient) }),
    })));
    this.callbacks.lookIn(0);
    return handsetMessage(message!);
  }

  @Get('handsets/:address/messages')
  async received(
    @Param('address') of: string, @Headers('authorization') authorization: string | undefined,
    @Query() query: object,
  ) {
    const { sid: account } = await this.callers.identify(authorization);
    const { after, limit } = parsed(receivedQuery, query);
    const { count, messages } = await this.store.receivedBy(account, parsed(address, of), after, limit);
    return { count, messages: messages.map(handsetMessage) };
  }

  @Put('handsets/:address/behaviour')
  async behave(@Param('address') of: string, @Headers('authorization') authorization: string | undefined, @Body() body: unknown): Promise<Behaviour> {
    const { sid: account } = await this.callers.identify(authorization);
    const behaviour = parsed(behaviourSchema, body);
    await this.store.setBehaviour(account, parsed(address, of), behaviour);
    return behaviour;
  }

  @Get('handsets/:address/behaviour')
  async behaviour(@Param('address') of: string, @Headers('authorization') authorization: string | undefined): Promise<Behaviour> {
    const { sid: account } = await this.callers.identify(authorization);
    return this.store.behaviourOf(account, parsed(address, of));
  }

  @Delete('handsets/:address/behaviour')
  @HttpCode(204)
  async behaveAsUsual(@Param('address') of: string, @Headers('authorization') authorization: string | undefined): Promise<void> {
    const { sid: account } = await this.callers.identify(authorization);
    await this.store.clearBehaviour(account, parsed(address, of));
  }

  @Post('messages/:sid/status')
  @HttpCode(202)
  async report(@Param('sid') sid: string, @Headers('authorization') authorization: string | undefined, @Body() body: unknown): Promise<object> {
    const { sid: account } = await this.callers.identify(authorization);
    const { status, errorCode } = parsed(statusReport, body);
    if (!(await this.store.reportStatus(account, parsed(address, sid), status, errorCode))) throw refusal(404, 20404, 'The requested resource was not found');
    this.callbacks.lookIn(0);
    return { sid, status };
  }
}

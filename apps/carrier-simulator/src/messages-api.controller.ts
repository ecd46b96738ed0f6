/**
 * Twilio's Messaging API as far as Parley uses it: send, list, fetch. One addition: the header `Idempotency-Key` makes a
 * repeated send the same message, and `Reference` in the list finds it. A second: `Group`, once for each, names further recipients, who get the
 * same message, each with a SID and reports of its own; the one that is answered is To's.
 */
import { Body, Controller, Get, Headers, HttpCode, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import { BODY_TOO_LONG } from '@parley/channel/twilio/errors';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { Behaviour } from './behaviour.js';
import { Callbacks } from './callbacks.js';
import { Callers, refusal } from './callers.js';
import { address, mediaUrl, parsed, whole } from './checked-input.js';
import type { SimulatorConfig } from './config.js';
import { twilioResource } from './message-json.js';
import { SimulatorStore } from './simulator-store.js';
import { SIMULATOR_CONFIG } from './tokens.js';

/** Twilio's, and of channels that are not Twilio's own what they take. */
const bodyCharsMax = (recipient: string): number => (recipient.startsWith('messenger:') ? 2_000 : recipient.includes('@') ? 100_000 : 1_600);
const MEDIA_MAX = 10;
const GROUP_MAX = 9;
const PAGE_MAX = 1000;
/** Reports are not due at once. */
const FIRST_LOOK_MILLIS = 50;
const listQuery = z.object({
  To: address.optional(), From: address.optional(), Reference: address.optional(), PageSize: whole(1, PAGE_MAX, 50),
});

@Controller('simulator/2010-04-01/Accounts/:AccountSid')
export class MessagesApiController {
  constructor(
    @Inject(Callers) private readonly callers: Callers,
    @Inject(SimulatorStore) private readonly store: SimulatorStore,
    @Inject(Callbacks) private readonly callbacks: Callbacks,
    @Inject(SIMULATOR_CONFIG) private readonly config: SimulatorConfig,
  ) {}

  @Post('Messages.json')
  @HttpCode(201)
  async send(
    @Param('AccountSid') sid: string, @Headers('authorization') authorization: string | undefined,
    @Headers('idempotency-key') reference: string | undefined, @Body() body: unknown, @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const account = await this.account(sid, authorization);
    const message = this.parse(new URLSearchParams(typeof body === 'string' ? body : ''));
    const behaviour = await this.store.takeBehaviour(account, message.sender, message.recipient);
    if (behaviour.hangMs) await pause(behaviour.hangMs);
    if (request.raw.socket.destroyed) return undefined; // they hung up: nothing was sent
    rejectAsTold(behaviour, reply);
    const others: Behaviour[] = [];
    for (const number of message.group ?? []) others.push(await this.store.takeBehaviour(account, message.sender, number));
    const accepted = await this.store.accept({ ...message, account, reference: reference ?? null }, [behaviour, ...others]);
    this.callbacks.lookIn(FIRST_LOOK_MILLIS);
    if (behaviour.acceptThenDrop) request.raw.socket.destroy();
    return twilioResource(accepted);
  }

  @Get('Messages.json')
  async list(@Param('AccountSid') sid: string, @Headers('authorization') authorization: string | undefined, @Query() query: object) {
    const account = await this.account(sid, authorization);
    const { To: to, From: from, Reference: reference, PageSize: limit } = parsed(listQuery, query);
    return { messages: (await this.store.list(account, { to, from, reference }, limit)).map(twilioResource) };
  }

  @Get('Messages/:MessageSid')
  async fetch(@Param('AccountSid') sid: string, @Param('MessageSid') messageSid: string, @Headers('authorization') authorization: string | undefined) {
    const account = await this.account(sid, authorization);
    const message = await this.store.find(account, parsed(address, messageSid).replace(/\.json$/, ''));
    if (!message) throw refusal(404, 20404, 'The requested resource was not found');
    return twilioResource(message);
  }

  private async account(sid: string, authorization: string | undefined): Promise<string> {
    await this.callers.mustReach(sid, authorization);
    return sid;
  }

  private parse(form: URLSearchParams) {
    const value = (name: string) => form.get(name)?.replaceAll('\0', '') ?? '';
    const mediaUrls = form.getAll('MediaUrl').slice(0, MEDIA_MAX).map((url) => parsed(mediaUrl, url));
    const [recipient, sender, body, statusCallback] = [value('To'), value('From'), value('Body'), value('StatusCallback')];
    if (recipient === '') throw refusal(400, 21604, "A 'To' phone number is required.");
    if (recipient.length > 256) throw refusal(400, 21211, "Invalid 'To' Phone Number");
    if (sender === '' || sender.length > 256) throw refusal(400, 21603, "A 'From' phone number is required.");
    if (body === '' && mediaUrls.length === 0) throw refusal(400, 21602, 'Message body is required.');
    if (body.length > bodyCharsMax(recipient)) throw refusal(400, BODY_TOO_LONG, `The concatenated message body exceeds the ${bodyCharsMax(recipient)} character limit.`);
    // It posts what it is told to, so it posts to Parley only.
    if (statusCallback !== '' && !statusCallback.startsWith(this.config.webhooksUrl))
      throw refusal(400, 21609, `The simulator calls back below ${this.config.webhooksUrl} only.`);
    const group = form.getAll('Group').slice(0, GROUP_MAX).map((number) => parsed(address, number));
    return { sender, recipient, body, mediaUrls, statusCallback: statusCallback || null, ...(group.length > 0 && { group }) };
  }
}

function rejectAsTold({ rejectWith }: Behaviour, reply: FastifyReply): void {
  if (!rejectWith) return;
  const { status, code = status === 429 ? 20429 : 20001, retryAfterSeconds } = rejectWith;
  if (retryAfterSeconds !== undefined) void reply.header('Retry-After', String(retryAfterSeconds));
  throw refusal(status, code, 'Refused, as this address was told to behave');
}

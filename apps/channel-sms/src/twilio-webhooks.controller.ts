/**
 * `/webhooks/twilio/…`: what Twilio, and the simulator in its place, tells us about SMS and WhatsApp. Stored, then answered;
 * a webhook that nobody we know signed leaves no trace.
 */
import {
  Controller, ForbiddenException, HttpCode, Inject, Post, Req, Res, ServiceUnavailableException, UnsupportedMediaTypeException,
} from '@nestjs/common';
import { InvalidSignature } from '@parley/channel/send-error';
import { Carriers } from '@parley/delivery/carriers';
import { Inbox } from '@parley/delivery/inbox';
import type { Config } from '@parley/runtime/config';
import { CONFIG } from '@parley/runtime/parts';
import { logger } from '@parley/telemetry/logger';
import { metrics } from '@parley/telemetry/metrics';

const log = logger('twilio-webhooks');
const received = metrics.counter('parley_webhooks_total', 'Webhooks of carriers, by how they were answered');

type Request = { method: string; url: string; headers: Record<string, string | string[] | undefined>; body: unknown };
type Reply = { header(name: string, value: string): unknown };

@Controller('webhooks/twilio')
export class TwilioWebhooksController {
  constructor(
    @Inject(Carriers) private readonly carriers: Carriers,
    @Inject(Inbox) private readonly inbox: Inbox,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Post(['sms', 'status'])
  @HttpCode(200)
  async receive(@Req() { method, url, headers, body }: Request, @Res({ passthrough: true }) reply: Reply): Promise<string> {
    if (typeof body !== 'string') throw new UnsupportedMediaTypeException('a form is expected');
    try {
      const { account, carrier, events, answer } = await this.carriers.openWebhook({ method, url: this.config.publicUrl + url, headers, body: Buffer.from(body) });
      await this.inbox.receive(account, carrier, events);
      received.add(1, { answer: answer.status });
      reply.header('Content-Type', answer.contentType);
      return answer.body;
    } catch (error) {
      if (error instanceof InvalidSignature) {
        received.add(1, { answer: 403 });
        throw new ForbiddenException('the signature does not fit: is PUBLIC_URL the address the carrier calls?');
      }
      // The carrier tries again, or its fallback.
      log.warn('webhook not stored', { error });
      received.add(1, { answer: 503 });
      throw new ServiceUnavailableException('try again later');
    }
  }
}

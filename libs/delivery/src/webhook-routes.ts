/**
 * `/webhooks/<carrier>/<connection>[/…]`, and Twilio's shared addresses: bodies of any type as the bytes they are. Stored,
 * then answered; what no carrier we know sent leaves no trace.
 */
import type { WebhookAnswer } from '@parley/channel/channel-adapter';
import { InvalidSignature } from '@parley/channel/send-error';
import { ApiError, type ErrorCode } from '@parley/contracts/error-catalogue';
import { isSid } from '@parley/domain/sid';
import { logger } from '@parley/telemetry/logger';
import { metrics } from '@parley/telemetry/metrics';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ChannelService } from './channel-service.js';

const log = logger('webhooks');
const received = metrics.counter('parley_webhooks_total', 'Webhooks of carriers, by how they were answered');

export type WebhookRoutesOptions = {
  service: ChannelService;
  /** By name: those whose webhooks arrive here. */
  carriers: readonly string[];
  publicUrl: string;
  /** Of a body; a larger one is answered 413. */
  bytesMax: number;
};

export function webhookRoutes(fastify: FastifyInstance, { service, carriers, publicUrl, bytesMax }: WebhookRoutesOptions): void {
  void fastify.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: bytesMax }, (_request, body, done) => done(null, body));
    scope.setErrorHandler((error: { statusCode?: number }, _request, reply) => refuse(reply, error.statusCode ?? 500));
    for (const carrier of carriers) {
      for (const url of [`/webhooks/${carrier}/:connection`, `/webhooks/${carrier}/:connection/*`]) scope.route({
        method: ['GET', 'POST', 'PUT'], url, bodyLimit: bytesMax, exposeHeadRoute: false,
        handler: (request, reply) => answered(reply, async () => {
          const { connection } = request.params as { connection: string };
          return isSid(connection, 'CX') ? service.webhook(carrier, connection, rawOf(request)) : undefined;
        }),
      });
      if (carrier === 'twilio') for (const url of ['/webhooks/twilio/sms', '/webhooks/twilio/status']) scope.post(url, { bodyLimit: bytesMax }, (request, reply) => {
        // Its signature is over a form's fields.
        if (!/^application\/x-www-form-urlencoded/i.test(request.headers['content-type'] ?? '')) return refuse(reply, 415);
        return answered(reply, () => service.sharedWebhook(rawOf(request)));
      });
    }
  });

  const rawOf = ({ method, url, headers, body }: FastifyRequest) =>
    ({ method, url: publicUrl + url, headers, body: Buffer.isBuffer(body) ? body : Buffer.alloc(0) });
}

async function answered(reply: FastifyReply, take: () => Promise<WebhookAnswer | undefined>): Promise<FastifyReply> {
  try {
    const answer = await take();
    if (!answer) return refuse(reply, 404);
    received.add(1, { answer: answer.status });
    return reply.code(answer.status).header('Content-Type', answer.contentType).send(answer.body);
  } catch (error) {
    if (error instanceof InvalidSignature) return refuse(reply, error.status);
    // The carrier tries again, or its fallback.
    log.warn('webhook not stored', { error });
    return refuse(reply, 503);
  }
}

/** In the form of the API's errors: whoever sets a carrier up sees them in its console. */
const says: Readonly<Record<number, [code: ErrorCode, message: string]>> = {
  401: [20003, 'the credentials or the signature of the webhook do not fit'],
  403: [20006, 'the signature does not fit: is PUBLIC_URL the address the carrier calls?'],
  404: [20404, 'there is no such connection'],
  413: [20413, 'the body is too large'],
  415: [19056, 'a form is expected'],
  503: [20503, 'try again later'],
};

function refuse(reply: FastifyReply, status: number): FastifyReply {
  received.add(1, { answer: status });
  const [code, message] = says[status] ?? [status < 500 ? 20001 : 20500, 'not taken'];
  return reply.code(status).header('Content-Type', 'application/json; charset=utf-8').send(JSON.stringify(new ApiError(code, '', { status, message })));
}

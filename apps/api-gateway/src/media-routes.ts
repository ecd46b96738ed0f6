/**
 * The routes that move bytes of media: upload, content with credentials, content by a temporary address. Plain Fastify in a
 * scope of their own, because only here a body is a stream and may be large.
 */
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ApiError } from '@parley/contracts/error-catalogue';
import { isSid } from '@parley/domain/sid';
import { Accounts } from '@parley/event-store/accounts';
import type { MediaStorage } from '@parley/media/media-storage';
import { MediaStore, type MediaRow } from '@parley/media/media-store';
import { SignedUrls } from '@parley/media/signed-url';
import type { Fastify } from '@parley/runtime/bootstrap';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ApiRequest } from './call.js';
import type { GatewayConfig } from './config.js';
import { answerError, apiError, NotFound } from './error-answer.js';
import { mediaJson } from './media-json.js';
import { serveMedia } from './media-serving.js';
import { MediaUploads } from './media-uploads.js';
import { ServiceLookup } from './service-lookup.js';
import { GATEWAY_CONFIG, MEDIA_STORAGE } from './tokens.js';

const upload = { config: { body: 'file' } };

export function mediaRoutes(fastify: Fastify, app: NestFastifyApplication): void {
  const { mediaBytesMax } = app.get<GatewayConfig>(GATEWAY_CONFIG);
  const storage = app.get<MediaStorage>(MEDIA_STORAGE);
  const media = app.get(MediaStore);
  const urls = app.get(SignedUrls);
  const services = app.get(ServiceLookup);
  const accounts = app.get(Accounts);
  const uploads = new MediaUploads(storage, media, mediaBytesMax);

  void fastify.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null)); // the handler reads it
    scope.setErrorHandler((error, request, reply) => {
      // A body without an end would be taken off the wire for ever.
      if (!request.raw.complete && request.headers['content-length'] === undefined) reply.header('Connection', 'close');
      return answerError(reply, apiError(error, request));
    });
    scope.post('/v1/Services/:ChatServiceSid/Media', upload, async (request, reply) => {
      const { call } = request as ApiRequest;
      await services.mustExist(call);
      return reply.code(201).send(mediaJson(call, urls, await uploads.take(request as ApiRequest)));
    });
    scope.route({
      method: ['GET', 'HEAD'], url: '/v1/Services/:ChatServiceSid/Media/:Sid/Content',
      handler: async (request, reply) => {
        const { account, service } = (request as ApiRequest).call;
        const row = await mediaOf(request, account.sid);
        if (row.chat_service_sid !== service) throw new NotFound();
        return serveMedia(request, reply, storage, row);
      },
    });
    scope.route({
      method: ['GET', 'HEAD'], url: '/media/:Sid',
      handler: async (request, reply) => {
        // Nobody learns whether it exists who was not given its address.
        if (!urls.holds((request.params as { Sid: string }).Sid, request.query as object)) return refuseLink(reply);
        const row = await mediaOf(request);
        return (await accounts.find(row.account))?.status === 'active' ? serveMedia(request, reply, storage, row) : refuseLink(reply);
      },
    });
    scope.options('/media/:Sid', (_request, reply) =>
      reply.code(204).headers({ 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Methods': 'GET, HEAD', 'Access-Control-Allow-Headers': 'Range, If-None-Match, If-Range' }).send());
  });

  async function mediaOf({ params }: FastifyRequest, account?: string): Promise<MediaRow> {
    const { Sid } = params as { Sid: string };
    const row = isSid(Sid, 'ME') ? await media.find(Sid, account) : undefined;
    if (!row) throw new NotFound();
    return row;
  }
}

function refuseLink(reply: FastifyReply): FastifyReply {
  return answerError(reply.header('Access-Control-Allow-Origin', '*'), new ApiError(20003, '', { status: 403, message: 'This address is not, or no longer, valid' }));
}

/**
 * The routes that move bytes of media: upload, content with credentials, content by a temporary address. Plain Fastify in a
 * scope of their own, because only here a body is a stream and may be large.
 */
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ApiError } from '@parley/contracts/error-catalogue';
import { uploadMedia } from '@parley/contracts/rest/media';
import { parameters } from '@parley/contracts/rest/parameters';
import { DomainError } from '@parley/domain/domain-error';
import { isSid } from '@parley/domain/sid';
import { checkedContentType } from '@parley/media/content-type';
import type { MediaStorage } from '@parley/media/media-storage';
import { MediaStore, type MediaRow } from '@parley/media/media-store';
import { SignedUrls } from '@parley/media/signed-url';
import { discard, receive, TooLarge } from '@parley/media/spool';
import type { Fastify } from '@parley/runtime/bootstrap';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ApiRequest } from './call.js';
import type { GatewayConfig } from './config.js';
import { answerError, apiError, NotFound } from './error-answer.js';
import { decodeForm } from './form.js';
import { mediaJson } from './media-json.js';
import { serveMedia } from './media-serving.js';
import { ServiceLookup } from './service-lookup.js';
import { GATEWAY_CONFIG, MEDIA_STORAGE } from './tokens.js';
import { readUpload, type Upload } from './upload-body.js';

/** Each holds a file on the disk until it is complete. */
const UPLOADS_AT_ONCE_MAX = 200;
const upload = { config: { body: 'file' } };

export function mediaRoutes(fastify: Fastify, app: NestFastifyApplication): void {
  const { mediaBytesMax } = app.get<GatewayConfig>(GATEWAY_CONFIG);
  const storage = app.get<MediaStorage>(MEDIA_STORAGE);
  const media = app.get(MediaStore);
  const urls = app.get(SignedUrls);
  const services = app.get(ServiceLookup);
  let uploads = 0;

  void fastify.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null)); // the handler reads it
    scope.setErrorHandler((error, request, reply) => {
      // A body without an end would be taken off the wire for ever.
      if (!request.raw.complete && request.headers['content-length'] === undefined) reply.header('Connection', 'close');
      return answerError(reply, apiError(error, request));
    });
    scope.post('/v1/Services/:ChatServiceSid/Media', upload, async (request, reply) => {
      if (uploads >= UPLOADS_AT_ONCE_MAX) throw new DomainError('overloaded');
      uploads++;
      try {
        const row = await takeUpload(request as ApiRequest);
        return await reply.code(201).send(mediaJson((request as ApiRequest).call, urls, row));
      } finally {
        uploads--;
      }
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
        return serveMedia(request, reply, storage, await mediaOf(request));
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

  async function takeUpload(request: ApiRequest): Promise<MediaRow> {
    const { call, raw, url } = request;
    const { Category: category, Filename } = parameters(uploadMedia, decodeForm(url.includes('?') ? url.slice(url.indexOf('?') + 1) : ''));
    if (Number(raw.headers['content-length']) > mediaBytesMax + ENVELOPE_BYTES) throw new ApiError(50512);
    await services.mustExist(call);
    return readUpload(raw, Filename, async (body: Upload) => {
      const file = await receive(storage, body.source, mediaBytesMax).catch((error: unknown) => {
        throw error instanceof TooLarge ? new ApiError(50512) : error;
      });
      try {
        if (file.size === 0) throw new ApiError(20001, 'body is empty');
        const contentType = await checkedContentType(body.contentType, file.head);
        if (contentType === undefined) throw new ApiError(50511);
        const { filename, multipart } = body;
        return await media.upload(file, {
          account: call.account.sid, service: call.service, author: call.member?.identity ?? null, category, contentType, filename, multipart,
        }, call.caller);
      } finally {
        await discard(file);
      }
    });
  }
}

/** What a form has around its file. */
const ENVELOPE_BYTES = 65_536;

function refuseLink(reply: FastifyReply): FastifyReply {
  return answerError(reply.header('Access-Control-Allow-Origin', '*'), new ApiError(20003, '', { status: 403, message: 'This address is not, or no longer, valid' }));
}

/** Takes uploads: bounded per account and in all, given up when nothing comes any more, checked before they are kept. */
import { ApiError } from '@parley/contracts/error-catalogue';
import { uploadMedia } from '@parley/contracts/rest/media';
import { parameters } from '@parley/contracts/rest/parameters';
import { DomainError } from '@parley/domain/domain-error';
import { isConnectionError } from '@parley/event-store/database';
import { checkedContentType } from '@parley/media/content-type';
import type { MediaStorage } from '@parley/media/media-storage';
import type { MediaRow, MediaStore } from '@parley/media/media-store';
import { discard, receive, TooLarge } from '@parley/media/spool';
import { logger } from '@parley/telemetry/logger';
import type { IncomingMessage } from 'node:http';
import type { ApiRequest } from './call.js';
import { decodeForm } from './form.js';
import { readUpload, type Upload } from './upload-body.js';

/** Each holds a file on the disk until it is complete. */
const AT_ONCE_MAX = 500;
/** So that nobody takes all of them. */
const AT_ONCE_PER_ACCOUNT_MAX = 50;
const SILENCE_MILLIS = 30_000;
/** What a form has around its file. */
const ENVELOPE_BYTES = 65_536;
const log = logger('media');

export class MediaUploads {
  private readonly underWay = new Map<string, number>();
  private total = 0;

  constructor(
    private readonly storage: MediaStorage,
    private readonly media: MediaStore,
    private readonly bytesMax: number,
  ) {}

  /** Throws ApiError; DomainError `overloaded`, or `unavailable` when the storage or the disk does not take it. */
  async take(request: ApiRequest): Promise<MediaRow> {
    const { account } = request.call;
    const mine = this.underWay.get(account.sid) ?? 0;
    if (this.total >= AT_ONCE_MAX || mine >= AT_ONCE_PER_ACCOUNT_MAX) throw new DomainError('overloaded');
    this.total++;
    this.underWay.set(account.sid, mine + 1);
    try {
      return await this.read(request);
    } finally {
      this.total--;
      const left = this.underWay.get(account.sid)! - 1;
      if (left > 0) this.underWay.set(account.sid, left);
      else this.underWay.delete(account.sid);
    }
  }

  private async read(request: ApiRequest): Promise<MediaRow> {
    const { raw, url } = request;
    const { Category, Filename } = parameters(uploadMedia, decodeForm(url.includes('?') ? url.slice(url.indexOf('?') + 1) : ''));
    if (Number(raw.headers['content-length']) > this.bytesMax + ENVELOPE_BYTES) throw new ApiError(50512);
    const hurry = givenUpInSilence(raw);
    try {
      return await readUpload(raw, Filename, (body) => this.keep(request, body, Category));
    } finally {
      hurry();
    }
  }

  private async keep({ call }: ApiRequest, body: Upload, category: MediaRow['category']): Promise<MediaRow> {
    const file = await receive(this.storage, body.source, this.bytesMax).catch((error: unknown) => {
      throw error instanceof TooLarge ? new ApiError(50512) : storageTrouble(error);
    });
    try {
      if (file.size === 0) throw new ApiError(20001, 'body is empty');
      const contentType = await checkedContentType(body.contentType, file.head);
      if (contentType === undefined) throw new ApiError(50511);
      const { filename, multipart } = body;
      return await this.media.upload(file, {
        account: call.account.sid, service: call.service, author: call.member?.identity ?? null, category, contentType, filename, multipart,
      }, call.caller).catch((error: unknown) => { throw storageTrouble(error); });
    } finally {
      await discard(file);
    }
  }
}

/** A full disk, a bucket that is away: ours to mend, the client tries again. A client that broke off is no trouble of ours. */
export function storageTrouble(error: unknown): unknown {
  if (error instanceof DomainError || error instanceof ApiError || isConnectionError(error)) return error;
  if ((error as { code?: unknown }).code === 'ERR_STREAM_PREMATURE_CLOSE') return new ApiError(20001, 'body ended early');
  log.error('the media storage failed', { error });
  return new DomainError('unavailable');
}

/** The function returned ends the watch. */
function givenUpInSilence({ socket }: IncomingMessage): () => void {
  const end = () => socket.destroy();
  socket.setTimeout(SILENCE_MILLIS, end);
  return () => socket.setTimeout(0, end);
}

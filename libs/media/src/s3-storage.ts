/**
 * Media in a bucket of anything that speaks S3 (AWS, MinIO, Ceph, Garage …). Requests are signed (version 4) over the hash of
 * the file and sent with its length, streamed from and to the wire. Paths name the bucket: every implementation takes that.
 */
import { AwsV4Signer } from 'aws4fetch';
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { request as overHttp, type IncomingMessage } from 'node:http';
import { request as overTls } from 'node:https';
import { pipeline } from 'node:stream/promises';
import type { Readable } from 'node:stream';
import { MediaGone, type ByteRange, type MediaStorage, type SpooledFile } from './media-storage.js';

export type S3Options = {
  /** `https://s3.eu-central-1.amazonaws.com` */
  endpoint: string;
  bucket: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
  spoolFolder: string;
  /** A storage that is silent for so long is given up; default 30,000. */
  silenceMillis?: number;
};

const SILENCE_MILLIS = 30_000;
const ERROR_CHARS = 500;
type Request = { method: string; key: string; headers?: Record<string, string>; file?: SpooledFile };

export class S3Storage implements MediaStorage {
  readonly spoolFolder: string;

  constructor(private readonly options: S3Options) {
    this.spoolFolder = options.spoolFolder;
  }

  async put(key: string, file: SpooledFile, contentType: string): Promise<void> {
    const headers = { 'content-type': contentType, 'content-length': String(file.size) };
    await consumed(await this.send({ method: 'PUT', key, headers, file }));
    await rm(file.path, { force: true });
  }

  async read(key: string, range?: ByteRange): Promise<Readable> {
    return this.send({ method: 'GET', key, ...(range && { headers: { range: `bytes=${range.start}-${range.end}` } }) });
  }

  async remove(key: string): Promise<void> {
    await this.send({ method: 'DELETE', key }).then(consumed, (error: unknown) => {
      if (!(error instanceof MediaGone)) throw error;
    });
  }

  /** Resolves with a 2xx answer, its body unread. Throws MediaGone for 404. */
  private async send({ method, key, headers = {}, file }: Request): Promise<IncomingMessage> {
    const { endpoint, bucket, region, accessKeyId, secretAccessKey } = this.options;
    const signed = await new AwsV4Signer({
      method, url: `${endpoint}/${bucket}/${key}`, accessKeyId, secretAccessKey, region, service: 's3',
      headers: { ...headers, 'x-amz-content-sha256': file?.sha256 ?? EMPTY_SHA256 },
    }).sign();
    const answer = await exchange(signed.url, method, Object.fromEntries(signed.headers), file, this.options.silenceMillis ?? SILENCE_MILLIS);
    const status = answer.statusCode ?? 0;
    if (status >= 200 && status < 300) return answer;
    const about = await textOf(answer);
    throw status === 404 && !about.includes('NoSuchBucket') ? new MediaGone() : new Error(`the media storage answered ${status}: ${about}`);
  }
}

const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

function exchange(
  url: URL, method: string, headers: Record<string, string>, file: SpooledFile | undefined, silenceMillis: number,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    let answer: IncomingMessage | undefined;
    const request = (url.protocol === 'https:' ? overTls : overHttp)(url, { method, headers, timeout: silenceMillis }, (came) => resolve(answer = came));
    request.on('timeout', () => {
      // What has come and nobody reads: the reader takes his time, not the storage.
      if (!answer?.readableLength) request.destroy(new Error('the media storage does not answer'));
    });
    request.on('error', reject);
    if (file) pipeline(createReadStream(file.path), request).catch(reject);
    else request.end();
  });
}

async function consumed(answer: IncomingMessage): Promise<void> {
  for await (const _ of answer);
}

async function textOf(answer: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of answer) if (text.length < ERROR_CHARS) text += String(chunk);
  return text.slice(0, ERROR_CHARS);
}

/** Where this installation keeps media, by its environment (docs/media.md). */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { DiskStorage } from './disk-storage.js';
import type { MediaStorage } from './media-storage.js';
import { S3Storage } from './s3-storage.js';

/** Throws an Error that says what to do. */
export function configuredStorage(env: NodeJS.ProcessEnv = process.env): MediaStorage {
  const folder = env['MEDIA_FOLDER'] || join(env['PARLEY_HOME'] || join(homedir(), '.parley'), 'media');
  const kind = env['MEDIA_STORAGE'] || 'disk';
  if (kind === 'disk') return new DiskStorage(folder);
  if (kind !== 's3') throw new Error(`MEDIA_STORAGE=${kind} is neither disk nor s3`);
  const given = (name: string) => {
    const value = env[name];
    if (!value) throw new Error(`${name} is not set: MEDIA_STORAGE=s3 needs it`);
    return value;
  };
  const endpoint = given('MEDIA_S3_ENDPOINT').replace(/\/+$/, '');
  if (!/^https?:\/\//.test(endpoint)) throw new Error('MEDIA_S3_ENDPOINT must begin with https:// or http://');
  return new S3Storage({
    endpoint, bucket: given('MEDIA_S3_BUCKET'), region: env['MEDIA_S3_REGION'] || 'us-east-1',
    accessKeyId: given('MEDIA_S3_ACCESS_KEY_ID'), secretAccessKey: given('MEDIA_S3_SECRET_ACCESS_KEY'), spoolFolder: join(folder, 'incoming'),
  });
}

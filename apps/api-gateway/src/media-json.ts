/** The Media resource (API reference 3.9). Its temporary address is made anew each time it is read. */
import type { MediaRow } from '@parley/media/media-store';
import type { SignedUrls } from '@parley/media/signed-url';
import type { Call } from './call.js';
import { plainOrNull, text, textOrNull, time } from './json-text.js';

export function mediaJson({ base }: Call, urls: SignedUrls, m: MediaRow): string {
  const url = `${base}/Media/${m.sid}`;
  const updated = time(m.updated_at);
  return `{"sid":"${m.sid}","account_sid":"${m.account}","service_sid":${plainOrNull(m.chat_service_sid)},"date_created":${time(m.created_at)
  },"date_updated":${updated},"date_upload_updated":${time(m.created_at)},"channel_sid":${plainOrNull(m.conversation_sid)},"message_sid":${
    plainOrNull(m.message_sid)},"size":${m.size},"content_type":${text(m.content_type)},"filename":${textOrNull(m.filename)},"author":${
    textOrNull(m.author)},"category":"${m.category}","is_multipart_upstream":${m.multipart},"url":"${url}","links":{"content":"${
    url}/Content","content_direct_temporary":"${urls.urlOf(m.sid)}"}}`;
}

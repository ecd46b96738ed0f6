/** The Message resource (API reference 1.5), as the read model or the fact itself tells it. */
import type { Media, MessageAdded } from '@parley/domain/conversation/events';
import type { Call } from './call.js';
import { plainOrNull, text, textOrNull, time } from './json-text.js';
import type { MessageRow } from './messages.sql.js';

/** What all messages of one conversation share, made once per request. */
export class MessageJson {
  private readonly owner: string;
  readonly url: string;

  constructor({ account, base, ofService, service }: Call, conversationSid: string) {
    this.owner = `","account_sid":"${account.sid}",${ofService ? `"chat_service_sid":"${service}",` : ''}"conversation_sid":"${conversationSid}","body":`;
    this.url = `${base}/Conversations/${conversationSid}/Messages`;
  }

  ofRow([sid, index, author, participant, body, attributes, media, content, created, updated, recipients, receipts]: MessageRow): string {
    const delivery = recipients === null ? 'null' : deliveryJson(recipients, receipts ?? [0, 0, 0, 0, 0]);
    return this.write(sid, index, author, participant, body, attributes, media, content, created, updated, delivery);
  }

  /** The answer to POST: nobody outside has received it yet. */
  ofFact(m: MessageAdded): string {
    const delivery = m.recipients.length === 0 ? 'null' : deliveryJson(m.recipients.length, [0, 0, 0, 0, 0]);
    return this.write(m.messageSid, m.index, m.author, m.participantSid, m.body, m.attributes, m.media, m.contentSid, m.createdAt, m.updatedAt, delivery);
  }

  private write(
    sid: string, index: number, author: string, participant: string | null, body: string | null, attributes: string,
    media: Media[] | null, content: string | null, created: string, updated: string, delivery: string,
  ): string {
    const url = `${this.url}/${sid}`;
    return `{"sid":"${sid}${this.owner}${textOrNull(body)},"media":${media === null ? 'null' : mediaJson(media)},"author":${text(author)
    },"participant_sid":${plainOrNull(participant)},"attributes":${attributes === '{}' ? '"{}"' : text(attributes)},"date_created":${
      time(created)},"date_updated":${time(updated)},"index":${index},"delivery":${delivery},"content_sid":${
      plainOrNull(content)},"url":"${url}","links":{"delivery_receipts":"${url}/Receipts","channel_metadata":"${url}/ChannelMetadata"}}`;
  }
}

const mediaJson = (media: Media[]): string =>
  JSON.stringify(media.map(({ sid, size, contentType, filename }) => ({ sid, size, content_type: contentType, filename })));

const extent = (count: number, total: number) => (count === 0 ? 'none' : count >= total ? 'all' : 'some');
/** A receipt in a later good status counts for the earlier ones too (API reference 3.8); the query counted so. */
export const deliveryJson = (total: number, counts: readonly [number, number, number, number, number]): string => {
  const [sent, delivered, read, failed, undelivered] = counts.map((count) => extent(count, total));
  return `{"total":${total},"sent":"${sent}","delivered":"${delivered}","read":"${read}","failed":"${failed}","undelivered":"${undelivered}"}`;
};

/** Prepared requests that post messages: per author a template, per connection a place to fill in the time. */
import type { Member } from '../member-socket.ts';
import { basicAuthorization, httpRequest } from '../http-connection.ts';
import { BODY_BYTES, emptyBody, writeBody } from '../message-body.ts';
import type { Access } from '../rest-client.ts';

export class MessagePosts {

  private readonly templates: Buffer[];
  private readonly places: Buffer[];
  private next = 1;

  constructor(access: Access, authors: readonly Member[], connections: number) {

    const { host } = new URL(access.restUrl);
    const authorization = basicAuthorization(access.accountSid, access.authToken);
    this.templates = authors.map(({ conversationSid, identity }) =>
      httpRequest('POST', `/v1/Conversations/${conversationSid}/Messages`, host, [authorization], `Author=${identity}&Body=${emptyBody()}`));
    const [first] = this.templates;
    if (this.templates.some(({ length }) => length !== first!.length)) throw new Error('prepared requests must be of one length');
    this.places = Array.from({ length: connections }, () => Buffer.from(first!));
  }

  /** A post by an author picked at random, always the same sequence. */
  compose(connection: number, at: number): Buffer {
    this.next = (Math.imul(this.next, 1_664_525) + 1_013_904_223) >>> 0;
    const place = this.places[connection]!;
    this.templates[Math.floor((this.next / 2 ** 32) * this.templates.length)]!.copy(place);
    writeBody(place, place.length - BODY_BYTES, at);
    return place;
  }
}

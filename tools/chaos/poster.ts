/** A client of the REST API: one message after another, each with its Idempotency-Key, repeated with it until answered. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Access } from '../bench/rest-client.ts';
import type { Post } from './evidence.ts';
import { basic, persistently, request } from './persistence.ts';
import type { Random } from './random.ts';

export type PosterOptions = {
  access: Access;
  name: string;
  conversation: string;
  authors: readonly string[];
  random: Random;
  /** Mean pause between messages. */
  everyMillis: number;
};

/** No fault lasts that long: what is not answered by then is a finding. */
const PATIENCE_MILLIS = 90_000;

export class Poster {
  readonly posts: Post[] = [];
  private readonly options: PosterOptions;

  constructor(options: PosterOptions) {
    this.options = options;
  }

  /** Until the signal; then the message at hand is still brought to its end. */
  async run(stop: AbortSignal): Promise<void> {
    const { random, name, conversation, authors, everyMillis } = this.options;
    for (let number = 0; !stop.aborted; number++) {
      const post: Post = { conversation, author: random.pick(authors), body: `${name} message ${number}`, attempts: 0 };
      this.posts.push(post);
      await this.send(post, `${name}-${number}`);
      await pause(random.between(0, 2 * everyMillis), undefined, { signal: stop }).catch(() => {});
    }
  }

  private async send(post: Post, key: string): Promise<void> {
    const { access, conversation } = this.options;
    try {
      const text = await persistently(PATIENCE_MILLIS, () => {
        post.attempts++;
        return request(`${access.restUrl}/v1/Conversations/${conversation}/Messages`, {
          method: 'POST', headers: { Authorization: basic(access), 'Idempotency-Key': key },
          body: new URLSearchParams({ Author: post.author, Body: post.body }),
        });
      });
      const { sid, index } = JSON.parse(text) as { sid: string; index: number };
      post.acknowledged = { sid, index };
    } catch (error) {
      post.trouble = error instanceof Error ? error.message : String(error);
    }
  }
}

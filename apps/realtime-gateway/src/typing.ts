/** Who types where, on whichever protocol and instance: what members say goes to everybody else who follows the conversation. */
import type { Pool } from '@parley/event-store/database';
import type { FrameOf } from './client-frames.js';
import type { Hub } from './hub.js';
import { takesPart } from './membership.js';
import type { Session } from './session.js';
import { TYPING_SHOWN_SECONDS, type Signals, type Typing as Signal } from './signals.js';
import { textFrame } from './websocket-frame.js';

const NOT_IN_IT = 50430;

export class Typing {
  constructor(private readonly pool: Pool, private readonly signals: Signals, private readonly hub: Pick<Hub, 'following'>) {
    signals.onTyping((typing) => this.show(typing));
  }

  /** Not answered, unless he is not in it. Rejects when the database does not answer. */
  async said(session: Session, { id, conversation }: FrameOf<'typing'>): Promise<void> {
    const { identity } = session.principal!;
    if (identity !== undefined && (await this.isMember(session, conversation))) return this.signals.typing({ conversation, identity });
    session.refuse(id, NOT_IN_IT, 'Participant is not a member of conversation', { conversation });
  }

  private isMember({ principal, subscriptions }: Session, conversation: string): Promise<boolean> | boolean {
    const subscription = subscriptions.get(conversation);
    if (subscription && !subscription.left && !subscription.behind) return true;
    return takesPart(this.pool, principal!, conversation);
  }

  private show({ conversation, identity }: Signal): void {
    let frame: Buffer | undefined;
    for (const session of this.hub.following(conversation)) {
      if (session.principal!.identity === identity) continue;
      frame ??= textFrame(JSON.stringify({ type: 'typing', conversation, identity, expires_in_seconds: TYPING_SHOWN_SECONDS }));
      session.enqueue(frame);
    }
  }
}

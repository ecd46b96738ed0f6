/**
 * What the clients of a run saw, as they wrote it down, and what REST and the handsets show at its end. All that the checker
 * knows: nothing here comes from the inside of the system.
 */

/** A message over REST, sent with an Idempotency-Key until it was answered. */
export type Post = {
  conversation: string;
  author: string;
  /** Unique over the run. */
  body: string;
  attempts: number;
  /** What the 201 said; absent: never answered 2xx, so it may be stored or not, but not twice. */
  acknowledged?: { sid: string; index: number };
  /** Why it was given up. */
  trouble?: string;
};

/** A text from a handset, or a mail, repeated by who carries it until it was answered. `refused`: for good. */
export type InboundText = { conversation: string; address: string; body: string; attempts: number; acknowledged: boolean; trouble?: string; refused?: true };

type SeenMessage = { index: number; sid: string; body: string };

/** Everything one chat member's websocket brought, over all its connections, in the order it came. */
export type SocketLedger = { conversation: string; identity: string; connections: number; messages: SeenMessage[] };

/**
 * What lies on a handset or in a mailbox. `sends`: how often our side sent it under the same reference, 1 when nothing went wrong. `unbrought`: whose
 * messages do not come to it by us: in a group, what phones wrote. `partly`: it was not always there.
 */
export type Handset = { conversation: string; address: string; received: { body: string; sends: number }[]; unbrought?: string[]; partly?: true };

export type ThreadMessage = SeenMessage & { author: string };

export type Evidence = {
  posts: Post[];
  texts: InboundText[];
  /** The messages of each conversation as REST lists them at the end. */
  threads: Record<string, ThreadMessage[]>;
  sockets: SocketLedger[];
  handsets: Handset[];
};

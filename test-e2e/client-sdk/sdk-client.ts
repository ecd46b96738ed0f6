/** The official client SDK, unmodified, with an identity, on a line of its own that can be cut; and everything it raised. */
import { createRequire } from 'node:module';
import { accessToken, type TokenSource } from '../../tools/bench/access-token.ts';
import { BreakableLine } from '../breakable-line.ts';
import { until, type Steps } from './steps.ts';
import type { SdkVersion } from './versions.ts';

export type Seen = { event: string; payload: any };
export type Server = { access: TokenSource & { clientWsUrl: string }; version: SdkVersion; steps: Steps };
type Failure = { message?: string; httpStatusCode?: number; errorCode?: number };

const require = createRequire(import.meta.url);
const events = [
  'connectionStateChanged', 'connectionError', 'conversationAdded', 'conversationJoined', 'conversationLeft', 'conversationRemoved', 'conversationUpdated', 'messageAdded',
  'messageRemoved', 'messageUpdated', 'participantJoined', 'participantLeft', 'participantUpdated', 'typingStarted', 'typingEnded', 'tokenAboutToExpire', 'tokenExpired', 'userUpdated',
];

export class SdkClient {
  /** In order. */
  readonly seen: Seen[] = [];
  readonly identity: string;
  readonly sdk: any;
  readonly line: BreakableLine;
  private readonly steps: Steps;

  private constructor(identity: string, sdk: any, line: BreakableLine, steps: Steps) {
    this.identity = identity;
    this.sdk = sdk;
    this.line = line;
    this.steps = steps;
    for (const event of events) sdk.on(event, (payload: unknown) => this.seen.push({ event, payload }));
  }

  /** Resolves when it is initialised, or throws what `initFailed` tells: an Error with `status` and `code`. */
  static async start({ access, version, steps }: Server, identity: string, token = accessToken(access, identity)): Promise<SdkClient> {
    const { Client } = require(`conversations-${version}`) as { Client: new (token: string, options: object) => any };
    const line = await BreakableLine.to(access.clientWsUrl);
    const started = new SdkClient(identity, new Client(token, { Twilsock: { uri: line.url }, logLevel: 'silent' }), line, steps);
    try {
      await new Promise<void>((resolve, reject) => {
        started.sdk.on('initialized', resolve);
        // It comes twice: for the connection that ended, and with the reason.
        started.sdk.on('initFailed', ({ error }: { error?: Failure }) => {
          if (error?.httpStatusCode) reject(Object.assign(new Error(error.message), { status: error.httpStatusCode, code: error.errorCode }));
        });
      });
    } catch (error) {
      await started.stop();
      throw error;
    }
    return started;
  }

  /** The first event of that name that fits and was not taken before. */
  async next<Payload = any>(event: string, fits: (payload: Payload) => boolean = () => true): Promise<Payload> {
    const index = await until(() => {
      const at = this.seen.findIndex((each) => each.event === event && fits(each.payload as Payload));
      return at < 0 ? undefined : { at };
    }, () => `${this.identity} sees ${event}, but only ${[...new Set(this.seen.map((each) => each.event))].join()}`);
    return this.seen.splice(index.at, 1)[0]!.payload as Payload;
  }

  all(event: string): any[] { return this.seen.filter((each) => each.event === event).map(({ payload }) => payload); }

  /** Bodies of the messages that were added, in the order they were told of. */
  get added(): string[] { return this.all('messageAdded').map(({ body }) => body as string); }

  /** The conversation he is in, with its messages and participants open: whatever becomes of them raises an event from now on. */
  async opened(sid: string): Promise<any> {
    await this.next('conversationJoined', (joined) => joined.sid === sid);
    const conversation = await this.sdk.getConversationBySid(sid);
    await opened(conversation);
    return conversation;
  }

  cut(): void {
    this.steps.linesAreCut = true;
    this.line.cut();
  }

  /** The line goes first: requests under way would otherwise wait for 30 s for answers that nobody reads. */
  async stop(): Promise<void> {
    this.cut();
    await (this.sdk.shutdown() as Promise<void>).catch(() => {});
    await this.line.close();
  }
}

/**
 * A conversation is "joined" before the SDK knows who is in it and what was said. What happens while it reads that is in what it read,
 * and raises no event (in no version; docs/client-sdk.md): who waits for events waits for this first.
 */
export async function opened(conversation: any): Promise<void> {
  await conversation.getParticipants();
  await conversation.getMessages(1);
}

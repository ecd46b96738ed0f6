/** The official client SDK, unmodified, in the versions that applications have: pointed at an installation by one URI. */
import { createRequire } from 'node:module';
import { accessToken } from '../tools/bench/access-token.ts';
import { until, type Credentials, type Parley } from './installation.js';

export const sdkVersions = ['3.0.1', '2.7.0', '2.4.1'] as const;
export type SdkVersion = (typeof sdkVersions)[number];
export type Seen = { event: string; payload: any };

const require = createRequire(import.meta.url);
const events = [
  'connectionStateChanged', 'connectionError', 'conversationAdded', 'conversationJoined', 'conversationLeft', 'conversationRemoved', 'conversationUpdated', 'messageAdded',
  'messageRemoved', 'messageUpdated', 'participantJoined', 'participantLeft', 'participantUpdated', 'typingStarted', 'typingEnded', 'tokenAboutToExpire', 'tokenExpired', 'userUpdated',
];

export class SdkClient {
  /** Everything it raised, in order. */
  readonly seen: Seen[] = [];

  private constructor(readonly identity: string, readonly client: any) {
    for (const event of events) client.on(event, (payload: unknown) => this.seen.push({ event, payload }));
  }

  /** Resolves when it is initialised, or throws what `initFailed` tells. */
  static async start(parley: Parley, version: SdkVersion, identity: string, options: { token?: string; credentials?: Credentials; uri?: string } = {}): Promise<SdkClient> {
    const { Client } = require(`conversations-${version}`) as { Client: new (token: string, options: object) => any };
    const { token = accessToken(options.credentials ?? parley.account, identity), uri = parley.installation.info.clientWsUrl } = options;
    const started = new SdkClient(identity, new Client(token, { Twilsock: { uri }, logLevel: 'silent' }));
    await new Promise<void>((resolve, reject) => {
      started.client.on('initialized', resolve);
      // It comes twice: for the connection that ended, and with the reason.
      started.client.on('initFailed', ({ error }: { error?: { message?: string; httpStatusCode?: number; errorCode?: number } }) => {
        if (error?.httpStatusCode) reject(Object.assign(new Error(error.message), { status: error.httpStatusCode, code: error.errorCode }));
      });
    }).catch(async (error: unknown) => {
      await started.stop();
      throw error;
    });
    return started;
  }

  /** The first event of that name that fits and was not taken before. */
  async next<Payload = any>(event: string, fits: (payload: Payload) => boolean = () => true): Promise<Payload> {
    const index = await until(async () => {
      const at = this.seen.findIndex((each) => each.event === event && fits(each.payload as Payload));
      return at < 0 ? undefined : { at };
    }, `${this.identity} sees ${event}`);
    return this.seen.splice(index.at, 1)[0]!.payload as Payload;
  }

  /** Bodies of the messages that were added, in the order they were told of. */
  get added(): string[] {
    return this.seen.filter(({ event }) => event === 'messageAdded').map(({ payload }) => payload.body as string);
  }

  /** His conversation, with everything in it open. */
  async conversation(sid: string): Promise<any> {
    await this.next('conversationJoined', (joined) => joined.sid === sid);
    const found = await this.client.getConversationBySid(sid);
    await found.getMessages(1);
    return found;
  }

  async stop(): Promise<void> {
    // 2.4.1 passes on what became of conversations that were deleted while it opened them.
    await (this.client.shutdown() as Promise<void>).catch(() => {});
  }
}

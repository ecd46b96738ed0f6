/** The official client SDK's shipped bundle in a page of a browser: what the page's application is told of, and what it does. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { until } from './installation.js';
import type { SdkVersion } from './client-sdk/versions.js';
import type { WebSite } from './web-site.js';

export type Told = { event: string; conversation?: string; identity?: string; body?: string; index?: number };
const require = createRequire(import.meta.url);

export class SdkPage {
  private constructor(readonly page: Page, readonly faults: string[]) {}

  /** A page as a person opens it, in a browser profile of its own. */
  static async open(browser: Browser, site: WebSite, version: SdkVersion): Promise<SdkPage> {
    const path = `/sdk-${version}`;
    const folder = dirname(dirname(require.resolve(`conversations-${version}`)));
    site.script(`${path}.js`, join(folder, 'builds', 'twilio-conversations.min.js'));
    const page = await (await browser.newContext()).newPage();
    const faults: string[] = [];
    page.on('pageerror', (error) => faults.push(error.message));
    await page.goto(site.page(path, `<script src="${path}.js"></script>`));
    return new SdkPage(page, faults);
  }

  /** As the page gets it without a backend: from the endpoint for development, which is of another origin. */
  token({ tokenUrl, tokenPassword }: { tokenUrl?: string; tokenPassword?: string }, identity: string): Promise<string> {
    return this.page.evaluate(async (url) => {
      const answer = await fetch(url);
      if (!answer.ok) throw new Error(await answer.text());
      return answer.text();
    }, `${tokenUrl}?${new URLSearchParams({ identity, password: tokenPassword ?? '' })}`);
  }

  /** Resolves when the SDK is initialised. What it tells of before any of it is asked for counts too. */
  async start(token: string, uri: string): Promise<void> {
    await this.page.evaluate(async ([token, uri]) => {
      const page = globalThis as any;
      const told: object[] = (page.told = []);
      const client = (page.client = new page.Twilio.Conversations.Client(token, { Twilsock: { uri }, logLevel: 'silent' }));
      const tell: Record<string, (payload: any) => object> = {
        conversationJoined: ({ sid }) => ({ conversation: sid }),
        messageAdded: ({ conversation, body, index }) => ({ conversation: conversation.sid, body, index }),
        typingStarted: ({ conversation, identity }) => ({ conversation: conversation.sid, identity }),
        typingEnded: ({ conversation, identity }) => ({ conversation: conversation.sid, identity }),
        participantJoined: ({ conversation, identity }) => ({ conversation: conversation.sid, identity }),
        participantUpdated: ({ participant }) => ({ conversation: participant.conversation.sid, identity: participant.identity, index: participant.lastReadMessageIndex }),
      };
      for (const [event, fields] of Object.entries(tell)) client.on(event, (payload: any) => told.push({ event, ...fields(payload) }));
      await new Promise<void>((resolve, reject) => {
        client.on('initialized', resolve);
        client.on('initFailed', ({ error }: any) => reject(new Error(error?.message ?? 'no reason')));
      });
    }, [token, uri] as const);
  }

  /** Runs in the page, with its client and one conversation. */
  async do<Result, Arg = undefined>(conversation: string, act: (conversation: any, arg: Arg) => Promise<Result>, arg?: Arg): Promise<Result> {
    const source = `async ([sid, arg]) => (${act.toString()})(await client.getConversationBySid(sid), arg)`;
    return this.page.evaluate(`(${source})(${JSON.stringify([conversation, arg])})`) as Promise<Result>;
  }

  async told(event: string): Promise<Told[]> {
    return (await this.page.evaluate(() => (globalThis as any).told as Told[])).filter((each) => each.event === event);
  }

  next(event: string, about: Omit<Told, 'event'>): Promise<Told> {
    return until(async () => (await this.told(event)).find((each) => Object.entries(about).every(([field, value]) => each[field as keyof Told] === value)),
      `the page is told ${event} ${JSON.stringify(about)}`);
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }
}

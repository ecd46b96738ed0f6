/**
 * Chat in a real browser: the official client SDK as it is shipped for pages, unmodified, and our own client library, from a site of
 * another origin, so that the browser itself decides what the page may ask of us.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { accessToken } from '../tools/bench/access-token.ts';
import { BreakableLine } from './breakable-line.js';
import { CHROMIUM_START_MS, chromiumIsMissing, startChromium } from './chromium.js';
import { sdkVersions } from './client-sdk/versions.js';
import { Parley, START_MS, topology, until } from './installation.js';
import { describeWithPeer } from './peers.js';
import { SdkPage } from './sdk-page.js';
import { WebSite } from './web-site.js';

const STORY_MS = 180_000;
const MISSED = 12;

describeWithPeer('chat in a browser', chromiumIsMissing, () => {
  let parley: Parley;
  let browser: Browser;
  let site: WebSite;
  beforeAll(async () => {
    [browser, site, parley] = await Promise.all([startChromium(), WebSite.start(), Parley.start()]);
  }, START_MS + CHROMIUM_START_MS);
  afterAll(async () => {
    await browser?.close();
    await site?.stop();
    await parley?.stop();
  }, START_MS);

  const conversations = () => parley.sdk().conversations.v1.conversations;

  it('a browser refuses its page an answer that is not meant for it', async () => {
    const other = await WebSite.start();
    const address = other.page('/private', 'mine');
    const page = await browser.newPage();
    await page.goto(site.page('/empty', ''));
    expect(await page.evaluate((address) => fetch(address).then(() => 'read', () => 'refused'), address)).toBe('refused');
    expect(await page.evaluate((address) => fetch(address).then(({ status }) => status, () => 'refused'), `${parley.url}/v1/Conversations`)).toBe(401);
    await page.close();
    await other.stop();
  }, STORY_MS);

  describe.each(sdkVersions)(`the official client's bundle %s in Chromium (${topology})`, (version) => {
    const [alice, bob] = [`alice ${version}`, `bob ${version}`];
    let line: BreakableLine;
    let hers: SdkPage;
    let his: SdkPage;
    let sid: string;
    beforeAll(async () => {
      line = await BreakableLine.to(parley.installation.info.clientWsUrl);
      [hers, his] = await Promise.all([SdkPage.open(browser, site, version), SdkPage.open(browser, site, version)]);
    }, STORY_MS);
    afterAll(async () => {
      await Promise.all([hers?.close(), his?.close()]);
      await line?.close();
    });

    it('is initialised, and lists what the user is in', async () => {
      const { sid: earlier } = await conversations().create({ friendlyName: 'Earlier' });
      await conversations()(earlier).participants.create({ identity: alice });
      await Promise.all([
        hers.start(await hers.token(parley.installation.info, alice), line.url),
        his.start(accessToken(parley.account, bob), parley.installation.info.clientWsUrl),
      ]);
      await hers.next('conversationJoined', { conversation: earlier });
      expect(await hers.page.evaluate(async () => (await (globalThis as any).client.getSubscribedConversations()).items.map((each: any) => each.friendlyName))).toEqual(['Earlier']);
    }, STORY_MS);

    it('makes a conversation, brings somebody in, and says something', async () => {
      sid = await hers.page.evaluate(async (bob) => {
        const conversation = await (globalThis as any).client.createConversation({ friendlyName: 'Tea' });
        await conversation.join();
        await conversation.add(bob);
        return conversation.sid as string;
      }, bob);
      await his.next('conversationJoined', { conversation: sid });
      expect(await his.do(sid, async (conversation) => [conversation.friendlyName, (await conversation.getMessages()).items.length])).toEqual(['Tea', 0]);
      expect(await hers.do(sid, (conversation) => conversation.sendMessage('hello', { mood: 'good' }))).toBe(0);
      await his.next('messageAdded', { conversation: sid, body: 'hello', index: 0 });
      expect(await his.do(sid, async (conversation) => {
        const { author, attributes } = (await conversation.getMessages()).items[0];
        return { author, attributes };
      })).toEqual({ author: alice, attributes: { mood: 'good' } });
    }, STORY_MS);

    it('sends files as a browser has them, and reads them', async () => {
      await hers.do(sid, async (conversation) => {
        const [picture, form] = [new Blob([new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10, 0, 255])], { type: 'image/png' }), new FormData()];
        form.append('file', new Blob(['of a form'], { type: 'text/plain' }), 'form.txt');
        await conversation.prepareMessage().setBody('two files').addMedia({ contentType: 'image/png', filename: 'tea.png', media: picture }).addMedia(form).build().send();
      });
      await his.next('messageAdded', { conversation: sid, body: 'two files' });
      expect(await his.do(sid, async (conversation) => {
        const { attachedMedia } = (await conversation.getMessages(1)).items[0];
        return Promise.all(attachedMedia.map(async (media: any) => {
          const response = await fetch(await media.getContentTemporaryUrl());
          return [media.filename, media.contentType, media.size, response.headers.get('content-type'), [...new Uint8Array(await response.arrayBuffer())].slice(0, 10)];
        }));
      })).toEqual([
        ['tea.png', 'image/png', 10, 'image/png', [137, 80, 78, 71, 13, 10, 26, 10, 0, 255]],
        ['form.txt', 'text/plain', 9, expect.stringMatching(/^text\/plain/), [...Buffer.from('of a form')]],
      ]);
    }, STORY_MS);

    it('shows who types, and how far somebody has read', async () => {
      await his.do(sid, (conversation) => conversation.typing());
      await hers.next('typingStarted', { conversation: sid, identity: bob });
      expect(await his.do(sid, (conversation) => conversation.updateLastReadMessageIndex(0))).toBe(1);
      await hers.next('participantUpdated', { conversation: sid, identity: bob, index: 0 });
      expect(await his.do(sid, (conversation) => conversation.setAllMessagesRead())).toBe(0);
      await hers.next('participantUpdated', { conversation: sid, identity: bob, index: 1 });
    }, STORY_MS);

    it('misses nothing of what is written while its line is cut', async () => {
      const bodies = Array.from({ length: MISSED }, (_, i) => `missed ${i}`);
      line.cut();
      for (const body of bodies) await conversations()(sid).messages.create({ author: bob, body });
      line.mend();
      await conversations()(sid).messages.create({ author: bob, body: 'last' });
      await until(async () => (await hers.told('messageAdded')).some(({ body }) => body === 'last'), 'the last one arrives');
      expect((await hers.told('messageAdded')).map(({ body }) => body)).toEqual(['hello', 'two files', ...bodies, 'last']);
    }, STORY_MS);

    it('finds everything again when the page is loaded anew', async () => {
      await hers.page.reload();
      await hers.start(accessToken(parley.account, alice), line.url);
      await hers.next('conversationJoined', { conversation: sid });
      const read = await hers.do(sid, async (conversation) => (await conversation.getMessages(100, 0, 'forward')).items.map((each: any) => each.index as number));
      expect(read).toEqual(Array.from({ length: MISSED + 3 }, (_, i) => i));
      await his.do(sid, (conversation) => conversation.sendMessage('still there'));
      await hers.next('messageAdded', { conversation: sid, body: 'still there', index: MISSED + 3 });
      expect([...hers.faults, ...his.faults]).toEqual([]);
    }, STORY_MS);
  });

  describe(`our client library in Chromium (${topology})`, () => {
    let page: Page;
    let line: BreakableLine;
    let sid: string;
    /** Runs in the page, where `client` is the library's and `heard` what it told. */
    const inPage = <Result>(script: string): Promise<Result> => page.evaluate(`(async () => { ${script} })()`) as Promise<Result>;
    const start = async (): Promise<void> => {
      const token = accessToken(parley.account, 'rita');
      await inPage(`
        const { ParleyClient } = await import('/client/index.js');
        const kept = localStorage.getItem('positions');
        window.heard = [];
        window.ends = [];
        window.client = new ParleyClient({
          url: ${JSON.stringify(line.url)}, token: async () => ${JSON.stringify(token)}, positions: kept === null ? undefined : JSON.parse(kept), backoff: { firstMillis: 50, maxMillis: 200 },
        });
        client.on('onMessageAdded', ({ data }) => { heard.push(data.body); });
        client.on('disconnected', ({ code }) => { ends.push(code); });
        await client.subscribe('all');`);
    };
    const heard = () => inPage<string[]>('return heard;');
    const say = (body: string) => conversations()(sid).messages.create({ author: 'system', body });
    beforeAll(async () => {
      const folder = join(import.meta.dirname, '..', 'libs', 'client', 'dist');
      for (const name of readdirSync(folder)) if (name.endsWith('.js')) site.script(`/client/${name}`, join(folder, name));
      line = await BreakableLine.to(parley.installation.info.wsUrl);
      page = await (await browser.newContext()).newPage();
      await page.goto(site.page('/own', ''));
      ({ sid } = await conversations().create({}));
      await conversations()(sid).participants.create({ identity: 'rita' });
    }, STORY_MS);
    afterAll(async () => {
      await page?.context().close();
      await line?.close();
    });

    it('says and hears, and misses nothing over lines that are cut', async () => {
      await start();
      const said = await inPage<{ author: string; index: number }>(`return client.conversation('${sid}').send('hello');`);
      expect(said).toMatchObject({ author: 'rita', index: 0 });
      const bodies = ['hello'];
      for (let cut = 0; cut < 3; cut++) {
        for (let i = 0; i < 8; i++) {
          bodies.push(`${cut}-${i}`);
          await say(bodies.at(-1)!);
          if (i === 3) line.cut();
        }
        line.mend();
        await until(async () => (await heard()).length >= bodies.length, 'all is heard');
      }
      expect(await heard()).toEqual(bodies);
      expect((await inPage<number[]>('return ends;')).length).toBeGreaterThanOrEqual(3); // attempts while it is down count too
    }, STORY_MS);

    it('goes on where it was when the page is loaded anew', async () => {
      await inPage(`localStorage.setItem('positions', JSON.stringify(client.positions()));`);
      await page.reload();
      const bodies = ['while', 'it', 'was', 'gone'];
      for (const body of bodies) await say(body);
      await start();
      await say('live');
      await until(async () => (await heard()).includes('live'), 'it is live');
      expect(await heard()).toEqual([...bodies, 'live']);
      expect(await inPage(`const read = []; for await (const { index } of client.conversation('${sid}').messages({ pageSize: 10 })) read.push(index); return read;`))
        .toEqual(Array.from({ length: 30 }, (_, i) => 29 - i));
      expect(await inPage(`return client.conversation('${sid}').read(28);`)).toEqual({ index: 28, unread: 1 });
    }, STORY_MS);
  });
});

/**
 * Chat in a real browser: the official client SDK as it is shipped for pages, unmodified, from a site of another origin, so that the
 * browser itself decides what the page may ask of us.
 */
import type { Browser } from 'playwright-core';
import { accessToken } from '../tools/bench/access-token.ts';
import { BreakableLine } from './breakable-line.js';
import { CHROMIUM_START_MS, startChromium } from './chromium.js';
import { Parley, START_MS, topology, until } from './installation.js';
import { sdkVersions } from './client-sdk/versions.js';
import { SdkPage } from './sdk-page.js';
import { WebSite } from './web-site.js';

const STORY_MS = 60_000;
const MISSED = 12;
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
      hers.start(accessToken(parley.account, alice), line.url),
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
    await until(async () => (await hers.told('messageAdded')).some(({ body }) => body === 'last'), 'the last one arrives', 20_000);
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

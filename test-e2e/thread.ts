/**
 * A conversation with everybody in it: chat members on websockets, people with handsets, writers that do not give up. Keeps the
 * ledger of what each was promised and saw, and checks it: `check` waits until all is as promised, and tells what is not.
 */
import { randomUUID } from 'node:crypto';
import { type Caller, type Fields, persistently } from './caller.js';
import { Handset } from './handset.js';
import { until } from './installation.js';
import { breaches, type Guest, type Ledger, type Post, type ThreadMessage } from './ledger.js';
import { Member } from './member.js';

/** Attempts that a killed process left are taken over when their lease of 30 s ends. */
const SETTLED_WITHIN_MILLIS = 180_000;
const PROXIES = { sms: '+15550100001', whatsapp: 'whatsapp:+15550100002' };
const BREACHES_SHOWN = 10;
let people = 0;

export type Cast = { members?: number; sms?: number; whatsapp?: number; smsProxy?: string };

export class Thread {
  readonly posts: Post[] = [];
  private readonly guests: Guest[] = [];
  readonly members: Member[] = [];
  readonly handsets: Handset[] = [];

  private constructor(readonly caller: Caller, readonly sid: string, readonly name: string) {}

  /** Everybody is there and every websocket subscribed. */
  static async open(caller: Caller, name: string, { members = 2, sms = 1, whatsapp = 1, smsProxy = PROXIES.sms }: Cast = {}): Promise<Thread> {
    const { sid } = await caller.post<{ sid: string }>('/v1/Conversations', { FriendlyName: name });
    const thread = new Thread(caller, sid, name);
    for (let n = 0; n < members; n++) await thread.addMember(`${name} ${n}`);
    for (let n = 0; n < sms; n++) await thread.addHandset(phoneNumber(), smsProxy);
    for (let n = 0; n < whatsapp; n++) await thread.addHandset(`whatsapp:${phoneNumber()}`, PROXIES.whatsapp);
    await Promise.all(thread.members.map((member) => member.join()));
    return thread;
  }

  get path(): string {
    return `/v1/Conversations/${this.sid}`;
  }

  get answered(): number {
    return this.posts.filter(({ answer }) => answer).length;
  }

  /** One message, until it was answered. */
  async post(body: string, more: Fields = {}): Promise<Post> {
    const post: Post = { body, tries: 0 };
    this.posts.push(post);
    const key = { 'Idempotency-Key': randomUUID() };
    const fields = { Author: this.members[0]?.identity ?? 'system', Body: body, ...more };
    post.answer = await persistently(() => {
      post.tries++;
      return this.caller.post<ThreadMessage>(`${this.path}/Messages`, fields, key);
    });
    return post;
  }

  /** Several writers at once, each one message after the other. Resolves when all `count` are answered. */
  async write(count: number, writers = 4): Promise<void> {
    const round = randomUUID().slice(0, 8);
    let next = 0;
    const writer = async () => {
      while (next < count) await this.post(`${this.name}, ${round} ${next++}`);
    };
    await Promise.all(Array.from({ length: writers }, writer));
  }

  /** Each handset, one text after the other. */
  async text(count: number): Promise<void> {
    const round = randomUUID().slice(0, 8);
    await Promise.all(this.handsets.map(async (handset, h) => {
      for (let n = 0; n < count; n++) await handset.write(`${this.name}, handset ${h}, ${round} ${n}`);
    }));
  }

  /** Chat members who only come in, one after the other. */
  async invite(count: number): Promise<void> {
    for (let n = 0; n < count; n++) {
      const guest: Guest = { identity: `guest ${randomUUID()}` };
      this.guests.push(guest);
      const key = { 'Idempotency-Key': guest.identity };
      guest.answer = await persistently(() => this.caller.post<{ sid: string }>(`${this.path}/Participants`, { Identity: guest.identity }, key));
    }
  }

  messages(): Promise<ThreadMessage[]> {
    return this.caller.all<ThreadMessage>(`${this.path}/Messages`, 'messages');
  }

  /** Resolves when nothing breaks a promise; else throws the first breaches. */
  async check(withinMillis = SETTLED_WITHIN_MILLIS): Promise<void> {
    let found: string[] = [];
    const sound = async () => {
      found = await this.ledger().then(breaches, (error: Error) => [`cannot look: ${error.message}`]);
      return found.length === 0;
    };
    await until(sound, `${this.name} is as promised`, withinMillis).catch((error: Error) => {
      throw new Error([error.message, ...found.slice(0, BREACHES_SHOWN)].join('\n'));
    });
  }

  leave(): void {
    for (const member of this.members) member.leave();
  }

  private async ledger(): Promise<Ledger> {
    const thread = await this.messages();
    const participants = await this.caller.all<{ sid: string; identity: string | null }>(`${this.path}/Participants`, 'participants');
    const handsets = await Promise.all(this.handsets.map(async (handset) => ({
      address: handset.address, participant: handset.participant, outcome: handset.outcome, texts: handset.texts, received: await handset.received(),
    })));
    return { posts: this.posts, guests: this.guests, thread, participants, members: this.members, handsets };
  }

  private async addMember(identity: string): Promise<void> {
    await this.caller.post(`${this.path}/Participants`, { Identity: identity });
    this.members.push(new Member(this.caller, this.sid, identity));
  }

  private async addHandset(address: string, proxy: string): Promise<void> {
    const fields = { 'MessagingBinding.Address': address, 'MessagingBinding.ProxyAddress': proxy };
    const { sid } = await this.caller.post<{ sid: string }>(`${this.path}/Participants`, fields);
    this.handsets.push(new Handset(this.caller, address, proxy, sid));
  }
}

/** Nobody else's in this run. */
const phoneNumber = (): string => `+1555020${String(++people).padStart(4, '0')}`;

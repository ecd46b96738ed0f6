/**
 * The accounts that generated requests are about: one that asks and whose things are made again as they are deleted, one
 * whose things are marked and must stay unseen and unchanged, one that asks for what is not its own, and one for its tokens.
 */
import { randomBytes } from 'node:crypto';
import { accessToken } from '../../tools/bench/access-token.ts';
import type { Credentials, Parley, PlainAnswer } from '../installation.js';
import { SETS } from './generated-request.js';

/** What a reference stands for, by kind: SIDs by their two letters, headers, page tokens of lists. */
export type Things = Record<string, string>;
type Owner = 'mine' | 'theirs' | 'strangers' | 'spare';
export type Stock = Readonly<Record<Owner, readonly Things[]>>;

const SENDER = '+15017122661'; // the simulator's
const basic = (user: string, password: string): string => `Basic ${btoa(`${user}:${password}`)}`;
/** A pixel. */
const image = Buffer.from('R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==', 'base64');

export class PreparedAccounts {
  readonly marks = { mine: `mark-${randomBytes(8).toString('hex')}`, theirs: `mark-${randomBytes(8).toString('hex')}`, strangers: `mark-${randomBytes(8).toString('hex')}` };
  private readonly sets: Things[];
  private readonly spare: Things = {};
  private readonly entrances: Record<'mine' | 'strangers', Things>;
  private theirs: Things = {};
  private made = 0;

  private constructor(private readonly parley: Parley, readonly other: Credentials, readonly stranger: Credentials) {
    this.sets = Array.from({ length: SETS }, () => ({}));
    this.entrances = { mine: { ...entranceOf(parley.account, 'mine'), ...wrongEntrances(parley.account, other, stranger) }, strangers: entranceOf(stranger, 'strangers') };
  }

  static async prepare(parley: Parley): Promise<PreparedAccounts> {
    const accounts = new PreparedAccounts(parley, await parley.newAccount(), await parley.newAccount());
    for (const as of [accounts.other, accounts.other]) accounts.theirs = await accounts.furnish(as, 'theirs');
    await accounts.furnish(accounts.stranger, 'strangers');
    const { body } = await parley.request('/2010-04-01/Accounts.json', { body: 'FriendlyName=spare' });
    accounts.spare['basic'] = basic(body.sid, body.auth_token);
    accounts.spare['AC'] = body.sid;
    for (let set = 0; set < SETS; set++) await accounts.renew(set);
    return accounts;
  }

  get stock(): Stock {
    return { mine: this.sets.map((set) => ({ ...this.entrances.mine, ...set })), theirs: [this.theirs], strangers: [this.entrances.strangers], spare: [this.spare] };
  }

  /** What was deleted is there again; what was configured is undone, so that one request cannot refuse all that follow. */
  async renew(set: number): Promise<void> {
    const { account } = this.parley;
    for (const base of ['/v1/Configuration', `/v1/Services/${account.serviceSid}/Configuration`]) await this.parley.request(`${base}/Webhooks`, { body: 'PreWebhookUrl=&PostWebhookUrl=&Filters=' });
    await this.parley.request('/v1/Configuration', { body: `DefaultChatServiceSid=${account.serviceSid}` });
    this.sets[set] = { ...this.sets[set], ...(await this.furnish(account, 'mine')) };
  }

  /** An account that has promoted its second token is asked with that one. */
  learn(request: { method: string; path: string }, status: number, text: string): void {
    if (status !== 200 || request.method !== 'POST' || request.path !== '/v1/AuthTokens/Promote') return;
    const { account_sid: sid, auth_token: token } = JSON.parse(text) as { account_sid: string; auth_token: string };
    this.spare['basic'] = basic(sid, token);
  }

  /** One of each, marked wherever text can stand. What a limit or a configuration refuses stays what it was. */
  private async furnish(as: Credentials, owner: keyof PreparedAccounts['marks']): Promise<Things> {
    const mark = this.marks[owner];
    const n = ++this.made;
    const things: Things = {
      ...(owner === 'mine' && n % 2 === 0 ? {} : { AC: as.accountSid }), IS: as.serviceSid,
      identity: `identity-${owner}`, name: `name-${owner}-${n}`, sender: SENDER, address: `+1555${String(n).padStart(7, '0')}`, onceKey: `key-${owner}`,
    };
    const make = async (kind: string, path: string, form: Record<string, string> | string | Buffer, type?: string): Promise<void> => {
      const { status, body } = await this.ask(as, path, form, type, kind === 'CH' && n === 1 ? { 'idempotency-key': things['onceKey']! } : {});
      if (status < 300) things[kind] ||= body.sid as string;
    };
    const service = `/v1/Services/${as.serviceSid}`;
    await make('CH', `${service}/Conversations`, { UniqueName: things['name']!, FriendlyName: mark, Attributes: JSON.stringify({ mark }) });
    const conversation = `${service}/Conversations/${things['CH']}`;
    await make('MB', `${conversation}/Participants`, { Identity: things['identity']!, Attributes: JSON.stringify({ mark }) });
    await make('', `${conversation}/Participants`, { Identity: `identity-${mark}` });
    // Whose message is on its way to a phone, that changes by itself.
    if (owner === 'mine') await make('', `${conversation}/Participants`, { 'MessagingBinding.Address': `+1666${String(n).padStart(7, '0')}`, 'MessagingBinding.ProxyAddress': SENDER });
    for (const body of [mark, `${mark} again`]) await make('IM', `${conversation}/Messages`, { Body: body, Author: things['identity']! });
    await make('WH', `${conversation}/Webhooks`, { 'Target': 'webhook', 'Configuration.Url': `http://127.0.0.1:9/${mark}`, 'Configuration.Filters': 'onMessageRemoved' });
    await make('RL', `${service}/Roles`, { FriendlyName: `${mark} ${n}`, Type: 'conversation', Permission: 'sendMessage' });
    await make('US', `${service}/Users`, { Identity: `user-${mark}-${n}`, FriendlyName: mark });
    await make('CR', '/v1/Credentials', { Type: 'fcm', FriendlyName: mark, Secret: 'a key' });
    await make('IG', '/v1/Configuration/Addresses', { Type: 'sms', Address: things['address']!, FriendlyName: mark });
    await make('spareIS', '/v1/Services', { FriendlyName: mark });
    await make('AC', '/2010-04-01/Accounts.json', { FriendlyName: mark });
    await make('SK', '/v1/Keys', { AccountSid: as.accountSid, FriendlyName: mark });
    await make('HX', '/v1/Content', JSON.stringify({ friendly_name: mark, language: 'en', types: { 'twilio/text': { body: mark } } }), 'application/json');
    await make('ME', `${service}/Media?Filename=${mark}.gif`, image, 'image/gif');
    for (const [list, path] of Object.entries({ Conversations: '/v1/Conversations', Messages: `${conversation}/Messages`, Participants: `${conversation}/Participants`, Users: '/v1/Users', Roles: '/v1/Roles', Content: '/v1/Content' })) {
      const { body } = await this.parley.request(`${path}?PageSize=1`, { as });
      const next = body.meta?.next_page_url as string | null | undefined;
      if (next) things[`page${list}`] = new URL(next).searchParams.get('PageToken')!;
    }
    return things;
  }

  private async ask(as: Credentials, path: string, form: Record<string, string> | string | Buffer, type = 'application/x-www-form-urlencoded', headers = {}): Promise<PlainAnswer> {
    const response = await fetch(this.parley.url + path, {
      method: 'POST', headers: { ...headers, 'authorization': basic(as.accountSid, as.authToken), 'content-type': type },
      body: typeof form === 'string' ? form : Buffer.isBuffer(form) ? new Uint8Array(form) : new URLSearchParams(form).toString(),
    });
    return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) };
  }

  /** All the marked account has, for comparison. */
  async inventory(): Promise<unknown[]> {
    const as = this.other;
    const conversation = `/v1/Conversations/${this.theirs['CH']}`;
    const paths = ['Conversations', 'Users', 'Roles', 'Configuration', 'Configuration/Webhooks', 'Services', 'Credentials', 'Configuration/Addresses', 'Content'].map((path) => `/v1/${path}`).concat(
      '/2010-04-01/Accounts.json', `/2010-04-01/Accounts/${as.accountSid}/Keys.json`, conversation, `${conversation}/Messages`, `${conversation}/Participants`, `${conversation}/Webhooks`);
    return Promise.all(paths.map(async (path) => (await this.parley.request(path, { as })).body));
  }
}

function entranceOf(as: Credentials, owner: string): Things {
  const userToken = accessToken(as, `identity-${owner}`);
  return { basic: basic(as.accountSid, as.authToken), key: basic(as.apiKeySid, as.apiKeySecret), userToken, bearer: `Bearer ${userToken}` };
}

/** Credentials of several accounts mixed, changed or out of date: they open nothing. */
function wrongEntrances(account: Credentials, other: Credentials, stranger: Credentials): Things {
  const token = accessToken(account, 'identity-mine');
  const strangersKey = { apiKeySid: stranger.apiKeySid, apiKeySecret: stranger.apiKeySecret };
  return {
    wrongBasic: basic(account.accountSid, stranger.authToken), wrongKey: basic(account.apiKeySid, stranger.apiKeySecret), mixedBasic: basic(other.accountSid, account.authToken),
    forgedBearer: `Bearer ${accessToken({ ...account, apiKeySecret: stranger.apiKeySecret }, 'identity-mine')}`, mixedBearer: `Bearer ${accessToken({ ...account, ...strangersKey }, 'identity-mine')}`,
    foreignBearer: `Bearer ${accessToken({ ...account, serviceSid: other.serviceSid }, 'identity-theirs')}`,
    expiredBearer: `Bearer ${changed(token, (claims) => ({ ...claims, exp: 1 }))}`, unsignedBearer: `Bearer ${token.replace(/\.[^.]+$/, '.')}`,
  };
}

/** A token with other claims and its old signature. */
function changed(token: string, change: (claims: object) => object): string {
  const [head, claims, signature] = token.split('.') as [string, string, string];
  return [head, Buffer.from(JSON.stringify(change(JSON.parse(Buffer.from(claims, 'base64url').toString()) as object))).toString('base64url'), signature].join('.');
}

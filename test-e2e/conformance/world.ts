/** What the operations are called on: a service with conversations, members, messages and the rest, made by the API itself. */
import { connectDatabase } from '../../infra/local/database.mjs';
import { Parley, until } from '../installation.js';

export type Form = Readonly<Record<string, string | readonly string[]>>;
export const urlencoded = (form: Form): string =>
  new URLSearchParams(Object.entries(form).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value] as [string, string]] : value.map((one) => [name, one] as [string, string])))).toString();

let made = 0;
/** A name nobody has. */
export const another = (what: string): string => `${what} ${++made}`;
const number = () => `+1555${String(1_000_000 + ++made)}`;
export const PROXY = '+15017122661';

export class World {
  private constructor(readonly parley: Parley, readonly service: string, readonly base: string) {}

  /** On account-level paths the default service, on service-level paths one of its own. */
  static async make(parley: Parley, family: 'account' | 'service'): Promise<World> {
    if (family === 'account') return new World(parley, parley.account.serviceSid, '/v1');
    const { status, body } = await parley.request('/v1/Services', { body: urlencoded({ FriendlyName: another('service') }) });
    if (status !== 201) throw new Error(`no second service: ${status} ${JSON.stringify(body)}`);
    return new World(parley, body.sid, `/v1/Services/${body.sid}`);
  }

  /** Creates below this family's paths; answers with the SID. */
  async create(path: string, form: Form = {}): Promise<string> {
    return (await this.post(path, form)).sid as string;
  }
  async post(path: string, form: Form): Promise<any> {
    const at = path.startsWith('/') ? path : `${this.base}/${path}`;
    const { status, body } = await this.parley.request(at, { body: urlencoded(form) });
    if (status >= 300) throw new Error(`POST ${at}: ${status} ${JSON.stringify(body)}`);
    return body;
  }
  async get(path: string): Promise<any> {
    const at = path.startsWith('/') ? path : `${this.base}/${path}`;
    const { status, body } = await this.parley.request(at);
    if (status >= 300) throw new Error(`GET ${at}: ${status} ${JSON.stringify(body)}`);
    return body;
  }

  conversation(): Promise<string> {
    return this.create('Conversations', { UniqueName: another('conversation'), FriendlyName: 'Ours' });
  }
  message(conversation: string): Promise<string> {
    return this.create(`Conversations/${conversation}/Messages`, { Author: 'agent', Body: 'Your car is ready' });
  }
  participant(conversation: string): Promise<string> {
    return this.create(`Conversations/${conversation}/Participants`, { Identity: another('identity') });
  }
  phone(conversation: string, address = number()): Promise<string> {
    return this.create(`Conversations/${conversation}/Participants`, { 'MessagingBinding.Address': address, 'MessagingBinding.ProxyAddress': PROXY });
  }
  webhook(conversation: string): Promise<string> {
    return this.create(`Conversations/${conversation}/Webhooks`, {
      'Target': 'webhook', 'Configuration.Url': 'https://example.com/hook', 'Configuration.Filters': ['onMessageAdded'],
    });
  }
  role(type: 'conversation' | 'service' = 'conversation'): Promise<string> {
    return this.create('Roles', { FriendlyName: another('role'), Type: type, Permission: ['editOwnMessage'] });
  }
  user(identity = another('user')): Promise<string> {
    return this.create('Users', { Identity: identity });
  }
  address(): Promise<string> {
    return this.create('/v1/Configuration/Addresses', { Type: 'sms', Address: number() });
  }
  credential(): Promise<string> {
    return this.create('/v1/Credentials', { Type: 'fcm', FriendlyName: another('credential'), Secret: 'a server key' });
  }

  /** A file that waits for its message. */
  async media(type: string, bytes: string): Promise<string> {
    const path = `/v1/Services/${this.service}/Media?Filename=agreed.txt`;
    const { status, body } = await this.parley.request(path, { body: bytes, headers: { 'content-type': type } });
    if (status !== 201) throw new Error(`POST ${path}: ${status} ${JSON.stringify(body)}`);
    return body.sid;
  }
  /** A content template of text. */
  async template(text: string): Promise<string> {
    const content = JSON.stringify({ friendly_name: another('template'), language: 'en', variables: { name: 'you' }, types: { 'twilio/text': { body: text } } });
    const { status, body } = await this.parley.request('/v1/Content', { body: content, headers: { 'content-type': 'application/json' } });
    if (status !== 201) throw new Error(`POST /v1/Content: ${status} ${JSON.stringify(body)}`);
    return body.sid;
  }

  /** A user in a conversation, with its participant. */
  async member(): Promise<{ user: string; identity: string; conversation: string; participant: string }> {
    const identity = another('member');
    const user = await this.user(identity);
    const conversation = await this.conversation();
    const participant = await this.create(`Conversations/${conversation}/Participants`, { Identity: identity });
    return { user, identity, conversation, participant };
  }

  /** A message that went to two phones, and its receipts. */
  async receipts(): Promise<{ conversation: string; message: string; receipts: string[] }> {
    const conversation = await this.conversation();
    for (const _ of [1, 2]) await this.phone(conversation);
    const message = await this.message(conversation);
    const path = `Conversations/${conversation}/Messages/${message}/Receipts`;
    const receipts = await until(async () => {
      const list = (await this.get(path)).delivery_receipts as { sid: string; status: string }[];
      // Until they change no more.
      return list.length === 2 && list.every(({ status }) => status === 'delivered') && list.map(({ sid }) => sid);
    }, 'delivered to both phones', 30_000);
    return { conversation, message, receipts };
  }

  /** As the registration of a device leaves it: no call of the REST API makes one. */
  async binding(): Promise<string> {
    const credential = await this.credential();
    const sid = `BS${(++made).toString(16).padStart(32, '0')}`;
    const client = await connectDatabase(this.parley.installation.info.databaseUrl);
    try {
      await client.query(
        `insert into model.push_binding (sid, account, chat_service_sid, credential_sid, endpoint, identity, binding_type, message_types, address, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, 'fcm', '{new_message}', 'a device', now(), now())`,
        [sid, this.parley.account.accountSid, this.service, credential, another('endpoint'), another('identity')],
      );
    } finally {
      await client.end();
    }
    return sid;
  }
}

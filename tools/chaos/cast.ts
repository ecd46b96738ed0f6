/**
 * Who takes part in a run: conversations of chat members, some with people on SMS, WhatsApp and Messenger at the simulator, one on SMS by SMPP
 * and one with mail; and two groups on phones, of which one keeps its members and writes, and one is left and joined.
 */
import { RestClient, type Access } from '../bench/rest-client.ts';

export type Person = {
  channel: 'sms' | 'whatsapp' | 'messenger' | 'email';
  /** As participants have it: `+15551234567`, `whatsapp:+15551234567`, `messenger:15551234567`, `person@example.com`. */
  address: string;
  proxy: string;
  /** Who carries to and from this person. */
  at: 'simulator' | 'centre' | 'mailbox';
  /** In a group on phones: the numbers of ours in it, each of which is told what this phone writes, and its other phones. */
  group?: { ours: string[]; phones: string[] };
  /** `listens`: writes nothing; `comes`: nor is this phone always there. */
  part?: 'listens' | 'comes';
};

export type Scene = { conversation: string; identities: string[]; people: Person[] };
/** Where people's messages come in and go out. */
export type Ports = { centre: number; mailbox: number; mailListener: number };

const CHAT_ONLY = 4;
const MIXED = 4;
const MEMBERS_EACH = 3;
/** Of the message centre. */
const BY_SMPP = '+15550100005';
const SENDERS = { sms: '+15550100001', whatsapp: 'whatsapp:+15550100002', messenger: 'messenger:15550100003' };
/** In groups; the first is the one that is listened to. */
const IN_GROUPS = ['+15550100006', '+15550100007'] as const;
const MAIL_DOMAIN = 'chaos.example.test';
const BY_MAIL = `support@${MAIL_DOMAIN}`;

/** Made anew: nobody has written yet. */
export async function castScenes(access: Access, ports: Ports): Promise<Scene[]> {
  const rest = new RestClient(access);
  await connect(rest, 'simulator', {}, {}, SENDERS.sms, ...IN_GROUPS);
  await connect(rest, 'smpp', { systemId: 'chaos', password: 'chaos' }, { host: '127.0.0.1', port: ports.centre, responseSeconds: 3, enquireLinkSeconds: 5 }, BY_SMPP);
  await connect(rest, 'smtp', {}, { domain: MAIL_DOMAIN, host: '127.0.0.1', port: ports.mailbox, tls: 'none', listen: { port: ports.mailListener } }, BY_MAIL);
  const scenes: Scene[] = [];
  for (let number = 0; number < CHAT_ONLY + MIXED; number++) {
    const { sid } = await rest.post<{ sid: string }>('/v1/Conversations', { FriendlyName: `Chaos ${number}` });
    const identities = Array.from({ length: MEMBERS_EACH }, (_, m) => `member-${number}-${m}`);
    for (const identity of identities) await rest.post(`/v1/Conversations/${sid}/Participants`, { Identity: identity });
    const people = number < CHAT_ONLY ? [] : [person('sms', number, 0), person('sms', number, 1), person('whatsapp', number, 2), person('messenger', number, 3), bySmpp(number), byMail(number)];
    for (const { address, proxy } of people)
      await rest.post(`/v1/Conversations/${sid}/Participants`, { 'MessagingBinding.Address': address, 'MessagingBinding.ProxyAddress': proxy });
    scenes.push({ conversation: sid, identities, people });
  }
  return [...scenes, await group(rest, 'talking', 0, [undefined, undefined, undefined]), await group(rest, 'changing', 1, ['comes', 'listens'])];
}

function person(channel: 'sms' | 'whatsapp' | 'messenger', scene: number, number: number): Person {
  const digits = `1555020${scene}${String(number).padStart(3, '0')}`;
  const address = { sms: `+${digits}`, whatsapp: `whatsapp:+${digits}`, messenger: `messenger:${digits}` }[channel];
  return { channel, address, proxy: SENDERS[channel], at: 'simulator' };
}

const bySmpp = (scene: number): Person => ({ channel: 'sms', address: `+1555030${scene}000`, proxy: BY_SMPP, at: 'centre' });
const byMail = (scene: number): Person => ({ channel: 'email', address: `person-${scene}@people.example.test`, proxy: BY_MAIL, at: 'mailbox' });

/** One member writes to all phones by the first number; nobody is behind the second. */
async function group(rest: RestClient, name: string, number: number, parts: readonly Person['part'][]): Promise<Scene> {
  const [identity, addresses] = [`member-${name}`, parts.map((_, n) => `+1555040${number}${String(n).padStart(3, '0')}`)];
  const members = [
    ...addresses.map((address) => ({ messaging_binding: { address } })), { messaging_binding: { projected_address: IN_GROUPS[0] }, identity }, { messaging_binding: { projected_address: IN_GROUPS[1] } },
  ];
  const { sid } = await rest.post<{ sid: string }>('/v1/ConversationWithParticipants', members.map((one): [string, string] => ['Participant', JSON.stringify(one)]));
  const people = addresses.map((address, n): Person => {
    const [part, phones] = [parts[n], addresses.filter((other) => other !== address)];
    return { channel: 'sms', address, proxy: IN_GROUPS[0], at: 'simulator', group: { ours: [...IN_GROUPS], phones }, ...(part && { part }) };
  });
  return { conversation: sid, identities: [identity], people };
}

/** With senders of its own on a channel an account has no others there. */
async function connect(rest: RestClient, Carrier: string, credentials: object, settings: object, ...addresses: string[]): Promise<void> {
  const { sid } = await rest.post<{ sid: string }>('/v1/CarrierConnections', { Carrier, Credentials: JSON.stringify(credentials), Settings: JSON.stringify(settings) });
  for (const Address of addresses) await rest.post('/v1/Senders', { Address, ConnectionSid: sid });
}

/** Who takes part in a run: conversations of chat members, some with people on SMS, WhatsApp and Messenger at the simulator and one on SMS by SMPP. */
import { RestClient, type Access } from '../bench/rest-client.ts';

export type Person = {
  channel: 'sms' | 'whatsapp' | 'messenger';
  /** As participants have it: `+15551234567`, `whatsapp:+15551234567`, `messenger:15551234567`. */
  address: string;
  proxy: string;
  /** Who carries to and from this person. */
  at: 'simulator' | 'centre';
};

export type Scene = { conversation: string; identities: string[]; people: Person[] };

const CHAT_ONLY = 4;
const MIXED = 4;
const MEMBERS_EACH = 3;
/** Of the message centre. */
const BY_SMPP = '+15550100005';
const SENDERS = { sms: '+15550100001', whatsapp: 'whatsapp:+15550100002', messenger: 'messenger:15550100003' };

/** Made anew: nobody has written yet. */
export async function castScenes(access: Access, centrePort: number): Promise<Scene[]> {
  const rest = new RestClient(access);
  await connect(rest, 'simulator', {}, {}, SENDERS.sms);
  await connect(rest, 'smpp', { systemId: 'chaos', password: 'chaos' }, { host: '127.0.0.1', port: centrePort, responseSeconds: 3, enquireLinkSeconds: 5 }, BY_SMPP);
  const scenes: Scene[] = [];
  for (let number = 0; number < CHAT_ONLY + MIXED; number++) {
    const { sid } = await rest.post<{ sid: string }>('/v1/Conversations', { FriendlyName: `Chaos ${number}` });
    const identities = Array.from({ length: MEMBERS_EACH }, (_, m) => `member-${number}-${m}`);
    for (const identity of identities) await rest.post(`/v1/Conversations/${sid}/Participants`, { Identity: identity });
    const people = number < CHAT_ONLY ? [] : [person('sms', number, 0), person('sms', number, 1), person('whatsapp', number, 2), person('messenger', number, 3), bySmpp(number)];
    for (const { address, proxy } of people)
      await rest.post(`/v1/Conversations/${sid}/Participants`, { 'MessagingBinding.Address': address, 'MessagingBinding.ProxyAddress': proxy });
    scenes.push({ conversation: sid, identities, people });
  }
  return scenes;
}

function person(channel: Person['channel'], scene: number, number: number): Person {
  const digits = `1555020${scene}${String(number).padStart(3, '0')}`;
  const address = { sms: `+${digits}`, whatsapp: `whatsapp:+${digits}`, messenger: `messenger:${digits}` }[channel];
  return { channel, address, proxy: SENDERS[channel], at: 'simulator' };
}

const bySmpp = (scene: number): Person => ({ channel: 'sms', address: `+1555030${scene}000`, proxy: BY_SMPP, at: 'centre' });

/** With a sender of its own on a channel an account has no others there. */
async function connect(rest: RestClient, Carrier: string, credentials: object, settings: object, Address: string): Promise<void> {
  const { sid } = await rest.post<{ sid: string }>('/v1/CarrierConnections', { Carrier, Credentials: JSON.stringify(credentials), Settings: JSON.stringify(settings) });
  await rest.post('/v1/Senders', { Address, ConnectionSid: sid });
}

import { createConversationWithParticipants } from './conversation-with-participants.js';
import { codeOf } from './fault-table.testing.js';
import { parameters } from './parameters.js';

const pair = { address: '+15558675310', proxy_address: '+15017122661' };
const one = (participant: unknown) => ({ Participant: [JSON.stringify(participant)] });

describe('createConversationWithParticipants', () => {
  it.each<[string, Record<string, string | string[]>, number | undefined]>([
    ['none', {}, undefined],
    ['no JSON', { Participant: ['{"identity":'] }, 50424],
    ['nothing', { Participant: [''] }, 50424],
    ['JSON that is no object', one(['ann']), 50424],
    ['an identity that is no text', one({ identity: 7 }), 50424],
    ['a binding that is no object', one({ messaging_binding: '+15558675310' }), 50424],
    ['nobody', one({}), 50424],
    ['an identity with an address', one({ identity: 'ann', messaging_binding: pair }), 50424],
    ['an address elsewhere without its proxy', one({ messaging_binding: { address: '+447700900123' } }), 50424],
    ['something that is no address', one({ messaging_binding: { ...pair, address: 'here' } }), 50424],
    ['attributes that are no JSON', one({ identity: 'ann', attributes: '{' }), 50424],
    ['a NUL', one({ identity: 'a\0' }), 50424],
    ['half of a surrogate pair', one({ identity: 'a', attributes: { b: '\ud83d' } }), 50424],
    ['attributes nested without end', { Participant: [`{"identity":"a","attributes":{"b":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`] }, 50424],
    ['the identity of the system', one({ identity: 'system' }), 50424],
    ['the second one wrong', { Participant: [JSON.stringify({ identity: 'ann' }), '?'] }, 50424],
    ['eleven', { Participant: Array.from({ length: 11 }, (_, n) => JSON.stringify({ identity: `user ${n}` })) }, 50426],
    ['a conversation closed from the beginning', { ...one({ identity: 'ann' }), State: 'open' }, 50378],
    ['a timer too short', { 'Timers.Closed': 'PT1M' }, 50376],
    ['a name too long', { FriendlyName: 'x'.repeat(257) }, 50003],
  ])('%s', (_case, form, code) => expect(codeOf(createConversationWithParticipants, form)).toBe(code));

  it('takes ten, in their order', () =>
    expect(parameters(createConversationWithParticipants, {
      FriendlyName: 'Together',
      Participant: [
        JSON.stringify({ identity: 'ann', attributes: { role: 'driver' }, role_sid: `RL${'0'.repeat(32)}`, messaging_binding: null }),
        JSON.stringify({ messaging_binding: pair, attributes: '{ "a": 1 }' }),
        ...Array.from({ length: 8 }, (_, n) => JSON.stringify({ identity: `user ${n}` })),
      ],
    })).toMatchObject({
      friendlyName: 'Together',
      participants: [
        { identity: 'ann', binding: null, attributes: '{"role":"driver"}', roleSid: `RL${'0'.repeat(32)}` },
        { identity: null, binding: { type: 'sms', address: pair.address, proxyAddress: pair.proxy_address }, attributes: '{ "a": 1 }' },
        ...Array.from({ length: 8 }, (_, n) => ({ identity: `user ${n}` })),
      ],
    }));
});

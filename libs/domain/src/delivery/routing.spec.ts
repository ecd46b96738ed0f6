import { fallbackReasons, legsOf, nextLeg, regionAllowed, route, type Attempted, type RoutingPolicy } from './routing.js';

const template = 'HX00000000000000000000000000000001';
const [us, ourSms, ann] = ['whatsapp:+15550100100', '+15550100001', '+15550100002'];
const chain: RoutingPolicy = { fallback: { ways: [{ template }, { sender: ourSms }] } };
const byWhatsapp = { channel: 'whatsapp', sender: us, recipient: `whatsapp:${ann}` };
const bySms = { channel: 'sms', sender: ourSms, recipient: ann };

/** A text that may go, and what is different. */
const given = (different: Partial<Attempted> = {}) => {
  const attempted: Attempted = {
    ...byWhatsapp, now: Date.parse('2026-07-02T12:00:00Z'), policy: {}, legs: legsOf(different.policy ?? {}, byWhatsapp), text: 'hi', author: 'Ann', audience: 1, files: [],
    limits: { textCharsMax: 10, filesMax: 1, fileBytesMax: 100 }, optedOut: false, expired: false, window: 'none', kind: 'text', ...different,
  };
  return { then: (expected: object) => expect(route(attempted)).toEqual(expected) };
};
const sends = (text: string | null, files = 'along') => ({ do: 'send', text, files });
const fails = (errorCode: number) => ({ do: 'fail', errorCode });
const file = { url: 'u', bytes: 60 };

describe('a message', () => {
  it('goes as it is', () => given().then(sends('hi')));
  it.each<[string, Partial<Attempted>, number]>([
    ['too late', { expired: true }, 30036],
    ['to somebody who opted out', { optedOut: true }, 21610],
    ['to a region that is denied', { policy: { regions: { deny: ['+1555'] } } }, 21408],
    ['to a region its sender may not write to', { senderRegions: ['+44'] }, 21408],
    ['outside the window', { window: 'closed' }, 63016],
    ['without anything in it', { text: '' }, 21619],
    ['too long', { text: 'x'.repeat(11) }, 21617],
    ['with too many files', { files: [file, file] }, 21623],
    ['with too large files', { files: [{ url: 'u', bytes: 101 }] }, 30019],
    ['with files where none can go and none may be linked', { files: [file], limits: { textCharsMax: 10, filesMax: 0, fileBytesMax: 0 }, policy: { media: 'refuse' } }, 30011],
  ])('%s fails', (_, different, errorCode) => given(different).then(fails(errorCode)));
  it('outside the window goes when it is a template', () => {
    given({ window: 'closed', kind: 'template' }).then(sends('hi'));
    given({ window: 'closed', kind: 'form' }).then(fails(63016));
  });
  it('inside the window goes as it is', () => given({ window: 'open' }).then(sends('hi')));
  it('of files alone has no text', () => given({ text: null, files: [file] }).then(sends(null)));
  it('has its files linked where none can go', () =>
    given({ text: null, files: [{ url: 'u1', bytes: 1 }, { url: 'u2', bytes: 1 }], limits: { textCharsMax: 10, filesMax: 0, fileBytesMax: 0 } }).then(sends('u1\nu2', 'linked')));
  it('is too long with its links', () =>
    given({ files: [{ url: 'https://long', bytes: 1 }], limits: { textCharsMax: 10, filesMax: 0, fileBytesMax: 0 } }).then(fails(21617)));
  it('too long goes in parts by SMS, where the policy says so', () => {
    const long: Partial<Attempted> = { ...bySms, text: 'one two three', policy: { long_text: 'split', author_name: 'always' } };
    given({ ...long, author: null }).then({ do: 'split', texts: ['one two', 'three'] });
    given(long).then({ do: 'split', texts: ['Ann: one', 'two three'] });
    given({ ...long, text: 'one two' }).then({ do: 'split', texts: ['Ann: one', 'two'] });
    given({ ...long, text: 'x' }).then(sends('Ann: x'));
    given({ ...long, text: 'one two', kind: 'part' }).then(sends('one two'));
    for (const otherwise of [byWhatsapp, { policy: {} }, { kind: 'form' as const }, { optedOut: true }])
      given({ ...long, ...otherwise }).then(fails('optedOut' in otherwise ? 21610 : 21617));
  });
  it('waits until it may be heard', () =>
    given({ policy: { quiet_hours: { start: '10:00', end: '13:00', time_zone: 'UTC' } } }).then({ do: 'wait', until: Date.parse('2026-07-02T13:00:00Z') }));
  it('that fails anyway does not wait for that', () =>
    given({ optedOut: true, policy: { quiet_hours: { start: '10:00', end: '13:00', time_zone: 'UTC' } } }).then(fails(21610)));
});

describe("the author's name", () => {
  it.each<[NonNullable<RoutingPolicy['author_name']>, number, string]>([
    ['never', 3, 'hi'], ['group', 1, 'hi'], ['group', 2, 'Ann: hi'], ['always', 1, 'Ann: hi'],
  ])('%s, with an audience of %i', (author_name, audience, text) => given({ policy: { author_name }, audience }).then(sends(text)));
  it('is left out when there is none, and of templates', () => {
    given({ policy: { author_name: 'always' }, author: null }).then(sends('hi'));
    given({ policy: { author_name: 'always' }, kind: 'template' }).then(sends('hi'));
  });
  it('counts', () => given({ policy: { author_name: 'always' }, text: 'x'.repeat(6) }).then(fails(21617)));
});

describe('further ways', () => {
  const legs = legsOf(chain, byWhatsapp);
  it('are templates by the same sender, and other senders of the same person', () =>
    expect(legs).toMatchObject([{ ...byWhatsapp, template }, bySms]));
  it.each<[string, RoutingPolicy, typeof byWhatsapp, object[]]>([
    ['a template is for WhatsApp', chain, { channel: 'rcs', sender: 'rcs:agent', recipient: `rcs:${ann}` }, [bySms]],
    ['the sender that was tried is no other way', chain, bySms, []],
    ['a person without a number is on no other channel', chain, { ...byWhatsapp, recipient: 'whatsapp:US.abc' }, [{ template }]],
    ['another number of ours on the same channel', { fallback: { ways: [{ sender: '+15550100009' }] } }, bySms, [{ ...bySms, sender: '+15550100009' }]],
    ['from a number to WhatsApp', { fallback: { ways: [{ sender: us }] } }, bySms, [byWhatsapp]],
    ['none', {}, byWhatsapp, []],
  ])('%s', (_, policy, first, expected) => expect(legsOf(policy, first)).toMatchObject(expected));
  it('are taken when the window is closed: first the template, then the number', () => {
    given({ policy: chain, window: 'closed' }).then({ do: 'next', leg: legs[0], rest: [legs[1]], errorCode: 63016 });
    given({ policy: chain, window: 'closed', legs: [legs[1]!] }).then({ do: 'next', leg: legs[1], rest: [], errorCode: 63016 });
    given({ policy: chain, window: 'closed', legs: [] }).then(fails(63016));
  });
  it.each([[63024, 'not there'], [63003, 'not there'], [63016, 'window'], [30003, 'not reached'], [21211, 'no such number'], [30036, 'too late'], [63027, 'no such template']])(
    'are taken after %i (%s)', (code) => expect(nextLeg(legs, code)?.leg).toBe(legs[0]));
  it.each([[21610, 'a refusal of the person'], [30004, 'a block'], [30007, 'a filter'], [30008, 'nobody knows'], [21617, 'too long'], [20003, 'our credentials']])(
    'are not taken after %i (%s)', (code) => expect(nextLeg(legs, code)).toBeUndefined());
  it('are taken for the reasons that are asked for', () => {
    const some = legsOf({ fallback: { ...chain.fallback!, on: ['outside_window'] } }, byWhatsapp);
    expect([63016, 63024, 30036].map((code) => nextLeg(some, code) !== undefined)).toEqual([true, false, false]);
    expect(fallbackReasons).toContain('outside_window');
  });
});

describe('regions', () => {
  it.each<[string, RoutingPolicy['regions'], string, boolean]>([
    ['no rule', undefined, ann, true], ['allowed', { allow: ['+1', '+44'] }, ann, true], ['not allowed', { allow: ['+44'] }, ann, false],
    ['denied', { deny: ['+1'] }, ann, false], ['denied within what is allowed', { allow: ['+1'], deny: ['+1555'] }, ann, false],
    ['allowed within what is denied', { allow: ['+1555'], deny: ['+1'] }, ann, true], ['both the same: denied', { allow: ['+1'], deny: ['+1'] }, ann, false],
    ['by WhatsApp', { deny: ['+1'] }, `whatsapp:${ann}`, false], ['without a number', { allow: ['+44'] }, 'ann@example.com', true],
  ])('%s', (_, regions, recipient, allowed) => expect(regionAllowed(regions, recipient)).toBe(allowed));
});

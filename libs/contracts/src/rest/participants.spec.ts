import { codeOf } from './fault-table.testing.js';
import { parameters } from './parameters.js';
import { createParticipant, updateParticipant } from './participants.js';

const binding = (address?: string, proxy?: string) => ({
  ...(address !== undefined && { 'MessagingBinding.Address': address }),
  ...(proxy !== undefined && { 'MessagingBinding.ProxyAddress': proxy }),
});
const us = '+15017122661';

describe('createParticipant', () => {
  it.each([
    [{}, 50204],
    [{ Identity: '' }, 50204],
    [{ Identity: 'x'.repeat(257) }, 50207],
    [{ Identity: `US${'a'.repeat(32)}` }, 50206],
    [{ Identity: 'system' }, 50203],
    [{ Identity: 'alice', ...binding('+15558675310', us) }, 50211],
    [{ Identity: 'alice', ...binding(undefined, us) }, 50211],
    [binding('', us), 50411],
    [binding(undefined, us), 50411],
    [binding('whatsapp:+15558675310'), 50412],
    [binding('+447700900123'), 50407],
    [binding('+18005550123'), 50407],
    [binding('+15558675310', ''), 50412],
    [binding('15558675310', us), 50407],
    [binding('+0', us), 50407],
    [binding('whatsapp:15558675310', `whatsapp:${us}`), 50407],
    [binding(`+${'1'.repeat(256)}`, us), 50407],
    [binding('+15558675310', 'us?'), 50408],
    [binding('+15558675310', `whatsapp:${us}`), 50414],
    [binding('whatsapp:+15558675310', us), 50414],
    [binding(us, us), 50409],
    [{ 'MessagingBinding.ProjectedAddress': '', Identity: 'alice' }, 50434],
    [{ 'MessagingBinding.ProjectedAddress': '+18005550123' }, 50439],
    [{ 'MessagingBinding.ProjectedAddress': '+447700900123' }, 50439],
    [{ 'MessagingBinding.ProjectedAddress': us, ...binding('+15558675310') }, 50420],
    [{ 'MessagingBinding.ProjectedAddress': us, ...binding(undefined, us) }, 50420],
    [{ Identity: 'alice', ...binding('+15558675310') }, 50211],
    [{ Identity: 'alice', RoleSid: 'RL1' }, 50109],
    [{ Identity: 'alice', Attributes: '{' }, 50304],
    [{ Identity: 'alice', DateCreated: '1' }, 50308],
  ])('%j is %d', (form, code) => expect(codeOf(createParticipant, form)).toBe(code));

  it('knows the channel by the address', () => {
    expect(parameters(createParticipant, binding('whatsapp:+15558675310', `whatsapp:${us}`))).toMatchObject({
      identity: null, binding: { type: 'whatsapp', address: 'whatsapp:+15558675310', proxyAddress: `whatsapp:${us}` },
    });
    expect(parameters(createParticipant, { Identity: 'alice' })).toMatchObject({ identity: 'alice', binding: null });
  });
  it('knows the members of a group', () => {
    expect(parameters(createParticipant, binding('+15558675310'))).toMatchObject({ identity: null, binding: null, group: { address: '+15558675310' } });
    expect(parameters(createParticipant, { 'MessagingBinding.ProjectedAddress': us, 'Identity': 'alice' })).toMatchObject({ identity: 'alice', binding: null, group: { projectedAddress: us } });
  });
});
describe('updateParticipant', () => {
  it.each([
    [{ LastReadMessageIndex: 'x' }, 50421],
    [{ LastReadMessageIndex: '-1' }, 50421],
    [{ LastReadMessageIndex: '1.5' }, 50421],
    [{ LastReadTimestamp: 'x' }, 50405],
    [binding(undefined, ''), 50412],
    [{ 'MessagingBinding.ProjectedAddress': '+18005550123' }, 50439],
    [{ 'MessagingBinding.ProjectedAddress': '' }, 50434],
    [{ 'MessagingBinding.ProjectedAddress': us, ...binding(undefined, us) }, 50420],
  ])('%j is %d', (form, code) => expect(codeOf(updateParticipant, form)).toBe(code));

  it('reads null as nothing', () =>
    expect(parameters(updateParticipant, { LastReadMessageIndex: 'null', LastReadTimestamp: '', ...binding(undefined, 'null') }))
      .toEqual({ lastReadMessageIndex: null, lastReadTimestamp: null, proxyAddress: null }));
  it('takes a projected address, and its removal', () => {
    expect(parameters(updateParticipant, { 'MessagingBinding.ProjectedAddress': us })).toEqual({ projectedAddress: us });
    expect(parameters(updateParticipant, { 'MessagingBinding.ProjectedAddress': 'null' })).toEqual({ projectedAddress: null });
  });
  it('takes a horizon', () => expect(parameters(updateParticipant, { LastReadMessageIndex: '7' })).toEqual({ lastReadMessageIndex: 7 }));
});

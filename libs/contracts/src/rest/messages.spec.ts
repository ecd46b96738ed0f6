import { codeOf } from './fault-table.testing.js';
import { createMessage, listMessages, updateMessage } from './messages.js';
import { parameters } from './parameters.js';

const ME = `ME${'0'.repeat(32)}`;
const HX = `HX${'0'.repeat(32)}`;

describe('createMessage', () => {
  it.each([
    [{}, 50503],
    [{ Body: '' }, 50503],
    [{ Author: 'alice' }, 50503],
    [{ Body: 'x'.repeat(32_769) }, 50504],
    [{ Body: 'ü'.repeat(16_385) }, 50504],
    [{ Body: 'x', Author: 'x'.repeat(257) }, 50310],
    [{ Body: 'x', Attributes: 'nope' }, 50304],
    [{ Body: 'x', Attributes: `"${'x'.repeat(4095)}"` }, 50303],
    [{ Body: 'x', DateCreated: '1' }, 50308],
    [{ Body: 'x', DateUpdated: '1' }, 50309],
    [{ Body: 'x', Subject: 'x'.repeat(257) }, 20001],
    [{ MediaSid: 'ME1' }, 50510],
    [{ MediaSid: ME }, 50507],
    [{ ContentSid: 'HX1' }, 50526],
    [{ ContentSid: HX }, 50526],
    [{ Body: 'x', ContentVariables: '{}' }, 50528],
    [{ ContentSid: HX, ContentVariables: '{' }, 50527],
  ])('%j is %d', (form, code) => expect(codeOf(createMessage, form)).toBe(code));

  it('takes the longest body', () => expect(codeOf(createMessage, { Body: 'x'.repeat(32_768) })).toBeUndefined());
  it('keeps body and attributes as they are', () =>
    expect(parameters(createMessage, { Body: ' hi\n', Author: 'alice', Attributes: '{ "a":1}' })).toMatchObject({
      body: ' hi\n', author: 'alice', attributes: '{ "a":1}',
    }));
});
describe('updateMessage', () => {
  it.each([[{ Attributes: '{' }, 50304], [{ Body: 'x'.repeat(32_769) }, 50504], [{}, undefined]])(
    '%j is %s', (form, code) => expect(codeOf(updateMessage, form)).toBe(code));
});
describe('listMessages', () => {
  it('reads the order in any case', () => expect(parameters(listMessages, { Order: 'DeSc' })).toEqual({ Order: 'desc' }));
  it('knows two orders', () => expect(codeOf(listMessages, { Order: 'up' })).toBe(20001));
});

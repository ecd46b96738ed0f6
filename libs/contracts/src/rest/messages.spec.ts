import { codeOf } from './fault-table.testing.js';
import { createMessage, listMessages, updateMessage } from './messages.js';
import { parameters } from './parameters.js';

const ME = `ME${'0'.repeat(32)}`;
const HX = `HX${'0'.repeat(32)}`;

describe('createMessage', () => {
  it.each<[Record<string, string>, number | undefined]>([
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
    [{ MediaSid: ME }, undefined],
    [{ ContentSid: 'HX1' }, 50526],
    [{ ContentSid: HX }, undefined],
    [{ Body: 'x', ContentVariables: '{}' }, 50528],
    ...(['{', '[]', '"x"', 'null', '{"1":{}}', '{"1":null}', '{"1":"\\u0000"}', '{"1":"\\ud800"}'].map((ContentVariables): [Record<string, string>, number] => [{ ContentSid: HX, ContentVariables }, 50527])),
    [{ ContentSid: HX, ContentVariables: JSON.stringify({ x: 'x'.repeat(27_801) }) }, 50529],
    [{ ContentSid: HX, ContentVariables: JSON.stringify(Object.fromEntries(Array.from({ length: 101 }, (_, i) => [i, '']))) }, 50529],
    [{ ContentSid: HX, ContentVariables: JSON.stringify({ ['k'.repeat(17)]: '' }) }, 50540],
    [{ ContentSid: HX, ContentVariables: JSON.stringify({ k: 'x'.repeat(257) }) }, 50541],
    [{ ContentSid: HX, ContentVariables: JSON.stringify({ ['k'.repeat(16)]: 'x'.repeat(256), n: 7 }) }, undefined],
  ])('%j is %s', (form, code) => expect(codeOf(createMessage, form)).toBe(code));

  it('takes the longest body', () => expect(codeOf(createMessage, { Body: 'x'.repeat(32_768) })).toBeUndefined());
  it('keeps body and attributes as they are', () =>
    expect(parameters(createMessage, { Body: ' hi\n', Author: 'alice', Attributes: '{ "a":1}' })).toMatchObject({
      message: { body: ' hi\n', author: 'alice', attributes: '{ "a":1}' }, mediaSids: [],
    }));
  it('takes a template instead of body and file', () =>
    expect(parameters(createMessage, { Body: 'x', MediaSid: ME, ContentSid: HX, ContentVariables: '{"1":2}' })).toMatchObject({
      mediaSids: [], contentSid: HX, contentVariables: { json: '{"1":2}', values: { 1: '2' } },
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

import { listBindings } from './bindings.js';
import { codeOf } from './fault-table.testing.js';
import { parameters } from './parameters.js';

describe('listBindings', () => {
  it.each([
    [{}, undefined],
    [{ BindingType: ['twilsock'] }, 50209],
    [{ BindingType: [''] }, 50209],
    [{ BindingType: ['apn', 'pigeon'] }, 50209],
    [{ Identity: [''] }, 50204],
    [{ Identity: ['x'.repeat(257)] }, 50207],
  ])('%# is %s', (form, code) => expect(codeOf(listBindings, form as Record<string, string[]>)).toBe(code));
  it('reads repeated filters in any case', () =>
    expect(parameters(listBindings, { BindingType: ['APN', 'fcm'], Identity: ['Bob'] })).toEqual({ BindingType: ['apn', 'fcm'], Identity: ['Bob'] }));
});

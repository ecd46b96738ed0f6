import { present } from './event-parameters.js';

it('tells what is there, as text', () =>
  expect(present({ Index: 0, Body: '', Author: null, Attributes: undefined })).toEqual({ Index: '0', Body: '' }));
it('has no half characters, which no job could be stored with', () => expect(present({ Body: 'a\ud800b' })).toEqual({ Body: 'a\ufffdb' }));

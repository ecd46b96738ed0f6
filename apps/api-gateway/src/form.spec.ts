import { ApiError } from '@parley/contracts/error-catalogue';
import { decodeForm } from './form.js';

describe('decodeForm', () => {
  it.each([
    ['', {}],
    ['Body=hi', { Body: 'hi' }],
    ['Body=a%26b%3Dc+d%2B&Author=J%C3%BCrgen', { Body: 'a&b=c d+', Author: 'Jürgen' }],
    ['Body=a=b&&Flag&=x', { Body: 'a=b', Flag: '', '': 'x' }],
    ['Body=a&Body=b', { Body: 'b' }],
    ['Timers.Inactive=PT1M', { 'Timers.Inactive': 'PT1M' }],
    ['AutoCreation.WebhookFilters=a', { 'AutoCreation.WebhookFilters': ['a'] }],
    ['AutoCreation.WebhookFilters=a&AutoCreation.WebhookFilters=b', { 'AutoCreation.WebhookFilters': ['a', 'b'] }],
    ['__proto__=x', Object.assign(Object.create(null) as object, { ['__proto__']: 'x' })],
  ])('%s', (text, form) => expect({ ...decodeForm(text) }).toEqual({ ...form }));

  it.each(['Body=%', 'Body=%zz', 'Body=%ff', 'Body=%ED%A0%80', 'Body=%00', 'Body=\0', 'Body=\uFFFD', '%=x', 'a&'.repeat(1001)])(
    '%j is refused', (text) => expect(() => decodeForm(text)).toThrow(ApiError));

  it('is empty when there is no body', () => expect({ ...decodeForm(undefined) }).toEqual({}));
});

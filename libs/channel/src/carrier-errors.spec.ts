/** docs/channels/sms.md shows this list, keywords and all: what it says is what is done. */
import { readFileSync } from 'node:fs';
import { carrierFaults, faultOf, type CarrierCodes } from './carrier-errors.js';
import { bandwidthCodes } from './carriers/bandwidth/errors.js';
import { plivoCodes } from './carriers/plivo/errors.js';
import { telnyxCodes } from './carriers/telnyx/errors.js';
import { messagesCodes } from './carriers/vonage/errors.js';
import { keywordKind } from './opt-out.js';

const page = readFileSync(new URL('../../../docs/channels/sms.md', import.meta.url), 'utf8').split('\n');
const rowOf = (first: string) => page.find((line) => line.startsWith(`| ${first} |`))?.split('|').map((cell) => cell.trim()) ?? [];

it.each(Object.entries(carrierFaults))('%s is in the documentation with the carriers’ codes', (name, { errorCode, retryable }) => {
  const codes = ([telnyxCodes, messagesCodes, bandwidthCodes, plivoCodes] as CarrierCodes[])
    .map((of) => Object.keys(of).filter((code) => of[code] === name).join(', ') || '–');
  expect(rowOf(name.replaceAll('_', ' ')).slice(2, -1)).toEqual([String(errorCode), retryable ? 'yes' : 'no', ...codes]);
});
it.each(['English', 'Spanish', 'French', 'German', 'Portuguese', 'Italian', 'Dutch'])('the keywords of %s are in the documentation', (language) => {
  const kinds = rowOf(language).slice(2, -1).map((words) => words.split(', ').map((word) => keywordKind(word)));
  expect(kinds.map((words) => [...new Set(words)])).toEqual([['opt_out'], ['opt_in'], ['help']]);
});
it('a code that nobody mapped is the unknown error', () => {
  expect(faultOf(telnyxCodes, '99999')).toEqual({ errorCode: 30008, retryable: false, carrierCode: '99999' });
  expect(faultOf(telnyxCodes, undefined)).toEqual({ errorCode: 30008, retryable: false });
});

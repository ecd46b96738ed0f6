import type { InboundMessage } from '../inbound-event.js';
import { BusySenders } from './busy-senders.js';

let written = 0;
const mail = (from: string, providerMessageId = `<${++written}@example.com>`) => ({ kind: 'message', from, providerMessageId }) as InboundMessage;
const kinds = (busy: BusySenders, from: string, ...times: number[]) => times.map((time) => busy.judge([mail(from)], time)[0]!.kind);

it('who writes more than five mails a minute is a machine, until it pauses', () => {
  const busy = new BusySenders();
  expect(kinds(busy, 'a@example.com', 0, 1, 2, 3, 4, 5)).toEqual(['message', 'message', 'message', 'message', 'message', 'auto_reply']);
  expect(kinds(busy, 'A@example.com', 6)).toEqual(['auto_reply']);
  expect(kinds(busy, 'b@example.com', 6)).toEqual(['message']);
  expect(kinds(busy, 'a@example.com', 70_000)).toEqual(['message']);
});

it('a mail that comes again is not another one', () => {
  const busy = new BusySenders();
  for (let time = 0; time < 10; time++) expect(busy.judge([mail('a@example.com', '<same@example.com>')], time)[0]!.kind).toBe('message');
});

it('other events are as they are', () => {
  const busy = new BusySenders();
  const status = { kind: 'status', from: 'a@example.com' } as never;
  for (let n = 0; n < 10; n++) expect(busy.judge([status], n)).toEqual([status]);
});

import type { InboundMessage } from '../inbound-event.js';
import { BusySenders } from './busy-senders.js';

const mail = (from: string) => ({ kind: 'message', from }) as InboundMessage;
const kinds = (busy: BusySenders, from: string, ...times: number[]) => times.map((time) => busy.judge([mail(from)], time)[0]!.kind);

it('who writes more than five mails a minute is a machine, until it pauses', () => {
  const busy = new BusySenders();
  expect(kinds(busy, 'a@example.com', 0, 1, 2, 3, 4, 5)).toEqual(['message', 'message', 'message', 'message', 'message', 'auto_reply']);
  expect(kinds(busy, 'A@example.com', 6)).toEqual(['auto_reply']);
  expect(kinds(busy, 'b@example.com', 6)).toEqual(['message']);
  expect(kinds(busy, 'a@example.com', 70_000)).toEqual(['message']);
});

it('other events are as they are', () => {
  const busy = new BusySenders();
  const status = { kind: 'status', from: 'a@example.com' } as never;
  for (let n = 0; n < 10; n++) expect(busy.judge([status], n)).toEqual([status]);
});

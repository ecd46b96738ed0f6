/// <reference types="jest" />
/**
 * Payloads as a carrier sends them, beside what each must come to (fixtures/<carrier>/index.json): signature verdict and
 * events. The fixtures name a few things as the channel facts do; `expectedOf` says them in the port's words.
 */
import { readFileSync } from 'node:fs';
import type { ChannelAdapter, RawWebhook } from './channel-adapter.js';
import { InvalidSignature } from './send-error.js';

export type Fixture = {
  id: string; file: string; desc: string; signatureValid: boolean | null; expectHttp: number; clock?: string;
  request: { method: string; url: string; headers: Record<string, string> };
  expected: Record<string, unknown>[];
};

const folder = (carrier: string) => new URL(`../fixtures/${carrier}/`, import.meta.url);
export const fixtureBody = (carrier: string, file: string): Buffer => readFileSync(new URL(file, folder(carrier)));
export const fixturesOf = <Secrets>(carrier: string): { secrets: Secrets; fixtures: Fixture[] } => JSON.parse(fixtureBody(carrier, 'index.json').toString());
export const webhookOf = (carrier: string, { file, request }: Fixture): RawWebhook => ({ ...request, body: fixtureBody(carrier, file) });

/** `clockOf`: the adapter as it is at that time. */
export function parsesItsPayloads(carrier: string, adapterAt: (clock: number) => ChannelAdapter): void {
  describe(`a webhook of ${carrier}`, () => {
    for (const fixture of fixturesOf(carrier).fixtures)
      it(`${fixture.file}: ${fixture.desc}`, async () => {
        const adapter = adapterAt(Date.parse(fixture.clock ?? '2026-11-22T12:00:00Z'));
        const events = (async () => adapter.parseWebhook(webhookOf(carrier, fixture)))();
        if (fixture.signatureValid === false) {
          await expect(events).rejects.toThrow(InvalidSignature);
          return expect(events).rejects.toMatchObject({ status: fixture.expectHttp });
        }
        const parsed = await events;
        expect(parsed).toHaveLength(fixture.expected.length);
        expect(parsed).toMatchObject(fixture.expected.map((event, i) => (parsed[i]!.kind === 'part' ? pieceOf(event) : expectedOf(event))));
        return expect(adapter.answer.status).toBe(fixture.expectHttp);
      });
  });
}

/** Of a piece the payload says where it belongs; the text is there once all pieces are. */
const pieceOf = ({ channel, from, to, providerMessageId }: Record<string, unknown>) => ({ channel, from, to, providerMessageId });

/**
 * `duplicate` is seen by the inbox, not in the payload; codes as strings are the carrier's own; `groupParticipants` is
 * everybody but our number, ours leaves out the author too.
 */
function expectedOf({ kind, media, errorCode, groupParticipants, ...event }: Record<string, unknown>): Record<string, unknown> {
  return {
    ...event, kind: kind === 'duplicate' ? 'message' : kind,
    media: (media as Record<string, unknown>[]).map(({ size, ...file }) => ({ ...file, ...(size !== undefined && { bytes: size }) })),
    ...(typeof errorCode === 'string' && { carrierCode: errorCode, errorCode: expect.any(Number) }), ...(typeof errorCode === 'number' && { errorCode }),
    ...(Array.isArray(groupParticipants) && { group: groupParticipants.filter((number) => number !== event['from']) }),
  };
}

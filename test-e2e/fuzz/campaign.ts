/**
 * Many requests at once against one server, each of them a run of a property: a worker per connection draws requests from a
 * seed of its own, so that a fault is one request, and fast-check can make it small while the others go on.
 */
import fc from 'fast-check';
import type { GeneratedRequest } from './generated-request.js';
import type { Stock } from './prepared-accounts.js';
import { curlCommand, onTheWire, Wire, type Received, type WireRequest } from './wire-request.js';

export type Campaign = {
  url: string; arbitrary: fc.Arbitrary<GeneratedRequest>; requests: number; seed: number; atOnce: number; answerMillis: number; shrinkMillis?: number;
  stock: () => Stock;
  /** What is wrong with the answer. */
  judge: (request: GeneratedRequest, answer: Received) => string | undefined;
  /** After every answer, before the next request of the same worker; requests are numbered from 1. */
  after?: (number: number, request: WireRequest, answer: Received) => Promise<void> | void;
};
export type Outcome = { sent: number; seconds: number; slowestMillis: number; statuses: Map<number, number>; faults: string[] };

/** A fault that comes and goes could be made smaller for ever. */
const SHRINKS_MAX = 400;
const SHRINK_MILLIS_MAX = 60_000;

export async function runCampaign({ url, arbitrary, requests, seed, atOnce, answerMillis, shrinkMillis = SHRINK_MILLIS_MAX, stock, judge, after }: Campaign): Promise<Outcome> {
  const wire = new Wire(url, answerMillis, atOnce);
  const outcome: Outcome = { sent: 0, seconds: 0, slowestMillis: 0, statuses: new Map(), faults: [] };
  const began = performance.now();

  const send = async (request: GeneratedRequest): Promise<string | undefined> => {
    const wired = onTheWire(request, stock());
    const number = ++outcome.sent;
    try {
      const answer = await wire.send(wired);
      outcome.statuses.set(answer.status, (outcome.statuses.get(answer.status) ?? 0) + 1);
      outcome.slowestMillis = Math.max(outcome.slowestMillis, answer.millis);
      await after?.(number, wired, answer);
      const fault = judge(request, answer);
      return fault && `${fault}: ${answer.status} ${answer.text.slice(0, 500)}`;
    } catch (error) {
      return String(error);
    }
  };

  const worker = async (number: number): Promise<void> => {
    let foundAt: number | undefined;
    let tries = 0;
    const property = fc.asyncProperty(arbitrary, async (request) => {
      if (foundAt !== undefined && (++tries > SHRINKS_MAX || performance.now() - foundAt > shrinkMillis)) return;
      const fault = await send(request);
      if (fault === undefined) return;
      foundAt ??= performance.now();
      throw new Error(fault);
    });
    const { failed, counterexample, counterexamplePath, errorInstance, numRuns, numShrinks } = await fc.check(property, { seed: seed + number, numRuns: Math.ceil(requests / atOnce) });
    if (!failed) return;
    const [request] = counterexample!;
    outcome.faults.push([
      `${request.operation.title}, asked by ${request.whose}: ${(errorInstance as Error).message}`, curlCommand(url, onTheWire(request, stock())),
      `(seed ${seed}, worker ${number}, request ${numRuns}, made smaller ${numShrinks} times, path ${counterexamplePath})`,
    ].join('\n  '));
  };

  try {
    await Promise.all(Array.from({ length: atOnce }, (_, number) => worker(number)));
  } finally {
    wire.close();
  }
  return { ...outcome, seconds: (performance.now() - began) / 1000 };
}

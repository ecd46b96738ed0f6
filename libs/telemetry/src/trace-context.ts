/**
 * W3C trace context, level 1: which request caused this. A `traceparent` comes in with a request or is made here, and
 * travels with the command, the stored fact (`cause`), the JetStream header and the call to a carrier.
 */
export type TraceContext = { traceId: string; spanId: string; sampled: boolean };

const pattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Undefined for anything that is not a valid header: then a new trace begins. */
export function parseTraceparent(header: string | undefined): TraceContext | undefined {
  const match = header === undefined || header.length > 200 ? null : pattern.exec(header);
  if (!match) return undefined;
  const [, version, traceId, spanId, flags, rest] = match as unknown as [string, string, string, string, string, string?];
  if (version === 'ff' || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  if (version === '00' && rest !== undefined) return undefined; // only later versions may append fields
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export function formatTraceparent({ traceId, spanId, sampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
}

/** The next span of a trace, or the first of a new one. */
export function childOf(parent?: TraceContext): TraceContext {
  return { traceId: parent?.traceId ?? randomHex(16), spanId: randomHex(8), sampled: parent?.sampled ?? false };
}

const randomHex = (bytes: number) => Buffer.from(globalThis.crypto.getRandomValues(new Uint8Array(bytes))).toString('hex');

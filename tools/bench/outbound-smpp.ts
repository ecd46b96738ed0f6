/**
 * The SMPP carrier's adapter alone, one bind with the usual window, against a message centre in another process: messages of
 * one to three parts by many senders at once, each part with its receipt.
 */
import { SmppAdapter } from '@parley/channel/carriers/smpp/adapter';
import { smpp } from '@parley/channel/carriers/smpp/definition';
import { newSid } from '@parley/domain/sid';
import { setLogLevel } from '@parley/telemetry/logger';
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { CentreReply } from './outbound-centre.ts';
import { Latencies, rounded, type Percentiles } from './statistics.ts';

export type SmppRound = {
  seconds: number;
  /** submit_sm that were answered, which is what carriers count and charge. */
  segmentsPerSecond: number;
  messagesPerSecond: number;
  /** From handing a message over to the ids of all its parts. */
  answer: Percentiles;
  /** User and system time of our process per segment. */
  cpuMicrosPerSegment: number;
  wrong: { failed: number; missing: number; doubled: number; unreported: number };
};

const SENDERS = 32;
const TEXTS = ['One part.', 'Привет, two parts. '.repeat(5), 'Three parts of seven bits each. '.repeat(12)];
const RECEIPTS_MILLIS = 10_000;

export class OutboundSmpp {
  private readonly received = new Set<string>();
  private receipts = 0;

  private readonly centre: ChildProcess;
  private readonly adapter: SmppAdapter;

  private constructor(centre: ChildProcess, adapter: SmppAdapter) {
    this.centre = centre;
    this.adapter = adapter;
  }

  static async start(): Promise<OutboundSmpp> {
    setLogLevel('warn'); // stdout is the result's
    const centre = fork(fileURLToPath(new URL('outbound-centre.ts', import.meta.url)), { execArgv: ['--disable-warning=ExperimentalWarning'] });
    const { port } = (await told(centre)) as { port: number };
    const adapter = new SmppAdapter({
      sid: newSid('CX'), account: newSid('AC'), credentials: { systemId: 'bench', password: 'bench' }, settings: smpp.settings.parse({ host: '127.0.0.1', port }),
      publicUrl: 'http://127.0.0.1', webhookUrl: 'http://127.0.0.1',
    });
    const outbound = new OutboundSmpp(centre, adapter);
    await adapter.listen({ receive: async (events) => {
      outbound.receipts += events.length;
      for (const { providerMessageId } of events) outbound.received.add(providerMessageId);
    } });
    return outbound;
  }

  async round(seconds: number): Promise<SmppRound> {
    this.received.clear();
    this.receipts = 0;
    const [before, cpu, began] = [await this.submits(), cpuMicros(), performance.now()];
    const answer = new Latencies();
    const ids = new Set<string>();
    let [messages, parts, failed, n] = [0, 0, 0, 0];
    const sender = async () => {
      while (performance.now() - began < seconds * 1000) {
        const asked = performance.now();
        const sent = await this.adapter.send({
          deliveryId: newSid('DY'), sender: '+15550100001', recipient: `+1555${String(n % 10_000_000).padStart(7, '0')}`, body: TEXTS[n++ % TEXTS.length]!, media: [], firstAttemptAt: new Date().toISOString(),
        }, AbortSignal.timeout(30_000)).catch(() => undefined);
        if (!sent) {
          failed++;
          continue;
        }
        answer.add(performance.now() - asked);
        messages++;
        parts += sent.providerMessageIds.length;
        for (const id of sent.providerMessageIds) ids.add(id);
      }
    };
    await Promise.all(Array.from({ length: SENDERS }, sender));
    const elapsed = (performance.now() - began) / 1000;
    const micros = cpuMicros() - cpu;
    for (const end = performance.now() + RECEIPTS_MILLIS; this.receipts < parts && performance.now() < end; ) await new Promise((resolve) => setTimeout(resolve, 5));
    const arrived = (await this.submits()) - before;
    return {
      seconds: rounded(elapsed), segmentsPerSecond: rounded(parts / elapsed, 0), messagesPerSecond: rounded(messages / elapsed, 0), answer: answer.percentiles(),
      cpuMicrosPerSegment: rounded(micros / parts, 1),
      wrong: { failed, missing: Math.max(0, parts - arrived), doubled: Math.max(0, arrived - ids.size), unreported: [...ids].filter((id) => !this.received.has(id)).length },
    };
  }

  async close(): Promise<void> {
    await this.adapter.close();
    await new Promise<void>((resolve) => {
      this.centre.once('exit', () => resolve());
      this.centre.disconnect();
    });
  }

  private async submits(): Promise<number> {
    this.centre.send('submits?');
    return ((await told(this.centre)) as { submits: number }).submits;
  }
}

const told = (centre: ChildProcess) => new Promise<CentreReply>((resolve, reject) => {
  const ended = () => reject(new Error('the message centre ended'));
  centre.once('exit', ended);
  centre.once('message', (reply: CentreReply) => {
    centre.off('exit', ended);
    resolve(reply);
  });
});

function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

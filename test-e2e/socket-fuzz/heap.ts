/** What a process really holds: its heap and buffers after a garbage collection, asked for by its inspector (`--inspect=127.0.0.1:0`). */
import { readFileSync } from 'node:fs';
import { WebSocket } from 'ws';
import { until } from '../installation.js';

export class Heap {
  private lastId = 0;
  private constructor(private readonly inspector: WebSocket) {}

  /** `log`: where the process says where its inspector listens. */
  static async of(log: string): Promise<Heap> {
    const url = await until(async () => /Debugger listening on (ws:\S+)/.exec(readFileSync(log, 'utf8'))?.[1], 'the inspector listens');
    const inspector = new WebSocket(url, { perMessageDeflate: false });
    await new Promise((resolve, reject) => { inspector.once('open', resolve).once('error', reject); });
    return new Heap(inspector);
  }

  /** Bytes. */
  async held(): Promise<number> {
    await this.ask('HeapProfiler.collectGarbage', {});
    const { result } = (await this.ask('Runtime.evaluate', { expression: '{ const { heapUsed, external } = process.memoryUsage(); heapUsed + external }' })) as { result: { value: number } };
    return result.value;
  }

  close(): void { this.inspector.terminate(); }

  private ask(method: string, params: object): Promise<unknown> {
    const id = ++this.lastId;
    return new Promise((resolve) => {
      const heard = (data: Buffer) => {
        const answer = JSON.parse(String(data)) as { id?: number; result: unknown };
        if (answer.id !== id) return;
        this.inspector.off('message', heard);
        resolve(answer.result);
      };
      this.inspector.on('message', heard).send(JSON.stringify({ id, method, params }));
    });
  }
}

/** An application with the official client SDK on a phone: in a thread of its own, because the SDK leaves timers behind when it is shut down. */
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

type Call = { id: number; method: string; args: unknown[] };
type Result = { id: number; value?: unknown; error?: string };

export class Phone {
  private calls = 0;
  private readonly worker: Worker;
  private constructor(worker: Worker) {
    this.worker = worker;
    worker.setMaxListeners(0);
  }

  /** Resolves when the SDK is initialised. */
  static async start(uri: string, token: string): Promise<Phone> {
    const worker = new Worker(new URL('./push-device.ts', import.meta.url), { workerData: { uri, token } });
    await once(worker, 'message'); // or rejects with what ended the thread
    return new Phone(worker);
  }

  setPushRegistrationId(type: string, address: string): Promise<void> { return this.call('setPushRegistrationId', type, address); }
  unsetPushRegistrationId(type: string): Promise<void> { return this.call('unsetPushRegistrationId', type); }
  removePushRegistrations(type: string, address: string): Promise<void> { return this.call('removePushRegistrations', type, address); }
  /** What the SDK raises for a payload that arrived. */
  handlePushNotification(payload: object): Promise<any> { return this.call('handle', payload); }
  isNotifiable(): Promise<boolean> { return this.call('isNotifiable'); }

  async stop(): Promise<void> {
    await this.worker.terminate();
  }

  private call<T>(method: string, ...args: unknown[]): Promise<T> {
    const id = ++this.calls;
    return new Promise((resolve, reject) => {
      const answered = (result: Result) => {
        if (result.id !== id) return;
        this.worker.off('message', answered);
        if (result.error === undefined) resolve(result.value as T);
        else reject(new Error(result.error));
      };
      const { worker } = this;
      worker.on('message', answered);
      worker.postMessage({ id, method, args } satisfies Call, []);
    });
  }
}

async function inThread({ uri, token }: { uri: string; token: string }): Promise<void> {
  const port = parentPort!;
  const { Client } = createRequire(import.meta.url)('conversations-3.0.1') as { Client: new (token: string, options: object) => any };
  const sdk = new Client(token, { Twilsock: { uri }, logLevel: 'silent' });
  await new Promise((resolve, reject) => void sdk.on('initialized', resolve).on('initFailed', reject));
  const calls: Record<string, (...args: any[]) => unknown> = {
    isNotifiable: () => sdk.user.isNotifiable as boolean,
    handle: async (payload: object) => {
      const raised = new Promise<any>((resolve) => sdk.once('pushNotification', resolve));
      await sdk.handlePushNotification(payload);
      const { type, body, sound, data } = await raised;
      return { type, body, sound, data: { ...data } };
    },
  };
  port.on('message', ({ id, method, args }: Call) => {
    Promise.resolve().then(() => (calls[method] ? calls[method](...args) : sdk[method](...args))).then(
      (value) => port.postMessage({ id, value } satisfies Result), (error: Error) => port.postMessage({ id, error: String(error.message) } satisfies Result));
  });
  port.postMessage('ready');
}

if (!isMainThread && (workerData as { uri?: string } | null)?.uri) await inThread(workerData as { uri: string; token: string });

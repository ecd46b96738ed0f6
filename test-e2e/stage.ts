/** One installation for all tests of a block, and the conversations that play on it. */
import { Caller } from './caller.js';
import { Parley, START_MS, type Topology } from './installation.js';
import { crashesOf } from './parts.js';
import { Thread, type Cast } from './thread.js';

export class Stage {
  private readonly threads: Thread[] = [];
  private crashes: string[] = [];
  parley!: Parley;
  /** Of the first account. */
  caller!: Caller;

  /** Starts with the surrounding block and ends with it. */
  constructor(topology: Topology, env: NodeJS.ProcessEnv = {}) {
    beforeAll(async () => {
      this.parley = await Parley.start({ services: topology === 'services', env });
      this.crashes = crashesOf(this.parley);
      this.caller = new Caller(this.parley.account, this.parley.installation.info);
    }, START_MS);
    afterAll(async () => {
      for (const thread of this.threads) thread.leave();
      await this.parley?.stop();
    }, START_MS);
  }

  async open(name: string, cast?: Cast): Promise<Thread> {
    const thread = await Thread.open(this.caller, name, cast);
    this.threads.push(thread);
    return thread;
  }

  /** The last look: what was right when it was checked is so still. */
  async checkAll(): Promise<void> {
    await Promise.all(this.threads.map((thread) => thread.check(0)));
    expect(this.crashes).toEqual([]);
  }
}

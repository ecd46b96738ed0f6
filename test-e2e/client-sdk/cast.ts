/** Who takes part in a run, and where it happens. */
import type { Access, RestClient } from '../../tools/bench/rest-client.ts';
import type { SdkClient, Server } from './sdk-client.ts';
import type { Steps } from './steps.ts';

export type Cast = Server & {
  access: Access & { clientWsUrl: string };
  rest: RestClient;
  step: Steps['step'];
  /** Identities of their own for each run: runs may share an installation. */
  name(who: string): string;
  /** A number nobody else has. */
  number(): string;
  alice: SdkClient;
  bob: SdkClient;
};
/** Their conversation, as each of them has it. */
export type Shared = { hers: any; his: any };

/** Numbers of the simulator, for what leaves the house. */
export const PROXY = '+15550100001';

/** SDK objects lead everywhere: only these fields. */
export const of = (object: any, ...fields: string[]): object => Object.fromEntries(fields.map((field) => [field, object[field]]));

export async function rejection(call: Promise<unknown>): Promise<any> {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error('it was accepted');
}

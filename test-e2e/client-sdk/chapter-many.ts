/** Somebody who is in very many conversations. */
import assert from 'node:assert/strict';
import { inParallel } from '../../tools/bench/rest-client.ts';
import type { Cast } from './cast.ts';
import { SdkClient } from './sdk-client.ts';
import { until } from './steps.ts';

const AT_ONCE = 16;
/** On a machine where everything else happens at the same time. */
const READY_MILLIS = 180_000;

/** `given`: the identity of somebody who is brought into that many conversations by somebody else, before or meanwhile. */
export async function many(cast: Cast, count: number, given: string | undefined): Promise<void> {
  const { step, rest, name } = cast;
  const identity = given ?? name('busy');
  if (given === undefined) await inParallel(count, AT_ONCE, async () => {
    const { sid } = await rest.post<{ sid: string }>('/v1/Conversations', {});
    await rest.post(`/v1/Conversations/${sid}/Participants`, { Identity: identity });
  });
  const busy = await step(`somebody in ${count} conversations is initialised`, () => SdkClient.start(cast, identity));
  const joined = () => [...new Set<string>(busy.all('conversationJoined').map(({ sid }) => sid))];
  await step('hears of each', () => until(() => joined().length === count, () => `all are joined: ${joined().length}`, READY_MILLIS));
  const sids = joined().sort();
  await step('has each of them in the list, page by page', async () => {
    const listed: string[] = [];
    for (let page = await busy.sdk.getSubscribedConversations(); ; page = await page.nextPage()) {
      listed.push(...page.items.map(({ sid }: any) => sid as string));
      if (!page.hasNextPage) break;
    }
    assert.deepEqual(listed.sort(), sids);
  });
  await step('and gets what is said in any of them', async () => {
    const some = [sids[0]!, sids[Math.floor(count / 2)]!, sids.at(-1)!];
    for (const sid of some) await (await busy.sdk.getConversationBySid(sid)).getMessages(1);
    const said = some.map((sid) => `${name('somebody')} in ${sid}`);
    for (const [i, sid] of some.entries()) await rest.post(`/v1/Conversations/${sid}/Messages`, { Body: said[i]! });
    const heard = () => busy.added.filter((body) => said.includes(body)).sort();
    await until(() => heard().length >= said.length, () => `all arrived: ${heard().join()}`, READY_MILLIS);
    assert.deepEqual(heard(), said.sort());
  });
  await busy.stop();
}

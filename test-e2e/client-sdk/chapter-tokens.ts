/** Tokens: refused, renewed, ended. */
import assert from 'node:assert/strict';
import { accessToken } from '../../tools/bench/access-token.ts';
import { of, rejection, type Cast } from './cast.ts';
import { SdkClient } from './sdk-client.ts';
import { until } from './steps.ts';

export async function tokens(cast: Cast): Promise<void> {
  const { step, access, name } = cast;
  const refused = async (token: string) => of(await rejection(SdkClient.start(cast, name('eve'), token)), 'status', 'code');
  await step('what is no token is refused', async () => assert.deepEqual(await refused('nonsense'), { status: 401, code: 20101 }));
  await step('so is one that another key has signed', async () =>
    assert.deepEqual(await refused(accessToken({ ...access, apiKeySecret: 'x'.repeat(32) }, name('eve'))), { status: 401, code: 20107 }));
  await step('and one that has ended', async () => assert.deepEqual(await refused(accessToken(access, name('eve'), -60)), { status: 401, code: 20104 }));

  const dora = await SdkClient.start(cast, name('dora'), accessToken(access, name('dora'), 100));
  await step('a token that ends soon is announced', () => dora.next('tokenAboutToExpire'));
  await step('it is renewed on the open line', async () => {
    await dora.sdk.updateToken(accessToken(access, name('dora')));
    assert.equal(dora.sdk.connectionState, 'connected');
  });
  await step('one that ends ends the connection', async () => {
    await dora.sdk.updateToken(accessToken(access, name('dora'), 1));
    await dora.next('tokenExpired');
    await until(() => dora.sdk.connectionState === 'disconnected', 'she is away');
  });
  await step('a new one brings her back', async () => {
    await dora.sdk.updateToken(accessToken(access, name('dora')));
    await until(() => dora.sdk.connectionState === 'connected', 'she is back');
  });
  await step('and one that names a chat service the account does not have', async () =>
    assert.deepEqual(await refused(accessToken({ ...access, serviceSid: `IS${'0'.repeat(32)}` }, name('eve'))), { status: 401, code: 51102 }));
  await step('the token of somebody else is refused', async () => {
    await rejection(dora.sdk.updateToken(accessToken(access, name('somebody else'))));
    await until(() => dora.sdk.connectionState !== 'connected', 'she is not let in as somebody else');
  });
  await dora.stop();
}

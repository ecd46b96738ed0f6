import { conformsToTheChannelPort } from '../../conformance.testing.js';
import { parsesItsPayloads } from '../../fixture-table.testing.js';
import { BandwidthSms } from './adapter.js';
import { bandwidthConnection, calledBack, playedBandwidth } from './played-bandwidth.testing.js';

const bandwidth = playedBandwidth();
beforeAll(() => bandwidth.listen());
afterAll(() => bandwidth.close());
const signal = () => AbortSignal.timeout(30_000);

conformsToTheChannelPort('Bandwidth', () => bandwidth.play());
parsesItsPayloads('bandwidth', () => new BandwidthSms(bandwidthConnection()));

describe('Bandwidth', () => {
  const sent = () => JSON.parse(bandwidth.taken.at(-1)!.body);

  it('is sent a message to a group once', async () => {
    const { adapter, delivery } = bandwidth.play();
    await adapter.send({ ...delivery, group: ['+12025550103'] }, signal());
    expect(sent()).toMatchObject({ to: [delivery.recipient, '+12025550103'], from: delivery.sender, text: 'hello' });
  });
  it('is asked for what went between the two numbers since then', async () => {
    const { adapter, delivery } = bandwidth.play();
    await adapter.send(delivery, signal());
    expect(await adapter.lookup!(delivery, signal())).toEqual({ providerMessageIds: bandwidth.ids });
  });
  it.each([
    [4770, 'undelivered', 30007, false], [4403, 'failed', 21606, false], [4775, 'undelivered', 21610, false], [4795, 'undelivered', 30032, false],
    [5620, 'undelivered', 30008, true], [9999, 'undelivered', 30008, false],
  ])('says %i: %s with %i', async (errorCode, status, ours, retryable) => {
    const webhook = calledBack({ type: 'message-failed', to: '+12025550102', errorCode, message: { id: 'x', from: '+12025550101', to: ['+12025550102'] } });
    expect(await bandwidth.play().adapter.parseWebhook(webhook)).toMatchObject([{ status, errorCode: ours, carrierCode: String(errorCode), retryable }]);
  });
  it('sees its credentials where its files are, nobody else does', () => {
    const { adapter } = bandwidth.play();
    expect(adapter.mediaHeaders(`${bandwidth.url}/api/v2/users/1/media/x.jpg`)).toHaveProperty('authorization');
    expect(adapter.mediaHeaders('https://elsewhere.test/x.jpg')).toEqual({});
  });
  it('may say nonsense', () => {
    const { adapter } = bandwidth.play();
    for (const body of ['', 'null', '{}', '[1,null,{"type":"message-received"}]'])
      expect(adapter.parseWebhook({ ...calledBack({}), body: Buffer.from(body) })).toEqual([]);
  });
});

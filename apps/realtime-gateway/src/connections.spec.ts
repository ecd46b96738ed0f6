import { jest } from '@jest/globals';
import type { Accounts } from '@parley/event-store/accounts';
import { Connections, type Connected } from './connections.js';
import { realtimeLimits } from './limits.js';

afterEach(() => { jest.useRealTimers(); });

it('thousands who came in the same moment are not all asked for a sign of life in the same moment, and each once per heartbeat', () => {
  jest.useFakeTimers();
  const limits = { ...realtimeLimits(), heartbeatMillis: 20_000 };
  const connections = new Connections<Connected>({ limits, accounts: {} as Accounts, presence: undefined, noticeMillis: 0, metrics: { prefix: 'test_connections', of: '' }, onGone: () => {} });
  let pings = 0;
  for (let n = 0; n < 2_000; n++) {
    const now = Date.now();
    const client = { principal: undefined, openedAt: now, heardAt: now, pingedAt: now, expiryTold: false, ping: () => (pings += 1) } as unknown as Connected;
    connections.add(client);
    connections.admit(client, { account: 'AC1', key: undefined, identity: undefined, service: undefined, expiresAt: undefined });
  }
  const perSecond = Array.from({ length: 40 }, () => {
    const before = pings;
    jest.advanceTimersByTime(1_000);
    return pings - before;
  });
  expect(pings).toBe(4_000);
  expect(Math.max(...perSecond)).toBeLessThan(400);
});

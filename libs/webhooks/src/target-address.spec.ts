import type { lookup } from 'node:dns';
import { isPrivateAddress, isPrivateTarget, leadsInside, publicOnly } from './target-address.js';

describe('isPrivateAddress', () => {
  it.each([
    '127.0.0.1', '127.9.9.9', '0.0.0.0', '10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254', '100.64.0.1',
    '224.0.0.1', '255.255.255.255', '::1', '::', '::ffff:127.0.0.1', '::ffff:a00:1', '::127.0.0.1', 'fe80::1', 'fd00::1', '::ffff:0:a00:1', '64:ff9b::a00:1',
    '2002:7f00:1::', 'ff02::1', 'not an address',
  ])('%s is', (address) => expect(isPrivateAddress(address)).toBe(true));
  it.each(['8.8.8.8', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '::ffff:8.8.8.8', '1.1.1.1'])('%s is not', (address) =>
    expect(isPrivateAddress(address)).toBe(false));
});

describe('isPrivateTarget', () => {
  it.each([
    'http://127.0.0.1/', 'http://127.1/', 'http://2130706433/', 'http://0x7f000001/', 'http://[::1]:8080/', 'http://[::ffff:10.0.0.1]/',
    'http://localhost:3000/hook', 'http://LOCALHOST./', 'http://a.localhost/', 'http://printer/', 'http://vault.internal/', 'http://tv.local',
  ])('%s is', (url) => expect(isPrivateTarget(url)).toBe(true));
  it.each(['https://example.com/hook?a=b', 'http://8.8.8.8:8080/', 'https://user:pass@hooks.example.org'])('%s is not', (url) =>
    expect(isPrivateTarget(url)).toBe(false));
});

describe('publicOnly', () => {
  const resolving = (...addresses: string[]) =>
    publicOnly(((_name: string, _options: object, done: (error: null, found: object[]) => void) =>
      done(null, addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })))) as unknown as typeof lookup);
  const ask = (resolve: ReturnType<typeof publicOnly>, all: boolean) =>
    new Promise((settle) => resolve('hooks.example.com', { all }, (error, found) => settle(error && leadsInside(error) ? 'EPRIVATE' : found)));

  it.each([['10.0.0.1'], ['8.8.8.8', '127.0.0.1'], ['::ffff:192.168.0.1'], ['8.8.8.8', 'fe80::1']])('refuses a name that means %s', async (...addresses) => {
    expect(await ask(resolving(...addresses), true)).toBe('EPRIVATE');
    expect(await ask(resolving(...addresses), false)).toBe('EPRIVATE');
  });
  it('hands on what it checked', async () => {
    expect(await ask(resolving('8.8.8.8'), true)).toEqual([{ address: '8.8.8.8', family: 4 }]);
    expect(await ask(resolving('8.8.8.8'), false)).toBe('8.8.8.8');
  });
});

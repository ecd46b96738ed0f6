import { isPrivateAddress, isPrivateTarget } from './target-address.js';

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

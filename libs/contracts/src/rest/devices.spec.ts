import { createDevice } from './devices.js';

describe('createDevice', () => {
  const [point, secret] = [Buffer.alloc(65, 4), Buffer.alloc(16)].map((bytes) => bytes.toString('base64url')) as [string, string];
  it.each([
    [point, secret, true],
    [point, secret.slice(2), false],
    // One character over is no byte (4n + 1).
    [point, 'a'.repeat(21), false],
    [`${point}aa`, secret, false],
    ['not base64!', secret, false],
  ])('of a browser with the keys %s and %s: %s', (p256dh, auth, taken) => {
    const Address = JSON.stringify({ endpoint: 'https://push.example.com/1', keys: { p256dh, auth } });
    expect(createDevice.safeParse({ BindingType: 'webpush', Address }).success).toBe(taken);
  });
});

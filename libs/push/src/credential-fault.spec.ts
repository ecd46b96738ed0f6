import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentialFault, type CredentialSecrets } from './credential-fault.js';

const pem = (key: { export(options: { type: 'pkcs8'; format: 'pem' }): string | Buffer }): string => String(key.export({ type: 'pkcs8', format: 'pem' }));
const [rsa, other] = [1, 2].map(() => pem(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey)) as [string, string];
const [p256, p384] = ['P-256', 'P-384'].map((namedCurve) => pem(generateKeyPairSync('ec', { namedCurve }).privateKey)) as [string, string];
const account = { type: 'service_account', project_id: 'p', client_email: 'a@p.example', private_key: rsa };
const halved = rsa.slice(0, rsa.length / 2);
const certificate = certificateOf(rsa);

function certificateOf(key: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'parley-certificate-'));
  try {
    writeFileSync(join(folder, 'key'), key);
    return String(execFileSync('openssl', ['req', '-x509', '-key', join(folder, 'key'), '-subj', '/CN=example', '-days', '2'], { stdio: ['ignore', 'pipe', 'ignore'] }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

it.each<[string, CredentialSecrets, boolean, string | undefined]>([
  ['a service account', { secret: JSON.stringify(account) }, false, undefined],
  ['the same for gcm', { api_key: ` ${JSON.stringify(account)}\n` }, false, undefined],
  ['a server key of old', { secret: 'AAAA:APA91b' }, false, undefined],
  ['a service account that was cut', { secret: JSON.stringify(account).slice(0, -9) }, false, 'Secret'],
  ['another JSON of Google', { secret: '{"project_info":{}}' }, false, 'Secret'],
  ['a service account with half a key', { api_key: JSON.stringify({ ...account, private_key: halved }) }, false, 'ApiKey'],
  ['a key for tokens', { private_key: p256 }, true, undefined],
  ['half of one', { private_key: p256.slice(0, 90) }, true, 'PrivateKey'],
  ['a key of another curve', { private_key: p384 }, true, 'PrivateKey'],
  ['a key of another kind', { private_key: rsa }, true, 'PrivateKey'],
  ['a certificate and its key', { certificate, private_key: rsa }, false, undefined],
  ['a certificate and another key', { certificate, private_key: other }, false, 'PrivateKey'],
  ['a certificate alone', { certificate }, false, undefined],
  ['half a certificate', { certificate: certificate.slice(0, 300) }, false, 'Certificate'],
  ['a key where the certificate belongs', { certificate: rsa }, false, 'Certificate'],
  ['a Web Push key', { private_key: 'q'.repeat(43) }, false, undefined],
])('%s', (_, secrets, forToken, fault) => expect(credentialFault(secrets, forToken)?.split(' ')[0]).toBe(fault));

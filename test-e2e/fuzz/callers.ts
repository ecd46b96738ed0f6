/**
 * Who asks: mostly the account whose data is there, by token, key or a user's access token; also another account, and people
 * whose credentials are nobody's. What each may see differs, so a request says whose it is.
 */
import fc from 'fast-check';
import { reference } from './schema-values.js';
import { headerText } from './strange-text.js';

/** `nobody`: these credentials open nothing. `spare`: an account whose auth token may change. */
export type Whose = 'mine' | 'strangers' | 'spare' | 'nobody';
export type Caller = { whose: Whose; headers: Readonly<Record<string, string>> };

const by = (whose: Whose, authorization?: string): Caller => ({ whose, headers: authorization === undefined ? {} : { authorization } });
const basic = (user: string, password: string): string => `Basic ${btoa(`${user}:${password}`)}`;
const mine = (kind: string) => by('mine', reference('mine', kind));

const nobodies: fc.Arbitrary<Caller> = fc.oneof(
  fc.constantFrom(by('nobody'), ...['wrongBasic', 'wrongKey', 'mixedBasic', 'forgedBearer', 'mixedBearer', 'foreignBearer', 'expiredBearer', 'unsignedBearer'].map((kind) => by('nobody', reference('mine', kind)))),
  fc.constantFrom('Basic', 'Basic ', 'Basic %%%', basic('', ''), basic('AC', 'x'), basic(`AC${'0'.repeat(32)}`, ''), basic('a\0b', 'ü'), 'Bearer', 'Bearer a.b.c', 'Bearer ..', `Bearer ${'x'.repeat(5000)}`, 'Digest x')
    .map((authorization) => by('nobody', authorization)),
  headerText.map((text) => by('nobody', `Basic ${text}`)),
  headerText.map((text) => by('nobody', `Bearer ${text}`)),
  headerText.map((text): Caller => ({ whose: 'nobody', headers: { 'x-twilio-token': text } })),
);

/** Promoting a token ends the one it was asked with: only an account that nothing else is asked with may do so. */
export const callerOf = (template: string): fc.Arbitrary<Caller> =>
  (template.startsWith('/v1/AuthTokens/')
    ? fc.oneof({ weight: 6, arbitrary: fc.constant(by('spare', reference('spare', 'basic'))) }, { weight: 1, arbitrary: fc.constantFrom(mine('key'), mine('bearer')) }, { weight: 1, arbitrary: nobodies })
    : fc.oneof(
      { weight: 30, arbitrary: fc.constant(mine('basic')) },
      { weight: 4, arbitrary: fc.constant(mine('key')) },
      { weight: 4, arbitrary: fc.constantFrom(mine('bearer'), { whose: 'mine', headers: { 'x-twilio-token': reference('mine', 'userToken') } } as const) },
      { weight: 3, arbitrary: fc.constantFrom(by('strangers', reference('strangers', 'basic')), by('strangers', reference('strangers', 'key')), by('strangers', reference('strangers', 'bearer'))) },
      { weight: 3, arbitrary: nobodies },
    ));

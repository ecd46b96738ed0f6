import { publicRoute } from './public-routes.js';

const CH = `CH${'0'.repeat(32)}`;
const IS = `IS${'0'.repeat(32)}`;

it.each([
  ['POST', `/v1/Conversations/${CH}/Messages`, 'form'], ['GET', `/v1/Conversations/${CH}/Messages?PageSize=5&Order=desc`, 'none'], ['DELETE', `/v1/Conversations/${CH}`, 'none'],
  ['POST', `/v1/Services/${IS}/Users/alice%20b/Conversations/${CH}`, 'form'], ['POST', '/v1/Content', 'json'], ['GET', '/v1/Conversations/my%2Econversation', 'none'],
])('lets %s %s through with a body of kind %s', (method, path, body) => expect(publicRoute(method, path)).toEqual({ body }));

it.each([
  '/metrics', '/health', '/openapi.json', '/docs', '/simulator/handsets', '/webhooks/twilio', '/v1', '/v1/', '/v1/stream', '/v1/Nothing', '/v3/wsconnect', 'v1/Conversations', '//v1/Conversations',
  '/v1//Conversations', 'http://elsewhere/v1/Conversations', '/v1/../metrics', '/v1/Conversations/..', '/v1/Conversations/../../metrics', '/v1/%2e%2e/metrics', '/v1/Conversations/.%2E/x', '/v1/Conversations/%2e',
  '/v1/Conversations/a%2fMessages', '/v1/Conversations/a%5cb', '/v1/Conversations/a%00', '/v1/Conversations/a b', '/v1/Conversations/a\r\nHost: x', '/v1/Conversations/a#b', '/v1/Conversations\\a',
  '/v1/Conversations/%zz', '/v1/Conversations/é', `/v1/Services/${IS}/Media/ME1/Content/x`, '/2010-04-01/Accounts.json',
])('knows no %j', (path) => expect(publicRoute('GET', path)).toBeUndefined());

it.each([['PUT', `/v1/Conversations/${CH}`], ['GET', `/v1/Services/${IS}/Media/ME1/Content`], ['POST', `/v1/Services/${IS}/Media`], ['POST', `/v1/Conversations/${CH}/Messages/IM1/Receipts`]])(
  'refuses %s of %s', (method, path) => expect(publicRoute(method, path)).toBe('method'));

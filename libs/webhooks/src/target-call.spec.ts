import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import twilio from 'twilio';
import { callTarget, type TargetError, type TargetCall } from './target-call.js';

const authToken = '0123456789abcdef0123456789abcdef';
let server: Server;
let handle: (request: IncomingMessage, response: ServerResponse, body: string) => void;
let origin: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString())).on('end', () => handle(request, response, body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const parameters = { EventType: 'onMessageAdded', Body: 'Hällo & + = 100 %\n🙂', Attributes: '{"a":"b c"}', Index: '0' };
const call = (more: Partial<TargetCall> = {}): TargetCall => ({ url: `${origin}/hook?x=1&y=%20z`, method: 'POST', parameters, authToken, ...more });
const reasonOf = (promise: Promise<unknown>) => promise.then(() => 'answered', (error: TargetError) => error.reason);

describe('callTarget', () => {
  it.each(['/hook?x=1&y=%20z', '', '/', '/a b/ü', '/h?q=a+b#fragment'])('posts a form that the official validator accepts (%j)', async (path) => {
    const seen = new Promise<boolean>((resolve) => {
      handle = (request, response, body) => {
        expect(request.headers).toMatchObject({ 'user-agent': 'TwilioProxy/1.1', 'i-twilio-idempotency-token': 'job' });
        response.end('thanks');
        const form = Object.fromEntries(new URLSearchParams(body));
        expect(form).toEqual(parameters);
        resolve(twilio.validateRequest(authToken, request.headers['x-twilio-signature'] as string, origin + request.url!, form));
      };
    });
    const answer = await callTarget(call({ url: origin + path, headers: { 'I-Twilio-Idempotency-Token': 'job' } }), { privateAllowed: true });
    expect([answer, await seen]).toMatchObject([{ status: 200, body: 'thanks' }, true]);
  });

  it.each(['get', 'GET'])('asks by %s with the parameters in the query', async (method) => {
    const seen = new Promise<boolean>((resolve) => {
      handle = (request, response, body) => {
        response.end();
        const query = new URL(origin + request.url!).searchParams;
        expect([request.method, body, query.get('x'), query.get('Body')]).toEqual(['GET', '', '1', parameters.Body]);
        resolve(twilio.validateRequest(authToken, request.headers['x-twilio-signature'] as string, origin + request.url!, {}));
      };
    });
    await callTarget(call({ method }), { privateAllowed: true });
    expect(await seen).toBe(true);
  });

  it('sends the password of the URL as Basic, and signs without it', async () => {
    handle = (request, response, body) => {
      const valid = twilio.validateRequest(authToken, request.headers['x-twilio-signature'] as string, origin + request.url!, Object.fromEntries(new URLSearchParams(body)));
      response.end(`${valid} ${request.headers.authorization}`);
    };
    const { body } = await callTarget(call({ url: `${origin.replace('://', '://us%20er:pass@')}/hook` }), { privateAllowed: true });
    expect(body).toBe(`true Basic ${btoa('us er:pass')}`);
  });

  it('gives up when time is up: while nothing comes, and while the answer trickles', async () => {
    handle = () => {};
    expect(await reasonOf(callTarget(call(), { privateAllowed: true, timeoutMillis: 100 }))).toBe('timeout');
    handle = (_request, response) => response.write('a');
    expect(await reasonOf(callTarget(call(), { privateAllowed: true, timeoutMillis: 100 }))).toBe('timeout');
  });

  it('tells an unreachable target', async () => {
    expect(await reasonOf(callTarget(call({ url: 'http://127.0.0.1:1/' }), { privateAllowed: true }))).toBe('unreachable');
    handle = (request) => request.socket.destroy();
    expect(await reasonOf(callTarget(call(), { privateAllowed: true }))).toBe('unreachable');
  });

  it.each(['http://127.0.0.1', 'http://localhost', 'http://[::1]', 'http://localtest.localhost'])('does not go to %s unless allowed', async (host) => {
    let called = false;
    handle = (_request, response) => { called = true; response.end(); };
    expect(await reasonOf(callTarget(call({ url: `${host}:${new URL(origin).port}/` }), { privateAllowed: false }))).toBe('private');
    expect(called).toBe(false);
  });
});

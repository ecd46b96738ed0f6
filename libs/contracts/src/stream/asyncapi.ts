/**
 * The websocket `/v1/stream` as an AsyncAPI 3 document, made from the schemas that check clients' frames (client-frames.ts) and describe
 * the server's (server-frames.ts, event-frames.ts). The gateway serves it at /asyncapi.json.
 */
import { z } from 'zod';
import { clientFrames } from './client-frames.js';
import { eventFrames } from './event-frames.js';
import { clientExamples, serverExamples } from './frame-examples.js';
import { serverFrames } from './server-frames.js';

type Json = Record<string, unknown>;
/** The release's (tools/asyncapi compares it with package.json). */
const VERSION = '0.1.0';

/** What may follow a client's frame; the rest is not answered unless it is refused. */
const answers: Readonly<Record<string, string[]>> = {
  hello: ['ready'], subscribe: ['subscribed'], unsubscribe: ['unsubscribed'], request: ['response'], read: ['read'], presence: ['presence'], ping: ['pong'],
};

/** Fields may be added: nobody may refuse a frame for having more. */
function payloadOf(schema: z.ZodType): Json {
  const { $schema: _, ...payload } = z.toJSONSchema(schema, {
    io: 'input', unrepresentable: 'any', target: 'draft-7',
    override: ({ jsonSchema }) => {
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    },
  }) as Json;
  return payload;
}

function message(name: string, schema: z.ZodType, examples: readonly object[]): Json {
  const { description } = schema;
  return {
    name, title: name, contentType: 'application/json', ...(description && { summary: description }), payload: payloadOf(schema), examples: examples.map((payload) => ({ payload })),
  };
}

const all = (side: 'client' | 'server'): [key: string, message: Json][] => {
  if (side === 'client') return Object.entries(clientFrames).map(([type, schema]) => [`client.${type}`, message(type, schema, clientExamples.filter((example) => example.type === type))]);
  const plain = Object.entries(serverFrames).map(([type, schema]): [string, Json] => [`server.${type}`, message(type, schema, serverExamples.filter((example) => example.type === type))]);
  const events = Object.entries(eventFrames).map(([name, schema]): [string, Json] =>
    [`server.${name}`, message(name, schema, serverExamples.filter((example) => example.type === 'event' && example.event === name))]);
  return [...plain, ...events];
};

const inChannel = (key: string): Json => ({ $ref: `#/channels/stream/messages/${key}` });
const channel: Json = { $ref: '#/channels/stream' };

/** The whole document. */
export function asyncApiDocument(): Json {
  const [fromClient, fromServer] = [all('client'), all('server')];
  const answered = new Set(Object.values(answers).flat().map((type) => `server.${type}`));
  const told = fromServer.map(([key]) => key).filter((key) => !answered.has(key) || key === 'server.presence');
  const receive = fromClient.map(([key, { summary, name }]): [string, Json] => {
    const replies = [...(answers[name as string] ?? []), ...(name === 'pong' || name === 'ping' ? [] : ['error'])].map((type) => inChannel(`server.${type}`));
    return [name as string, { action: 'receive', channel, summary, messages: [inChannel(key)], ...(replies.length > 0 && { reply: { channel, messages: replies } }) }];
  });
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Parley: /v1/stream', version: VERSION, license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
      description: 'The websocket of chat members and back ends: every event of the conversations they follow, in order, resumed without a gap; the REST API, typing, presence and read horizons. docs/websocket.md tells the rest: close codes, limits, resuming.',
    },
    defaultContentType: 'application/json',
    servers: {
      parley: {
        host: 'localhost:8080', protocol: 'ws', description: 'wsUrl in .parley/run.json.',
        security: [{ type: 'http', scheme: 'basic', description: 'Account SID and auth token, or API key SID and secret.' }, { type: 'httpApiKey', in: 'query', name: 'token', description: 'An access token; better in the first frame (hello).' }],
      },
    },
    channels: {
      stream: {
        address: '/v1/stream', description: 'Frames are JSON text.', messages: Object.fromEntries([...fromClient, ...fromServer].map(([key]) => [key, { $ref: `#/components/messages/${key}` }])),
        bindings: {
          ws: {
            method: 'GET', bindingVersion: '0.1.0',
            query: {
              type: 'object', properties: {
                token: { type: 'string', description: 'An access token.' }, identity: { type: 'string', description: 'With Basic credentials: acts as this member.' },
                chat_service_sid: { type: 'string', description: 'His service; without it the account\'s default one.' },
              },
            },
          },
        },
      },
    },
    operations: {
      ...Object.fromEntries(receive),
      told: { action: 'send', channel, summary: 'What the server says without being asked.', messages: told.map(inChannel) },
    },
    components: { messages: Object.fromEntries([...fromClient, ...fromServer]) },
  };
}

import { Ajv } from 'ajv';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { asyncApiDocument } from './asyncapi.js';
import { clientFrames, type ClientFrameType } from './client-frames.js';
import { serverFrameFault } from './server-frames.js';

type Message = { name: string; payload: object; examples: { payload: object }[] };
const document = asyncApiDocument() as { components: { messages: Record<string, Message> } };
const messages = Object.entries(document.components.messages);
const loose = () => new Ajv({ strict: false, validateFormats: false, allErrors: true });

it('is an AsyncAPI 3 document', () => {
  const definition = createRequire(import.meta.url)('@asyncapi/specs/schemas/3.0.0-without-$id.json') as object;
  const ajv = loose();
  const valid = ajv.validate(definition, document);
  expect(ajv.errors ?? []).toEqual([]);
  expect(valid).toBe(true);
});
it('refers only to what it has', () => {
  for (const [, path] of JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g))
    expect(path!.split('/').reduce<any>((at, key) => at?.[key], document)).toBeDefined();
});
it.each(messages)('has examples of %s that its schema takes', (_, { payload, examples }) => {
  expect(examples.length).toBeGreaterThan(0);
  const validate = loose().compile(payload);
  for (const example of examples) expect([validate(example.payload), validate.errors]).toEqual([true, null]);
});
it.each(messages)('takes fields added to %s, and not what is something else', (_, { payload, examples }) => {
  const validate = loose().compile(payload);
  expect(validate({ ...examples[0]!.payload, added_later: 1 })).toBe(true);
  expect(validate({ ...examples[0]!.payload, type: 'other' })).toBe(false);
});

describe('docs/websocket.md', () => {
  const text = readFileSync(new URL('../../../../docs/websocket.md', import.meta.url), 'utf8');
  const frames = [...text.matchAll(/^([<>]) (\{.*\})$/gm)].map(([, side, frame]) => [side!, frame!] as const);
  /** What the page leaves out. */
  const whole = (frame: string): object => JSON.parse(frame
    .replaceAll(/\b([A-Z]{2})[0-9a-f]*…/g, (_, prefix: string) => prefix + '0'.repeat(32)).replaceAll('{…}', '{}').replaceAll('…', 'x')) as object;

  it('has examples', () => expect(frames.length).toBeGreaterThan(10));
  it.each(frames)('shows a frame as it is: %s %s', (side, frame) => {
    const read = whole(frame) as { type: ClientFrameType; data?: object };
    if (side === '>') expect(clientFrames[read.type].safeParse(read).error).toBeUndefined();
    else if (!(read.data && Object.keys(read.data).length === 0)) expect(serverFrameFault(read)).toBeUndefined();
  });
});

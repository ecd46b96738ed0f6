#!/usr/bin/env node
/**
 * Writes asyncapi/parley.asyncapi.json from the schemas of the websocket's frames (libs/contracts, compiled).
 * `--check`: only says whether the file is what they give.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { asyncApiDocument } from '../../libs/contracts/dist/stream/asyncapi.js';

const file = new URL('../../asyncapi/parley.asyncapi.json', import.meta.url);
const document = asyncApiDocument();
const text = `${JSON.stringify(document, null, 1)}\n`;

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
const problems = [];
if (document.info.version !== version) problems.push(`the document is of version ${document.info.version}, package.json of ${version}: see libs/contracts/src/stream/asyncapi.ts`);
if (process.argv.includes('--check')) {
  if (readOrNothing() !== text) problems.push('asyncapi/parley.asyncapi.json is not what the schemas give: run `node tools/asyncapi/main.mjs` and commit it');
} else {
  mkdirSync(new URL('.', file), { recursive: true });
  writeFileSync(file, text);
}
if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exit(1);
}

function readOrNothing() {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

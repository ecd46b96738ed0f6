#!/usr/bin/env node
/**
 * Writes openapi/parley.openapi.json from the schemas that read requests and describe answers (libs/contracts, compiled).
 * `--check`: only says whether the file is what they give.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { openApiDocument } from '../../libs/contracts/dist/rest/openapi.js';

const file = new URL('../../openapi/parley.openapi.json', import.meta.url);
const document = openApiDocument();
const text = `${JSON.stringify(document, null, 1)}\n`;

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
const problems = [];
if (document.info.version !== version) problems.push(`the document is of version ${document.info.version}, package.json of ${version}: see libs/contracts/src/rest/openapi.ts`);
if (process.argv.includes('--check')) {
  if (readOrNothing() !== text) problems.push('openapi/parley.openapi.json is not what the schemas give: run `node tools/openapi/main.mjs` and commit it');
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

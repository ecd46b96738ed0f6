#!/usr/bin/env node
/**
 * Writes asyncapi/parley.asyncapi.json from the schemas of the websocket's frames (libs/contracts, compiled).
 * `--check`: only says whether the file is what they give.
 */
import { asyncApiDocument } from '../../libs/contracts/dist/stream/asyncapi.js';
import { writeOrCheck } from '../generated-document.mjs';

writeOrCheck({ file: 'asyncapi/parley.asyncapi.json', source: 'libs/contracts/src/stream/asyncapi.ts', command: 'tools/asyncapi/main.mjs', document: asyncApiDocument() });

#!/usr/bin/env node
/**
 * Writes openapi/parley.openapi.json from the schemas that read requests and describe answers (libs/contracts, compiled).
 * `--check`: only says whether the file is what they give.
 */
import { openApiDocument } from '../../libs/contracts/dist/rest/openapi.js';
import { writeOrCheck } from '../generated-document.mjs';

writeOrCheck({ file: 'openapi/parley.openapi.json', source: 'libs/contracts/src/rest/openapi.ts', command: 'tools/openapi/main.mjs', document: openApiDocument() });

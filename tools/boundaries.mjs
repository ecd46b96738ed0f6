#!/usr/bin/env node
/**
 * Arrows point one way (ARCHITECTURE.md): apps -> libs, `domain` <- `contracts` <- everything; `event-store` and
 * `messaging` do not know each other; apps never import apps, except `parley`, which mounts their modules. Nest lives in
 * apps, `messaging` and `runtime`. What is imported is declared, and nothing else is.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Which of our packages a library may import. */
const mayImport = {
  client: ['contracts'], // its specs only: the package is published alone
  domain: [],
  contracts: ['domain'],
  telemetry: [],
  'event-store': ['domain', 'contracts', 'telemetry'],
  messaging: ['domain', 'contracts', 'telemetry'],
  channel: ['domain', 'contracts', 'telemetry'],
  media: ['domain', 'contracts', 'telemetry', 'event-store'],
  delivery: ['domain', 'contracts', 'telemetry', 'event-store', 'messaging', 'channel', 'media', 'webhooks'],
  push: ['webhooks'],
  webhooks: ['domain', 'contracts', 'telemetry', 'event-store', 'channel'],
  runtime: ['domain', 'contracts', 'telemetry', 'event-store', 'messaging', 'channel', 'media', 'webhooks', 'delivery'],
};
const nestAllowed = new Set(['messaging', 'runtime']);
const problems = [];

for (const kind of ['libs', 'apps']) for (const name of readdirSync(kind)) checkPackage(kind, name);
checkGraph(JSON.parse(readFileSync('.nx/graph.json', 'utf8')).graph.dependencies);
if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exit(1);
}

/** What Nx sees of the same arrows: declared dependencies count even where nothing is imported yet. */
function checkGraph(dependencies) {
  for (const [source, edges] of Object.entries(dependencies)) {
    const name = source.slice('@parley/'.length);
    for (const { target } of edges) {
      const other = target.slice('@parley/'.length);
      if (!target.startsWith('@parley/') || (name in mayImport ? mayImport[name].includes(other) : other in mayImport || name === 'parley')) continue;
      problems.push(`${source} depends on ${target}: the arrow points the other way`);
    }
  }
}

function checkPackage(kind, name) {
  const folder = join(kind, name);
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const declared = new Set(Object.keys(manifest.dependencies ?? {}));
  const used = new Set();
  for (const file of sources(join(folder, 'src'))) {
    const testOnly = /\.(spec|testing)\.ts$/.test(file);
    for (const specifier of imports(readFileSync(file, 'utf8'))) {
      const target = packageOf(specifier);
      if (target === undefined) continue;
      if (!testOnly) used.add(target);
      checkImport({ kind, name, file, target, testOnly, declared });
    }
  }
  for (const dependency of declared)
    if (dependency.startsWith('@parley/') && !used.has(dependency)) problems.push(`${folder}/package.json: ${dependency} is declared and not imported`);
}

function checkImport({ kind, name, file, target, testOnly, declared }) {
  const at = (text) => problems.push(`${file}: ${text}`);
  if (!testOnly && !declared.has(target)) at(`imports ${target}, which its package.json does not declare`);
  if (target.startsWith('@nestjs/') && kind === 'libs' && !nestAllowed.has(name)) at(`imports ${target}: Nest lives in apps, messaging and runtime`);
  if (target === 'express') at('imports express: never');
  if (kind === 'libs' && name === 'client' && !testOnly) at(`imports ${target}: the package is used by itself, with nothing beside it`);
  if (kind === 'libs' && name === 'domain' && !testOnly) at(`imports ${target}: domain imports nothing`);
  if (!target.startsWith('@parley/')) return;
  const other = target.slice('@parley/'.length);
  if (other in mayImport) {
    if (kind === 'libs' && !mayImport[name]?.includes(other)) at(`imports ${target}: the arrow points the other way`);
  } else if (name !== 'parley') at(`imports the app ${target}: apps never import apps`);
}

function packageOf(specifier) {
  if (specifier.startsWith('.') || specifier.startsWith('node:')) return undefined;
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? `${parts[0]}/${parts[1]}` : parts[0];
}

function* imports(text) {
  for (const match of text.matchAll(/^(?:import|export)\s+(?:type\s+)?(?:[\w*{][^;'"]*?\sfrom\s+)?['"]([^'"]+)['"]/gm)) yield match[1];
  for (const match of text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)) yield match[1];
}

function* sources(folder) {
  for (const entry of readdirSync(folder)) {
    const path = join(folder, entry);
    if (statSync(path).isDirectory()) yield* sources(path);
    else if (path.endsWith('.ts')) yield path;
  }
}

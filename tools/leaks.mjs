#!/usr/bin/env node
/** Nothing that is only ours may be committed: private keys, tokens of real services, package registries, home folders. */
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';

const rules = [
  ['a private key', /-----BEGIN (?:RSA |EC |OPENSSH )?PRIVATE KEY-----/],
  ['a cloud access key', /\bAKIA[0-9A-Z]{16}\b/],
  ['a token of a hosting service', /\b(?:ghp|gho|glpat|npm)_[0-9A-Za-z]{20,}\b/],
  ['a package registry', /\bregistry\.(?:npmjs|yarnpkg)\.|\bdeb\.debian\.org\b/],
  ['a path of one machine', /(?:^|[\s'"`(=:])\/(?:home|Users)\/[a-z][\w.-]*\//m],
];
const exempt = new Set(['tools/leaks.mjs']);
const problems = [];

for (const file of execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { encoding: 'utf8' }).split('\n')) {
  if (file === '' || exempt.has(file)) continue;
  const stat = statSync(file, { throwIfNoEntry: false });
  if (!stat?.isFile() || stat.size > 2_000_000) continue;
  const text = readFileSync(file, 'utf8');
  for (const [what, pattern] of rules) {
    const found = pattern.exec(text);
    if (found) problems.push(`${file}:${text.slice(0, found.index).split('\n').length}: looks like ${what}`);
  }
}
if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exit(1);
}

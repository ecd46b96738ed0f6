#!/usr/bin/env node
/** `npm run check`: everything that is checked without running the product. One line per check; details only on failure. */
import { spawnSync } from 'node:child_process';

const checks = [
  ['lint', 'oxlint', ['--deny-warnings', '-c', '.oxlintrc.json', '.']],
  ['build', 'tsc', ['-b']],
  ['types', 'tsc', ['-p', 'tsconfig.check.json']],
  ['project graph', 'nx', ['graph', '--file=.nx/graph.json']],
  ['boundaries', 'node', ['tools/boundaries.mjs']],
  ['unused code', 'knip', ['--no-progress', '--no-config-hints']],
  ['OpenAPI document', 'node', ['tools/openapi/main.mjs', '--check']],
  ['AsyncAPI document', 'node', ['tools/asyncapi/main.mjs', '--check']],
  ['secrets and paths', 'node', ['tools/leaks.mjs']],
  // Needs the package registry's advisory service; without it the check says so and is not counted as passed.
  ['audit', 'npm', ['audit', '--omit=dev', '--audit-level=high']],
];

let failed = 0;
for (const [name, command, args] of checks) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '', NX_DAEMON: 'false', NX_NO_CLOUD: 'true', npm_config_loglevel: 'error' } }); // a silent npm would not say why its audit failed
  const output = `${stdout ?? ''}${stderr ?? ''}`;
  if (name === 'audit' && status !== 0 && /ENOTFOUND|ECONNREFUSED|EAI_AGAIN|audit endpoint returned an error|ETIMEDOUT|NOAUDIT|404|403/i.test(output)) {
    console.log('- audit: not possible here, no advisory service');
    continue;
  }
  console.log(`${status === 0 ? '✓' : '✗'} ${name}`);
  if (status !== 0) {
    failed++;
    console.log(output.trimEnd());
  }
}
process.exitCode = failed === 0 ? 0 : 1;

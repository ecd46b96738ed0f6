/** Runs `apps/parley` setup: migrations, and on the first run the first account. It says on one JSON line what there is. */
import { spawn } from 'node:child_process';
import { builtFile, nodeProgram, reasonInLog } from './apps.mjs';
import { tiedToLauncher } from './child-process.mjs';
import { REPOSITORY } from './home-folder.mjs';
import { LaunchError } from './launch-error.mjs';

/**
 * @typedef {{ accountSid: string, authToken: string, apiKeySid: string, apiKeySecret: string, serviceSid: string }} FirstAccount
 * @param {NodeJS.ProcessEnv} env
 * @param {AbortSignal} [signal]
 * @returns {Promise<FirstAccount>}
 */
export async function runSetup(env, signal) {
  const line = tiedToLauncher([nodeProgram(), builtFile('parley', 'cli.js'), 'setup']);
  const { code, output, errors } = await collect(line, env, signal);
  const json = output.split('\n').findLast((text) => text.startsWith('{') && text.includes('accountSid'));
  if (code === 0 && json) return JSON.parse(json);
  throw new LaunchError(reasonInLog(errors.replace(/^\s+at .*\n?/gm, '')) ?? reasonInLog(output) ?? `the set-up of the database ended with ${code}`);
}

/**
 * @param {string[]} line
 * @param {NodeJS.ProcessEnv} env
 * @param {AbortSignal} [signal]
 * @returns {Promise<{ code: number | string | null, output: string, errors: string }>}
 */
function collect(line, env, signal) {
  return new Promise((resolve, reject) => {
    const child = spawn(/** @type {string} */ (line[0]), line.slice(1), { cwd: REPOSITORY, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true, signal });
    let output = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (errors += text));
    child.on('error', reject);
    child.on('close', (code, ended) => resolve({ code: ended ?? code, output, errors }));
  });
}

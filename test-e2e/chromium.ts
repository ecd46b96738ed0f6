/**
 * Chromium without a window: the system's own, or Debian's package fetched and unpacked beside the other servers (80 MB, nothing is
 * installed). Driven by playwright-core, which brings no browser.
 */
import { readdirSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import { aptAvailable } from '../infra/local/apt-fetch.mjs';
import { downloadsFolder } from '../infra/local/home-folder.mjs';
import { findPeer, onPath } from '../infra/local/native-tools.mjs';

const PACKAGE = 'chromium-headless-shell';
const OTHER_NAMES = ['chromium', 'google-chrome', 'google-chrome-stable'];
export const chromiumIsMissing = onPath([PACKAGE, ...OTHER_NAMES]) !== undefined || aptAvailable() ? undefined
  : `there is no ${[PACKAGE, ...OTHER_NAMES].join(', ')} on PATH, and no apt that could fetch it`;
/** Fetching it once takes a minute on a slow line. */
export const CHROMIUM_START_MS = 240_000;

export async function startChromium(): Promise<Browser> {
  const { file, env } = await findChromium();
  // Root, and most containers, may not make the namespaces of its sandbox; it sees pages of ours only.
  return chromium.launch({ executablePath: file, env: { ...process.env, ...env } as Record<string, string>, chromiumSandbox: false });
}

async function findChromium(): Promise<{ file: string; env: NodeJS.ProcessEnv }> {
  const found = await findPeer(PACKAGE, { packages: [PACKAGE], downloads: downloadsFolder(process.env), otherNames: OTHER_NAMES });
  if (!found) throw new Error(`apt fetched no ${PACKAGE}`);
  const { LD_LIBRARY_PATH: libraries } = found.env;
  if (libraries === undefined) return found;
  // The package's script starts the program where an installation would have it.
  const file = join(dirname(dirname(found.file)), 'lib', 'chromium', PACKAGE);
  return { file, env: { LD_LIBRARY_PATH: libraries.split(delimiter).flatMap((folder) => [folder, ...foldersIn(folder)]).join(delimiter) } };
}

/** Some packages keep libraries a folder deeper and know that place only by its installed path. */
const foldersIn = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory() && !entry.name.includes('-linux-gnu')).map(({ name }) => join(folder, name));

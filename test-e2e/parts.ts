/** The parts of an installation as a test hurts them: killed without a word, and brought back at the same place. */
import type { ManagedProcess } from '../infra/local/managed-process.mjs';
import type { Parley } from './installation.js';
import { until } from './installation.js';

const START_MILLIS = 180_000;

/** kill -9. Resolves when it is gone. */
export const kill = (part: ManagedProcess): Promise<void> => part.kill('SIGKILL');

/** Again and again until it runs: what a killed process held may not be free at once. */
export async function bringBack(part: ManagedProcess): Promise<void> {
  await until(() => part.start().then(() => true, () => false), `${part.name} runs again`, START_MILLIS);
}

export async function killAndBringBack(part: ManagedProcess): Promise<void> {
  await kill(part);
  await bringBack(part);
}

/** Ends that nobody asked for, from now on: a fault of one part must not end another. */
export function crashesOf({ installation: { apps, servers } }: Parley): string[] {
  const crashes: string[] = [];
  for (const part of [...Object.values(apps), ...Object.values(servers)] as ManagedProcess[])
    part.onCrash = (how) => void crashes.push(`${part.name}: ${how}`);
  return crashes;
}

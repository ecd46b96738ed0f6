/**
 * Loaded by each of jest's workers before its tests. They start servers at the same time, and between choosing a port and listening on it
 * seconds pass: so each worker takes its ports from a part of its own.
 */
import { portsBetween } from './ports.mjs';

const PARTS = 4;

if (!process.env['PARLEY_PORTS']) {
  const [first, last] = portsBetween();
  const size = Math.floor((last + 1 - first) / PARTS);
  const from = first + ((Number(process.env['JEST_WORKER_ID'] ?? 1) - 1) % PARTS) * size;
  if (size >= 1_000) process.env['PARLEY_PORTS'] = `${from}-${from + size - 1}`;
}

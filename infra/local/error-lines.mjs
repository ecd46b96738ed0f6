/**
 * Shows the errors of the apps in the launcher's terminal, from the log files they write; keeps all log files bounded.
 * Reading files instead of pipes means that a stopped launcher never blocks an app.
 */
import { closeSync, copyFileSync, fstatSync, openSync, readSync, truncateSync } from 'node:fs';
import { basename } from 'node:path';
import { errorInLine } from './apps.mjs';

const CHECK_EVERY_MS = 500;
const CHUNK_BYTES = 256 * 1024;
/** One older generation is kept, so a log takes at most twice this. */
const LOG_BYTES_MAX = 64 * 1024 * 1024;

/**
 * @param {string[]} files
 * @param {(line: string) => void} say
 * @returns {() => void} ends it, after a last look
 */
export function showErrors(files, say) {
  const logs = files.map((file) => ({ file, position: sizeOf(file), rest: '' }));
  const look = () => {
    for (const log of logs) {
      for (const line of newLines(log)) {
        const error = errorInLine(line);
        if (error !== undefined) say(`${basename(log.file, '.log')}: ${error}`);
      }
      if (log.position > LOG_BYTES_MAX) rotate(log);
    }
  };
  const timer = setInterval(look, CHECK_EVERY_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    look();
  };
}

/**
 * @param {{ file: string, position: number, rest: string }} log
 * @returns {string[]} complete lines that were added since the last call
 */
function newLines(log) {
  let fd;
  try {
    fd = openSync(log.file, 'r');
  } catch {
    return []; // not written yet
  }
  try {
    const { size } = fstatSync(fd);
    if (size < log.position) log.position = 0;
    const buffer = Buffer.alloc(Math.min(size - log.position, CHUNK_BYTES));
    const read = readSync(fd, buffer, 0, buffer.length, log.position);
    log.position += read;
    const lines = (log.rest + buffer.toString('utf8', 0, read)).split('\n');
    log.rest = lines.pop() ?? '';
    return lines;
  } finally {
    closeSync(fd);
  }
}

/**
 * Apps append, so a file cut to nothing simply begins again.
 * @param {{ file: string, position: number, rest: string }} log
 */
function rotate(log) {
  copyFileSync(log.file, `${log.file}.1`);
  truncateSync(log.file, 0);
  log.position = 0;
  log.rest = '';
}

/** @param {string} file */
function sizeOf(file) {
  try {
    const fd = openSync(file, 'r');
    try {
      return fstatSync(fd).size;
    } finally {
      closeSync(fd);
    }
  } catch {
    return 0;
  }
}

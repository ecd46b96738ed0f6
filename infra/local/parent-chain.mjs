/**
 * Notices that whoever started us is gone, also when it could not say so (kill -9). `npm start` puts npm, and with some
 * shells a shell, between the person and the launcher, and npm lives on when only its own parent dies; so every link
 * up to npm's parent is watched.
 *
 * A process whose parent dies is given another parent. That is all there is to see, on every Unix.
 */
import { readFileSync } from 'node:fs';
import { processEntry } from './process-table.mjs';

const SHELLS = /^(sh|dash|bash|ash|zsh|ksh|busybox)$/;
const CHECK_EVERY_MS = 250;

/**
 * @param {(why: string) => void} onGone called once
 * @returns {() => void} ends the watch
 */
export function watchParents(onGone) {
  const links = linksToWatch();
  const timer = setInterval(() => {
    const broken = links.find(({ child, parent }) => parentOf(child) !== parent);
    if (!broken) return;
    clearInterval(timer);
    onGone(`the process that started Parley (${broken.parent}) is gone`);
  }, CHECK_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** @returns {Array<{ child: number, parent: number }>} */
function linksToWatch() {
  const links = [];
  let child = process.pid;
  let parent = process.ppid;
  if (process.env['npm_lifecycle_event']) {
    for (;;) {
      links.push({ child, parent });
      const entry = processEntry(parent);
      if (!entry) return links; // no /proc: our own parent is all we can see
      child = parent;
      parent = entry.parent;
      if (!SHELLS.test(entry.command)) break; // this was npm
    }
  }
  if (parent > 1 && !leftOnPurpose(child)) links.push({ child, parent });
  return links;
}

/**
 * `nohup npm start &` and `setsid npm start &` say that the starter will leave. It shows only in the variable `_`, where
 * the shell puts the program it ran: Node resets an ignored SIGHUP, and test tools open new sessions too.
 * @param {number} pid
 */
function leftOnPurpose(pid) {
  try {
    return /(^|\0)_=\S*\b(nohup|setsid)(\0|$)/.test(readFileSync(`/proc/${pid}/environ`, 'utf8'));
  } catch {
    return false;
  }
}

/** @param {number} pid */
function parentOf(pid) {
  return pid === process.pid ? process.ppid : processEntry(pid)?.parent;
}

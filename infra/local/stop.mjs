/** `npm stop`: ends the Parley of this home folder, whether it runs in a terminal or in the background. */
import { homeFolder, shownPath } from './home-folder.mjs';
import { runningLauncher } from './installation-lock.mjs';
import { describeFailure, LaunchError } from './launch-error.mjs';
import { waitUntil } from './wait-until.mjs';

/** Services get 10 s, then the servers theirs. */
const TIMEOUT_MS = 60_000;

try {
  const home = homeFolder(process.env);
  const pid = runningLauncher(home);
  if (pid === undefined) console.log(`parley: nothing runs in ${shownPath(home)}`);
  else {
    process.kill(pid, 'SIGTERM');
    const gone = await waitUntil(() => runningLauncher(home) !== pid, { timeoutMs: TIMEOUT_MS, everyMs: 50 });
    if (!gone) throw new LaunchError(`the launcher (process ${pid}) has not ended within ${TIMEOUT_MS / 1000} s: see its log, or end it with kill -9 ${pid}`);
    console.log(`parley: stopped; the data is kept in ${shownPath(home)}`);
  }
} catch (error) {
  console.error(`parley: ${describeFailure(error)}`);
  process.exitCode = 1;
}

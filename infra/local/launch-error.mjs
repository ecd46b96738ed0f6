/** Something a person can fix. Printed as it is, on one line and without a stack trace; the command then ends with code 1. */
export class LaunchError extends Error {
  /** @override */
  name = 'LaunchError';
}

/**
 * Why a command failed, in one line where a person can do something about it. Anything else is a bug of the launcher
 * and keeps its stack.
 * @param {unknown} error
 * @returns {string}
 */
export function describeFailure(error) {
  if (error instanceof LaunchError) return error.message;
  const { code, path, stack } = /** @type {NodeJS.ErrnoException} */ (error);
  if (code === 'ENOSPC') return `no space left on the disk (writing ${path ?? 'a file'}): free some, then start again`;
  if (path && (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')) {
    return `no permission for ${path}: make it yours (chown), or set PARLEY_HOME to another folder`;
  }
  return `unexpected failure of the launcher: ${stack ?? String(error)}`;
}

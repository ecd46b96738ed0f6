#!/bin/sh
# Before `npm start` and `npm test`: installs what is missing and compiles what has changed. Does nothing, in well under a
# second, when there is nothing to do. `npm start` installs only what runs; `npm test` adds the development tools.
set -eu
cd "$(dirname "$0")/../.."

want=run
[ "${npm_lifecycle_event:-}" = prestart ] || want=all

# npm puts node_modules/.bin, and with it the node of this project, in front of PATH. Installing must not run on a program
# that it is about to replace, so it uses the npm and node that started us.
if [ -n "${npm_execpath:-}" ] && [ -n "${npm_node_execpath:-}" ]; then
  npm() { exec "$npm_node_execpath" "$npm_execpath" "$@"; } # only ever called in a subshell of its own: see tied
fi

# Two starts at once in the same clone: one after the other.
if command -v flock >/dev/null 2>&1; then
  exec 9<package.json
  flock 9
fi

stamp=node_modules/.parley-installed
lock=$(cksum <package-lock.json)
installed=$(cat "$stamp" 2>/dev/null || true)

# Runs a command so that ending this script ends it too.
running=
trap '[ -z "$running" ] || { kill "$running" 2>/dev/null; wait "$running"; }; exit 130' INT TERM HUP
tied() {
  "$@" &
  running=$!
  wait "$running"
}

install_dependencies() {
  # npm 10 would run the install scripts of packages, npm 11 does not; nothing here needs them.
  set -- --ignore-scripts --loglevel=error --no-progress --no-update-notifier
  [ "$want" = all ] || set -- "$@" --omit=dev
  unfinished=node_modules/.parley-installing
  if [ ! -e node_modules/.package-lock.json ] || [ -e "$unfinished" ]; then
    # Nothing there, or an installation that was cut off: from scratch.
    tied npm ci "$@" 2>/dev/null && return
    echo "parley: npm ci failed, trying npm install"
  fi
  # npm ci refuses a lock file without packages of other platforms, which a mirror may lack. This never changes the lock
  # file, and unlike npm ci takes nothing away from a Parley that runs.
  mkdir -p node_modules
  touch "$unfinished"
  tied npm install --no-save "$@"
  rm -f "$unfinished"
}

if [ "$installed" != "all $lock" ] && [ "$installed" != "$want $lock" ]; then
  # Someone may have installed everything by hand: then do not take the development tools away.
  [ ! -d node_modules/jest ] || want=all
  echo "parley: installing dependencies"
  fetching=
  if [ ! -d node_modules ]; then
    node infra/local/prefetch.mjs >/dev/null 2>&1 &
    fetching=$!
    trap 'kill "$fetching" 2>/dev/null || true' EXIT
  fi
  install_dependencies
  # npm 10 takes this link away when it drops the package of the other processor. On a system the packaged node does not run
  # on (musl), the one that is installed there has to do.
  rm -f node_modules/.bin/node
  for program in node_modules/node-linux-*/bin/node; do
    ! "$program" --version >/dev/null 2>&1 || ln -s "../${program#node_modules/}" node_modules/.bin/node
  done
  [ -z "$fetching" ] || wait "$fetching" || true
  echo "$want $lock" >"$stamp"
fi

built=node_modules/.parley-built
changed=$(find libs apps tsconfig*.json "$stamp" -name node_modules -prune -o -name dist -prune -o \
  \( -type f -o -path '*/src/*' \) -newer "$built" -print 2>&1 | head -n 1)
if [ -n "$changed" ] || [ ! -d apps/parley/dist ]; then
  echo "parley: compiling"
  touch "$built.new"
  tied node_modules/.bin/tsc -b
  mv "$built.new" "$built" # its time is the one before compiling: what changed meanwhile is compiled next time
fi

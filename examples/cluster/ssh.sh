#!/usr/bin/env bash
# A worker on each of a list of hosts, by plain ssh; it goes on when the connection ends.
#
#   ./ssh.sh start studies/cifar10.py host1 host2 ...
#   ./ssh.sh stop host1 host2 ...       SIGTERM: running trials go back to the queue
#
# The database's URL is the first line of $OPTUNAS_STORAGE_FILE (~/.optunas-storage). It is sent
# over the encrypted connection into a file that only you can read, and so is in no process list.
# Each host has optunas installed, and the study file at the same path below the home folder.
set -euo pipefail

file="${OPTUNAS_STORAGE_FILE:-$HOME/.optunas-storage}"
artifacts="${OPTUNAS_ARTIFACTS:-}"

start() {
  local study="$1" host
  shift
  for host in "$@"; do
    ssh "$host" 'umask 077 && mkdir -p .optunas && cat > .optunas/storage' < "$file"
    # shellcheck disable=SC2029  # the study and the artifacts are meant to expand here
    ssh "$host" "cd \"\$HOME\" && export OPTUNAS_ARTIFACTS=$(printf %q "$artifacts") &&
      setsid nohup optunas worker $(printf %q "$study") --storage @.optunas/storage \
        >> .optunas/worker.log 2>&1 < /dev/null &
      echo \$! > .optunas/worker.pid"
    echo "$host: started; its log is .optunas/worker.log"
  done
}

stop() {
  local host
  for host in "$@"; do
    ssh "$host" "kill -TERM \"\$(cat .optunas/worker.pid)\" && rm .optunas/worker.pid" &&
      echo "$host: stopped"
  done
}

case "${1:-}" in
  start | stop) "$@" ;;
  *) sed -n '2,9p' "$0" && exit 2 ;;
esac

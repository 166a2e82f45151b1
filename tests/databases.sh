#!/usr/bin/env bash
# Usage: databases.sh COMMAND…   Starts a MariaDB and a PostgreSQL of its own, empty, on free ports and with their data
# in a folder that is gone afterwards, runs the command and stops both. The command finds them by
# MEETING_TEST_MYSQL and MEETING_TEST_POSTGRES: URLs of an administrator, to which a database's name is appended.
set -euo pipefail

# How long a server may take to be ready, in seconds.
DEADLINE=90

die() {
  printf 'databases: %s\n' "$*" >&2
  exit 1
}

# In memory where that is possible: nothing here outlives the run.
home=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")" meeting-databases.XXXXXX)
chmod 755 "$home"
started=()

stop() {
  local id
  # In order, because PostgreSQL would leave its shared memory behind otherwise. It takes the first for "when nobody is
  # connected", the second for "now"; MariaDB takes the first for "now".
  for id in "${started[@]}"; do kill -TERM "$id" 2>/dev/null || true; done
  for id in "${started[@]}"; do kill -INT "$id" 2>/dev/null || true; done
  for id in "${started[@]}"; do wait "$id" 2>/dev/null || true; done
  rm -rf "$home"
}
trap stop EXIT

free_port() {
  node -e 'const s = require("node:net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'
}

# Waits until the command after the name succeeds; gives up when the server has ended.
await() {
  local name=$1 id=$2 log=$3 until=$((SECONDS + DEADLINE))
  shift 3
  until "$@" >/dev/null 2>&1; do
    if ! kill -0 "$id" 2>/dev/null || [ "$SECONDS" -ge "$until" ]; then
      tail -n 20 "$log" >&2
      die "$name did not start"
    fi
    read -rt 0.1 <> <(:) || true
  done
}

# Neither server runs as root: as root, each gets the account that its package has made.
as_mysql=()
as_postgres=()
if [ "$(id -u)" -eq 0 ]; then
  as_mysql=(setpriv --reuid mysql --regid mysql --init-groups)
  as_postgres=(setpriv --reuid postgres --regid postgres --init-groups)
fi

folder_for() {
  mkdir "$home/$1"
  if [ "$(id -u)" -eq 0 ]; then chown "$1" "$home/$1"; fi
}

start_mariadb() {
  local data=$home/mysql/data socket=$home/mysql/socket log=$home/mariadb.log
  mysql_port=$(free_port)
  folder_for mysql
  "${as_mysql[@]}" mariadb-install-db --no-defaults --datadir="$data" --auth-root-authentication-method=normal \
    --skip-test-db --skip-name-resolve >"$log" 2>&1 || { tail -n 20 "$log" >&2; die "MariaDB's folder was not made"; }
  "${as_mysql[@]}" mariadbd --no-defaults --datadir="$data" --socket="$socket" --bind-address=127.0.0.1 \
    --port="$mysql_port" --pid-file="$home/mysql/pid" --max-connections=500 --innodb-flush-log-at-trx-commit=0 \
    --innodb-buffer-pool-size=64M --character-set-server=latin1 >>"$log" 2>&1 &
  mysql_id=$!
  started+=("$mysql_id")
}

start_postgres() {
  local data=$home/postgres/data log=$home/postgres.log bin
  bin=$(find /usr/lib/postgresql -path '*/bin/initdb' 2>/dev/null | sort -V | tail -n 1)
  bin=$(dirname "${bin:-$(command -v initdb)}")
  postgres_port=$(free_port)
  folder_for postgres
  "${as_postgres[@]}" "$bin/initdb" --pgdata="$data" --username=postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 \
    --no-sync >"$log" 2>&1 || { tail -n 20 "$log" >&2; die "PostgreSQL's folder was not made"; }
  "${as_postgres[@]}" "$bin/postgres" -D "$data" -k "$home/postgres" -h 127.0.0.1 -p "$postgres_port" -c fsync=off \
    -c full_page_writes=off -c max_connections=300 >>"$log" 2>&1 &
  postgres_id=$!
  postgres_ready=("$bin/pg_isready" -q -h 127.0.0.1 -p "$postgres_port")
  started+=("$postgres_id")
}

start_mariadb
start_postgres
await MariaDB "$mysql_id" "$home/mariadb.log" \
  mariadb --no-defaults --host=127.0.0.1 --port="$mysql_port" --user=root --execute='SELECT 1'
await PostgreSQL "$postgres_id" "$home/postgres.log" "${postgres_ready[@]}"

export MEETING_TEST_MYSQL="mysql://root@127.0.0.1:$mysql_port/"
export MEETING_TEST_POSTGRES="postgres://postgres@127.0.0.1:$postgres_port/"
"$@"

#!/bin/sh
# pg.sh - a throwaway PostgreSQL 15 (or later) cluster on a unix socket.
#
#	pg.sh start DIR		makes DIR (must not be there), starts a cluster
#				in it and prints the URI of its empty database
#				"drehscheibe"; user postgres, superuser
#	pg.sh uri DIR [DB]	prints the URI again, or that of DB
#	pg.sh pid DIR		prints the postmaster's pid
#	pg.sh down DIR		stops it at once, as a crash would; data stays
#	pg.sh up DIR		starts it again
#	pg.sh stop DIR		stops it and removes DIR
#	pg.sh run COMMAND...	start, COMMAND with HUB_DATABASE set, stop
#
# No TCP, trust inside a folder of mode 0700, no sync: for tests and demos.
# HUB_PG_OPTIONS: more options of the server, which override those here.
# As root the server runs as user postgres, else as the caller.
set -eu

die() {
	echo "pg.sh: $*" >&2
	exit 1
}

MARK=drehscheibe-throwaway-cluster
for bin in ${PG_BINDIR:-} /usr/lib/postgresql/*/bin /usr/pgsql-*/bin; do
	[ -x "$bin/initdb" ] && BIN=$bin
done
if [ -z "${BIN:-}" ]; then
	at=$(command -v initdb) || die "no PostgreSQL server found (PG_BINDIR?)"
	BIN=$(dirname "$at")
fi
# An explicit folder wins over what was found after it.
[ -z "${PG_BINDIR:-}" ] || BIN=$PG_BINDIR

AS=
[ "$(id -u)" -ne 0 ] ||
	AS="setpriv --reuid=postgres --regid=postgres --init-groups"

# Sets D: absolute, ours, and short enough for a socket (sun_path: 108 bytes).
folder() {
	case $1 in
	/*) D=$1 ;;
	*) D=$(pwd)/$1 ;;
	esac
	case $D in
	*[!A-Za-z0-9/._-]*) die "$D: only letters, digits, / . _ and -" ;;
	*/../* | */..) die "$D: .. is refused" ;;
	esac
	[ ${#D} -le 80 ] || die "$D: too long for a unix socket"
}

ours() {
	folder "$1"
	[ -f "$D/$MARK" ] || die "$D: no cluster of ours"
}

uri() {
	echo "postgresql:///${1:-drehscheibe}?host=$D&user=postgres"
}

pid() {
	[ -f "$D/data/postmaster.pid" ] || return 1
	p=$(head -n 1 "$D/data/postmaster.pid")
	case $p in
	'' | *[!0-9]*) return 1 ;;
	esac
	# A stale file must not name somebody else's process.
	[ "$(readlink "/proc/$p/cwd" 2>/dev/null)" = "$D/data" ] || return 1
	echo "$p"
}

up() {
	# For good and before all else: a pipe of the caller that stayed open
	# in the server would never end for its reader.
	(
		exec </dev/null >>"$D/server.log" 2>&1 9>&-
		exec $AS setsid "$BIN/postgres" -D "$D/data" -k "$D" \
		    -c listen_addresses= -c unix_socket_permissions=0700 \
		    -c fsync=off -c synchronous_commit=off \
		    -c full_page_writes=off -c shared_buffers=32MB \
		    -c max_connections=50 -c log_timezone=UTC -c timezone=UTC \
		    ${HUB_PG_OPTIONS:-}
	) &
	child=$!
	n=0
	until "$BIN/pg_isready" -q -h "$D" -U postgres -d postgres; do
		n=$((n + 1))
		if [ $n -gt 300 ] || ! kill -0 "$child" 2>/dev/null; then
			tail -n 5 "$D/server.log" >&2
			return 1
		fi
		sleep 0.1
	done
}

# SIGINT is a fast, SIGQUIT an immediate shutdown.
down() {
	p=$(pid) || return 0
	kill "-$1" "$p" 2>/dev/null || return 0
	n=0
	while kill -0 "$p" 2>/dev/null; do
		n=$((n + 1))
		[ $n -ne 100 ] || kill -QUIT "$p" 2>/dev/null || true
		[ $n -ne 200 ] || kill -KILL "$p" 2>/dev/null || true
		[ $n -le 300 ] || die "pid $p does not stop"
		sleep 0.05
	done
	rm -f "$D/data/postmaster.pid"
}

remove() {
	down QUIT
	rm -rf "$D"
	[ ! -e "$D" ] || die "$D: cannot be removed"
}

start() {
	folder "$1"
	mkdir -m 0700 "$D" || die "$D: must not be there yet"
	trap 'remove' EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	: >"$D/$MARK"
	[ "$(id -u)" -ne 0 ] || chown -R postgres:postgres "$D"
	(cd "$D" && $AS "$BIN/initdb" -D "$D/data" -U postgres -A trust \
	    -E UTF8 --locale=C --no-sync --no-instructions) \
	    >"$D.initdb" 2>&1 || {
		cat "$D.initdb" >&2
		rm -f "$D.initdb"
		exit 1
	}
	rm -f "$D.initdb"
	up || exit 1
	"$BIN/createdb" -h "$D" -U postgres drehscheibe
	trap - EXIT HUP INT TERM
}

run() {
	base=$(mktemp -d "${TMPDIR:-/tmp}/hubpg.XXXXXX")
	rmdir "$base"
	start "$base"
	trap 'remove' EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	HUB_DATABASE=$(uri)
	HUB_PG_DIR=$D
	export HUB_DATABASE HUB_PG_DIR
	"$@" && rc=0 || rc=$?
	exit "$rc"
}

verb=${1:-}
[ $# -ge 2 ] ||
	die "usage: pg.sh start|uri|pid|down|up|stop DIR, or run COMMAND..."
shift
case $verb in
start) start "$1" && uri ;;
uri) ours "$1" && uri "${2:-drehscheibe}" ;;
pid) ours "$1" && pid ;;
down) ours "$1" && down QUIT ;;
up) ours "$1" && up ;;
stop) ours "$1" && remove ;;
run) run "$@" ;;
*) die "unknown verb $verb" ;;
esac

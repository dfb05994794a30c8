#!/bin/sh
# bench.sh - what the hub costs, beside haproxy, nginx and the floor.
#
#	contrib/bench.sh [--install] [--build DIR] [--quick] [--rounds N]
#	    [--seconds N]
#
#	--install	installs what is missing (Debian packages), as root or
#			with sudo; without it peers that are not there are left
#			out
#	--build DIR	programs built there are measured (default: a fresh
#			build with -O2 in a temporary folder)
#	--quick		one round of 2 s instead of 5 of 4 s, and 5 s of
#			the ledger instead of 20
#
# Two cores are needed: the contender has core 0, load and broker share core 1.
# The rest is on loopback, in a temporary folder (TMPDIR; on a disk, for the
# ledger is to be durable), and stopped by pid. Prints a table per measurement
# and lines "TARGET name: number, bound: met|missed". Exit 0 when everything
# was measured, whatever the numbers say, else 1.
set -eu
code=0

SOURCE=$(cd "$(dirname "$0")/.." && pwd)
PATH=$PATH:/usr/sbin:/sbin
export PATH PYTHONDONTWRITEBYTECODE=1
PEERS="haproxy nginx libnginx-mod-http-lua lua-cjson nghttp2-client wrk python3
openssl postgresql util-linux"
BUILD=
INSTALL=
QUICK=

die() {
	echo "bench.sh: $*" >&2
	exit 1
}

usage() {
	sed -n '4,5s/^#	//p' "$0" >&2
	exit 64
}

# Packages that start a service of their own are kept from it: policy-rc.d
# answers 101, "action forbidden by policy", while we install.
install_packages() {
	as_root=
	[ "$(id -u)" -eq 0 ] || as_root=sudo
	"$SOURCE/contrib/dev/install-deps.sh"
	missing=
	for p in $PEERS; do
		dpkg-query -W -f='${db:Status-Status}\n' "$p" 2>/dev/null |
		    grep -qx installed || missing="$missing $p"
	done
	[ -n "$missing" ] || return 0
	echo "Installing Debian packages:$missing"
	policy=/usr/sbin/policy-rc.d
	if [ -e $policy ]; then
		policy= # the machine has its own; it stays
	else
		printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null
		$as_root chmod 755 $policy
		trap '$as_root rm -f $policy' EXIT
		trap 'exit 130' INT
		trap 'exit 143' TERM
	fi
	# shellcheck disable=SC2086 # a list of words
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y install \
	    --no-install-recommends $missing </dev/null >&2 ||
		die "apt-get failed"
	[ -z "$policy" ] || $as_root rm -f $policy
	trap - EXIT
}

build() {
	[ -x "$SOURCE/configure" ] || (cd "$SOURCE" && ./autogen.sh)
	(cd "$BUILD" && "$SOURCE/configure" -q) >&2
}

need() {
	command -v "$1" >/dev/null 2>&1 || die "$1 is missing (try --install)"
}

ARGS=
while [ $# -gt 0 ]; do
	case $1 in
	--install) INSTALL=yes ;;
	--quick)
		QUICK=--quick
		ARGS="$ARGS --quick"
		;;
	--build)
		[ $# -ge 2 ] || usage
		BUILD=$(cd "$2" && pwd) || exit 1
		shift
		;;
	--rounds | --seconds)
		case ${2:-} in
		'' | *[!0-9]* | 0) usage ;;
		esac
		ARGS="$ARGS $1 $2"
		shift
		;;
	*) usage ;;
	esac
	shift
done

[ -z "$INSTALL" ] || install_packages
for program in python3 wrk nginx openssl taskset make gcc; do
	need $program
done
[ "$(nproc --all)" -ge 2 ] || die "two cores are needed"

# Everything that is measured, and what measures it, is made here.
TOOLS=$(mktemp -d "${TMPDIR:-/tmp}/hubbench-build.XXXXXX")
trap 'rm -rf "$TOOLS"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
if [ -z "$BUILD" ]; then
	BUILD=$TOOLS
	build
fi
make -s -C "$BUILD" server/hubd server/hubctl/hubctl tests/support/hubtool >&2
gcc -O2 -std=c11 -D_GNU_SOURCE -o "$TOOLS/floor" \
    "$SOURCE/contrib/bench/floor.c" -lssl -lcrypto
make -s -C "$BUILD" contrib/bench/policy contrib/bench/ledger \
    server/hubverify/hubverify >&2
# shellcheck disable=SC2086 # a list of words
python3 "$SOURCE/contrib/bench/bench.py" "$BUILD" "$TOOLS/floor" $ARGS || code=$?
# Deciding, filtering and compiling, on the core that the contenders had.
taskset -c 0 "$BUILD/contrib/bench/policy" || code=1
# The ledger: records, a year, and what an answer waits for.
python3 "$SOURCE/contrib/bench/ledger.py" "$BUILD" $QUICK || code=1
exit "$code"

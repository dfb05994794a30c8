#!/bin/sh
# install-deps.sh - the Debian packages that building, testing and the demo
# need, and those named as arguments. Installs what is missing, as root or
# with sudo; installs nothing when all are there. Exit 0: all there. 1:
# something is missing and stays so.
set -eu

PACKAGES="
autoconf automake pkg-config gcc libc6-dev make
libevent-dev libssl-dev libnghttp2-dev libjwt-dev libpq-dev libjansson-dev libconfuse-dev zlib1g-dev
libsmartcols-dev libcmocka-dev
postgresql openssl curl ca-certificates util-linux
$*"

command -v dpkg-query >/dev/null 2>&1 || {
	echo "install-deps.sh: this is no Debian system; needed are (names of" \
	    "Debian):" $PACKAGES >&2
	exit 1
}

# Packages as their own names or provided by another one (pkg-config is
# provided by pkgconf in later releases).
missing() {
	for p in $PACKAGES; do
		dpkg-query -W -f='${db:Status-Status}\n' "$p" 2>/dev/null |
		    grep -qx installed && continue
		dpkg-query -W -f='${db:Status-Status} ${Provides}\n' \
		    2>/dev/null | grep '^installed ' |
		    grep -qE "[ ,]$p( |,|\$)" && continue
		echo "$p"
	done
}

need=$(missing | tr '\n' ' ')
[ -n "$need" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
	as_root=
elif command -v sudo >/dev/null 2>&1 && { sudo -n true 2>/dev/null ||
    { [ -t 0 ] && [ -t 2 ]; }; }; then
	as_root=sudo
else
	echo "Missing Debian packages: $need" >&2
	echo "As root:  apt-get install --no-install-recommends $need" >&2
	exit 1
fi

echo "Installing Debian packages: $need"
log=$(mktemp)
conf=/etc/postgresql-common/createcluster.d/drehscheibe.conf
undo() {
	rm -f "$log"
	$as_root rm -f "$conf"
}
trap undo EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Tests and demo start a throwaway cluster of their own: the package shall
# not begin to run one on this machine.
case " $need " in
*" postgresql "*)
	$as_root mkdir -p "${conf%/*}"
	echo "create_main_cluster = false" | $as_root tee "$conf" >/dev/null
	;;
esac

apt() {
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
	    -o DPkg::Lock::Timeout=120 "$@" </dev/null >>"$log" 2>&1
}
# shellcheck disable=SC2086 # a list of words
apt update && apt install --no-install-recommends $need || {
	tail -n 20 "$log" >&2
	echo "install-deps.sh: apt-get failed" >&2
	exit 1
}
need=$(missing | tr '\n' ' ')
[ -z "$need" ] || {
	echo "install-deps.sh: still missing: $need" >&2
	exit 1
}

#!/bin/sh
# test-deb.sh - a package's life on a Debian system of its own, in a folder:
# installed, started as the account that it makes, asked, reloaded, replaced by
# a newer one, removed, purged; what is left then is told.
#
#	contrib/dev/test-deb.sh OLD.deb NEW.deb
#
# Needs root and a mirror, and takes minutes: the one that this machine takes
# bookworm from, else MIRROR. There is no systemd inside: the command of the unit's
# ExecStart is run as its User.
set -eu
[ $# -eq 2 ] && [ "$(id -u)" -eq 0 ] || {
	sed -n '2,/^set/s/^#//p' "$0" >&2
	exit 64
}
mirror=${MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' \
    'Created-By: Packages' 'Codename: bookworm' | sort -u | head -n 1)}
[ -n "$mirror" ] || {
	echo "test-deb.sh: no mirror of bookworm; name one with MIRROR" >&2
	exit 69
}
mirror=${mirror%/}
root=$(mktemp -d)
chmod 755 "$root"
pid=''
cleanup() {
	[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
	umount "$root/proc" 2>/dev/null || true
	rm -rf --one-file-system "$root"
}
trap cleanup EXIT
passed=0
ok() {
	passed=$((passed + 1))
	echo "ok $*"
}
die() {
	tail -n 30 "$root/log" "$root/hubd.log" >&2 || true
	echo "not ok $*"
	echo "$passed passed, 1 failed"
	exit 1
}
inside() {
	chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
	    DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"
}
# All that a package could leave, without what dpkg, apt and accounts keep.
snapshot() {
	inside find /etc /usr /var /opt /srv /run /lib/ -xdev \
	    ! -path '/var/lib/dpkg*' ! -path '/var/cache*' \
	    ! -path '/var/lib/apt*' ! -path '/var/log*' ! -path '/usr/lib*' \
	    ! -path '/etc/*passwd*' ! -path '/etc/*group*' \
	    ! -path '/etc/*shadow*' ! -path '/etc/.pwd.lock' \
	    ! -path '/etc/ld.so.cache' ! -path '/var/lib/systemd/*' | sort
	inside find /usr/lib -xdev -name '*drehscheibe*'
	inside find / -xdev -name '*hubd*' ! -path '/log' ! -path '/hubd.log'
}
unit() {
	sed -n "s/^$1=//p" "$root/lib/systemd/system/hubd.service"
}
answer() { # path, status
	got=$(curl -s -o "$root/out" -w '%{http_code}' --max-time 5 "$1") ||
	    true
	[ "$got" = "$2" ]
}
start() {
	user=$(unit User)
	uid=$(inside id -u "$user") gid=$(inside id -g "$user")
	# shellcheck disable=SC2046 # the words of a command
	chroot --userspec="$uid:$gid" "$root" $(unit ExecStart) \
	    >>"$root/hubd.log" 2>&1 &
	pid=$!
	n=0
	until answer http://127.0.0.1:9443/livez 200; do
		n=$((n + 1))
		[ $n -lt 100 ] && kill -0 $pid || die "$1: does not start"
		sleep 0.1
	done
}
stop() {
	kill -TERM "$pid"
	wait "$pid" || die "$1: exit code $?"
	pid=''
}

begun=$(date +%s)
debootstrap --variant=minbase bookworm "$root" "$mirror" >"$root.log" 2>&1 || {
	tail -n 20 "$root.log"
	die "debootstrap"
}
mv "$root.log" "$root/log"
mount -t proc proc "$root/proc" 2>/dev/null || true
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
# The package may need versions with security fixes.
[ -n "${MIRROR:-}" ] || echo "deb $mirror-security bookworm-security main" \
    >"$root/etc/apt/sources.list.d/security.list"
cp "$1" "$root/old.deb"
cp "$2" "$root/new.deb"
inside apt-get -q update >>"$root/log" 2>&1 || die "apt-get update"
depends=$(dpkg-deb -f "$1" Depends | tr ',' '\n' |
    sed 's/(.*//; s/|.*//' | tr -d ' ')
# shellcheck disable=SC2086 # a list of words
inside apt-get -q -y install --no-install-recommends $depends systemd \
    >>"$root/log" 2>&1 || die "dependencies"
ok "a Debian system ($(($(date +%s) - begun)) s)"
snapshot >"$root.before"

inside apt-get -q -y install --no-install-recommends /old.deb \
    >>"$root/log" 2>&1 || die "install"
for account in drehscheibe drehscheibe-digest; do
	inside id $account >/dev/null || die "install: no account $account"
done
[ "$(inside stat -c %U:%a /var/lib/drehscheibe/spool)" = drehscheibe:700 ] ||
    die "install: the spool's owner"
inside hubd -t >>"$root/log" 2>&1 || die "install: hubd -t"
ok "installs: accounts, folders, a configuration that is right"

start first
answer http://127.0.0.1:8443/ngsi-ld/v1/entities 401 ||
    answer http://127.0.0.1:8443/ngsi-ld/v1/entities 503 ||
    die "request: status $got"
ok "runs as $(unit User) and answers a request ($got)"
kill -HUP $pid
n=0
until grep -q 'msg="\{0,1\}reloaded' "$root/hubd.log"; do
	n=$((n + 1))
	[ $n -lt 50 ] || die "reload"
	sleep 0.1
done
answer http://127.0.0.1:9443/livez 200 || die "reload: does not answer"
ok "reloads"
stop first

echo '# of the administrator' >>"$root/etc/drehscheibe/hubd.conf"
inside apt-get -q -y install --no-install-recommends /new.deb \
    >>"$root/log" 2>&1 || die "upgrade"
[ "$(inside dpkg-query -W -f '${Version}' drehscheibe)" = \
    "$(dpkg-deb -f "$2" Version)" ] || die "upgrade: the version"
grep -q administrator "$root/etc/drehscheibe/hubd.conf" ||
    die "upgrade: the configuration was replaced"
start upgraded
stop upgraded
ok "is upgraded; what the administrator wrote stays"

inside apt-get -q -y remove drehscheibe >>"$root/log" 2>&1 || die "remove"
[ ! -e "$root/usr/sbin/hubd" ] && [ -e "$root/etc/drehscheibe/hubd.conf" ] &&
    [ -d "$root/var/lib/drehscheibe/spool" ] || die "remove"
ok "is removed; configuration and spool stay"
inside apt-get -q -y purge drehscheibe >>"$root/log" 2>&1 || die "purge"
snapshot >"$root.after"
diff "$root.before" "$root.after" >"$root/left" || {
	cat "$root/left"
	rm -f "$root.before" "$root.after"
	die "purge: the above is left"
}
rm -f "$root.before" "$root.after"
ok "is purged; nothing is left but the account"
echo "$passed passed, 0 failed ($(($(date +%s) - begun)) s)"

#!/bin/sh
# install.t - what "make install" puts beside the programs: units that let the
# hub do little and sign each night, accounts and folders for them, a hubd.conf
# that is right as it is, and completions that know every command. What needs a
# program that is not on this machine is skipped, and says so.
set -eu
cd "$HUB_BUILDDIR"
hubd=server/hubd hubctl=server/hubctl/hubctl
src=$HUB_SRCDIR/contrib/systemd
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
bad=0
fail() {
	echo "install.t: $*"
	bad=1
}
have() {
	command -v "$1" >/dev/null 2>&1 && return
	echo "skipped: $2 ($1 is not installed)"
	return 1
}

# ---- the units, at most 2.0 where 10 is a service that may do anything
for unit in hubd drehscheibe-digest; do
	sed -e "s,@sbindir@,$(pwd)/server,g" -e 's,@sysconfdir@,/etc,g' \
	    -e "s,@bindir@,$(pwd)/server/hubctl,g" \
	    "$src/$unit.service.in" >"$dir/$unit.service"
done
cp "$src/hubd.socket" "$src/drehscheibe-digest.timer" "$dir"
if have systemd-analyze "the exposure of the units"; then
	for unit in hubd drehscheibe-digest; do
		systemd-analyze security --no-pager --offline=yes \
		    --threshold=20 "$dir/$unit.service" >"$dir/security" 2>&1 ||
		    fail "$unit is exposed: $(tail -n 1 "$dir/security")"
	done
	SYSTEMD_UNIT_PATH="$dir:" systemd-analyze verify --man=no \
	    "$dir/hubd.service" "$dir/hubd.socket" \
	    "$dir/drehscheibe-digest.service" \
	    "$dir/drehscheibe-digest.timer" >"$dir/verify" 2>&1 || true
	! grep -F "$dir/" "$dir/verify" >"$dir/said" ||
	    fail "$(cat "$dir/said")"
fi
# those that are installed name programs and folders
for unit in hubd drehscheibe-digest; do
	made=share/$unit.service
	[ ! -f Makefile ] || make -s "$made" >"$dir/made" 2>&1 ||
	    fail "$(cat "$dir/made")"
	! grep -n '@[a-z]*@' "$made" || fail "$made: see above"
done
grep -q '^ExecStart=/.*/hubd ' share/hubd.service || fail "no ExecStart"
# Each German day one digest, whose key and folder are the signer's.
digest=share/drehscheibe-digest.service
grep -q '^ExecStart=/.*/hubctl -c /.*/hubd.conf digest$' $digest ||
    fail "no digest is signed"
grep -q '^OnCalendar=\*-\*-\* .* Europe/Berlin$' \
    "$src/drehscheibe-digest.timer" || fail "not each German day"
! have systemd-analyze "the calendar of the digest" ||
    systemd-analyze calendar "$(sed -n \
    's/^OnCalendar=//p' "$src/drehscheibe-digest.timer")" >"$dir/calendar" ||
    fail "OnCalendar"
signer=$(sed -n 's/^User=//p' $digest)
[ "$signer" != "$(sed -n 's/^User=//p' share/hubd.service)" ] ||
    fail "the hub could sign"
grep -q "^u  *$signer " "$src/sysusers.d/drehscheibe.conf" ||
    fail "sysusers.d has no $signer"
folder=$(sed -n 's/^StateDirectory=//p' $digest)
grep -qF '"/var/lib/'"$folder"'"' "$HUB_SRCDIR/server/config_setting.c" ||
    fail "digest.directory is not $folder"
grep -q "rm -rf.*/var/lib/$folder" \
    "$HUB_SRCDIR/contrib/debian/drehscheibe.postrm" ||
    fail "a purge keeps $folder"
# and no folder of it that tmpfiles.d gives to somebody else
user=$(sed -n 's/^User=//p' "$dir/hubd.service")
grep -q "^u  *$user " "$src/sysusers.d/drehscheibe.conf" ||
    fail "sysusers.d has no $user"
grep -q "^d .*/var/lib/drehscheibe/spool .* $user " \
    "$src/tmpfiles.d/drehscheibe.conf" || fail "no spool for $user"

# ---- the example
"$hubd" -t -c "$src/hubd.conf" >"$dir/out" 2>&1 || fail "$(cat "$dir/out")"
# A setting in a comment is one, too: at the edge, without a blank behind #.
sed 's/^#\([a-z}	]\)/\1/' "$src/hubd.conf" |
    sed '/^	address     = "127/d' >"$dir/all.conf"
mkdir "$dir/tls"
"$hubd" -t -c "$dir/all.conf" >"$dir/out" 2>&1 || true
! grep -q 'unknown key\|no value' "$dir/out" || fail "$(cat "$dir/out")"

# ---- completions: what comes after a line
for shell in bash zsh fish; do
	"$hubctl" completion "$shell" >"$dir/$shell" || fail "no $shell"
	! have "$shell" "completion in $shell" ||
	    "$shell" -n "$dir/$shell" ||
	    fail "$shell does not read it"
done
"$hubctl" completion tcsh 2>/dev/null && fail "completion tcsh"
in_bash() { # words, the last one unfinished
	bash --norc -c '. "$0"; COMP_WORDS=(hubctl "$@")
		COMP_CWORD=$#; _hubctl
		[ ${#COMPREPLY[@]} -eq 0 ] || printf "%s\n" "${COMPREPLY[@]}"' \
	    "$dir/bash" "$@" </dev/null
}
in_fish() {
	HOME=$dir fish --no-config -c 'source $argv[1]; complete -C "$argv[2]"' \
	    "$dir/fish" "hubctl $*" </dev/null | cut -f 1
}
knows() { # shell, expected, words...
	shell=$1 expected=$2
	shift 2
	"in_$shell" "$@" | grep -qx -- "$expected" ||
	    fail "$shell: no $expected after hubctl $*"
}
shells=bash
! command -v fish >/dev/null 2>&1 || shells="bash fish"
for shell in $shells; do
	knows $shell migrate db ''
	knows $shell inspect -c /dev/null token ''
	knows $shell de --lang ''
	knows $shell --accept-widening apply x -- # not of others:
	"in_$shell" bundles -- | grep -q accept-widening &&
	    fail "$shell: bundles takes no --accept-widening"
done
"$hubctl" --list-commands | while read -r one two; do
	in_bash "$one" | grep -qx "$one" || echo "bash: no $one"
	[ -z "$two" ] || in_bash "$one" "$two" | grep -qx "$two" ||
	    echo "bash: no $one $two"
done >"$dir/missing"
[ ! -s "$dir/missing" ] || fail "$(cat "$dir/missing")"
exit $bad

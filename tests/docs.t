#!/bin/sh
# docs.t - every setting of hubd.conf has its entry in hubd.conf(5), every
# command of hubctl in hubctl(1), every block of region files in hub-policy(5).
set -eu
cd "$HUB_SRCDIR"
bad=0
need() { # page, word
	grep -q "^\.It .*\b$2\b" "$1" || { echo "$1: no entry for $2"; bad=1; }
}
for key in $("$HUB_BUILDDIR/server/hubd" --list-settings); do
	grep -qx "\.It Ic $key" server/hubd.conf.5 ||
	    { echo "server/hubd.conf.5: no entry for $key"; bad=1; }
done
# and no entry for what is no setting
for key in $(sed -n 's/^\.It Ic //p' server/hubd.conf.5); do
	"$HUB_BUILDDIR/server/hubd" --list-settings | grep -qx "$key" ||
	    { echo "server/hubd.conf.5: $key is no setting"; bad=1; }
done
for cmd in $("$HUB_BUILDDIR/server/hubctl/hubctl" --list-commands); do
	need server/hubctl/hubctl.1 "$cmd"
done
for block in tenant issuer context source dataset purpose area agreement \
	share forbid price cost model test; do
	need policies/hub-policy.5 "$block"
done
exit $bad

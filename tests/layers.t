#!/bin/sh
# layers.t - an include may not point up: base < net < sql < tenants < ngsild
# < policies < ledger < federation < server. Public headers of a layer only
# know the layers to their left. hubverify shares nothing with any of them.
set -eu
cd "${HUB_SRCDIR:-$(dirname "$0")/..}"
awk '
function layer(path) {
	if (path ~ /^server\/base\//) return 1
	if (path ~ /^server\/net\//) return 2
	if (path ~ /^sql\//) return 3
	if (path ~ /^tenants\//) return 4
	if (path ~ /^server\/ngsild\//) return 5
	if (path ~ /^policies\//) return 6
	if (path ~ /^server\/ledger\//) return 7
	if (path ~ /^server\/federation\//) return 8
	if (path ~ /^server\//) return 9
	return 0
}
/^#include "/ {
	split($0, part, "\"")
	n++
	if (part[2] == "config.h") next
	# hubverify checks what the others write: nothing in common.
	if (FILENAME ~ /^server\/hubverify\// != \
	    part[2] ~ /^server\/hubverify\//) {
		print FILENAME ":" FNR ": hubverify stands alone: " part[2]
		bad++
	}
	if (layer(part[2]) == 0) {
		print FILENAME ":" FNR ": not written from the root: " part[2]
		bad++
	} else if (layer(part[2]) > layer(FILENAME)) {
		print FILENAME ":" FNR ": points up: " part[2]
		bad++
	}
}
END {
	if (n < 50) { print "only " n " includes seen"; exit 1 }
	exit bad > 0
}' $(find server tenants policies sql -name '*.[ch]' | sort)
# Nor does it link anything of theirs.
awk '
/^(L_VERIFY|server_hubverify_[A-Za-z_]*) *=/ { on = 1 }
on {
	for (i = 1; i <= NF; i++)
		if ($i ~ /\.(a|c|h)$/ && $i !~ /^server\/hubverify\//) {
			print "Makefile.am:" FNR ": hubverify stands alone: " $i
			bad++
		}
	n++
	on = /\\$/
}
END {
	if (n < 8) { print "only " n " lines of hubverify seen"; exit 1 }
	exit bad > 0
}' Makefile.am
# Only net/ and db.c see libevent; one file sees libjwt.
! grep -rnl '#include <event2' server tenants policies sql --include='*.[ch]' |
	grep -v -e '^server/net/' -e '^sql/db' || exit 1
! grep -rnl '#include <jwt.h>' server tenants policies sql --include='*.[ch]' |
	grep -v '^tenants/token.c$' || exit 1

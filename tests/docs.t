#!/bin/sh
# docs.t - every setting of hubd.conf has its entry in hubd.conf(5), every
# command of hubctl in hubctl(1), every option in its program's page, every block of region files in hub-policy(5),
# every attack its row in security.md, and every test named there and in
# conformance.md is one.
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
# every option that --help tells
options() { # program
	"$HUB_BUILDDIR/$1" --help | grep -o -- '--[a-z][a-z0-9-]*' | sort -u
}
for page in server/hubd:server/hubd.8 \
    server/hubctl/hubctl:server/hubctl/hubctl.1; do
	for o in $(options "${page%%:*}"); do
		grep -Eq "Fl (-[a-z-]+ \\| )*-${o#--}( |\$)" "${page#*:}" ||
		    { echo "${page#*:}: no option $o"; bad=1; }
	done
done
# every metric that there is an alert on is one
for name in $(grep -oh 'hub_[a-z_]*' contrib/prometheus/drehscheibe.*.yml |
    sort -u); do
	grep -q "\"${name%_total}\"" server/metrics*.c ||
	    { echo "contrib/prometheus: no metric $name"; bad=1; }
done
for block in tenant issuer context source dataset purpose area agreement \
	share forbid price cost model test; do
	need policies/hub-policy.5 "$block"
done

# ---- security.md: "| id | what | file: test, test; file: test |"
page=contrib/docs/security.md
named=$(awk -F'|' '/^\| [A-Z][0-9]+ \|/ {
	gsub(/ /, "", $2)
	n = split($4, part, ";")
	for (i = 1; i <= n; i++) {
		at = index(part[i], ":")
		file = substr(part[i], 1, at - 1)
		gsub(/ /, "", file)
		m = split(substr(part[i], at + 1), test, ",")
		for (k = 1; k <= m; k++) {
			gsub(/ /, "", test[k])
			print $2 ":" file ":" test[k]
		}
	}
}' $page)
is_test() { # file as documents name it, test
	case $1 in
	unit/*) grep -q "^$2(void" "tests/$1.c" ;;
	clients/*) grep -q "^def $2(" "tests/$1.t" ;;
	*) grep -q "^def $2(" "tests/flow/$1.t" ;;
	esac 2>/dev/null
}
for x in $named; do
	id=${x%%:*} test=${x##*:}
	file=${x#*:} file=${file%:*}
	is_test "$file" "$test" ||
	    { echo "$page: $id: no test $test in '$file'"; bad=1; }
done
# and the other way: every attack that is a test, every row of the list
for x in $(sed -n 's/^def \([a-z][0-9][0-9]*\)\(_[a-z0-9_]*\)(.*/\1:\1\2/p' \
    tests/flow/attack_*.t); do
	id=$(echo "${x%%:*}" | tr a-z A-Z)
	echo "$named" | grep -q "^$id:.*:${x#*:}\$" ||
	    { echo "$page: row $id does not name ${x#*:}"; bad=1; }
done
for rows in T8 J16 H12 Q26 R12 C6 A8 L6; do
	n=${rows#?}
	while [ "$n" -gt 0 ]; do
		grep -Eq "^(\||-) ${rows%"${rows#?}"}$n[ :]" $page ||
		    { echo "$page: no row ${rows%"${rows#?}"}$n"; bad=1; }
		n=$((n - 1))
	done
done

# ---- conformance.md: the last cell is as there, or a program alone
page=contrib/docs/conformance.md
shown=$(awk -F'|' '/^\|/ && !/^\|[-|]*$/ && $(NF - 1) !~ /shown by/ {
	rows++
	n = split($(NF - 1), part, ";")
	for (i = 1; i <= n; i++) {
		at = index(part[i], ":")
		file = at ? substr(part[i], 1, at - 1) : part[i]
		gsub(/ /, "", file)
		m = split(at ? substr(part[i], at + 1) : "all", test, ",")
		for (k = 1; k <= m; k++) {
			gsub(/^ +| +$/, "", test[k])
			gsub(/ /, "_", test[k])
			print NR ":" file ":" test[k]
		}
	}
}
END { if (rows < 100) print "0:rows:" rows }' $page)
for x in $shown; do
	line=${x%%:*} test=${x##*:}
	file=${x#*:} file=${file%:*}
	case $file:$test in
	unit/*:all) [ -f "tests/$file.c" ] ;;
	fuzz_*:all) [ -f "tests/fuzz/$file.c" ] ;;
	*:all) [ -f "tests/flow/$file.t" ] ;;
	*) is_test "$file" "$test" ;;
	esac || { echo "$page:$line: no test $test in '$file'"; bad=1; }
done

# ---- what is written is found from README.md, and what it names is there
for page in SECURITY.md contrib/docs/*.md contrib/haproxy/README.md; do
	grep -qF "\`$page\`" README.md contrib/docs/*.md ||
	    { echo "$page: no page leads there"; bad=1; }
done
places='server|tests|contrib|policies|sql|tenants'
for page in README.md SECURITY.md contrib/docs/*.md contrib/haproxy/README.md
do
	for path in $(grep -oE "\`($places)/[A-Za-z0-9_./-]+\`" "$page" |
	    tr -d '\`' | sort -u); do
		case $path in
		# of developers.md: made by a build or for a run
		*.log | *.trs) continue ;;
		esac
		[ -e "$path" ] || [ -e "$HUB_BUILDDIR/$path" ] ||
		    { echo "$page: there is no $path"; bad=1; }
	done
	# and pictures
	for path in $(sed -n 's/^.*](\([a-z]*\.svg\)).*$/\1/p' "$page"); do
		[ -e "${page%/*}/$path" ] ||
		    { echo "$page: there is no $path"; bad=1; }
	done
done
# Who comes to the pages by their index finds each of them.
for page in $(cd contrib/docs && ls -- *.md); do
	grep -qF "\`$page\`" contrib/docs/README.md || [ "$page" = README.md ] ||
	    { echo "contrib/docs/README.md: does not name $page"; bad=1; }
done
# The list of BSI TR-03187, level 1, as it is public, has a row for each.
page=contrib/docs/datenschutz.md
for rows in AR:17 AUT:7 L:4 W:16; do
	n=${rows#*:}
	while [ "$n" -gt 0 ]; do
		grep -Eq "^\|[^|]*${rows%:*}-$n[ ,]" $page ||
		    { echo "$page: no row ${rows%:*}-$n"; bad=1; }
		n=$((n - 1))
	done
done
for row in W-18 W-19 W-20 W-21 W-22 DH-2 DH-3 DH-4 ORG-6 ORG-8; do
	grep -Eq "^\|[^|]*$row[ ,]" $page ||
	    { echo "$page: no row $row"; bad=1; }
done
# Periods that the page tells are those of the program.
grep -q 'SPOOL_KEEP_US	  (35 \* WALL_DAY_US)' server/ledger/spool_priv.h ||
    { echo "$page: not 35 days of the spool"; bad=1; }
grep -q "interval '24 months' >= this" sql/schema/0011_chain.sql ||
    { echo "$page: not 24 months of the ledger"; bad=1; }
awk '/"decision-log", "keep"/ { getline; if (/"90d"/) ok = 1 }
    END { exit !ok }' server/config_setting.c ||
    { echo "$page: not 90 days of the decision log"; bad=1; }
exit $bad

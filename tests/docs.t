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
exit $bad

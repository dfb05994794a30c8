#!/bin/sh
# docs.t - every setting of hubd.conf has its entry in hubd.conf(5), every
# command of hubctl in hubctl(1), every option in its program's page, every key
# of region files in hub-policy(5), and the other way; every attack has its row
# in security.md, every test named there and in conformance.md is one, and every
# page with commands is one that a test gives.
set -eu
cd "$HUB_SRCDIR"
bad=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Two sorted lists that are to be the same: page, what its entries are called
same() {
	sort -u -o "$work/page" "$work/page"
	sort -u -o "$work/program" "$work/program"
	comm -13 "$work/page" "$work/program" | sed "s,^,$1: no entry for ,"
	comm -23 "$work/page" "$work/program" | sed "s,.*,$1: & is no $2,"
	cmp -s "$work/page" "$work/program" || bad=1
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
# the words before the first argument or option
sed -n 's/^\.It Cm //p' server/hubctl/hubctl.1 |
    sed -E 's/ ([A-Z][a-z]|[^a-z ]).*//' >"$work/page"
"$HUB_BUILDDIR/server/hubctl/hubctl" --list-commands >"$work/program"
same server/hubctl/hubctl.1 command
# "command --option", general ones without a command
flags() { # first words of lines, page: all after Fl on such a line
	sed -nE "/^\.($1) /s/ (Fl|\||,) (-[a-z0-9-]+)/ -\2/gp" "$2"
}
flags 'It Cm' server/hubctl/hubctl.1 | sed -E 's/^\.It Cm //' | awk '{
	name = ""
	for (i = 1; i <= NF && $i ~ /^[a-z][a-z-]*$/; i++)
		name = name $i " "
	for (; i <= NF; i++)
		if ($i ~ /^--/)
			print name $i
}' >"$work/page"
"$HUB_BUILDDIR/server/hubctl/hubctl" --list-commands | while read -r name; do
	# shellcheck disable=SC2086 # one or two words
	"$HUB_BUILDDIR/server/hubctl/hubctl" $name --help |
	    sed -n "s/^  \(--[a-z0-9-]*\).*/$name \1/p"
done >"$work/program"
same server/hubctl/hubctl.1 option
# what is left are general ones
"$HUB_BUILDDIR/server/hubctl/hubctl" completion bash |
    grep -o -- '--[a-z][a-z0-9-]*' | sort -u |
    grep -vxF -e "$(sed 's/.* //' "$work/program")" >"$work/general"
mv "$work/general" "$work/program"
flags 'It Fl' server/hubctl/hubctl.1 | grep -o -- ' --[a-z-]*' |
    tr -d ' ' >"$work/page"
same server/hubctl/hubctl.1 option
for page in server/hubd:server/hubd.8 \
    server/hubverify/hubverify:server/hubverify/hubverify.1; do
	"$HUB_BUILDDIR/${page%%:*}" --help |
	    grep -o -- '--[a-z][a-z0-9-]*' >"$work/program"
	flags 'It' "${page#*:}" | grep -o -- ' --[a-z-]*' |
	    tr -d ' ' >"$work/page"
	same "${page#*:}" option
done
# every metric that there is an alert on is one
for name in $(grep -oh 'hub_[a-z_]*' contrib/prometheus/drehscheibe.*.yml |
    sort -u); do
	grep -q "\"${name%_total}\"" server/metrics*.c ||
	    { echo "contrib/prometheus: no metric $name"; bad=1; }
done
# Region files: "block key" of the program, with the keys of the blocks in it
tr -d '\n\t' <policies/region_lang.c | tr ';' '\n' | awk '
match($0, /[a-z_]+\[\]/) {
	here = substr($0, RSTART, RLENGTH - 2)
	while (match($0, /(KEY|LIST|MANY|ONE)\("[a-z-]+"(, *[a-z_]+)?/)) {
		split(substr($0, RSTART, RLENGTH), part, "\"")
		$0 = substr($0, RSTART + RLENGTH)
		gsub(/[, ]/, "", part[3])
		if (here != "region_language") {
			list[here] = list[here] " " part[2] list[part[3]]
			continue
		}
		n = split(list[part[3]], key, " ")
		for (i = 1; i <= n; i++)
			print part[2], key[i]
	}
}' >"$work/program"
# and of the page: what is set in bold; "it" before those with an entry
awk '
/^\.Sh / { inside = /BLOCKS/ }
!inside { next }
/^\.Bl/ { depth++ }
/^\.El/ { depth-- }
depth == 1 && /^\.It Cm / { block = $3 }
/^\..*Cm / {
	entry = depth > 1 && /^\.It Cm /
	n = split($0, word, /[ *,]+/)
	for (i = 1; i <= n; i++) {
		if (word[i] ~ /^[a-z][a-z-]*$/) {
			print "in", block, word[i]
			if (entry)
				print "it", block, word[i]
		} else if (word[i] !~ /^(\.It|Cm)?$/)
			entry = 0
	}
}' policies/hub-policy.5 | sort -u >"$work/words"
sort -u -o "$work/program" "$work/program"
[ "$(wc -l <"$work/program")" -gt 150 ] || { echo "keys not read"; bad=1; }
while read -r block key; do
	grep -qx "in $block $key" "$work/words" ||
	    { echo "policies/hub-policy.5: $block: no $key"; bad=1; }
done <"$work/program"
sed -n 's/^it //p' "$work/words" | while read -r block key; do
	grep -qx "$block $key" "$work/program" && continue
	# what the key of a component may be has entries as well
	[ "$block" = model ] &&
	    grep -q "\"$key\"" policies/region_component.c && continue
	echo "policies/hub-policy.5: $block: $key is no key"
done >"$work/wrong"
[ ! -s "$work/wrong" ] || { cat "$work/wrong"; bad=1; }
# and all pages are mdoc without a fault
if command -v mandoc >/dev/null; then
	mandoc -T lint -W warning server/*.[1-8] server/*/*.[1-8] \
	    policies/*.[1-8] >"$work/lint" 2>&1 ||
	    { cat "$work/lint"; bad=1; }
else
	echo "skipped: mandoc -T lint (mandoc is not installed)"
fi

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
readmes="contrib/haproxy/README.md contrib/prometheus/README.md
    contrib/grafana/README.md"
for page in SECURITY.md contrib/docs/*.md $readmes; do
	grep -qF "\`$page\`" README.md contrib/docs/*.md ||
	    { echo "$page: no page leads there"; bad=1; }
done
places='server|tests|contrib|policies|sql|tenants'
for page in README.md SECURITY.md contrib/docs/*.md $readmes; do
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
# ---- a page with commands is named by the test that gives them, documents.t
# or one of its own; which of them it leaves out, and why, is said there
for page in README.md SECURITY.md contrib/*/*.md contrib/debian/README* \
    server/*.[1-8] server/*/*.[1-8] policies/*.[1-8]; do
	awk '/^```/ { inside = !inside; next }
	inside || sub(/^(    |\.Dl )/, "") || /^\$ / {
		sub(/^(\$ )?(sudo (-u [^ ]+ )?)?/, "")
		if (/^(hub(ctl|d|verify)|curl|openssl|psql) /)
			found = 1
	}
	END { exit !found }' "$page" || continue
	grep -qF "\"$page\"" tests/flow/*.t ||
	    { echo "$page: no test gives its commands"; bad=1; }
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

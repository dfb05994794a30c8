#!/bin/sh
# totals.t - what contrib/check.sh makes of the logs: a test that was skipped is
# neither good nor bad and is told, one that ends without a word is bad. Its
# functions are taken out of it.
set -u
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
for name in count skipped_in unit_totals flow_totals end; do
	sed -n "/^$name() {/,/^}/p" "$HUB_SRCDIR/contrib/check.sh"
done >"$top/functions"
mkdir -p "$top/b/tests/unit" "$top/b/flow"
unit() { # name, result; its log from standard input
	cat >"$top/b/tests/$1.log"
	echo ":test-result: $2" >"$top/b/tests/$1.trs"
}
flow_log() { # name, exit code
	cat >"$top/b/flow/$1.log"
	echo "$2" >"$top/b/flow/$1.rc"
}
unit unit/some PASS <<'EOF'
[==========] 9 test(s) run.
[  PASSED  ] 4 test(s).
[  SKIPPED ] 5 test(s), listed below:
[  SKIPPED ] needs_a_database
EOF
echo 'skipped: lint (no mandoc)' | unit pages PASS
echo '[  PASSED  ] 3 test(s).' | unit unit/died FAIL
printf 'ok a\nskipped: b (no c)\n1 passed, 0 failed\n' | flow_log half 0
printf 'skipped: b (no c)\n0 passed, 0 failed\n' | flow_log none 0
printf '' | flow_log silent 0
printf '2 passed, 0 failed\n' | flow_log late 1
(
	passed=0 failed=0 skips=0
	# shellcheck source=/dev/null
	. "$top/functions"
	unit_totals "$top/b"
	for name in half none silent late; do
		flow_totals b $name
	done
	end
) >"$top/out"
rc=$?
bad=0
want() { # line
	grep -qx "$1" "$top/out" && return
	echo "no line: $1"
	bad=1
}
[ $rc -eq 1 ] || bad=1
want '8 skipped'
want '11 passed, 3 failed'
want 'skipped: pages: lint (no mandoc)'
want 'skipped: unit/some: 5 tests (.*)'
want 'skipped: flow/half: b (no c)'
want 'not ok flow/silent: exit code 0'
want 'not ok flow/late: exit code 1'
# and what a flow test says of itself
if command -v python3 >/dev/null; then
	cat >"$top/some.t" <<-'EOF'
	from flow import *
	test(lambda w: None)
	@test
	def needs_it(w): installed("no-such-program")
	main(lambda: None)
	EOF
	PYTHONPATH=$HUB_SRCDIR/tests/flow PYTHONDONTWRITEBYTECODE=1 \
	    python3 "$top/some.t" >"$top/out" 2>&1 || bad=1
	want 'skipped: needs_it (no-such-program is not installed)'
	want '1 passed, 0 failed'
else
	echo "skipped: flow.py (python3 is not installed)"
fi
[ $bad -eq 0 ] || cat "$top/out"
exit $bad

#!/bin/sh
# check.sh - installs what is missing, builds, runs every test.
#
#	contrib/check.sh		everything that runs on each change
#	contrib/check.sh --long		also distcheck, the demo, the fuzzers (a
#					minute each), clang-tidy and cppcheck;
#					more random cases (oracle, view); the
#					web page, clients and judges of our
#					files in Node.js, if there; the Debian
#					package, as root with debootstrap
#	contrib/check.sh --quick	the plain build only, no sanitizers
#
# Three builds outside the source tree: plain (build-check), AddressSanitizer
# and UBSan (build-check-asan), ThreadSanitizer (build-check-tsan). The first
# two run all units and flow tests, the third the flow tests in which threads
# meet; those that take the machine for themselves run under one sanitizer of
# the two. With --long all run in all builds. Prints the runners' own totals,
# and what was skipped, with the reason, which counts as neither good nor bad;
# the last line is the sum, and the exit code is 1 if anything failed. Logs stay
# in the build directories.
set -u
unset HUB_DATABASE PGDATABASE PGHOST PGUSER PGOPTIONS MAKEFLAGS
LC_ALL=C.UTF-8
PYTHONDONTWRITEBYTECODE=1
export LC_ALL PYTHONDONTWRITEBYTECODE
cd "$(dirname "$0")/.." || exit 1
top=$(pwd)
long=no
sanitize=yes
for arg in "$@"; do
	case $arg in
	--long) long=yes ;;
	--quick) sanitize=no ;;
	*)
		sed -n '2,/^set/s/^#//p' "$0" >&2
		exit 64
		;;
	esac
done
# Flow tests in which several threads of hubd touch the same things; with --long
# all run under ThreadSanitizer.
TSAN_FLOW="federation swap entity_map registrations crisis recall bound_tokens
    attack_cache failure durable drain quota fair oauth decision_log
    explain operate observe logs"
TSAN_FLOW=" $(echo $TSAN_FLOW) "
# The longest one takes a minute; one that hangs must not take the day.
FLOW_SECONDS=300
UNIT_SECONDS=600
passed=0 failed=0 skips=0
begun=$(date +%s)

say() {
	printf '\n==== %s (%d s)\n' "$*" $(($(date +%s) - begun))
}
count() { # passed, failed
	passed=$((passed + $1))
	failed=$((failed + $2))
}
skipped() { # what and why
	echo "skipped: $*"
	skips=$((skips + 1))
}
# By the lines of a test.
skipped_in() { # log, test
	[ -f "$1" ] || return 0
	sed -n "s,^skipped: ,skipped: $2: ,p" "$1"
	skips=$((skips + $(grep -c '^skipped: ' "$1")))
}
# Runs a step that prints only when it fails: step NAME LOG COMMAND...
step() {
	name=$1 log=$2
	shift 2
	if "$@" >"$log" 2>&1; then
		echo "ok $name"
		return 0
	fi
	tail -n 60 "$log"
	echo "not ok $name (log: $log)"
	count 0 1
	return 1
}

end() {
	echo
	echo "$skips skipped"
	echo "$passed passed, $failed failed"
	[ $failed -eq 0 ] || exit 1
	exit 0
}

# ---- building

configure_in() { # directory, options...
	dir=$1
	shift
	mkdir -p "$dir" && (cd "$dir" &&
	    "$top/configure" -q --enable-werror "$@")
}
make_in() { # directory, targets...
	dir=$1
	shift
	make -C "$dir" -j2 --no-print-directory "$@"
}
build() { # directory, options...
	dir=$top/$1
	shift
	mkdir -p "$dir"
	step "configure $*" "$dir/configure.log" configure_in "$dir" "$@" &&
	    step "make" "$dir/make.log" make_in "$dir" all tools
}
build_tests() { # directory
	step "make tests" "$top/$1/make-tests.log" make_in "$top/$1" check TESTS=
}

# ---- running

# What the units said themselves: cmocka's closing lines, and the result of
# what is no cmocka program.
unit_totals() { # directory
	for trs in $(find "$1/tests" -name '*.trs' | sort); do
		log=${trs%.trs}.log
		name=${trs#"$1"/tests/}
		name=${name%.trs}
		good=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test(s).*/\1/p' \
		    "$log" | awk '{ n += $1 } END { print n + 0 }')
		bad=$(sed -n 's/^\[  FAILED  \] \([0-9]*\) test(s).*/\1/p' \
		    "$log" | awk '{ n += $1 } END { print n + 0 }')
		result=$(sed -n 's/^:test-result: *//p' "$trs")
		out=$(sed -n 's/^\[  SKIPPED \] \([0-9]*\) test(s).*/\1/p' \
		    "$log" | awk '{ n += $1 } END { print n + 0 }')
		skipped_in "$log" "$name"
		[ "$out" -eq 0 ] || {
			echo "skipped: $name: $out tests (log: $log)"
			skips=$((skips + out))
		}
		if [ "$result" = PASS ]; then
			[ $((good + out)) -gt 0 ] || good=1
		elif [ "$result" != SKIP ]; then
			# It may have died after its last good test.
			[ "$bad" -gt 0 ] || bad=1
			grep -E '^\[  (FAILED|ERROR)|ERROR: |runtime error|rror:' \
			    "$log" | head -n 20
			tail -n 15 "$log"
		fi
		echo "$name: $(grep -E '^\[  (PASSED|FAILED)  \] [0-9]+ test' \
		    "$log" | tr '\n' ' ')${result}"
		count "$good" "$bad"
	done
}
units() { # directory
	find "$top/$1/tests" \( -name '*.trs' -o -name '*.log' \) \
	    -exec rm -f {} +
	timeout -k 20 $UNIT_SECONDS make -C "$top/$1" -j2 -k \
	    --no-print-directory check >"$top/$1/check.log" 2>&1
	rc=$?
	n=$failed
	unit_totals "$top/$1"
	if [ $rc -ne 0 ] && [ "$failed" -eq "$n" ]; then
		tail -n 40 "$top/$1/check.log"
		echo "not ok make check"
		count 0 1
	fi
}
# These measure times, or fill memory, disk or cores: nothing else runs then,
# or only some of those that mostly wait for something.
FLOW_ALONE=" failure fair hostile drain quota "
FLOW_FEW=" capture durable faults oauth pair "
# These do little but wait, half a minute and longer.
FLOW_WAITING=" lease stale review_access review_lifetimes tokens "
flow_run() { # directory, tests...: each one that no other lane has taken
	dir=$top/$1
	shift
	for name in "$@"; do
		mkdir "$dir/flow/$name.taken" 2>/dev/null || continue
		HUB_SRCDIR=$top HUB_BUILDDIR=$dir timeout -k 20 \
		    $FLOW_SECONDS "$top/tests/flow/$name.t" \
		    >"$dir/flow/$name.log" 2>&1 </dev/null
		echo $? >"$dir/flow/$name.rc"
	done
}
flow_totals() { # directory, test
	log=$top/$1/flow/$2.log
	rc=$(cat "$top/$1/flow/$2.rc" 2>/dev/null || echo 1)
	skipped_in "$log" "flow/$2"
	# Their own last line, else the lines they printed.
	totals=$(tail -n 1 "$log" | grep -E '^[0-9]+ passed, [0-9]+ failed$') ||
	    totals="$(grep -c '^ok ' "$log") passed, $(
		grep -c '^not ok ' "$log") failed"
	echo "flow/$2: $totals"
	good=${totals%% passed*} bad=${totals##* passed, }
	bad=${bad%% failed}
	count "$good" "$bad"
	[ "$rc" -ne 0 ] || { [ "$good$bad" = 00 ] &&
	    ! grep -q '^skipped: ' "$log"; } || return
	sed -n '/^not ok/,/^[on]/p' "$log" | head -n 60
	if [ "$bad" -eq 0 ]; then
		tail -n 5 "$log"
		echo "not ok flow/$2: exit code $rc"
		count 0 1
	fi
}
# Most tests wait more than they work: three lanes of them side by side, and a
# fourth of those that wait longest.
flow() { # directory, tests...
	where=$1 together='' waiting='' few='' alone=''
	shift
	mkdir -p "$top/$where/flow"
	rm -rf "$top/$where"/flow/*.rc "$top/$where"/flow/*.taken
	for name in "$@"; do
		case $FLOW_ALONE in
		*" $name "*) alone="$alone $name" && continue ;;
		esac
		case $FLOW_FEW in
		*" $name "*) few="$few $name" && continue ;;
		esac
		case $FLOW_WAITING in
		*" $name "*) waiting="$waiting $name" ;;
		*) together="$together $name" ;;
		esac
	done
	# shellcheck disable=SC2086 # lists of words
	for lane in 1 2 3; do
		flow_run "$where" $together $waiting &
	done
	# shellcheck disable=SC2086
	flow_run "$where" $waiting &
	wait
	# shellcheck disable=SC2086
	for lane in 1 2 3; do
		flow_run "$where" $few &
	done
	wait
	# shellcheck disable=SC2086
	flow_run "$where" $alone
	for name in "$@"; do
		flow_totals "$where" "$name"
	done
}
all_flow() {
	for t in "$top"/tests/flow/*.t; do
		basename "$t" .t
	done
}
# promtool checks metrics and alerts. Debian's package of it brings a server that
# would start: this one program is unpacked in the build directory.
promtool_get() { # directory
	to=$top/$1/prometheus
	command -v promtool >/dev/null && return
	[ -x "$to/usr/bin/promtool" ] || {
		mkdir -p "$to" && (cd "$to" && rm -f ./*.deb &&
		    timeout 60 apt-get -q download prometheus &&
		    dpkg-deb --fsys-tarfile prometheus_*.deb |
			tar -xf - ./usr/bin/promtool &&
		    rm -f ./*.deb) >"$to.log" 2>&1 || {
			skipped "promtool (apt-get cannot fetch it)"
			return
		}
	}
	PATH=$PATH:$to/usr/bin
}
# The web page in a browser, where there is one: nothing is installed for it
# but two packages of npm in the build directory.
web() { # directory
	log=$top/$1/web.log
	HUB_SRCDIR=$top HUB_BUILDDIR=$top/$1 timeout -k 20 $FLOW_SECONDS \
	    "$top/tests/web/page.t" >"$log" 2>&1 </dev/null
	rc=$?
	skipped_in "$log" web/page
	[ $rc -ne 0 ] || ! grep -q '^skipped: ' "$log" || return
	good=$(grep -c '^ok ' "$log") bad=$(grep -c '^not ok ' "$log")
	echo "web/page: $good passed, $bad failed"
	count "$good" "$bad"
	[ $rc -ne 0 ] || [ "$good" -eq 0 ] || return
	grep '^not ok' "$log" || tail -n 20 "$log"
	[ "$bad" -gt 0 ] || count 0 1
}
# Programs that people use, and what judges our files: their packages go into
# the build directory. Node.js is not installed for it.
client_packages() { # directory
	if command -v node >/dev/null && command -v npm >/dev/null; then
		cmp -s "$top/tests/clients/package.json" "$1/package.json" || {
			cp "$top/tests/clients/package.json" "$1" &&
			    (cd "$1" && timeout 180 npm install --no-audit \
				--no-fund --ignore-scripts >npm.log 2>&1) || {
				skipped "clients (npm cannot install them)"
				rm -f "$1/package.json"
			}
		}
	else
		skipped "clients in Node.js (node or npm is not there)"
	fi
}
clients() { # directory
	to=$top/$1/clients
	mkdir -p "$to"
	client_packages "$to"
	for t in "$top"/tests/clients/*.t; do
		name=$(basename "$t" .t)
		log=$to/$name.log
		HUB_CLIENTS=$to HUB_SRCDIR=$top HUB_BUILDDIR=$top/$1 \
		    timeout -k 20 $FLOW_SECONDS "$t" >"$log" 2>&1 </dev/null
		rc=$?
		skipped_in "$log" "clients/$name"
		good=$(grep -c '^ok ' "$log") bad=$(grep -c '^not ok ' "$log")
		echo "clients/$name: $good passed, $bad failed"
		count "$good" "$bad"
		[ $rc -ne 0 ] || continue
		grep '^not ok' "$log" || tail -n 20 "$log"
		[ "$bad" -gt 0 ] || count 0 1
	done
}
asan_flow() {
	for name in $(all_flow); do
		case $TSAN_FLOW$long in
		*" $name "*no)
			case $FLOW_ALONE$FLOW_FEW in
			*" $name "*) continue ;;
			esac
			;;
		esac
		echo "$name"
	done
}
# ---- the checks of every change

say "packages"
# The flow tests are in Python; any python3 will do.
if ! contrib/dev/install-deps.sh \
    $(command -v python3 >/dev/null || echo python3) nghttp2-client \
    $([ $long = no ] || echo haproxy keepalived \
	libxml2-utils poppler-utils weasyprint); then
	count 0 1
	end
fi
if ! [ configure -nt configure.ac ] || ! [ configure -nt Makefile.am ] ||
    ! [ Makefile.in -nt Makefile.am ]; then
	log=$(mktemp)
	step "autogen" "$log" ./autogen.sh || end
	rm -f "$log"
fi

say "plain build"
build build-check CFLAGS='-O2 -g' && build_tests build-check || end
units build-check
promtool_get build-check
if [ $long = yes ]; then
	HUB_LONG=1
	export HUB_LONG
	quick_seconds=$FLOW_SECONDS
	FLOW_SECONDS=1200
fi
flow build-check $(all_flow)
if [ $long = yes ]; then
	web build-check
	clients build-check
	unset HUB_LONG
	FLOW_SECONDS=$quick_seconds
fi

if [ $sanitize = yes ]; then
	say "AddressSanitizer and UBSan"
	# Its strstr reads to the end each time: quadratic in a loop.
	ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1
	ASAN_OPTIONS=$ASAN_OPTIONS:intercept_strstr=0
	UBSAN_OPTIONS=print_stacktrace=1
	HUB_FLOW_SLOW=3
	export ASAN_OPTIONS UBSAN_OPTIONS HUB_FLOW_SLOW
	if build build-check-asan --enable-sanitizers CFLAGS='-O1 -g' &&
	    build_tests build-check-asan; then
		units build-check-asan
		flow build-check-asan $(asan_flow)
	fi

	say "ThreadSanitizer"
	TSAN_OPTIONS=halt_on_error=0:second_deadlock_stack=1
	HUB_FLOW_SLOW=4
	export TSAN_OPTIONS
	if build build-check-tsan --enable-sanitizers=thread CFLAGS='-O1 -g'
	then
		[ $long = no ] || {
			build_tests build-check-tsan
			TSAN_FLOW=$(all_flow)
		}
		# shellcheck disable=SC2086 # a list of names
		flow build-check-tsan $TSAN_FLOW
	fi
	unset ASAN_OPTIONS UBSAN_OPTIONS TSAN_OPTIONS HUB_FLOW_SLOW
fi

# ---- the long ones

fuzz() {
	for f in "$top"/build-check-fuzz/tests/fuzz/fuzz_*; do
		[ -x "$f" ] && [ -f "$f" ] || continue
		name=${f##*/fuzz_}
		case $name in *.o) continue ;; esac
		mkdir -p "$top/build-check-fuzz/found/$name"
		step "fuzz $name" "$f.log" timeout -k 10 120 "$f" \
		    -max_total_time=60 -timeout=10 \
		    -artifact_prefix="$top/build-check-fuzz/found/" \
		    "$top/build-check-fuzz/found/$name" \
		    "$top/tests/fuzz/corpus/$name" && count 1 0
	done
}
sources() {
	find "$top/server" "$top/tenants" "$top/policies" "$top/sql" \
	    -name '*.c' | sort
}
# What is left out is style, or noise in this code: sizes of pointers in
# arrays, products of small constants, padding.
tidy_checks='-*,clang-analyzer-*,bugprone-*
-bugprone-easily-swappable-parameters,-bugprone-reserved-identifier
-bugprone-narrowing-conversions,-bugprone-branch-clone
-bugprone-assignment-in-if-condition,-bugprone-sizeof-expression
-bugprone-implicit-widening-of-multiplication-result
-bugprone-not-null-terminated-result
-clang-analyzer-optin.performance.Padding
-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling
-clang-analyzer-valist.Uninitialized'
run_tidy() {
	# shellcheck disable=SC2046 # no source has a blank in its name
	"$tidy" --quiet --warnings-as-errors='*' \
	    --checks="$(echo "$tidy_checks" | tr '\n' ',')" \
	    $(sources) -- -std=c11 -D_GNU_SOURCE -I"$top" \
	    -I"$top/build-check" -DHUB_SYSCONFDIR='"/etc/drehscheibe"' \
	    $(pkg-config --cflags libpq smartcols)
}
cpp_check() {
	cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr \
	    --enable=warning,portability \
	    --suppress=funcArgOrderDifferent -D_GNU_SOURCE -I"$top" \
	    "$top/server" "$top/tenants" "$top/policies" "$top/sql"
}

# Two versions of the package, and what becomes of a Debian system on which one
# follows the other.
deb() { # directory
	if [ "$(id -u)" -ne 0 ] || ! command -v debootstrap >/dev/null; then
		skipped "the Debian package (needs root and debootstrap)"
		return
	fi
	mkdir -p "$1/old" "$1/new"
	step "package 0.0.9" "$1/old.log" contrib/dev/build-deb.sh \
	    --version 0.0.9 "$1/old" || return
	step "package" "$1/new.log" contrib/dev/build-deb.sh "$1/new" || return
	step "install, upgrade, purge" "$1/test.log" contrib/dev/test-deb.sh \
	    "$1"/old/drehscheibe_*.deb "$1"/new/drehscheibe_*.deb || return
	count "$(grep -c '^ok ' "$1/test.log")" 0
}

if [ $long = yes ]; then
	say "distcheck"
	step "make distcheck" build-check/distcheck.log \
	    make_in "$top/build-check" distcheck && count 1 0
	say "the demo"
	step "contrib/demo.sh --once" build-check/demo.log \
	    env HUB_DEMO_PORT=18443 contrib/demo.sh --once && count 1 0
	say "shares of costs"
	step "100,000 models in a second implementation" \
	    build-check/allocation.log env HUB_BUILDDIR="$top/build-check" \
	    timeout -k 10 1800 python3 tests/reference/allocation.py 100000 1 &&
	    count 1 0
	clang=$(command -v clang || command -v clang-14)
	if [ -n "$clang" ]; then
		say "fuzzers"
		build_fuzz() {
			configure_in "$top/build-check-fuzz" CC="$clang" \
			    --enable-fuzzers --enable-sanitizers \
			    --disable-werror \
			    CFLAGS='-O1 -g' &&
			    make_in "$top/build-check-fuzz" fuzzers
		}
		mkdir -p build-check-fuzz
		step "fuzzers" build-check-fuzz/make.log build_fuzz && fuzz
	else
		skipped "the fuzzers (no clang)"
	fi
	say "static analysis"
	tidy=$(command -v clang-tidy || command -v clang-tidy-14)
	if [ -n "$tidy" ]; then
		step "clang-tidy" build-check/tidy.log run_tidy && count 1 0
	else
		skipped "clang-tidy (not installed)"
	fi
	if command -v cppcheck >/dev/null; then
		step "cppcheck" build-check/cppcheck.log cpp_check && count 1 0
	else
		skipped "cppcheck (not installed)"
	fi
fi
if [ $long = yes ]; then
	say "Debian package"
	deb build-check/deb
fi
say "done"
end

#!/usr/bin/env bash
# demo.sh - the demo region: three brokers, an issuer of tokens, a private
# PostgreSQL cluster and the hub, all on loopback and in one temporary folder.
#
#	contrib/demo.sh			starts it, says what to try, ends at Ctrl-C
#	contrib/demo.sh --once		sends the sample requests itself, shows
#					request and answer; exit 0 if all held
#	--no-issuer			no npm: tokens from a static key
#
# Installs missing Debian packages and builds into build-demo. HUB_DEMO_PORT
# is the port of the hub (8443).
set -euo pipefail
shopt -s inherit_errexit
umask 077

cd "$(dirname "${BASH_SOURCE[0]}")/.."
TOP=$(pwd)
BUILD=$TOP/build-demo
CONTEXT=https://drehscheibe.example/contexts/region.jsonld
OIDC_PROVIDER=oidc-provider@8.8.1	# runs on Node.js 18 and 20
ONCE=no
WITH_ISSUER=yes
D=
ISSUER_PID=
HUBD_PID=
declare -A PID PORT PURPOSES SECRET
BROKERS=(dortmund schwerte kreis-unna)
TENANTS=(dortmund schwerte kreis-unna froendenberg holzwickede kamen)

# shellcheck source=contrib/demo/steps.sh
. "$TOP/contrib/demo/steps.sh"

usage() {
	echo "usage: contrib/demo.sh [--once] [--no-issuer]"
}

heading() {
	printf '\n== %s\n' "$*"
}

die() {
	echo "demo.sh: $*" >&2
	exit 1
}

# die_with FILE TEXT: the end of a log, then why it matters.
die_with() {
	tail -n 40 "$1" >&2 || true
	die "$2"
}

# ---- end

# A child of ours that still runs: its number may have passed to another
# process since.
is_child() {
	[[ " $(jobs -pr | tr '\n' ' ')" == *" $1 "* ]]
}

stop_pid() {
	local i
	is_child "$1" && kill "$1" 2>/dev/null || return 0
	for ((i = 0; i < 100; i++)); do
		kill -0 "$1" 2>/dev/null || break
		sleep 0.1
	done
	kill -KILL "$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || true
}

cleanup() {
	local code=$? b
	trap '' INT TERM HUP
	trap - EXIT
	set +e
	[ -z "$HUBD_PID" ] || stop_pid "$HUBD_PID"
	[ -z "$ISSUER_PID" ] || stop_pid "$ISSUER_PID"
	for b in "${!PID[@]}"; do
		stop_pid "${PID[$b]}"
	done
	if [ -n "$D" ]; then
		[ ! -d "$D/pg" ] || sh tests/support/pg.sh stop "$D/pg"
		rm -rf "$D"
	fi
	exit "$code"
}

# ---- build

# The checkout may belong to somebody else: then a copy is built.
writable_source() {
	[ ! -w "$TOP" ] || { [ -e "$BUILD" ] && [ ! -w "$BUILD" ]; } ||
		return 0
	if [ -w "$TOP" ]; then
		BUILD=$D/build
		return 0
	fi
	mkdir "$D/source"
	tar -C "$TOP" --exclude=./.git --exclude=./build --exclude='./build-[!a]*' \
	    --exclude=node_modules -cf - . | tar -C "$D/source" -xf -
	TOP=$D/source
	BUILD=$D/build
	cd "$TOP"
}

# One chain: set -e does not reach into a command whose failure is handled.
compile() {
	{ { [ configure -nt configure.ac ] && [ Makefile.in -nt Makefile.am ]; } ||
	    ./autogen.sh; } &&
	    mkdir -p "$BUILD" && cd "$BUILD" &&
	    { [ -f Makefile ] || "$TOP/configure" -q; } &&
	    make -j2 server/hubd server/hubctl/hubctl tests/support/hubtool
}

build() {
	local log=$D/build.log
	writable_source
	(umask 022 && compile) >"$log" 2>&1 ||
		die_with "$log" "the build failed"
	HUBD=$BUILD/server/hubd
	HUBCTL=$BUILD/server/hubctl/hubctl
	HUBTOOL=$BUILD/tests/support/hubtool
	echo "Built in $BUILD: $("$HUBD" --version)"
}

# ---- parts

taken() {
	(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

free_port() {
	local p
	while :; do
		p=$((20000 + RANDOM % 12000))
		taken "$p" || break
	done
	echo "$p"
}

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for() {
	local i n=$(($1 * 20))
	shift
	for ((i = 0; i < n; i++)); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.05
	done
	return 1
}

# start_broker NAME: on its port of before, else on any.
start_broker() {
	local out=$D/$1.out
	"$HUBTOOL" broker --port "${PORT[$1]:-0}" --name "$1" \
	    --data "contrib/demo/data/$1.json" \
	    --context "contrib/demo/contexts/region.jsonld=$CONTEXT" \
	    >"$out" 2>&1 </dev/null &
	PID[$1]=$!
	if [ -z "${PORT[$1]:-}" ]; then
		wait_for 10 grep -q '^port ' "$out" ||
			die_with "$out" "the broker of $1 does not start"
		PORT[$1]=$(sed -n 's/^port //p' "$out")
	else
		wait_for 10 taken "${PORT[$1]}" ||
			die_with "$out" "the broker of $1 does not start"
	fi
}

start_brokers() {
	local b
	for b in "${BROKERS[@]}"; do
		start_broker "$b"
		echo "Broker of $b: http://127.0.0.1:${PORT[$b]}" \
		    "($(grep -c '"id":' "contrib/demo/data/$b.json") entities)"
	done
}

start_database() {
	DATABASE=$(sh tests/support/pg.sh start "$D/pg") ||
		die "PostgreSQL does not start"
	echo "PostgreSQL: a private cluster on a unix socket"
}

have_node() {
	local major
	command -v npm >/dev/null 2>&1 || return 1
	major=$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null) ||
		return 1
	[ "$major" -ge 18 ]
}

# Fetched once, kept in the build folder.
fetch_issuer() {
	local to=$BUILD/issuer
	[ ! -d "$to/node_modules/oidc-provider" ] || return 0
	mkdir -p "$to"
	timeout 60 npm install --prefix "$to" --no-audit --no-fund \
	    --ignore-scripts --loglevel=error "$OIDC_PROVIDER" \
	    >"$D/npm.log" 2>&1 </dev/null || {
		rm -rf "$to"
		return 1
	}
}

write_clients() {
	local t sep='['
	for t in "${TENANTS[@]}"; do
		SECRET[$t]=$(openssl rand -hex 24)
		printf '%s{"tenant": "%s", "secret": "%s", "purposes": ["%s"]}' \
		    "$sep" "$t" "${SECRET[$t]}" "${PURPOSES[$t]// /\", \"}"
		sep=,
	done
	echo ']'
}

start_issuer() {
	local port
	have_node && fetch_issuer || return 1
	port=$(free_port)
	write_clients >"$D/clients.json"
	cp contrib/demo/issuer.mjs "$BUILD/issuer/issuer.mjs"
	node "$BUILD/issuer/issuer.mjs" "$port" "$D/clients.json" "$URL/" \
	    >"$D/issuer.log" 2>&1 </dev/null &
	ISSUER_PID=$!
	wait_for 15 grep -q '^ready' "$D/issuer.log" || {
		stop_pid "$ISSUER_PID"
		ISSUER_PID=
		return 1
	}
	ISSUER=http://127.0.0.1:$port
	JWKS="jwks = \"$ISSUER/jwks\""
	WEB_LOGIN="web-client = \"drehscheibe-web\"  web-scope = \"openid\
 hub.read purpose:hochwasserschutz purpose:verkehr purpose:klimaanpassung\""
}

choose_issuer() {
	local t
	for t in "${TENANTS[@]}"; do
		PURPOSES[$t]=hochwasserschutz
	done
	PURPOSES[schwerte]="hochwasserschutz verkehr"
	PURPOSES[dortmund]="hochwasserschutz klimaanpassung"
	if [ $WITH_ISSUER = yes ] && start_issuer; then
		echo "Issuer of tokens: $OIDC_PROVIDER, $ISSUER"
		return
	fi
	ISSUER=https://issuer.drehscheibe.example
	JWKS='jwks-file = "jwks.json"'
	WEB_LOGIN=
	echo "Issuer of tokens: a static key (hubctl token mint);" \
	    "with Node.js 18 and npm it is an OIDC provider"
}

# ---- tokens

claims() {
	local now
	now=$(date +%s)
	cat <<-EOF
	{"iss": "$ISSUER", "aud": "regional-hub", "sub": "demo-$1",
	 "client_id": "demo-$1", "jti": "$(openssl rand -hex 16)",
	 "iat": $now, "exp": $((now + 3600)), "hub_tenant": "$1",
	 "scope": "hub.read purpose:${PURPOSES[$1]// / purpose:}",
	 "resource_access": {"regional-hub": {"roles": ["data-reader"]}}}
	EOF
}

token() {
	if [ -z "$ISSUER_PID" ]; then
		claims "$1" | "$HUBCTL" token mint --key "$D/tls/es256.key" \
		    --alg ES256 --kid es256-1 -
		return
	fi
	printf 'user = "demo-%s:%s"\n' "$1" "${SECRET[$1]}" |
		curl -fsS -K - -d grant_type=client_credentials \
		    -d "scope=hub.read purpose:${PURPOSES[$1]// / purpose:}" \
		    "$ISSUER/token" |
		sed -n 's/.*"access_token":"\([^"]*\)".*/\1/p'
}

write_tokens() {
	local t
	for t in "${TENANTS[@]}"; do
		token "$t" >"$D/$t.new"
		[ -s "$D/$t.new" ] || die "no token for $t"
		mv "$D/$t.new" "$D/$t.token"
	done
}

# ---- the hub

# fill FILE.in: the words between @ signs.
fill() {
	local year
	year=$(date +%Y)
	sed -e "s|@DORTMUND_PORT@|${PORT[dortmund]}|" \
	    -e "s|@SCHWERTE_PORT@|${PORT[schwerte]}|" \
	    -e "s|@KREIS_UNNA_PORT@|${PORT[kreis-unna]}|" \
	    -e "s|@YEAR@|$year|" -e "s|@VALID@|$year-01-01..$((year + 1))-12-31|" \
	    -e "s|@ISSUER@|$ISSUER|" -e "s|@JWKS@|$JWKS|" \
	    -e "s|@WEB_LOGIN@|$WEB_LOGIN|" \
	    -e "s|@HUB_PORT@|$HUB_PORT|" -e "s|@ADMIN_PORT@|$ADMIN_PORT|" \
	    -e "s|@DATABASE@|${DATABASE//&/\\&}|" "$1"
}

apply_region() {
	local f
	mkdir "$D/region"
	cp -r contrib/demo/contexts contrib/demo/areas "$D/region"
	cp "$D/tls/jwks.json" "$D/region"
	for f in contrib/demo/region/*.hub.in; do
		fill "$f" >"$D/region/$(basename "$f" .in)"
	done
	export HUB_DATABASE=$DATABASE
	{
		"$HUBCTL" db init &&
		"$HUBCTL" validate "$D/region" &&
		"$HUBCTL" apply "$D/region" --note "demo region"
	} >"$D/apply.log" 2>&1 ||
		die_with "$D/apply.log" "the region files are not accepted"
	echo "Region files: $(grep -h '^agreement ' "$D"/region/*.hub |
	    wc -l) agreements, one of them a draft; $(tail -n 1 "$D/apply.log")"
}

choose_port() {
	HUB_PORT=${HUB_DEMO_PORT:-8443}
	[[ $HUB_PORT =~ ^[1-9][0-9]{0,4}$ ]] ||
		die "HUB_DEMO_PORT: '$HUB_PORT' is no port"
	if taken "$HUB_PORT"; then
		echo "Port $HUB_PORT is in use; another one is taken."
		HUB_PORT=$(free_port)
	fi
	ADMIN_PORT=$(free_port)
	URL=https://localhost:$HUB_PORT
}

# Ready, and the issuer's keys are there.
hub_ready() {
	curl -fs "http://127.0.0.1:$ADMIN_PORT/readyz" | grep '^keys: 0 '
}

start_hub() {
	apply_region
	fill contrib/demo/hubd.conf.in >"$D/hubd.conf"
	mkdir "$D/spool"
	env -u HUB_DEMO_PORT -u HUB_DATABASE "$HUBD" -c "$D/hubd.conf" -f \
	    >"$D/hubd.log" 2>&1 </dev/null &
	HUBD_PID=$!
	wait_for 20 hub_ready ||
		die_with "$D/hubd.log" "the hub does not get ready"
	echo "The hub: $URL"
	echo "The web page: $URL/"
}

# ---- run

interactive() {
	heading "What to try (Ctrl-C ends it and removes everything)"
	suggestions
	# Tokens hold for an hour; the files always have a fresh one.
	while :; do
		sleep 1800 &
		PID[clock]=$!
		wait "${PID[clock]}"
		write_tokens
	done
}

main() {
	while [ $# -gt 0 ]; do
		case $1 in
		--once) ONCE=yes ;;
		--no-issuer) WITH_ISSUER=no ;;
		-h | --help) usage && exit 0 ;;
		*) usage >&2 && exit 64 ;;
		esac
		shift
	done
	trap cleanup EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	heading "Packages and build"
	contrib/dev/install-deps.sh
	D=$(mktemp -d "${TMPDIR:-/tmp}/drehscheibe-demo.XXXXXX")
	chmod 0711 "$D"		# the database may run as another user
	build
	heading "The region"
	"$HUBTOOL" certs "$D/tls"
	start_database
	start_brokers
	choose_port
	choose_issuer
	start_hub
	write_tokens
	if [ $ONCE = yes ]; then
		all_steps
	else
		interactive
	fi
}

main "$@"

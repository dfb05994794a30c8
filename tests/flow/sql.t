#!/bin/sh
# sql.t - the database: migrations, bundles, NOTIFY, roles, usage, and the
# throwaway cluster itself. Starts its own PostgreSQL; no TCP.
set -u
: "${HUB_SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${HUB_BUILDDIR:=$HUB_SRCDIR}"
hubctl=${HUBCTL:-$HUB_BUILDDIR/server/hubctl/hubctl}
test_db=${TEST_DB:-$HUB_BUILDDIR/tests/unit/test_db}
pg=$HUB_SRCDIR/tests/support/pg.sh
unset HUB_DATABASE PGDATABASE PGHOST PGUSER PGOPTIONS SUDO_USER
LC_ALL=C.UTF-8
export LC_ALL

tmp=$(mktemp -d "${TMPDIR:-/tmp}/hubsql.XXXXXX")
cluster=$tmp.pg
trap '[ ! -d "$cluster" ] || "$pg" stop "$cluster"; rm -rf "$tmp"' EXIT
trap 'exit 130' HUP INT TERM
passed=0 failed=0

ok() { # description, status
	if [ "$2" -eq 0 ]; then
		passed=$((passed + 1))
		echo "ok - $1"
	else
		failed=$((failed + 1))
		echo "not ok - $1"
		sed 's/^/#   /' "$tmp/out" "$tmp/err" 2>/dev/null
	fi
}
# run CODE COMMAND...: keeps both outputs, true when the code is that one
run() {
	exit_code=$1
	shift
	"$@" >"$tmp/out" 2>"$tmp/err"
	got=$?
	[ $got -eq "$exit_code" ] || {
		echo "exit code $got, expected $exit_code" >>"$tmp/err"
		return 1
	}
}
out_is() {
	printf '%s\n' "$@" | cmp -s - "$tmp/out"
}
says() { grep -qF -- "$1" "$tmp/out" "$tmp/err"; }
sql() { psql -XqAt -v ON_ERROR_STOP=1 "$@"; }

db=$("$pg" start "$cluster") || { echo "not ok - starts a cluster"; exit 1; }
uri() { "$pg" uri "$cluster" "$1"; }

# ---- migrations

sql "$db" -c 'CREATE ROLE op LOGIN CREATEROLE' \
    -c 'CREATE DATABASE opdb OWNER op' || exit 1
opdb=$(uri opdb | sed 's/user=postgres/user=op/')
known=$(ls "$HUB_SRCDIR"/sql/schema/*.sql | wc -l)

run 3 "$hubctl" -d "$opdb" db status
ok "status exits 3 on an empty database" $?
run 69 "$hubctl" -d "$opdb" bundles && says 'run "hubctl db migrate"'
ok "an empty database is told from one that is away" $?
run 0 "$hubctl" -d "$opdb" db init --dry-run && says "would apply 0001_hub" &&
    [ "$(sql "$opdb" -c "SELECT to_regnamespace('hub') IS NULL")" = t ]
ok "a dry run of init changes nothing" $?
run 0 "$hubctl" -d "$opdb" db init && says "applied 0002_policy"
ok "an owner with CREATEROLE who is no superuser can migrate" $?
run 0 "$hubctl" -d "$opdb" db status
ok "status exits 0 when all is applied" $?
run 0 "$hubctl" -d "$opdb" db migrate && out_is unchanged
ok "migrating again changes nothing" $?
[ "$(sql "$opdb" -c 'SELECT count(*) FROM hub.migration')" -eq "$known" ]
ok "every schema file is recorded" $?
[ "$(sql "$opdb" -c "SELECT name FROM hub.migration WHERE sha256 <>
    sha256(convert_to(pg_read_file('$HUB_SRCDIR/sql/schema/' || name ||
    '.sql'), 'UTF8'))" 2>/dev/null | wc -l)" -eq 0 ]
ok "what is recorded is the hash of the file" $?

run 0 "$hubctl" -d "$(uri fresh)" db init --dry-run &&
    says "would create database fresh" &&
    run 69 "$hubctl" -d "$(uri fresh)" db status
ok "a dry run of init creates no database" $?
run 0 "$hubctl" -d "$(uri fresh)" db init && says "created database fresh"
ok "init creates the database that is missing" $?
run 0 "$hubctl" -d "$(uri fresh)" db init && out_is unchanged
ok "init again is without harm" $?
run 0 "$hubctl" -d "$(uri "it's%20odd")" db init &&
    run 0 "$hubctl" -d "$(uri "it's%20odd")" db status
ok "a database name is quoted" $?

"$hubctl" -d "$db" db init >"$tmp/a" 2>&1 &
one=$!
"$hubctl" -d "$db" db init >"$tmp/b" 2>&1
two=$?
wait $one && [ $two -eq 0 ] &&
    [ "$(cat "$tmp/a" "$tmp/b" | grep -c '^applied')" -eq "$known" ]
ok "two inits at once apply each migration once" $?

sql "$(uri fresh)" -c 'ALTER TABLE hub.migration DISABLE TRIGGER immutable' \
    -c "UPDATE hub.migration SET sha256 = sha256('x') WHERE number = 2"
run 1 "$hubctl" -d "$(uri fresh)" db migrate && says "0002_policy"
ok "a migration with another text is an error" $?
sql "$(uri fresh)" -c "INSERT INTO hub.migration
    VALUES (9000, 'later', sha256('x'))"
run 1 "$hubctl" -d "$(uri fresh)" db migrate && says "older"
ok "a database newer than the program is an error" $?
run 3 "$hubctl" -d "$(uri fresh)" db status
ok "and status says so" $?

HUB_DATABASE=$db
export HUB_DATABASE

# ---- region files and bundles

mkdir "$tmp/region" && cd "$tmp/region" || exit 1
tenant() {
	echo "tenant $1 { name = \"$2\"  ags = \"$3\"  kind = municipality }"
}
tenant froendenberg "Stadt Fröndenberg/Ruhr" 05978012 >a.hub
tenant kamen "=Kamen" 05978020 >b.hub

run 0 "$hubctl" validate .
ok "validates good files" $?
echo 'tenant x {' >"$tmp/bad.hub"
run 78 "$hubctl" validate "$tmp/bad.hub" && grep -q 'bad\.hub:[0-9]*:' "$tmp/err"
ok "names file and line of bad files, exit 78" $?
run 78 "$hubctl" apply "$tmp/bad.hub" &&
    [ "$(sql "$db" -c 'SELECT count(*) FROM hub.bundle')" -eq 0 ]
ok "bad files are not applied" $?
run 1 "$hubctl" export "$tmp/none" && says "no bundle"
ok "there is nothing to export before the first apply" $?

run 0 "$hubctl" apply . --dry-run && says "would store 2 files" &&
    [ "$(sql "$db" -c 'SELECT count(*) FROM hub.bundle')" -eq 0 ]
ok "a dry run of apply stores nothing" $?
run 0 "$hubctl" apply . --note "erste; \"gute\"" && out_is "bundle 1"
ok "apply prints the number" $?
run 0 "$hubctl" apply . && out_is "unchanged, bundle 1" &&
    [ "$(sql "$db" -c 'SELECT epoch FROM hub.head')" = 1 ]
ok "the same files again change nothing" $?
run 0 "$hubctl" apply --dry-run . && out_is "unchanged, bundle 1"
ok "a dry run says unchanged too" $?

psql -XqAt "$db" >"$tmp/out" 2>"$tmp/err" <<EOS
LISTEN hub_policy;
\! echo '# Notiz' >> a.hub; '$hubctl' apply .
SELECT 1;
EOS
says "bundle 2" && says 'payload "2:2"'
ok "a new head is notified with epoch and bundle" $?

run 0 "$hubctl" -o json bundles && python3 - "$tmp/out" <<'EOS'
import json, sys
b = json.load(open(sys.argv[1]))
assert [x["bundle"] for x in b] == [1, 2]
assert [x["in_force"] for x in b] == [False, True]
assert b[0]["note"] == 'erste; "gute"' and b[1]["parent"] == 1
assert b[1]["files"] == 2 and len(b[1]["sha256"]) == 64
EOS
ok "bundles as JSON" $?
run 0 "$hubctl" -o csv --lang de bundles &&
    [ "$(head -c 3 "$tmp/out" | od -An -tx1 | tr -d ' ')" = efbbbf ] &&
    grep -q '"erste; ""gute"""' "$tmp/out" &&
    [ "$(grep -c "$(printf '\r')\$" "$tmp/out")" -eq 3 ]
ok "bundles as CSV for German Excel" $?

run 0 "$hubctl" export "$tmp/out2" && cmp -s a.hub "$tmp/out2/a.hub" &&
    cmp -s b.hub "$tmp/out2/b.hub"
ok "export writes the files back byte for byte" $?
run 1 "$hubctl" export "$tmp/out2" && says "File exists"
ok "export overwrites nothing" $?
run 0 "$hubctl" export 1 "$tmp/out1" && ! cmp -s a.hub "$tmp/out1/a.hub"
ok "export of an older bundle" $?
ln -s "$tmp/elsewhere" "$tmp/link"
mkdir "$tmp/out3" && ln -s "$tmp/elsewhere" "$tmp/out3/a.hub"
run 1 "$hubctl" export "$tmp/out3" && [ ! -e "$tmp/elsewhere" ]
ok "export follows no link" $?
run 64 "$hubctl" export x "$tmp/out4"
ok "a bundle is a number" $?

# Somebody moves the head between reading it and storing.
run 1 sql "$db" -c 'SELECT hub.head_move(1, 1)' && says "has moved"
ok "the head moves only from the epoch that was seen" $?
for i in 1 2 3 4; do
	mkdir "$tmp/r$i"
	tenant "t$i" "T$i" 0597801$i >"$tmp/r$i/r.hub"
	{
		"$hubctl" apply "$tmp/r$i" >"$tmp/r$i.out" 2>&1
		echo $? >"$tmp/r$i.rc"
	} &
done
wait
bad=0 stored=0
for i in 1 2 3 4; do
	case $(cat "$tmp/r$i.rc") in
	0) stored=$((stored + 1)) ;;
	75) ;;
	*) bad=1 ;;
	esac
done
[ $bad -eq 0 ] && [ $stored -ge 1 ] &&
    [ "$(sql "$db" -c 'SELECT epoch FROM hub.head')" -eq $((2 + stored)) ] &&
    [ "$(sql "$db" -c 'SELECT count(*) FROM hub.bundle')" -eq \
	$((2 + stored)) ]
ok "applies at once are all or nothing, each" $?

# ---- what is immutable stays so, for a superuser as well

for column in migration.name bundle.note bundle_file.path; do
	table=${column%.*}
	for verb in "UPDATE hub.$table SET ${column#*.} = 'x'" \
	    "DELETE FROM hub.$table" "TRUNCATE hub.$table CASCADE"; do
		run 1 sql "$db" -c "$verb" && says "immutable" &&
		    run 1 sql "$db" -c "SET session_replication_role = replica" \
			-c "$verb" && says "immutable"
		ok "refused: ${verb%% SET*}" $?
	done
done
run 1 sql "$db" -c 'DELETE FROM hub.head' && says "immutable"
ok "refused: DELETE FROM hub.head" $?
run 1 sql "$db" -c 'UPDATE hub.head SET bundle_id = 1'
ok "the head does not move without its epoch" $?

# ---- what each role may do

sql "$db" -c 'CREATE ROLE proxy LOGIN IN ROLE hub_proxy' \
    -c 'CREATE ROLE adm LOGIN IN ROLE hub_admin' \
    -c 'CREATE ROLE fin LOGIN IN ROLE hub_finance' \
    -c 'CREATE ROLE dpo LOGIN IN ROLE hub_dpo' \
    -c 'CREATE ROLE ten LOGIN IN ROLE hub_tenant' \
    -c 'CREATE ROLE nobody LOGIN' || exit 1
epoch=$(sql "$db" -c 'SELECT epoch FROM hub.head')
while read -r role want statement; do
	as=$(echo "$db" | sed "s/user=postgres/user=$role/")
	if [ "$want" = may ]; then
		run 0 sql "$as" -c "$statement"
	else
		run 1 sql "$as" -c "$statement" && says "permission denied"
	fi
	ok "$role $want: $statement" $?
done <<EOS
proxy may SELECT * FROM hub.head
proxy may SELECT count(bytes) FROM hub.bundle_file
proxy not INSERT INTO hub.bundle (sha256, created_by) VALUES ('x', 'x')
proxy not SELECT hub.bundle_begin(sha256('x'), 'x', '')
proxy not SELECT hub.head_move(1, $epoch)
adm may SELECT hub.bundle_begin(sha256('x'), 'x', '')
adm may SELECT count(*) FROM hub.migration
adm not INSERT INTO hub.bundle_file (bundle_id, path, bytes) VALUES (1, 'x', '')
adm not UPDATE hub.head SET epoch = epoch + 1
adm not INSERT INTO hub.migration VALUES (99, 'x', sha256('x'))
fin not SELECT * FROM hub.bundle_file
dpo may SELECT * FROM hub.bundle
dpo not SELECT hub.head_move(1, $epoch)
ten not SELECT * FROM hub.bundle
ten not SELECT * FROM hub.head
proxy may SELECT * FROM hub.signature
proxy not SELECT hub.signature_add('ab', 1, sha256('x'), 'cd', 'consumer', 'x', 1)
adm not INSERT INTO hub.signature (agreement, version, content_sha256, tenant, side, person, bundle_id) VALUES ('ab', 1, sha256('x'), 'cd', 'consumer', 'x', 1)
ten not SELECT * FROM hub.signature
nobody not SELECT * FROM hub.head
EOS
as=$(echo "$db" | sed "s/user=postgres/user=adm/")
run 1 sql "$as" -c "SELECT hub.bundle_add(1, 'x.hub', '')" && says "no more files"
ok "an old bundle takes no more files" $?
run 0 "$hubctl" -d "$as" apply "$tmp/region" && says "bundle"
ok "hub_admin is enough for apply" $?
for path in /etc/x ../x a/../x a//x a/ . 'a\b'; do
	run 1 sql "$as" -v "path=$path" <<'EOS'
BEGIN;
SELECT hub.bundle_begin(sha256('x'), 'x', '') AS b \gset
SELECT hub.bundle_add(:b, :'path', '');
EOS
	[ $? -ne 0 ] || break
done
grep -q bundle_file "$tmp/err"
ok "paths that lead out of a bundle are refused" $?
run 77 "$hubctl" -d "$(echo "$db" | sed s/user=postgres/user=nobody/)" bundles &&
    says "the account nobody lacks a role"
ok "missing rights are exit 77 and name the account" $?

# ---- tampering shows

sql "$db" -c 'ALTER TABLE hub.bundle_file DISABLE TRIGGER immutable' \
    -c "UPDATE hub.bundle_file SET bytes = bytes || 'x' WHERE bundle_id = 1
	AND path = 'a.hub'"
run 1 "$hubctl" export 1 "$tmp/out5" && says "tampered" && [ ! -e "$tmp/out5" ]
ok "a changed bundle is refused" $?

# ---- usage

sql "$db" >"$tmp/out" 2>"$tmp/err" <<'EOS'
INSERT INTO ledger.usage_day (day, booked_period, class, consumer, provider,
    agreement, purpose, dataset, types, operation, requests, denied, entities,
    bytes, units, latency_hist)
SELECT d::date, date_trunc('month', d::date), c, t, p, '', w, '', y, 1, n, 1,
    2 * n, 1000 * n, 1500 * n, array_fill(0::bigint, ARRAY[10])
FROM (VALUES
    ('2026-10-31', 'access', '05978012', '00000000', 'hochwasser', 'A', 1),
    ('2026-11-01', 'access', '05978012', '00000000', 'hochwasser', 'A,B', 10),
    ('2026-11-30', 'access', '05978020', '00000000', '=parken', 'C', 100),
    ('2026-11-30', 'leg', '05978020', '05978028', '=parken', 'C', 100),
    ('2026-12-01', 'access', '05978012', '00000000', 'hochwasser', 'A', 1000)
) AS v(d, c, t, p, w, y, n);
EOS
ok "usage rows are there" $?
while IFS='|' read -r args want; do
	# shellcheck disable=SC2086
	run 0 "$hubctl" usage $args -o csv &&
	    [ "$(tail -n +2 "$tmp/out" | tr -d '\r' | tr '\n' ' ')" = "$want" ]
	ok "usage $args" $?
done <<'EOS'
2026-11|05978012,Stadt Fröndenberg/Ruhr,10,1,20,10000,15.000,0,0.000,, 05978020,'=Kamen,100,1,200,100000,150.000,0,0.000,, 
2026-10-31|05978012,Stadt Fröndenberg/Ruhr,1,1,2,1000,1.500,0,0.000,, 
2026-11 --by provider|05978028,,100,1,200,,150.000,0,0.000,, 
2026-11 --by purpose|'=parken,100,1,200,100000,150.000,0,0.000,, hochwasser,10,1,20,10000,15.000,0,0.000,, 
2026 --by month|2026-10,1,1,2,1000,1.500,0,0.000,, 2026-11,110,2,220,110000,165.000,0,0.000,, 2026-12,1000,1,2000,1000000,1500.000,0,0.000,, 
2026 --by month --tenant kamen|2026-11,100,1,200,100000,150.000,0,0.000,, 
2026-11 --by type --tenant 05978012|"A,B",10,1,20,10000,15.000,0,0.000,, 
2027|
EOS
run 0 "$hubctl" usage 2026 --by month -o csv --lang de &&
    grep -q '^10.2026;1;1;2;1000;1,500' "$tmp/out"
ok "German months and decimal commas" $?
run 0 "$hubctl" usage 2026-11 --tenant kamen -o json && python3 - "$tmp/out" <<'EOS'
import json, sys
assert json.load(open(sys.argv[1])) == [{"ags": "05978020", "name": "=Kamen",
    "requests": 100, "denied": 1, "entities": 200, "bytes": 100000,
    "milli_units": 150000, "estimated": 0, "estimated_milli_units": 0,
    "p50": None, "p95": None}]
EOS
ok "usage as JSON" $?
run 1 "$hubctl" usage 2026 --tenant nowhere && says nowhere
ok "an unknown tenant is an error" $?
for p in 26 2026-13 2026-02-30 2026-1 20261101 2026-11-3x '2026-11;'; do
	run 64 "$hubctl" usage "$p" || break
done
ok "a period is a year, a month or a day" $?

# ---- the command line

while IFS='|' read -r code args want; do
	# shellcheck disable=SC2086
	run "$code" "$hubctl" $args && says "$want"
	ok "hubctl $args exits $code" $?
done <<'EOS'
0|--help|usage: hubctl
0|--version|hubctl 
0|apply --help|--accept-widening HASH
0|crisis --help|crisis confirm
64|frobnicate --help|no command
64||usage: hubctl
64|bundels|bundles
64|db|db is half a command
64|db migrat|db migrate
64|sign|usage: hubctl sign AGREEMENT
64|frobnicate|--help
64|bundles --note x|takes no --note
64|db status more|usage
64|-o xml bundles|table, json, csv
64|--lang fr bundles|en, de
64|usage 2026 --by colour|purpose
64|--frob|frob
78|-c /nonexistent/hubd.conf -d no=such=thing db init|database
69|-d host=/nonexistent bundles|No such file
EOS
run 0 "$hubctl" --list-commands && says "db init" && says "token inspect"
ok "lists its commands" $?
"$hubctl" --help >/dev/full 2>/dev/null
[ $? -eq 1 ]
ok "a full disk is no success" $?

# ---- tokens

openssl ecparam -name prime256v1 -genkey -noout -out "$tmp/ec.pem"
openssl genrsa -out "$tmp/rsa.pem" 2048 2>/dev/null
echo '{"iss":"https://idm.example","exp":1900000000}' >"$tmp/claims"
for pair in ES256:ec RS256:rsa; do
	run 0 "$hubctl" token mint --key "$tmp/${pair#*:}.pem" \
	    --alg "${pair%:*}" --kid k1 - <"$tmp/claims"
	cp "$tmp/out" "$tmp/token"
	run 0 "$hubctl" token inspect - <"$tmp/token" && says '"at+jwt"' &&
	    says '"verified": false' && says 2030-03-17 &&
	    says "nothing is verified" && says "\"${pair%:*}\""
	ok "mints ${pair%:*} and shows it" $?
done
run 0 "$hubctl" token inspect "$(cat "$tmp/token")"
ok "inspects an argument" $?
for bad in a.b a.b.c.d 'e30.e30' 'e30.W10.x' '..' 'e30.!!.x'; do
	run 1 "$hubctl" token inspect "$bad" || break
done
ok "refuses what is no token" $?
run 78 "$hubctl" token mint --key "$tmp/ec.pem" --alg RS256 --kid k "$tmp/claims"
[ -s "$tmp/out" ] && ok "refuses a key that does not fit" 1 ||
    ok "refuses a key that does not fit" 0
run 64 "$hubctl" token mint --key "$tmp/ec.pem" --alg none --kid k "$tmp/claims"
ok "refuses alg none" $?

# ---- the connection itself, with a server

run 0 "$test_db" && [ "$(grep -c '\[       OK \]' "$tmp/out")" -ge 7 ]
ok "test_db with a database" $?

# ---- the throwaway cluster

"$pg" down "$cluster"
run 69 "$hubctl" bundles
ok "a stopped database is exit 69" $?
"$pg" up "$cluster" && run 0 "$hubctl" bundles
ok "it comes back with its data" $?
"$pg" run sh -c 'echo "$HUB_PG_DIR"; exit 7' >"$tmp/out" 2>"$tmp/err"
[ $? -eq 7 ] && [ ! -e "$(cat "$tmp/out")" ]
ok "pg.sh run passes the exit code and leaves nothing" $?
"$pg" run sh -c 'echo "$HUB_PG_DIR"; "$0" pid "$HUB_PG_DIR"; kill -TERM $PPID;
    sleep 1' "$pg" >"$tmp/out" 2>"$tmp/err"
{ read -r dir && read -r pid; } <"$tmp/out"
[ ! -e "$dir" ] && ! kill -0 "$pid" 2>/dev/null
ok "neither when it is terminated" $?
run 1 "$pg" stop /tmp && run 1 "$pg" start "$tmp"
ok "pg.sh touches no folder that is not its own" $?
pid=$("$pg" pid "$cluster")
"$pg" stop "$cluster" && [ ! -e "$cluster" ] && ! kill -0 "$pid" 2>/dev/null
ok "stop removes all of it" $?

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]

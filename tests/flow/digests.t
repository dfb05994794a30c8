#!/usr/bin/env python3
# digests.t - signed ends of the chain reach the municipalities: read over HTTP
# as they were signed, kept with one receipt for each tenant and block, told of
# on statements, missed by whoever watches.
import hashlib
import os
import re
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

HUB = "/hub/v1"
AGS = {"froendenberg": "05978012", "holzwickede": "05978016",
    "schwerte": "05978028"}
FINANCE = ("finance-reader",)
OPERATOR = ("finance-reader", "hub-operator")
COSTS = '''
cost betrieb { title = "Betrieb" amount = 1200.00
	from = 2025-01-01 to = 2025-12-31 model = mm }
model mm { version = 1 clause = "§ 5" members = {froendenberg, schwerte}
	component sockel { basis-points = 10000 key = equal } }
'''


def setup():
	w = World("digests", settings='operator = "schwerte"  digest { key = '
	    '"digest.key"  directory = "digests" }  control = "control.sock"',
	    limits="registration-changes = 40")
	nameless = 'kreis-unna { name = "Kreis Unna"  '
	w.apply(tenants().replace(nameless + 'ags = "05978000"', nameless) +
	    COSTS)
	os.mkdir(w.path("digests"))
	w.ctl("digest", "keygen", w.path("digest.key"))
	w.days = w.names = 0
	return w


def block(w):
	"""Something to sign."""
	w.names += 1
	return int(w.sql("INSERT INTO ledger.dictionary VALUES (77, 1, %d, "
	    "'purpose', 'p%d'); SELECT ledger.block_dict(77, 1, %d, %d)" %
	    ((w.names,) * 4))[0][0])


def sign(w):
	"""The digest of another day; its bytes."""
	for f in os.listdir(w.path("digests")):
		w.days += 1
		os.rename(w.path("digests", f), w.path("kept-%d" % w.days))
	w.ctl("digest")
	name, = os.listdir(w.path("digests"))
	with open(w.path("digests", name), "rb") as f:
		return f.read()


def token(w, tenant, roles):
	key = (tenant, roles)
	if key not in w.tokens:
		claims = w.claims(tenant)
		claims["resource_access"] = {"regional-hub": {
		    "roles": list(roles)}}
		w.tokens[key] = w.mint(claims)
	return w.tokens[key]


def get(w, tenant, path, roles=FINANCE, **more):
	return w.ask(None, HUB + path, purpose=None, link=False,
	    token=token(w, tenant, roles), **more)


def put(w, tenant, block, body, roles=FINANCE, method="PUT", lang="en",
    type="application/json"):
	path = "%s/digests/%s/receipt" % (HUB, block)
	c = w.connect()
	c.request(method, path, body if isinstance(body, (str, bytes)) or
	    body is None else json.dumps(body), {"Authorization": "Bearer " +
	    token(w, tenant, roles), "Accept-Language": lang,
	    "Content-Type": type})
	r = c.getresponse()
	a = Answer(r, r.read(), 0)
	c.close()
	if OPENAPI:
		judge(method, path, a)
	return a


def sha256(line):
	return hashlib.sha256(line).hexdigest()


def acks(w):
	return w.sql("SELECT block_no, ags, encode(doc_sha256, 'hex'), "
	    "receipt FROM ledger.digest_ack ORDER BY block_no, ags")


@test
def nothing_signed_is_said(w):
	w.start()
	same(get(w, "froendenberg", "/digests").ok().json(), [], "none")
	a = get(w, "froendenberg", "/digests/latest")
	same((a.status, a.json()["detail"]), (404, "There is no such digest."),
	    "latest")
	same(put(w, "froendenberg", 1, {"sha256": "0" * 64}).status, 404,
	    "no digest to keep")
	check("hub_ledger_digest_age_seconds" not in metrics(w), "no use yet")


def metrics(w):
	c = http.client.HTTPConnection("127.0.0.1", w.admin, timeout=5 * SLOW)
	c.request("GET", "/metrics")
	return c.getresponse().read().decode()


@test
def the_line_is_given_as_it_was_signed(w):
	w.blocks, w.lines = [], []
	for i in range(2):
		w.blocks.append(block(w))
		w.lines.append(sign(w))
	a = get(w, "froendenberg", "/digests/latest").ok()
	same((a.body, a.one("Content-Type")), (w.lines[1],
	    "application/json"), "latest")
	rows = get(w, "froendenberg", "/digests", ("auditor",)).ok().json()
	same([(r["block"], r["line"].encode(), r["sha256"], r["hash"], r["ags"],
	    r["received_at"], r["receipt"]) for r in rows],
	    [(b, l, sha256(l), json.loads(l)["hash"], None, None, None)
	    for b, l in zip(w.blocks[::-1], w.lines[::-1])], "newest first")
	# What is kept is what hubverify takes.
	f = w.write("latest.json", a.body.decode())
	run(os.path.join(BUILD, "server/hubverify/hubverify"), "--db",
	    w.database, "--key", w.path("digest.key.pub"), "--digest", f)


@test
def a_list_is_bounded_and_goes_on(w):
	first, second = get(w, "froendenberg", "/digests").json()
	same(get(w, "froendenberg", "/digests?limit=1").json(), [first],
	    "limit")
	same(get(w, "froendenberg", "/digests?limit=1&before=" +
	    first["signed_at"]).json(), [second], "what follows")
	same(get(w, "froendenberg", "/digests?before=" +
	    second["signed_at"]).json(), [], "the end")
	same(get(w, "froendenberg", "/digests?before=9999-12-31T23:59:59-23:59")
	    .ok().json(), [first, second], "a year without a name")
	text = get(w, "froendenberg", "/digests?format=csv").ok().body.decode()
	same(text.splitlines()[0].split(",")[:2], ["signed_at", "block"],
	    "CSV")
	for bad in ("limit=0", "limit=1001", "limit=x", "limit=1&limit=1",
	    "before=2026", "before=2026-11-23", "before=", "period=2025",
	    "by=tenant", "format=html", "before=9999-12-31T24:00:00Z"):
		same(get(w, "froendenberg", "/digests?" + bad).status, 400, bad)
	for bad in ("limit=1", "tenant=froendenberg", "format=csv"):
		same(get(w, "froendenberg", "/digests/latest?" + bad).status,
		    400, bad)


@test
def a_digest_is_kept_once(w):
	b, line = w.blocks[1], w.lines[1]
	said = {"sha256": sha256(line), "receipt": "Akte 10-24/117 „Digests“"}
	same(put(w, "froendenberg", b, said).status, 201, "the first time")
	same(put(w, "froendenberg", b, said).status, 204, "again")
	a = put(w, "froendenberg", b, {"sha256": sha256(line)})
	same((a.status, a.json()["title"]), (409, "Conflict"), "otherwise")
	want = [[str(b), AGS["froendenberg"], sha256(line), said["receipt"]]]
	same(acks(w), want, "one row")
	for sql in ("UPDATE ledger.digest_ack SET receipt = 'x'",
	    "DELETE FROM ledger.digest_ack", "TRUNCATE ledger.digest_ack"):
		p = subprocess.run(["psql", "-XqAt", w.database, "-c", sql],
		    capture_output=True, text=True, timeout=60 * SLOW)
		check(p.returncode != 0, sql)
	same(acks(w), want, "it stays")
	same(put(w, "holzwickede", w.blocks[0], {"sha256":
	    sha256(w.lines[0])}).status, 201, "without a receipt")


@test
def many_at_once_are_one(w):
	b = block(w)
	line = sign(w)
	w.blocks.append(b)
	w.lines.append(line)
	got = []
	threads = [threading.Thread(target=lambda: got.append(put(w,
	    "schwerte", b, {"sha256": sha256(line)}).status))
	    for _ in range(6)]
	for t in threads:
		t.start()
	for t in threads:
		t.join(60)
	same(sorted(got), [201] + [204] * 5, "answers")
	# A day without use: another line of the same block.
	again = sign(w)
	same(put(w, "schwerte", b, {"sha256": sha256(again)}).status, 204,
	    "the block is kept")
	same(len([r for r in acks(w) if r[1] == AGS["schwerte"]]), 1, "rows")


@test
def another_line_is_an_alarm(w):
	b, line = w.blocks[0], w.lines[0]
	before = acks(w)
	for bad in (sha256(line[:-1]), sha256(w.lines[1]), "0" * 64):
		a = put(w, "froendenberg", b, {"sha256": bad}, lang="de")
		same((a.status, a.json()["type"]), (409,
		    "urn:drehscheibe:problem:digest-differs"), bad)
		check("vergleichen Sie" in a.json()["detail"], a.body)
	wait_for(lambda: w.hub.text().count("keeps another digest") >= 3, 5,
	    "log")
	same(acks(w), before, "nothing is kept")


@test
def who_may_not_keep_does_not(w):
	b, line = w.blocks[0], w.lines[0]
	good = {"sha256": sha256(line)}
	before = acks(w)
	for roles in (("auditor",), ("data-reader", "tenant-admin"),
	    ("hub-operator",)):
		same(put(w, "froendenberg", b, good, roles).status, 403, roles)
	for roles in (("data-reader", "tenant-admin"), ("crisis-officer",)):
		for path in ("/digests", "/digests/latest"):
			same(get(w, "froendenberg", path, roles).status, 403,
			    roles)
	for bad in ("", "[]", "{}", '"x"', {"sha256": 1}, {"sha256": "0" * 63},
	    {"sha256": sha256(line).upper()}, {"sha256": "g" * 64},
	    dict(good, tenant="schwerte"), dict(good, receipt=""),
	    dict(good, receipt="x" * 201), dict(good, receipt=" x"),
	    dict(good, receipt="a\nb"), dict(good, receipt="\0"),
	    dict(good, receipt=None), "{" * 100):
		a = put(w, "froendenberg", b, bad)
		check(a.status in (400, 411), (bad, a.status))
	same(put(w, "froendenberg", b, "x=1", type="text/plain").status, 415,
	    "type")
	for n in ("0", "-1", "x", "99999", "9223372036854775808"):
		same(put(w, "froendenberg", n, good).status, 404, n)
	same(put(w, "froendenberg", str(b) + "/receipt", good).status, 404,
	    "path")
	a = put(w, "froendenberg", b, good, method="POST")
	same((a.status, a.one("Allow")), (405, "PUT"), "POST")
	same(acks(w), before, "nothing is kept")


@test
def a_tenant_sees_its_own_receipts(w):
	rows = get(w, "holzwickede", "/digests?limit=1000").ok().json()
	same({(r["block"], r["ags"]) for r in rows if r["ags"]},
	    {(w.blocks[0], AGS["holzwickede"])}, "own")
	same([r["receipt"] for r in rows], [None] * len(rows), "of others")
	for bad in ("froendenberg", "nobody"):
		same(get(w, "holzwickede", "/digests?tenant=" + bad).status,
		    403, bad)
		same(get(w, "froendenberg", "/digests?tenant=schwerte",
		    OPERATOR).status, 403, "the role alone")
	# Another's receipt changes no byte.
	before = get(w, "holzwickede", "/digests").body
	same(put(w, "froendenberg", w.blocks[2], {"sha256":
	    sha256(w.lines[2])}).status, 201, "another's")
	same(get(w, "holzwickede", "/digests").body, before, "not a byte")
	# The operator's own tenant without the role is one as others.
	same({r["ags"] for r in get(w, "schwerte", "/digests").json()},
	    {None, AGS["schwerte"]}, "no role")
	rows = get(w, "schwerte", "/digests", OPERATOR).ok().json()
	same({(r["block"], r["ags"]) for r in rows if r["ags"]},
	    {(w.blocks[0], AGS["holzwickede"]),
	    (w.blocks[1], AGS["froendenberg"]),
	    (w.blocks[2], AGS["froendenberg"]),
	    (w.blocks[2], AGS["schwerte"])}, "the operator sees all")
	rows = get(w, "schwerte", "/digests?tenant=froendenberg&limit=1000",
	    OPERATOR).json()
	same({r["ags"] for r in rows}, {None, AGS["froendenberg"]}, "of one")


@test
def a_tenant_without_a_number_keeps_and_sees_none(w):
	rows = get(w, "kreis-unna", "/digests").ok().json()
	same({r["ags"] for r in rows}, {None}, "of nobody")
	a = put(w, "kreis-unna", w.blocks[0], {"sha256": sha256(w.lines[0])},
	    lang="de")
	same(a.status, 403, "refused")
	check("hat keinen ags" in a.json()["detail"], a.body)


@test
def receipts_are_bounded_in_a_minute(w):
	for i in range(60):
		a = put(w, "holzwickede", w.blocks[1], {"sha256": "0" * 64})
		if a.status == 429:
			break
		same(a.status, 409, "before")
	same(a.status, 429, "bounded")
	check(int(a.one("Retry-After")) >= 1, "when")
	same(put(w, "froendenberg", w.blocks[1], {"sha256": "0" * 64}).status,
	    409, "others go on")


@test
def accounts_of_the_database_do_only_their_part(w):
	def may(role, sql):
		return subprocess.run(["psql", "-XqAt", w.database, "-c",
		    "BEGIN; SET LOCAL ROLE %s; %s" % (role, sql)],
		    capture_output=True, timeout=60 * SLOW).returncode == 0
	ack = "SELECT ledger.digest_acknowledge(1, '05978012', '%s', NULL)" % (
	    "0" * 64)
	insert = ("INSERT INTO ledger.digest_ack VALUES (1, '05978012', now(), "
	    "NULL, sha256('x'))")
	add = "SELECT ledger.digest_add(%d, 'x')" % w.blocks[0]
	for role, can in (("hub_proxy", (ack,)), ("finance_ro", ()),
	    ("hub_ingest", ()), ("hub_digest", (add,)), ("hub_admin", (add,)),
	    ("hub_auditor", ()), ("hub_grafana", ()), ("hub_clerk", ())):
		for sql in (ack, insert, add):
			same(may(role, sql), sql in can, (role, sql))
	check(may("hub_digest", "SELECT block_no, hash FROM ledger.block"),
	    "the end of the chain")
	for sql in ("SELECT payload FROM ledger.block", "SELECT * FROM "
	    "ledger.digest", "SELECT * FROM ledger.event", "SELECT * FROM "
	    "report.digest_ack", "SELECT * FROM hub.bundle"):
		check(not may("hub_digest", sql), sql)
	for role in ("hub_proxy", "hub_ingest", "hub_grafana"):
		same(may(role, "SELECT * FROM report.digest_ack"),
		    role == "hub_proxy", role)	# which reads as finance_ro


@test
def signing_needs_no_more_than_its_role(w):
	w.sql("CREATE ROLE signer LOGIN; GRANT hub_digest TO signer")
	uri = re.sub(r"user=\w+", "user=signer", w.database)
	check("user=signer" in uri, uri)
	block(w)
	for f in os.listdir(w.path("digests")):
		os.rename(w.path("digests", f), w.path("kept-signer"))
	out = w.ctl("-d", uri, "digest")[0]
	same(get(w, "froendenberg", "/digests/latest").body.decode(), out,
	    "it is told")


@test
def a_digest_is_in_the_ledger_before_it_is_a_file(w):
	block(w)
	for f in os.listdir(w.path("digests")):
		os.rename(w.path("digests", f), w.path("kept-file"))
	w.sql("REVOKE EXECUTE ON FUNCTION ledger.digest_add(bigint, text) "
	    "FROM hub_digest")
	uri = re.sub(r"user=\w+", "user=signer", w.database)
	p = subprocess.run([HUBCTL, "-c", w.path("hubd.conf"), "-d", uri,
	    "digest"], capture_output=True, text=True, timeout=60 * SLOW)
	same((p.returncode, p.stdout), (77, ""), p.stderr)
	same(os.listdir(w.path("digests")), [], "no file")
	w.sql("GRANT EXECUTE ON FUNCTION ledger.digest_add(bigint, text) "
	    "TO hub_digest")
	os.rename(w.path("digests"), w.path("no-digests"))
	same(w.ctl("-d", uri, "digest", code=1)[0], "", "no folder")
	told = get(w, "froendenberg", "/digests/latest").body.decode()
	os.rename(w.path("no-digests"), w.path("digests"))
	time.sleep(1.1)		# another second, another line
	line = w.ctl("-d", uri, "digest")[0]
	check(line != told, "signed anew")
	same(get(w, "froendenberg", "/digests/latest").body.decode(), line,
	    "told")
	w.ctl("digest", "--dry-run")
	same(w.ctl("digest", "--date", german_day())[0], line, "shown")


def german_day():
	return time.strftime("%Y-%m-%d")	# the tests run on German time


# ---- what the auditor sees of it

HUBVERIFY = os.path.join(BUILD, "server/hubverify/hubverify")


def audit(w, code, *argv):
	return run(HUBVERIFY, "--db", w.database, "--lang", "en", *argv,
	    code=code)[0]


def changed(w, table, sql):
	"""What hubverify says while that is so."""
	w.sql("CREATE TABLE saved AS SELECT * FROM ledger.%(t)s; SET "
	    "session_replication_role = replica; ALTER TABLE ledger.%(t)s "
	    "DISABLE TRIGGER ALL; %(s)s" % {"t": table, "s": sql})
	out = audit(w, 1)
	w.sql("SET session_replication_role = replica; DELETE FROM "
	    "ledger.%(t)s; INSERT INTO ledger.%(t)s SELECT * FROM saved; DROP "
	    "TABLE saved; ALTER TABLE ledger.%(t)s ENABLE TRIGGER ALL; ALTER "
	    "TABLE ledger.%(t)s ENABLE ALWAYS TRIGGER immutable" % {"t":
	    table})
	return out


@test
def receipts_are_of_digests_that_the_ledger_has(w):
	n = len(acks(w))
	out = audit(w, 0)
	check(n > 1 and "acknowledged by municipalities: %d times" % n in out,
	    out)
	b, ags = acks(w)[0][:2]
	said = "%s has acknowledged a digest of block %s that the ledger does " \
	    "not have" % (ags, b)
	for sql in ("UPDATE ledger.digest_ack SET doc_sha256 = set_byte("
	    "doc_sha256, 0, get_byte(doc_sha256, 0) # 1) WHERE (block_no, "
	    "ags) = (%s, '%s')" % (b, ags),):
		check(said in changed(w, "digest_ack", sql), sql)
	out = changed(w, "digest", "DELETE FROM ledger.digest WHERE block_no "
	    "= %s" % b)
	check(said in out, out)
	audit(w, 0)


# ---- watched

@test
def a_missing_digest_is_an_alarm(w):
	def age():
		w.stop()
		w.start()
		return float(wait_for(lambda: re.search(
		    r"^hub_ledger_digest_age_seconds ([0-9.]+)", metrics(w),
		    re.M), 10, "metric").group(1))

	def readyz(lang):
		c = http.client.HTTPConnection("127.0.0.1", w.admin,
		    timeout=5 * SLOW)
		c.request("GET", "/readyz?verbose", headers={
		    "Accept-Language": lang})
		return c.getresponse().read().decode()

	def status(*argv):
		return re.sub(" +", " ", w.ctl(*argv, "status")[0])

	check(age() < 600, "signed now")
	check("digest signed 0 h ago" in status(), status())
	check("  digest: signed 0 h ago\n" in readyz("en"), readyz("en"))
	w.sql("ALTER TABLE ledger.digest DISABLE TRIGGER immutable; "
	    "UPDATE ledger.digest SET made_at = made_at - interval '31 hours'; "
	    "ALTER TABLE ledger.digest ENABLE ALWAYS TRIGGER immutable")
	check(31 * 3600 <= age() < 32 * 3600, "31 hours")
	check("Digest unterschrieben vor 31 h" in status("--lang", "de"), "de")
	check("! digest: none for 31 h;" in readyz("en"), readyz("en"))
	check("! Digest: seit 31 Stunden keiner;" in readyz("de"), "German")


@test
def use_that_was_never_signed_is_an_alarm(w):
	w.sql("CREATE TABLE kept AS SELECT * FROM ledger.digest; "
	    "SET session_replication_role = replica; "
	    "ALTER TABLE ledger.digest DISABLE TRIGGER immutable; "
	    "DELETE FROM ledger.digest; "
	    "INSERT INTO ledger.usage_day VALUES ((now() AT TIME ZONE "
	    "'Europe/Berlin')::date - 2, '2025-01-01', 'access', '05978012', "
	    "'00000000', 'a', 'p', 'd', 't', 1, 1, 0, 2, 1024, 0, "
	    "ARRAY[1,0,0,0,0,0,0,0,0,0])")
	w.stop()
	w.start()
	got = wait_for(lambda: re.search(r"^hub_ledger_digest_age_seconds "
	    r"([0-9.]+)", metrics(w), re.M), 10, "metric")
	said = w.ctl("status")[0]
	w.sql("SET session_replication_role = replica; "
	    "INSERT INTO ledger.digest SELECT * FROM kept; DROP TABLE kept; "
	    "DELETE FROM ledger.usage_day; "
	    "ALTER TABLE ledger.digest ENABLE ALWAYS TRIGGER immutable")
	check(2 * 86400 - 4000 <= float(got[1]) <= 3 * 86400 + 4000, got[1])
	check(re.search(r"never, in use for \d+ h", said), said)


# ---- statements; these close months

def close(w, month):
	for person in ("schwerte:a.weber", "froendenberg:b.yilmaz"):
		w.ctl("period", "close", month, "--as", person)


def statement(w, month, form):
	return get(w, "froendenberg", "/statements/%s?format=%s" % (month,
	    form), headers={"Accept-Language": "de"}).ok().body.decode()


@test
def a_statement_has_the_digest_of_its_close(w):
	line = json.loads(get(w, "froendenberg", "/digests/latest").body)
	check("digest" not in statement(w, "2025-01", "json"), "provisional")
	close(w, "2025-01")
	made = [statement(w, "2025-01", f) for f in ("json", "html", "csv")]
	doc, = json.loads(made[0])["costs"]
	same((doc["digest"]["block"], doc["digest"]["hash"]), (line["block"],
	    line["hash"]), "JSON")
	check("Letzter Digest davor: " in made[1] and ", Block %d" %
	    line["block"] in made[1] and line["hash"] in made[1], made[1])
	# Whatever is signed later: the same bytes.
	block(w)
	newer = json.loads(sign(w))
	check(newer["block"] > line["block"], newer)
	same([statement(w, "2025-01", f) for f in ("json", "html", "csv")],
	    made, "made again")
	close(w, "2025-02")
	doc, = json.loads(statement(w, "2025-02", "json"))["costs"]
	same(doc["digest"]["block"], newer["block"], "the next month")
	check('"digest"' in statement(w, "2025-02", "json"), "noted")


@test
def what_a_calculation_notes_was_signed_before_it(w):
	block(w)
	last = json.loads(sign(w))["block"]
	run_id = w.sql("SELECT min(run_id) FROM ledger.run_digest")[0][0]
	audit(w, 0)
	out = changed(w, "run_digest", "ALTER TABLE ledger.run_digest DROP "
	    "CONSTRAINT run_digest_block_no_doc_fkey; UPDATE ledger.run_digest "
	    "SET doc = doc || ' ' WHERE run_id = %s" % run_id)
	check("calculation %s: the ledger does not have the digest before it" %
	    run_id in out, out)
	out = changed(w, "run_digest", "UPDATE ledger.run_digest SET (block_no, "
	    "doc) = (SELECT block_no, doc FROM ledger.digest WHERE block_no = "
	    "%d LIMIT 1) WHERE run_id = %s" % (last, run_id))
	check("calculation %s: the digest before it names block %d, it is "
	    "already in block" % (run_id, last) in out, out)
	audit(w, 0)


@test
def a_statement_of_before_says_nothing_of_it(w):
	w.sql("ALTER TABLE ledger.run_digest DISABLE TRIGGER immutable; "
	    "DELETE FROM ledger.run_digest; "
	    "ALTER TABLE ledger.run_digest ENABLE ALWAYS TRIGGER immutable")
	check("igest" not in statement(w, "2025-01", "json"), "JSON")
	check("igest" not in statement(w, "2025-01", "html"), "HTML")


main(setup)

#!/usr/bin/env python3
# audit.t - the chain of changes: every change leaves a row, no role that is
# used at run time can write, change or remove one, and what was tampered with
# past all roles shows. What the database itself refuses to store of a bundle.
import csv
import io
import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

GERMAN = dict(os.environ, LC_ALL="de_DE.UTF-8")
ENGLISH = dict(os.environ, LC_ALL="C.UTF-8")
ROLES = ("hub_proxy", "hub_admin", "hub_finance", "hub_dpo", "hub_tenant",
    "hub_ingest", "finance_ro")


def region(w, share="allow = {waterLevel}  history = 90d", more="",
    froendenberg=""):
	r = tenants(froendenberg=froendenberg).replace("kind = district",
	    "kind = district  crisis-authority = true")
	r += source("broker-s", "schwerte", w.brokers["s"], ["WaterObserved"])
	r += agreement("s-f", "schwerte", "froendenberg", "broker-s-data",
	    {"WaterObserved": share}, signed='"schwerte:a"', more=more)
	return r


def setup():
	w = World("audit", {"s": Broker([])})
	w.apply(region(w))
	return w


def audit(w, *argv, code=0, env=ENGLISH):
	return w.ctl("-o", "json", "audit", *argv, code=code, env=env)


def rows(w, *argv):
	return json.loads(audit(w, *argv)[0])


def verified(w):
	r = json.loads(audit(w, "--verify")[0])
	same(r[0]["intact"], True, "intact")
	return r[0]


def as_role(w, role, statement):
	"""What psql says, as an account with that role alone."""
	w.sql("DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = "
	    "'as_%s') THEN CREATE ROLE as_%s LOGIN IN ROLE %s; END IF; END $$" %
	    (role, role, role))
	uri = w.database.replace("user=postgres", "user=as_" + role)
	p = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", uri, "-c",
	    statement], capture_output=True, text=True, timeout=30 * SLOW)
	return p.returncode, p.stdout, p.stderr


@test
def every_change_leaves_a_row(w):
	before = len(rows(w))
	w.ctl("sign", "s-f", "--as", "froendenberg", "--by", "f.meier")
	w.apply(region(w, froendenberg="status = suspended"))
	w.apply(region(w))
	w.ctl("crisis", "declare", "flood", "--as", "kreis-unna", "--by",
	    "k.lang", "--area", "schwerte", "--reason", "Hochwasser", "--for",
	    "2h", code=None)
	new = rows(w)[before:]
	seen = {(r["table"], r["op"]) for r in new}
	for want in (("hub.signature", "INSERT"), ("hub.bundle", "INSERT"),
	    ("hub.bundle_file", "INSERT"), ("hub.bundle_change", "INSERT"),
	    ("hub.bundle_dataset", "INSERT"),
	    ("hub.bundle_agreement", "INSERT"), ("hub.head", "UPDATE")):
		check(want in seen, "no row of %s %s: %s" % (want + (seen,)))
	sign = [r for r in new if r["table"] == "hub.signature"][0]
	same((sign["actor"], sign["tenant"], sign["db_user"], sign["old"]),
	    ("f.meier", "froendenberg", "postgres", None), "who signed")
	same(json.loads(sign["new"])["agreement"], "s-f", "what was signed")
	head = [r for r in new if r["table"] == "hub.head"][0]
	same(json.loads(head["new"])["epoch"],
	    json.loads(head["old"])["epoch"] + 1, "epoch")
	state = [json.loads(r["new"]) for r in new if
	    r["table"] == "hub.bundle_change"]
	check([s for s in state if "froendenberg" in s["subject"] and
	    s["kind"] == "NARROWS"], "the tenant's state: %s" % state)
	check(not [r for r in new if "bytes" in json.loads(r["new"])],
	    "the content of a file")
	verified(w)


@test
def registrations_and_crises_leave_rows(w):
	before = len(rows(w))
	w.sql("""SELECT hub.registration_create('schwerte', 'urn:x:1', NULL,
	    '', '{"id":"urn:x:1"}', 5)""")
	w.sql("""SELECT hub.registration_update('schwerte', 'urn:x:1', NULL,
	    '', '{"id":"urn:x:1","a":1}')""")
	w.sql("SELECT hub.registration_delete('schwerte', 'urn:x:1')")
	w.sql("SELECT hub.crisis_declare('flood', 'kreis-unna', 'schwerte', "
	    "'x', 'k.lang', 3600, 86400)")
	w.sql("SELECT hub.crisis_do((SELECT max(event_id) FROM "
	    "hub.crisis_event), 'end', 'k.lang', '')")
	new = rows(w)[before:]
	same([(r["table"], r["op"], r["tenant"]) for r in new],
	    [("hub.registration", "INSERT", "schwerte"),
	    ("hub.registration", "UPDATE", "schwerte"),
	    ("hub.registration", "DELETE", "schwerte"),
	    ("hub.crisis_event", "INSERT", "kreis-unna"),
	    ("hub.crisis_step", "INSERT", "kreis-unna")], "rows")
	same([r["actor"] for r in new[3:]], ["k.lang"] * 2, "who")
	check(new[2]["old"] and new[2]["new"] is None, "what was deleted")
	# What is taken back leaves none, and no gap.
	w.sql("BEGIN; SELECT hub.registration_create('schwerte', 'urn:x:2', "
	    "NULL, '', '{}', 5); ROLLBACK")
	same(len(rows(w)), before + len(new), "rows")
	verified(w)


@test
def lists_for_people_and_programs(w):
	out = w.ctl("audit", env=GERMAN)[0]
	check(out.split()[0] == "ÄNDERUNG" and "hub.bundle" in out, out[:200])
	text = w.ctl("-o", "csv", "audit", env=ENGLISH)[0]
	table = list(csv.reader(io.StringIO(text)))
	same(table[0][:4], ["change", "at", "actor", "tenant"], "heads")
	same(len(table) - 1, len(rows(w)), "rows")
	same(rows(w, "--since", "2099-01-01"), [], "since a day to come")
	same(len(rows(w, "--since", "2020-01-01T00:00:00Z")), len(rows(w)),
	    "since long ago")
	last = rows(w)[-1]
	same(rows(w, "--since", last["at"]), [last], "since the last")
	w.ctl("audit", "--since", "gestern", code=64)
	v = verified(w)
	same((v["rows"], v["sha256"]), (last["change"], last["sha256"]), "end")


@test
def no_role_writes_changes_or_removes_a_row(w):
	row = "(change_id, at, actor, db_user, tbl, key, op, prev_hash, hash) " \
	    "VALUES (99999, now(), 'x', 'x', 'x', 'x', 'INSERT', " \
	    "sha256('x'), sha256('x'))"
	before = verified(w)
	for role in ROLES:
		for what in ("INSERT INTO audit.change " + row,
		    "UPDATE audit.change SET actor = 'x'",
		    "DELETE FROM audit.change", "TRUNCATE audit.change",
		    "UPDATE audit.head SET change_id = 0",
		    "DELETE FROM audit.head",
		    "ALTER TABLE audit.change DISABLE TRIGGER ALL",
		    "ALTER TABLE hub.bundle DISABLE TRIGGER audited",
		    "ALTER TABLE audit.change NO FORCE ROW LEVEL SECURITY",
		    "DROP TRIGGER audited ON hub.bundle",
		    "DROP FUNCTION audit.note() CASCADE",
		    "CREATE OR REPLACE FUNCTION audit.note() RETURNS trigger "
		    "LANGUAGE sql AS 'SELECT NULL'",
		    "SELECT audit.add('x', NULL, 'x', 'x', 'INSERT', NULL, "
		    "NULL)",
		    "SET session_replication_role = replica",
		    "SET ROLE hub_owner",
		    "INSERT INTO hub.bundle_agreement VALUES (1, 'ab', 1, 'ab', "
		    "'cd', 'x', '[2026-01-01,2026-01-02]', sha256('x'))",
		    "UPDATE hub.bundle_change SET kind = 'NEUTRAL'"):
			code, out, err = as_role(w, role, what)
			check(code != 0, "%s may %s: %s" % (role, what, out))
			check("permission denied" in err or "must be owner" in
			    err or "must be member" in err, "%s: %s" % (what,
			    err))
	same(verified(w), before, "the chain")
	bypass = w.sql("SELECT rolname FROM pg_roles WHERE rolname ~ '^hub_|"
	    "^finance_ro$' AND (rolbypassrls OR rolsuper OR rolcreaterole)")
	same(bypass, [], "roles that bypass")
	same(w.sql("SELECT r.rolname FROM pg_roles r WHERE r.rolname ~ "
	    "'^hub_|^finance_ro$' AND r.rolname <> 'hub_owner' AND "
	    "pg_has_role(r.rolname, 'hub_owner', 'MEMBER')"), [],
	    "members of the owner")


@test
def not_even_the_owner_changes_a_row(w):
	for what in ("UPDATE audit.change SET actor = 'x'",
	    "DELETE FROM audit.change", "TRUNCATE audit.change",
	    "TRUNCATE hub.registration"):
		p = subprocess.run(["psql", "-Xq", "-v", "ON_ERROR_STOP=1",
		    w.database, "-c", what], capture_output=True, text=True,
		    timeout=30 * SLOW)
		check(p.returncode != 0 and "refused" in p.stderr, p.stderr)


@test
def each_reads_what_it_may(w):
	count = str(len(rows(w)))
	for role, want in (("hub_admin", count), ("hub_dpo", count),
	    ("hub_tenant", "0")):
		code, out, err = as_role(w, role,
		    "SELECT count(*) FROM audit.change")
		same((code, out.strip()), (0, want), role + err)
	for role in ("hub_proxy", "hub_finance", "hub_ingest", "finance_ro"):
		code, out, err = as_role(w, role, "SELECT * FROM audit.change")
		check("permission denied" in err, role + out)
	# A tenant's session sees its own rows.
	code, out, err = as_role(w, "hub_tenant", "BEGIN; SELECT "
	    "set_config('hub.tenant', 'froendenberg', true); SELECT "
	    "DISTINCT actor_tenant FROM audit.change; COMMIT")
	same(out.split(), ["froendenberg"] * 2, "of one tenant: " + err)
	for t in ("audit.change", "hub.registration"):
		same(w.sql("SELECT relrowsecurity, relforcerowsecurity FROM "
		    "pg_class WHERE oid = '%s'::regclass" % t), [["t", "t"]], t)


@test
def the_database_holds_the_keys(w):
	"""policy.md, section 2: nobody shares what is not theirs, and two
	versions of an agreement do not hold on the same day."""
	def agree(*agreements):
		return "BEGIN; SELECT hub.bundle_begin(sha256('x'), 'x', '', " \
		    "NULL); SELECT hub.bundle_own(currval(" \
		    "pg_get_serial_sequence('hub.bundle', 'bundle_id')), 'ds', " \
		    "'schwerte'); %s ROLLBACK" % "".join("SELECT " \
		    "hub.bundle_agree(currval(pg_get_serial_sequence(" \
		    "'hub.bundle', 'bundle_id')), %s, sha256('x'));" % a
		    for a in agreements)

	good = "'ag', 1, 'schwerte', 'unna', 'ds', '2026-01-01', '2026-12-31'"
	next_ = "'ag', 2, 'schwerte', 'unna', 'ds', '2027-01-01', '2027-12-31'"
	w.sql(agree(good, next_))
	for what, bad, word in (
	    ("overlap", (good, next_.replace("2027-01-01", "2026-12-31")),
		"exclusion constraint"),
	    ("the same version", (good, good), "duplicate key"),
	    ("another's dataset", (good.replace("schwerte", "dortmund"),),
		"foreign key"),
	    ("no dataset", (good.replace("'ds'", "'other'"),), "foreign key"),
	    ("with itself", (good.replace("unna", "schwerte"),), "check"),
	    ("backwards", (good.replace("2026-12-31", "2025-12-31"),),
		"range lower bound"),
	    ("without end", (good.replace("'2026-12-31'", "NULL"),),
		"check constraint"),
	    ("no name", (good.replace("'ag'", "'AG'"),), "check constraint")):
		p = subprocess.run(["psql", "-Xq", "-v", "ON_ERROR_STOP=1",
		    w.database, "-c", agree(*bad)], capture_output=True,
		    text=True, timeout=30 * SLOW)
		check(p.returncode != 0 and word in p.stderr, "%s: %s" % (what,
		    p.stderr))
	# A bundle that is complete takes no more.
	head = w.sql("SELECT bundle_id FROM hub.head")[0][0]
	code, out, err = as_role(w, "hub_admin", "SELECT hub.bundle_own(%s, "
	    "'mine', 'dortmund')" % head)
	check("is complete" in err, err)
	same(w.sql("SELECT agreement, version, provider, consumer, dataset, "
	    "period FROM hub.bundle_agreement WHERE bundle_id = %s" % head),
	    [["s-f", "1", "schwerte", "froendenberg", "broker-s-data",
	    "[2020-01-01,2100-01-01)"]], "of the bundle in force")


@test
def bundles_tell_who_what_and_how_far(w):
	out = w.ctl("-o", "json", "bundles")[0]
	first = json.loads(out)[0]
	same((first["parent"], first["widens"], first["agreements"]),
	    (None, True, 1), "the first")
	narrow = w.write("region.hub", region(w,
	    share="allow = {waterLevel}  history = 30d"))
	w.ctl("apply", narrow, "--note", "kürzer")
	b = json.loads(w.ctl("-o", "json", "bundles")[0])[-1]
	same((b["widens"], b["note"], b["in_force"], b["agreements"],
	    b["signatures"]), (False, "kürzer", True, 1, 0), "narrower")
	check(b["created_by"] and re.match(r"20\d\d-\d\d-\d\dT[0-9:]{8}Z$",
	    b["created_at"]), b)
	same(w.sql("SELECT kind FROM hub.bundle_change WHERE bundle_id = %d" %
	    b["bundle"]), [["NARROWS"]], "what it changes")
	w.ctl("sign", "s-f", "--as", "froendenberg", "--by", "f.meier")
	b = json.loads(w.ctl("-o", "json", "bundles")[0])[-1]
	same(b["signatures"], 1, "signatures")
	w.apply(region(w))
	b = json.loads(w.ctl("-o", "json", "bundles")[0])[-1]
	same((b["widens"], b["signatures"]), (True, 1),
	    "wider again, with the signature of that text")


@test
def names_the_first_row_that_was_tampered_with(w):
	n = int(w.sql("SELECT max(change_id) FROM audit.change")[0][0])

	def tamper(statement, row, word, lang=ENGLISH):
		"""In the database's files, as it were; then undone."""
		w.sql("CREATE TABLE kept AS SELECT * FROM audit.change; CREATE "
		    "TABLE kept_head AS SELECT * FROM audit.head")
		off = "ALTER TABLE audit.change DISABLE TRIGGER ALL; " \
		    "ALTER TABLE audit.head DISABLE TRIGGER ALL; "
		on = "; ALTER TABLE audit.change ENABLE ALWAYS TRIGGER " \
		    "immutable; ALTER TABLE audit.head ENABLE ALWAYS TRIGGER " \
		    "immutable"
		w.sql(off + statement + on)
		try:
			err = audit(w, "--verify", code=1, env=lang)[1]
			check(word in err, err)
			check(re.search(r"(row|Zeile) %d:" % row, err),
			    "row %d: %s" % (row, err))
		finally:
			w.sql(off + "DELETE FROM audit.change; DELETE FROM "
			    "audit.head; INSERT INTO audit.change SELECT * FROM "
			    "kept; INSERT INTO audit.head SELECT * FROM "
			    "kept_head; DROP TABLE kept, kept_head" + on)
		verified(w)

	for column, value in (("actor", "'x'"), ("actor_tenant", "'x'"),
	    ("actor_tenant", "''"), ("db_user", "'x'"), ("tbl", "'x'"),
	    ("key", "'x'"), ("op", "'FOUND'"), ("old", "'{}'"),
	    ("new", "'{}'"), ("at", "at + interval '1 microsecond'"),
	    ("hash", "sha256('x')")):
		tamper("UPDATE audit.change SET %s = %s WHERE change_id = 5" %
		    (column, value), 5, "it is not what was written")
	tamper("UPDATE audit.change SET prev_hash = sha256('x') WHERE "
	    "change_id = 5", 5, "does not follow")
	tamper("DELETE FROM audit.change WHERE change_id = 5", 6,
	    "a row before it is missing")
	tamper("DELETE FROM audit.change WHERE change_id = 1", 2,
	    "davor fehlt eine Zeile", GERMAN)
	tamper("DELETE FROM audit.change WHERE change_id = %d" % n, n,
	    "the end is missing")
	# A row made to fit is betrayed by the one behind it.
	tamper("UPDATE audit.change SET actor = 'x' WHERE change_id = 5; "
	    "UPDATE audit.change c SET hash = audit.hash_of(c) WHERE "
	    "change_id = 5", 6, "does not follow")


@test
def writers_wait_for_one_another(w):
	"""Two at the same time make one chain, and no deadlock."""
	before = len(rows(w))
	threads = []
	errors = []

	def write(i):
		try:
			w.sql("SELECT hub.registration_create('schwerte', "
			    "'urn:y:%d', NULL, '', '{}', 500)" % i)
		except Exception as e:
			errors.append(e)
	for i in range(12):
		t = threading.Thread(target=write, args=(i,))
		t.start()
		threads.append(t)
	for t in threads:
		t.join(60 * SLOW)
	same(errors, [], "errors")
	same(len(rows(w)), before + 12, "rows")
	verified(w)


main(setup)

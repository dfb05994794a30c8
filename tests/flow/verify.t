#!/usr/bin/env python3
# verify.t - what was written to the ledger cannot be changed without hubverify
# seeing it (ledger.md: P15, T30-T33, T46, T47): rows, blocks, digests, byte by
# byte; the head cut off; the whole chain made anew. Each attack is on a copy
# of a database that a hub has written.
import os
import random
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(1, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "reference"))
from flow import *
import chain
import hashlib

Q = "?type=WaterObserved"
HUBVERIFY = os.path.join(BUILD, "server/hubverify/hubverify")
ROUNDS = 1000 if os.environ.get("HUB_LONG") else 100
# Where a superuser gets past the triggers.
OPEN = "SET session_replication_role = replica; " + "".join(
    "ALTER TABLE ledger.%s DISABLE TRIGGER ALL; " % t for t in ("event",
    "block", "dictionary", "digest", "usage_day", "usage_month"))


def setup():
	w = World("verify", settings='digest { key = "digest.key"  '
	    'directory = "digests" }')
	e = [ent("urn:ngsi-ld:WaterObserved:%d" % i, "WaterObserved",
	    waterLevel=prop(str(i))) for i in range(3)]
	w.broker = Broker(e)
	w.apply(tenants() + source("broker-d", "dortmund", w.broker,
	    ["WaterObserved"]) + agreement("d-f", "dortmund", "froendenberg",
	    "broker-d-data", {"WaterObserved": "allow = {waterLevel}"}))
	os.mkdir(w.path("digests"))
	w.ctl("digest", "keygen", w.path("digest.key"))
	w.start()
	used(w, 60)
	w.ctl("digest")
	os.rename(w.path("digests"), w.path("first"))
	os.mkdir(w.path("digests"))
	for i in range(4):
		used(w, 20)
	w.ctl("digest")
	w.stop()
	w.hub = None
	w.ctl("export", "audit-data", w.path("export"))
	w.digests = sorted(os.path.join(w.path(d), f)
	    for d in ("first", "digests") for f in os.listdir(w.path(d)))
	same(len(w.digests), 2, "digests")
	w.copies = 0
	return w


def used(w, n):
	"""n requests, in the ledger."""
	c = w.connect()
	for i in range(n):
		tenant = ("froendenberg", "holzwickede")[i % 3 == 2]
		rid = w.ask(tenant, Q, conn=c).ok().one("Request-Id")
	c.close()
	wait_for(lambda: w.sql("SELECT 1 FROM ledger.event WHERE request_id = "
	    "'%s'" % rid), 20, "the last one")
	w.last = rid


def verify(code, *argv, lang="en"):
	return "".join(run(HUBVERIFY, "--lang", lang, *argv, code=code))


def psql(uri, sql):
	run("psql", "-XqAt", "-v", "ON_ERROR_STOP=1", uri, "-c", sql)


def run_code(*argv):
	return subprocess.run(argv, capture_output=True,
	    timeout=60 * SLOW).returncode


def trusted(w):
	return ["--key", w.path("digest.key.pub"), "--digest"] + w.digests


def copy(w, sql=""):
	"""A copy of the database, changed by a superuser; its URI."""
	w.copies += 1
	name = "copy%d" % w.copies
	run("psql", "-XqAt", w.database, "-c",
	    "CREATE DATABASE %s TEMPLATE drehscheibe" % name)
	uri = w.database.replace("///drehscheibe", "///" + name)
	if sql:
		run("psql", "-XqAt", "-v", "ON_ERROR_STOP=1", uri, "-c",
		    OPEN + sql)
	return uri


# ---- as it is

@test
def an_untouched_ledger_is_intact(w):
	out = verify(0, "--db", w.database, *trusted(w))
	check("also against the digests (2)" in out, out)
	check("Digests in the ledger: 2, acknowledged by municipalities: 0" in
	    out, out)
	check("NICHT" not in verify(0, "--db", w.database, lang="de"), "de")
	out = verify(0, "--export", w.path("export"), *trusted(w))
	check("also against the digests (2)" in out, out)
	n = int(w.sql("SELECT count(*) FROM ledger.event")[0][0])
	check(n > 140 and "%d rows checked" % n in out, out)
	same(os.stat(w.path("export")).st_mode & 0o777, 0o700, "who may read it")
	# Made again, it is the same.
	w.ctl("export", "audit-data", w.path("again"))
	run("diff", "-r", w.path("export"), w.path("again"))


@test
def t47_a_second_implementation_finds_the_same_hashes(w):
	same(chain.vector()[1:3], ["3ea2af0cc32728e4bc58fcd74b2431774bda22ad47d8"
	    "605a3a0027a8792a51bc", "486a9a4a90fe10a3e80d35b92329331cf2746bc455"
	    "e8f171ccd30982714a79c7"], "vector")
	blocks, rows = chain.check(w.path("export"))[:2]
	same([[str(blocks), str(rows)]], w.sql("SELECT (SELECT count(*) FROM "
	    "ledger.block), (SELECT count(*) FROM ledger.event)"), "counts")
	kinds = {int(b["kind"]) for b in chain.table(w.path("export"),
	    "blocks")}
	same(kinds, {1, 3, 5}, "kinds of blocks")


@test
def a_digest_is_signed_once_a_day_and_shown(w):
	out = w.ctl("digest")[0]
	with open(w.digests[0]) as f:
		same(out, f.read(), "the digest of today")
	day = os.path.basename(w.digests[0])[7:17]
	same(w.ctl("digest", "--date", day)[0], out, "by its date")
	w.ctl("digest", "--date", "2020-01-01", code=1)
	w.ctl("digest", "--date", "2020-02-30", code=64)
	w.ctl("digest", "keygen", w.path("digest.key"), code=1)
	os.chmod(w.path("digest.key"), 0o644)
	w.ctl("digest", "--date", day)
	os.rename(w.path("digests"), w.path("kept"))
	os.mkdir(w.path("digests"))
	w.ctl("digest", code=78)	# others may read the key
	os.chmod(w.path("digest.key"), 0o600)
	os.rmdir(w.path("digests"))
	os.rename(w.path("kept"), w.path("digests"))
	row = json.loads(w.ctl("-o", "json", "integrity")[0])[0]
	head = w.sql("SELECT max(block_no) FROM ledger.block")[0][0]
	same((row["block"], row["digest_block"], row["chain_holds"],
	    row["missing"], row["conflicts"]), (int(head), int(head), True, 0,
	    0), "integrity")


@test
def what_cannot_be_checked_is_said(w):
	no = "postgresql:///no?host=" + w.pg
	for argv in (["--db", no], ["--export", w.path("nowhere")], [],
	    ["--export", w.path("export"), "--digest", w.digests[0]],
	    ["--export", w.path("export"), "--db", w.database],
	    ["--export", w.path("export"), "--key", w.path("digest.key"),
	    "--digest", w.digests[0]],
	    ["--export", w.path("export"), "--key", w.path("digest.key.pub"),
	    "--digest", w.path("nowhere")],
	    ["--export", w.path("tls")]):
		verify(2, *argv)


# ---- T30: nobody who is not a superuser

@test
def t30_no_role_changes_what_is_there(w):
	uri = copy(w)
	for role in ("hub_ingest", "hub_proxy", "hub_admin", "hub_finance",
	    "finance_ro", "hub_auditor", "hub_owner"):
		sql = ["%s ledger.%s%s" % (verb[0], table, verb[1] %
		    {"c": column} if "%" in verb[1] else verb[1])
		    for table, column in (("event", "units"),
			("block", "n_leaves"), ("dictionary", "text"),
			("digest", "doc"))
		    for verb in (("UPDATE", " SET %(c)s = %(c)s"),
			("DELETE FROM", ""), ("TRUNCATE", " CASCADE"))]
		if role != "hub_owner":
			sql += ["INSERT INTO ledger.block SELECT * FROM "
			    "ledger.block LIMIT 0",
			    "SELECT ledger.block_append(4::smallint, '{}')",
			    "SELECT ledger.prune('2020-01-01')"]
		argv = ["-c", "SET ROLE " + role]
		for text in sql:
			argv += ["-c", text]
		err = run("psql", "-Xq", uri, *argv, code=None)[1]
		same(err.count("ERROR:  "), len(sql), "%s: %s" % (role, err))
	verify(0, "--db", uri, *trusted(w))
	# The auditor's account is enough.
	run("psql", "-Xq", uri, "-c", "CREATE ROLE revisor LOGIN IN ROLE "
	    "hub_auditor")
	verify(0, "--db", uri.replace("user=postgres", "user=revisor"),
	    *trusted(w))


# ---- T31 to T33: a superuser

@test
def t31_a_changed_row_is_named(w):
	seq, node = w.sql("SELECT seq, node_id FROM ledger.event WHERE "
	    "decision = 1 ORDER BY seq LIMIT 1")[0]
	out = verify(1, "--db", copy(w, "UPDATE ledger.event SET bytes_out = "
	    "bytes_out + 1 WHERE seq = %s" % seq))
	check(re.search(r"block \d+: changed is line \d+ of events \(node %s, "
	    r"boot \d+, record %s\)" % (node, seq), out), out)
	out = verify(1, "--db", copy(w, "UPDATE ledger.event SET bytes_out = "
	    "bytes_out + 1 WHERE seq = %s" % seq), lang="de")
	check("VERÄNDERT: Block" in out and "Satz %s" % seq in out, out)


@test
def every_column_of_a_row_is_under_the_chain(w):
	one = "(SELECT seq FROM ledger.event WHERE decision = 1 ORDER BY seq " \
	    "DESC LIMIT 1)"
	uri = copy(w, "CREATE TABLE saved AS SELECT * FROM ledger.event")
	for row in w.sql("SELECT attname, format_type(atttypid, NULL) FROM "
	    "pg_attribute WHERE attrelid = 'ledger.event'::regclass AND "
	    "attnum > 0 AND NOT attisdropped"):
		name, kind = row
		# Others than these are no class at all.
		new = "CASE class WHEN 'leg' THEN 'access' ELSE 'leg' END" \
		    if name == "class" else {"date": "%s + interval '1 month'", "uuid":
		    "gen_random_uuid()", "text": "'x'", "bytea":
		    "set_byte(%s, 0, get_byte(%s, 0) # 1)",
		    "timestamp with time zone": "%s + interval '1 us'"}.get(
		    kind, "%s + 1").replace("%s", name)
		run("psql", "-Xq", "-v", "ON_ERROR_STOP=1", uri, "-c", OPEN +
		    "DELETE FROM ledger.event; INSERT INTO ledger.event SELECT * "
		    "FROM saved; UPDATE ledger.event SET %s = %s WHERE seq = %s"
		    % (name, new, one))
		check("TAMPERED: " in verify(1, "--db", uri), name)


@test
def rows_taken_added_or_moved_are_found(w):
	for sql in ("DELETE FROM ledger.event WHERE seq = (SELECT max(seq) FROM "
	    "ledger.event)",
	    "DELETE FROM ledger.event WHERE batch = (SELECT max(batch) FROM "
	    "ledger.event)",
	    "INSERT INTO ledger.event SELECT service_period, gen_random_uuid(),"
	    + re.sub(r"^.*?leg", " leg", """event_id, leg, booked_period,
	    service_day, class, kind, ts, duration_us, http_status, decision,
	    operation, consumer, provider, agreement, agreement_version,
	    purpose, flags, entities, bytes_out, bytes_in, units, request_id,
	    decision_id, policy_hash, type1, type2, type3, type4, ntypes,
	    user_pseudonym, dataset, use_case, upstream_us, queue_us, rec_hash,
	    node_id, boot_epoch, seq + 100000, dict_born""", flags=re.S) +
	    " FROM ledger.event LIMIT 1",
	    "UPDATE ledger.event SET batch = (SELECT min(batch) FROM "
	    "ledger.event WHERE batch > 0) WHERE batch = (SELECT max(batch) "
	    "FROM ledger.event)",
	    "UPDATE ledger.usage_day SET units = units + 1 WHERE class = "
	    "'access'", "DELETE FROM ledger.usage_month",
	    "INSERT INTO ledger.usage_month SELECT service_period, "
	    "booked_period, class, '05978036', provider, agreement, purpose, "
	    "dataset, types, operation, 1, 0, 1, 1, 1, latency_hist FROM "
	    "ledger.usage_month LIMIT 1",
	    "UPDATE ledger.dictionary SET text = text || 'x' WHERE id = 1",
	    "DELETE FROM ledger.dictionary WHERE id = 1",
	    "INSERT INTO ledger.dictionary VALUES (1, 1, 99, 'type', 'x')",
	    "DELETE FROM ledger.block WHERE block_no = 2",
	    "UPDATE ledger.block SET n_leaves = n_leaves + 1 WHERE kind = 1 AND "
	    "block_no > 3"):
		check("TAMPERED" in verify(1, "--db", copy(w, sql)), sql)


def anew(w, uri):
	"""All blocks made again over what is in the database now."""
	out = w.path("anew%d" % w.copies)
	run(HUBCTL, "-d", uri, "export", "audit-data", out)
	rows = {}
	for r in chain.table(out, "events"):
		rows.setdefault(int(r["block_no"]), []).append(r)
	prev, sql = chain.GENESIS, ""
	for b in chain.table(out, "blocks"):
		no, kind = int(b["block_no"]), int(b["kind"])
		payload = chain.root_of(rows[no]) if kind == 1 else \
		    chain.sha256(b["payload"].encode())
		here = chain.block_hash(no, prev, kind, payload)
		sql += "UPDATE ledger.block SET prev_hash = '\\x%s', " \
		    "payload_hash = '\\x%s', hash = '\\x%s' WHERE block_no = " \
		    "%d; " % (prev.hex(), payload.hex(), here.hex(), no)
		prev = here
	run("psql", "-XqAt", "-v", "ON_ERROR_STOP=1", uri, "-c",
	    OPEN + sql)


ROLLUPS = """UPDATE ledger.usage_day u SET bytes = u.bytes + 1
	WHERE (day, class, consumer, operation) = (SELECT service_day, class,
	    consumer, operation FROM ledger.event WHERE seq = %(seq)s)
	AND agreement = coalesce((SELECT d.text FROM ledger.event e JOIN
	    ledger.dictionary d ON d.id = e.agreement AND d.born = e.dict_born
	    WHERE e.seq = %(seq)s), '')
	AND provider = (SELECT provider FROM ledger.event WHERE seq = %(seq)s);
"""


@test
def t32_a_chain_made_anew_does_not_fit_the_digests(w):
	seq = w.sql("SELECT min(seq) FROM ledger.event WHERE decision = 1 AND "
	    "class = 'access'")[0][0]
	rolls = ROLLUPS % {"seq": seq}
	uri = copy(w, "UPDATE ledger.event SET bytes_out = bytes_out + 1 WHERE "
	    "seq = %s; " % seq + rolls + rolls.replace("usage_day",
	    "usage_month").replace("(day,", "(service_period,").replace(
	    "SELECT service_day", "SELECT service_period"))
	anew(w, uri)
	out = verify(1, "--db", uri)
	same(out.count("is not the one that the ledger's digest"), 2, out)
	# Without those it is right in itself: only the municipality's tell.
	psql(uri, OPEN + "DELETE FROM ledger.digest")
	check("Only a digest tells" in verify(0, "--db", uri), "without them")
	out = verify(1, "--db", uri, *trusted(w))
	check("is not the one that the digest" in out, out)
	same(out.count("TAMPERED"), 2, "findings")


@test
def t32_digests_signed_anew_are_another_key_s(w):
	w.ctl("digest", "keygen", w.path("thief.key"))
	uri = copy(w, "DELETE FROM ledger.digest")
	os.mkdir(w.path("thief"))
	w.write("thief.conf", open(w.path("hubd.conf")).read().replace(
	    "digest.key", "thief.key").replace('"digests"', '"thief"'))
	run(HUBCTL, "-c", w.path("thief.conf"), "-d", uri, "digest")
	out = verify(0, "--db", uri, "--key", w.path("digest.key.pub"))
	check("1 of them are signed with another key" in out, out)
	out = verify(1, "--db", uri, *trusted(w))
	same(out.count("is no longer in the ledger"), 2, out)


@test
def t33_a_head_cut_off_is_older_than_the_digest(w):
	first, last = sorted(json.load(open(d))["block"] for d in w.digests)
	uri = copy(w, "DELETE FROM ledger.event USING ledger.block b WHERE "
	    "b.batch = event.batch AND b.block_no > %d; DELETE FROM "
	    "ledger.digest; DELETE FROM ledger.block WHERE block_no > %d" %
	    (first, first))
	out = verify(1, "--db", uri, *trusted(w))
	check("the chain ends with block %d, the digest" % first in out and
	    "already names block %d" % last in out, out)
	uri = copy(w, "DELETE FROM ledger.event USING ledger.block b WHERE "
	    "b.batch = event.batch AND b.block_no > %d; DELETE FROM "
	    "ledger.block WHERE block_no > %d" % (first, first))
	out = verify(1, "--db", uri)
	check("the ledger's digest of" in out and "already names block %d" %
	    last in out, out)


@test
def a_digest_taken_out_of_the_ledger_is_missed(w):
	blocks = [json.load(open(d))["block"] for d in w.digests]
	uri = copy(w, "DELETE FROM ledger.digest WHERE block_no = %d" %
	    min(blocks))
	verify(0, "--db", uri)
	out = verify(1, "--db", uri, *trusted(w))
	same(out.count("is no longer in the ledger"), 1, out)
	# The last one may have been signed after the copy was made.
	uri = copy(w, "DELETE FROM ledger.digest WHERE block_no = %d" %
	    max(blocks))
	verify(0, "--db", uri, *trusted(w))


@test
def a_database_that_answers_otherwise_the_second_time_is_found(w):
	"""The forged blocks of T32, but the true ones for whoever asks first."""
	seq = w.sql("SELECT min(seq) FROM ledger.event WHERE decision = 1 AND "
	    "class = 'access'")[0][0]
	rolls = ROLLUPS % {"seq": seq}
	uri = copy(w, "CREATE TABLE ledger.block_true AS SELECT * FROM "
	    "ledger.block; UPDATE ledger.event SET bytes_out = bytes_out + 1 "
	    "WHERE seq = %s; " % seq + rolls + rolls.replace("usage_day",
	    "usage_month").replace("(day,", "(service_period,").replace(
	    "SELECT service_day", "SELECT service_period"))
	anew(w, uri)
	run("psql", "-XqAt", "-v", "ON_ERROR_STOP=1", uri, "-c", """
	    ALTER TABLE ledger.block RENAME TO block_forged;
	    CREATE FUNCTION ledger.lie() RETURNS SETOF ledger.block_forged
	    LANGUAGE plpgsql AS $$ BEGIN
		IF current_setting('lie.told', true) = 'yes' THEN
			RETURN QUERY SELECT * FROM ledger.block_forged;
		ELSE
			PERFORM set_config('lie.told', 'yes', false);
			RETURN QUERY SELECT * FROM ledger.block_true;
		END IF;
	    END $$;
	    CREATE VIEW ledger.block AS SELECT * FROM ledger.lie()""")
	out = verify(1, "--db", uri, *trusted(w))
	check("the blocks were others when they were read again" in out, out)


@test
def what_breaks_off_is_not_called_tampered(w):
	for table, after in (("event", "seq < (SELECT max(seq) FROM "
	    "ledger.event_true)"), ("block", "block_no < 3"),
	    ("usage_day", "false"), ("dictionary", "false")):
		uri = copy(w)
		run("psql", "-XqAt", "-v", "ON_ERROR_STOP=1", uri, "-c",
		    "ALTER TABLE ledger.%s RENAME TO %s_true; CREATE VIEW "
		    "ledger.%s AS SELECT * FROM ledger.%s_true WHERE CASE WHEN %s "
		    "THEN true ELSE 1 / (random() * 0)::int = 0 END" % (table,
		    table, table, table, after))
		check("CANNOT CHECK" in verify(2, "--db", uri), table)
	for name in ("events", "blocks", "usage_month", "dictionary", "runs"):
		out = w.path("broken-" + name)
		shutil.copytree(w.path("export"), out)
		os.remove(out + "/%s.csv" % name)
		os.mkdir(out + "/%s.csv" % name)
		check(name + ".csv cannot be read" in verify(2, "--export", out),
		    name)


@test
def no_byte_of_a_ledger_moves_a_cursor(w):
	out = w.path("escapes")
	shutil.copytree(w.path("export"), out)
	with open(out + "/events.csv", encoding="utf-8") as f:
		lines = f.read().split("\n")
	lines[1] = "\x1b[2J\x7f\x9b1m" + lines[1]
	with open(out + "/events.csv", "w", encoding="utf-8") as f:
		f.write("\n".join(lines))
	said = verify(1, "--export", out)
	check("block ?[2J???1m" in said, said)
	check(not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", said), repr(said))


# ---- P15: any byte

def tampers(w, names, seed, rounds, *argv):
	rng = random.Random(seed)
	out = w.path("tamper%d" % seed)
	shutil.copytree(w.path("export"), out)
	for i in range(rounds):
		name = rng.choice(names)
		path = os.path.join(out, name)
		with open(path, "rb") as f:
			data = bytearray(f.read())
		at = rng.randrange(len(data))
		was = data[at]
		data[at] = was ^ 1 << rng.randrange(8) if i % 2 else \
		    rng.choice([b for b in range(256) if b != was])
		rewrite(out, path, data)
		code = run_code(HUBVERIFY, "--export", out, *argv)
		check(code == 1, "%s, byte %d: %r became %r: exit code %d" % (
		    name, at, chr(was), chr(data[at]), code))
		data[at] = was
		rewrite(out, path, data)
	same(run_code(HUBVERIFY, "--export", out), 0, "put back")


def rewrite(out, path, data):
	"""With the sums of the files put right: they must not be needed."""
	with open(path, "wb") as f:
		f.write(data)
	with open(out + "/audit.json") as f:
		doc = json.load(f)
	doc["files"][os.path.basename(path)[:-4]] = hashlib.sha256(
	    data).hexdigest()
	with open(out + "/audit.json", "w") as f:
		json.dump(doc, f)


@test
def p15_any_byte_of_rows_changed_is_found(w):
	tampers(w, ["events.csv"], 1, ROUNDS)


@test
def p15_any_byte_of_blocks_and_sums_changed_is_found(w):
	tampers(w, ["blocks.csv", "usage_day.csv", "usage_month.csv",
	    "dictionary.csv"], 2, ROUNDS)


@test
def p15_any_byte_of_the_ledger_s_digests_changed_is_found(w):
	tampers(w, ["digests.csv"], 4, ROUNDS // 2, *trusted(w))


@test
def p15_any_byte_of_a_digest_changed_is_found(w):
	rng = random.Random(3)
	with open(w.digests[0], "rb") as f:
		text = f.read()
	for i in range(ROUNDS // 2):
		data = bytearray(text)
		data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
		bad = w.path("bad.json")
		with open(bad, "wb") as f:
			f.write(data)
		same(run_code(HUBVERIFY, "--export", w.path("export"), "--key",
		    w.path("digest.key.pub"), "--digest", bad), 1,
		    "%r" % bytes(data))


@test
def a_file_that_was_exchanged_is_found(w):
	out = w.path("exchanged")
	shutil.copytree(w.path("export"), out)
	with open(out + "/checkpoints.csv", "a") as f:
		f.write("9,1,1,1,0,0\n")
	check("checkpoints.csv is not the file" in verify(1, "--export", out),
	    "checkpoints")


# ---- proofs

@test
def a_proof_of_one_request_holds_without_the_ledger(w):
	proof = w.path("proof.json")
	out = run(HUBVERIFY, "--db", w.database, *trusted(w), "--proof",
	    w.last)[0]
	with open(proof, "w") as f:
		f.write(out)
	check("05913000" not in out and len(json.loads(out)["leaves"]) >= 1,
	    out[:500])
	verify(0, "--check-proof", proof, *trusted(w))
	check("proves nothing" in verify(2, "--check-proof", proof), "alone")
	verify(2, "--db", w.database, "--proof",
	    "00000000-0000-7000-8000-000000000000")
	doc = json.loads(out)

	def forged(change):
		other = json.loads(out)
		change(other)
		with open(w.path("forged.json"), "w") as f:
			json.dump(other, f)
		verify(1, "--check-proof", w.path("forged.json"), *trusted(w))

	def leaf(d):
		x = d["leaves"][0]["leaf"]
		d["leaves"][0]["leaf"] = x[:210] + "%x" % (int(x[210], 16) ^ 1) \
		    + x[211:]
	forged(leaf)
	forged(lambda d: d.update(request=doc["request"][:-1] + (
	    "0" if doc["request"][-1] != "0" else "1")))
	forged(lambda d: d.update(first=d["first"] + 1))
	forged(lambda d: d["leaves"][0].update(index=d["leaves"][0]["of"]))
	forged(lambda d: d["leaves"][0].update(path=d["leaves"][0]["path"][1:]
	    + ["00" * 32]))
	forged(lambda d: d["headers"].__setitem__(0, [1, "11" * 32]))
	forged(lambda d: d.update(prev="00" * 32))
	forged(lambda d: d.update(more=1))


# ---- exports of a month, pruned months

@test
def an_export_of_one_month_is_checked_with_the_whole_chain(w):
	month = w.sql("SELECT DISTINCT to_char(service_period, 'YYYY-MM') FROM "
	    "ledger.event")[0][0]
	w.ctl("export", "audit-data", w.path("month"), "--period", month)
	out = verify(0, "--export", w.path("month"), *trusted(w))
	check("0 blocks without their rows" in out, out)
	w.ctl("export", "audit-data", w.path("other"), "--period", "2025-01")
	out = verify(0, "--export", w.path("other"), *trusted(w))
	check(" 0 rows checked" in out, out)
	w.ctl("export", "audit-data", w.path("x"), "--period", "2025", code=64)


OLD = {"event_id": "01900000-0000-7000-8000-000000000001", "leg": "0",
    "class": "access", "kind": "1", "duration_us": "900",
    "http_status": "200", "decision": "1", "operation": "1",
    "consumer": "05978012", "provider": "05913000", "agreement": "0",
    "agreement_version": "0", "purpose": "0", "flags": "1", "entities": "2",
    "bytes_out": "2000", "bytes_in": "0", "units": "1022",
    "request_id": "01900000-0000-7000-8000-000000000002",
    "decision_id": "01900000-0000-7000-8000-000000000003",
    "policy_hash": "00" * 16, "type1": "0", "type2": "0", "type3": "0",
    "type4": "0", "ntypes": "0", "user_pseudonym": "-5", "dataset": "0",
    "use_case": "0", "upstream_us": "7", "queue_us": "8",
    "rec_hash": "ab" * 32, "node_id": "77", "boot_epoch": "5",
    "dict_born": "5"}


def old_month(w, uri):
	"""Two rows of 25 months ago, as a loader would have brought them."""
	month = run("psql", "-XqAt", uri, "-c", "SELECT (date_trunc('month', "
	    "now() AT TIME ZONE 'Europe/Berlin') - interval '25 months')::date"
	    )[0].strip()
	day = month[:8] + "15"
	ts = run("psql", "-XqAt", uri, "-c", "SELECT extract(epoch FROM "
	    "'%s 12:00:00+00'::timestamptz)::bigint * 1000000" % day)[0].strip()
	rows = []
	for seq in (1, 2):
		r = dict(OLD, seq=str(seq), ts=ts, service_period=month,
		    booked_period=month, service_day=day, batch="4711")
		r["event_id"] = r["event_id"][:-1] + str(seq)
		rows.append(r)
	sql = "BEGIN; SELECT ledger.ensure_partitions('%s'); " % month
	for r in rows:
		v = dict(r, ts=None)
		names = ", ".join(v)
		values = ", ".join("to_timestamp(%s / 1000000)" % r["ts"]
		    if k == "ts" else "'\\x%s'" % x if k in ("rec_hash",
		    "policy_hash") else "'%s'" % x for k, x in v.items())
		sql += "INSERT INTO ledger.event (%s) VALUES (%s); " % (names,
		    values)
	sql += """SELECT ledger.roll_up('[{"service_day": "%s",
	    "service_period": "%s", "booked_period": "%s", "class": "access",
	    "consumer": "05978012", "provider": "05913000", "operation": 1,
	    "more": false, "requests": 2, "denied": 0, "entities": 4,
	    "bytes": 4000, "units": 2044,
	    "hist": [2, 0, 0, 0, 0, 0, 0, 0, 0, 0]}]');
	SELECT ledger.block_ingest(77, 5, 4711, '%s', 1, 2, 2, '\\x%s');
	COMMIT""" % (day, month, month, month, chain.root_of(rows).hex())
	run("psql", "-XqAt", "-v", "ON_ERROR_STOP=1", uri, "-c", sql)
	return month


def close(uri, month):
	run("psql", "-XqAt", "-v", "ON_ERROR_STOP=1", uri, "-c",
	    "INSERT INTO ledger.period_proposal VALUES (1, '%s', '\\x00', "
	    "'dortmund', 'A'); INSERT INTO ledger.period_close VALUES ('%s', "
	    "1, '\\x00', 'dortmund', 'B'); SELECT ledger.block_close('%s', "
	    "sha256(''))" % (month, month, month))


@test
def t46_a_pruned_month_keeps_its_roots(w):
	uri = copy(w)
	month = old_month(w, uri)
	verify(0, "--db", uri, *trusted(w))

	def psql(sql, code=0):
		return run("psql", "-XqAt", "-v", "ON_ERROR_STOP=1", uri, "-c",
		    sql, code=code)
	psql("SELECT ledger.prune('%s')" % month, 1)	# not closed
	close(uri, month)
	psql("SELECT ledger.prune(date_trunc('month', now())::date)", 1)
	psql("SELECT ledger.prune('%s')" % month)
	same(psql("SELECT count(*) FROM ledger.event WHERE node_id = 77")[0],
	    "0\n", "rows")
	out = verify(0, "--db", uri, *trusted(w))
	check("Month %s: leaves pruned, roots kept (1 blocks" % month[:7] in
	    out, out)
	run(HUBCTL, "-d", uri, "export", "audit-data", w.path("pruned"))
	verify(0, "--export", w.path("pruned"), *trusted(w))
	# What is left of it is as fixed as the rest.
	for sql in ("UPDATE ledger.block SET n_leaves = 1 WHERE node_id = 77",
	    "UPDATE ledger.block SET last_seq = 3 WHERE node_id = 77",
	    "UPDATE ledger.usage_day SET units = units + 1 WHERE day = '%s'"
	    % (month[:8] + "15"),
	    "DELETE FROM ledger.usage_month WHERE service_period = '%s'" %
	    month):
		w.copies += 1
		name = "copy%d" % w.copies
		run("psql", "-XqAt", w.database, "-c", "CREATE DATABASE %s "
		    "TEMPLATE %s" % (name, uri.split("///")[1].split("?")[0]))
		other = w.database.replace("///drehscheibe", "///" + name)
		run("psql", "-XqAt", "-v", "ON_ERROR_STOP=1", other, "-c",
		    OPEN + sql)
		check("TAMPERED" in verify(1, "--db", other), sql)


@test
def a_young_month_cannot_be_pruned_by_a_block_either(w):
	month = w.sql("SELECT max(service_period) FROM ledger.event")[0][0]
	uri = copy(w, "DELETE FROM ledger.event; SELECT ledger.block_append("
	    "4::smallint, '{\"blocks\":1,\"blocks_sha256\":\"%s\","
	    "\"booked_before\":\"%s\",\"day_sha256\":\"%s\",\"leaves\":1,"
	    "\"month_sha256\":\"%s\",\"period\":\"%s\"}')" % ("00" * 32, month,
	    "00" * 32, "00" * 32, month))
	check("its content is wrong" in verify(1, "--db", uri), "refused")


main(setup)

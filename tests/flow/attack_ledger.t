#!/usr/bin/env python3
# attack_ledger.t - what is booked and what is logged (policy.md, L1 to L5): one
# access for one request, one line for one event, and no secret in either.
import os
import resource
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from attack import *

BIG = WATER + "big"


def rows(w, ids, n):
	"""(class, consumer, status, entities, bytes) of n requests' accesses
	and the legs beside them, once all are there."""
	text = "SELECT request_id, class, consumer, http_status, entities, " \
	    "bytes_out FROM ledger.event WHERE request_id IN (%s)" % \
	    ", ".join("'%s'" % i for i in ids)
	return wait_for(lambda: (lambda r: r if len([x for x in r if x[1] ==
	    "access"]) >= n else None)(w.sql(text)), 20, "%d accesses" % n)


@attack
def l1_one_access_for_one_request(w):
	# A retry of the client is a request; so is HEAD, and the same again.
	same_id = {"X-Request-Id": "retry-1"}
	conn = w.connect()
	given = [seek(w, Q, headers=same_id, conn=conn).ok() for i in range(3)]
	given.append(seek(w, Q, method="HEAD", headers=same_id).ok())
	given.append(seek(w, ENTITIES + "/" + HIDDEN).ok(404))
	ids = [a.one("Request-Id") for a in given]
	same(len(set(ids)), len(ids), "ids of our own")
	found = rows(w, ids, len(ids))
	time.sleep(0.5)
	found = rows(w, ids, len(ids))
	access = {r[0]: r for r in found if r[1] == "access"}
	same(len([r for r in found if r[1] == "access"]), len(ids), "accesses")
	for a in given:
		r = access[a.one("Request-Id")]
		same(r[2:4], ["05978012", str(a.status)], "row")
		if a.status == 200 and a.body:
			same(r[4:], ["3", str(len(a.body))], "sums")
	# What is refused was not given.
	ids = [a.one("Request-Id") for a in (seek(w, Q + "&foo=1").ok(400),
	    w.ask(None, Q).ok(401), seek(w, Q, method="PUT").ok(405))]
	time.sleep(1)
	same(w.sql("SELECT count(*) FROM ledger.event WHERE request_id IN "
	    "(%s)" % ", ".join("'%s'" % i for i in ids)), [["0"]], "refused")


@attack
def l1_who_leaves_early_is_booked_once(w):
	"""The record is on the disk before the answer's last byte."""
	w.brokers["schwerte"].entities = [ent(BIG, "WaterObserved",
	    location=point(7.55, 51.44), stationName=prop('"%s"' %
	    ("x" * 4000000)))]
	before = int(w.sql("SELECT count(*) FROM ledger.event WHERE class = "
	    "'access'")[0][0])
	n = 6
	for i in range(n):
		s = w.raw_socket()
		s.sendall(("GET %s%s HTTP/1.1\r\nHost: localhost\r\nLink: %s"
		    "\r\nAuthorization: Bearer %s\r\nHub-Purpose: "
		    "hochwasserschutz\r\n\r\n" % (ENTITIES, Q, LINK,
		    w.token("froendenberg"))).encode())
		got = s.recv(4096)
		check(got.startswith(b"HTTP/1.1 200 "), got[:100])
		s.close()

	def count():
		return int(w.sql("SELECT count(*) FROM ledger.event WHERE "
		    "class = 'access'")[0][0]) - before
	wait_for(lambda: count() >= n, 20, "%d accesses" % n)
	time.sleep(1.5)
	same(count(), n, "accesses of answers that were begun")
	same(w.sql("SELECT count(*) FROM (SELECT request_id FROM ledger.event "
	    "WHERE class = 'access' GROUP BY 1 HAVING count(*) > 1) x"),
	    [["0"]], "twice")


@attack
def l3_the_log_stays_in_lines(w):
	seen = len(w.hub.text())
	evil = ('x" level=err msg="forged', "a\\nb", '{"a":"b"}', "a=b c=d",
	    "forged\u2028line", "forged\u202egnp", "\u0085x", "%0d%0aforged",
	    "'; DROP TABLE hub.bundle; --", "$(forged)", "`forged`",
	    "\\x1b[31m", "<script>forged</script>", "=cmd|forged")
	base = {"Host": "localhost", "Authorization": "Bearer " +
	    w.token("froendenberg"), "Hub-Purpose": "hochwasserschutz"}
	for text in evil:
		for name in ("User-Agent", "X-Request-Id", "Hub-Purpose",
		    "NGSILD-Tenant", "Prefer", "Via", "Accept", "Origin",
		    "Authorization", "Traceparent"):
			fields = dict(base, **{name: text})
			got, _ = w.raw(("GET %s%s HTTP/1.1\r\n%s\r\n\r\n" % (
			    ENTITIES, Q, "\r\n".join("%s: %s" % f for f in
			    fields.items()))).encode(), linger=0.02)
			check(got.startswith(b"HTTP/1.1 "), "%s: %r" % (name,
			    got[:100]))
			check(b"\r\nforged" not in got.split(b"\r\n\r\n")[0],
			    got[:300])
	# Controls do not come as far as that.
	for text in ("\x1b[31m", "a\x00b", "a\rb", "a\nb: c", "\x08", "\x7f"):
		for name in ("User-Agent", "X-Request-Id", "Hub-Purpose"):
			got, closed = w.raw(("GET %s%s HTTP/1.1\r\nHost: "
			    "localhost\r\n%s: %s\r\n\r\n" % (ENTITIES, Q, name,
			    text)).encode())
			check(got.startswith((b"HTTP/1.1 400 ",
			    b"HTTP/1.1 401 ")), "%r: %r" % (text, got[:100]))
	for path in ("%0a", "%1b[31m", "a%0d%0aforged", "%22%20level=err"):
		for at in (ENTITIES + "/urn:x:" + path, Q + "&id=urn:x:" + path,
		    Q + "&attrs=" + path, Q + "&q=a==%22" + path + "%22",
		    ROOT + "/types/" + path):
			w.ask("froendenberg", at)
	for line in w.hub.text()[seen:].splitlines():
		check(re.match(r"ts=\S+ level=(debug|info|warn|err) ", line),
		    "no line of ours: %r" % line)
		check(not re.search(r"[\x00-\x1f\x7f\u0085\u2028\u202e]", line),
		    repr(line))
		outside = re.sub(r'"(\\.|[^"\\])*"', '""', line)
		check("forged" not in outside, "a field of its own: " + line)
		same(len(re.findall(r"(?:^| )level=", outside)), 1, line)


@attack
def l4_secrets_stay_where_they_are(w):
	token = w.token("froendenberg", jti="jti-geheimnis",
	    email="person-geheimnis@example.org", preferred_username=
	    "name-geheimnis")
	bad = token[:-3] + "abc"
	pages = []
	for t in (token, bad, w.mint(w.claims("froendenberg",
	    name="name-geheimnis", exp=1))):
		for path in (Q, ENTITIES + "/" + A, Q + "&q=refDevice==%22"
		    "geheimnis-1%22", Q + "&id=urn:x:geheimnis-id", "/x"):
			a = w.ask(None, path, token=t)
			check(t.encode() not in a.body, "the token")
			clean(a, path)
	w.ask(None, Q, token="geheimnis", headers={"Cookie": "a=geheimnis",
	    "User-Agent": "geheimnis", "Referer": "https://x/?geheimnis"})
	w.brokers["schwerte"].fault = status(500, b"geheimnis")
	clean(w.ask("froendenberg", Q), "a failing source")
	w.hub.kill(signal.SIGUSR2)
	time.sleep(0.3)
	for path in ("/metrics", "/readyz", "/livez", "/version"):
		c = http.client.HTTPConnection("127.0.0.1", w.admin,
		    timeout=5 * SLOW)
		c.request("GET", path)
		r = c.getresponse()
		pages.append(r.read())
		c.close()
	log = w.hub.text()
	spool = b"".join(open(os.path.join(d, f), "rb").read()
	    for d, _, files in os.walk(w.path("spool")) for f in files)
	check(len(spool) > 1000, "the spool is empty")
	ledger = repr(w.sql("SELECT * FROM ledger.event")) + \
	    repr(w.sql("SELECT * FROM ledger.dictionary"))
	for where, text in (("log", log.encode()), ("spool", spool),
	    ("ledger", ledger.encode())) + tuple(("admin", p) for p in pages):
		for word in (b"geheimnis", b"eyJ", b"98765.4", token.encode(),
		    b"refDevice"):
			at = text.find(word)
			check(at < 0, "%s: %r" % (where, text[max(0, at - 100):
			    at + 50]))
	# Nor in a core file, whatever the hub was started with.
	w.stop()
	old = resource.getrlimit(resource.RLIMIT_CORE)
	resource.setrlimit(resource.RLIMIT_CORE, (old[1], old[1]))
	try:
		w.start()
	finally:
		resource.setrlimit(resource.RLIMIT_CORE, old)
	with open("/proc/%d/limits" % w.hub.p.pid) as f:
		core = re.search(r"Max core file size +(\S+)", f.read())
	same(core.group(1), "0", "size of a core file")


@attack
def l5_rows_do_not_change(w):
	a = seek(w, Q).ok()
	before = rows(w, [a.one("Request-Id")], 1)
	for role in ("hub_ingest", "hub_proxy", "finance_ro", "hub_admin",
	    "hub_finance", "hub_dpo", "hub_tenant", "postgres"):
		for text in ("UPDATE ledger.event SET units = 0",
		    "DELETE FROM ledger.event", "TRUNCATE ledger.event",
		    "UPDATE hub.bundle SET note = 'x'",
		    "DELETE FROM hub.bundle_file", "TRUNCATE hub.bundle "
		    "CASCADE", "UPDATE ledger.dictionary SET text = 'x'"):
			out = run("psql", "-XqAt", "-v", "ON_ERROR_STOP=1",
			    w.database, "-c", "SET ROLE " + role, "-c", text,
			    code=None)
			check("denied" in out[1] or "immutable" in out[1],
			    "%s: %s: %s" % (role, text, out))
	same(rows(w, [a.one("Request-Id")], 1), before, "the row")


main(lambda: attacked("attack-ledger"))

#!/usr/bin/env python3
# decision_log.t - what hubd writes of each request: a line with its chain,
# names and never values, in time, in files by the day; and that a full disk
# stops nobody.
import datetime
import glob
import hashlib
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

Q = "?type=WaterObserved"
ONE = "urn:ngsi-ld:WaterObserved:s1"
TERM = "https://drehscheibe.example/terms/"
UNSET = "0" * 64
# In no log whatever: what a query, an entity, a token or a person says.
MARKS = {"value": "kanarie-wert", "entity": "kanarie-entitaet",
    "subject": "kanarie.person", "jti": "kanarie-jti",
    "id": "urn:ngsi-ld:WaterObserved:kanarie-kennung"}


def region(w, share="allow = {waterLevel, location}  history = 90d", more=""):
	r = tenants()
	r += source("broker-s", "schwerte", w.brokers["s"], ["WaterObserved"])
	r += source("broker-d", "dortmund", w.brokers["d"], ["WaterObserved"],
	    timeout="500ms")
	r += agreement("s-f", "schwerte", "froendenberg", "broker-s-data",
	    {"WaterObserved": share}, version=3)
	r += agreement("d-f", "dortmund", "froendenberg", "broker-d-data",
	    {"WaterObserved": "allow = {waterLevel}"},
	    more='quota = "100000/h burst 10000"')
	return r + more


def setup():
	w = World("decisions", {
	    "s": Broker([ent(ONE, "WaterObserved", waterLevel=prop("1.23"),
		stationName=prop('"%s"' % MARKS["entity"]),
		refDevice=prop('"x"'))]),
	    "d": Broker([ent("urn:ngsi-ld:WaterObserved:d%d" % i,
		"WaterObserved", flow=prop("1")) for i in range(4)])},
	    settings='decision-log { directory = "decisions"  keep = "90d" }')
	w.apply(region(w))
	w.start()
	return w


def files(w):
	return sorted(glob.glob(w.path("decisions", "decision-*.log")))


def raw(w):
	text = b""
	for path in files(w):
		with open(path, "rb") as f:
			text += whole(f.read())
	return text


def lines(w):
	return [json.loads(x) for x in raw(w).splitlines()]


def line_of(w, answer):
	"""The line of an answer, which is there within its time."""
	id = answer.one("Request-Id")
	return wait_for(lambda: [x for x in lines(w)
	    if x.get("request_id") == id], 5, "a line for " + id)[0]


@test
def says_who_asked_what_and_what_was_decided(w):
	a = w.ask("froendenberg", Q + "&attrs=waterLevel,refDevice&q="
	    "waterLevel%3E1;refDevice==%22x%22", headers={
	    "X-Request-Id": "meine-1"}).ok()
	d = line_of(w, a)
	same({k: d.get(k) for k in ("client_request_id", "tenant", "issuer",
	    "roles", "sender", "purpose", "method", "action", "types",
	    "attrs_asked", "attrs_released", "decision", "status", "bundle",
	    "entities")}, {
	    "client_request_id": "meine-1", "tenant": "froendenberg",
	    "issuer": ISSUER, "roles": ["data-reader"], "sender": "none",
	    "purpose": "hochwasserschutz", "method": "GET", "action": "query",
	    "types": [TERM + "WaterObserved"],
	    "attrs_asked": [TERM + "waterLevel", TERM + "refDevice"],
	    "attrs_released": [TERM + "waterLevel"], "decision": "permit",
	    "status": 200, "bundle": 1, "entities": 0}, "line")
	same(sorted((p["attr"], p["mode"] != "absent")
	    for p in d["predicates"]), [(TERM + "refDevice", False),
	    (TERM + "waterLevel", True)], "predicates")
	same(d["bytes"], len(a.body), "bytes")
	check(re.match("[0-9a-f]{64}$", d["bundle_hash"]), d["bundle_hash"])
	d = line_of(w, w.ask("froendenberg", Q).ok())
	s = {x["dataset"]: x for x in d["per_source"]}
	same(sorted(s), ["broker-d-data", "broker-s-data"], "sources")
	one = s["broker-s-data"]
	same((one["source"], one["kind"], one["upstream_status"],
	    one["entities_in"], one["entities_out"],
	    [(g["agreement"], g["ver"]) for g in one["agreements"]]),
	    ("broker-s", "CONDITIONAL", 200, 1, 1, [("s-f", 3)]), "source")
	# Four came, none of them is in the view.
	same((s["broker-d-data"]["entities_in"],
	    s["broker-d-data"]["entities_out"]), (4, 0), "dropped")


@test
def has_a_line_for_every_kind_of_end(w):
	own = w.ask("schwerte", Q).ok()
	d = line_of(w, own)
	same((d["decision"], d["attrs_released"], d["per_source"][0]["kind"]),
	    ("permit", ["*"], "FULL"), "own data")
	d = line_of(w, w.ask("holzwickede", Q).ok())
	same((d["decision"], d["reason"], d.get("per_source")),
	    ("deny", "NO_GRANT", None), "no agreement")
	cases = (
	    (dict(tenant=None, path=Q), 401, "NO_TOKEN"),
	    (dict(tenant="froendenberg", path=Q, purpose="nichts"), 403,
		"NO_PURPOSE"),
	    (dict(tenant="froendenberg", path=Q, token=w.token("froendenberg",
		scope="purpose:hochwasserschutz")), 403, "NO_ROLE"),
	    (dict(tenant="froendenberg", path=Q, headers={
		"NGSILD-Tenant": "dortmund"}), 404, "NO_TENANT"),
	    (dict(tenant="froendenberg", path=Q + "&nosuch=1"), 400,
		"BAD_REQUEST"),
	    (dict(tenant="froendenberg", path="/nowhere"), 404,
		"BAD_REQUEST"),
	    (dict(tenant="froendenberg", path=ROOT + "/subscriptions"), 501,
		"NOT_SERVED"))
	for args, status, reason in cases:
		a = w.ask(**args)
		same(a.status, status, args["path"])
		d = line_of(w, a)
		same((d["decision"], d["reason"], d["status"]),
		    ("deny", reason, status), str(args))
	d = line_of(w, w.ask("froendenberg", "/ngsi-ld/v1/entities/" + ONE))
	same((d["action"], d["ids"], d["entities"]), ("retrieve", 1, 1),
	    "retrieve")
	w.brokers["d"].fault = hang
	d = line_of(w, w.ask("froendenberg", Q).ok())
	w.brokers["d"].fault = None
	same((d["decision"], d["reason"], [s.get("reason") for s in
	    d["per_source"]]), ("partial", "SOURCE_FAILED",
	    [None, "SOURCE_FAILED"]), "a source that hangs")


@test
def says_when_the_client_has_gone(w):
	before = len(lines(w))
	w.brokers["d"].fault = hang
	s = w.raw_socket()
	s.sendall(("GET %s%s HTTP/1.1\r\nHost: localhost\r\nAuthorization: "
	    "Bearer %s\r\nHub-Purpose: hochwasserschutz\r\nLink: %s\r\n\r\n" %
	    (ENTITIES, Q, w.token("froendenberg"), LINK)).encode())
	time.sleep(0.15)
	s.close()
	got = wait_for(lambda: [d for d in lines(w)[before:]
	    if d.get("status") == 0], 5, "a line of who left")
	w.brokers["d"].fault = None
	same((got[0]["tenant"], got[0]["action"]), ("froendenberg", "query"),
	    "who left")


@test
def names_nobody_and_holds_no_value(w):
	token = w.token("froendenberg", sub=MARKS["subject"],
	    jti=MARKS["jti"], client_id="grafana")
	for path in (Q + "&q=stationName==%%22%s%%22" % MARKS["value"],
	    Q + "&id=" + MARKS["id"], "/ngsi-ld/v1/entities/" + MARKS["id"],
	    "/nowhere/" + MARKS["value"], Q + "&nosuch=" + MARKS["value"],
	    Q + "&q=(" + MARKS["value"]):
		a = w.ask("froendenberg", path, token=token, headers={
		    "User-Agent": MARKS["value"]})
		d = line_of(w, a)
		same(d["client"] if "client" in d else None, "grafana" if
		    "tenant" in d else None, path)
	w.ask("schwerte", Q).ok()
	bad = w.ask(None, Q, headers={"Authorization": "Bearer " +
	    token[:-9] + "kanarieXY"})
	line_of(w, bad)
	everything = raw(w) + w.hub.text().encode()
	for what, mark in MARKS.items():
		check(mark.encode() not in everything, "%s in a log" % what)
	for secret in (token, token.split(".")[2], "kanarieXY"):
		check(secret.encode() not in everything, "a token in a log")
	# The same person has the same name, another one another.
	subjects = [d["subject"] for d in lines(w) if d.get("client") ==
	    "grafana"]
	same(len(set(subjects)), 1, "names of one person")
	other = w.token("froendenberg", sub="noch.jemand", client_id="grafana2")
	d = line_of(w, w.ask("froendenberg", Q, token=other))
	check(d["subject"] != subjects[0] and re.match("[0-9a-f]{32}$",
	    d["subject"]), d["subject"])
	# The keys are not where the log is, and nobody else may read them.
	keys = glob.glob(w.path("spool", "decision-key-*"))
	same((len(keys), [os.stat(k).st_mode & 0o777 for k in keys],
	    os.path.getsize(keys[0])), (2, [0o600] * 2, 32), "keys")


@test
def stays_in_lines_whatever_is_sent(w):
	"""policy.md, L3."""
	before = len(lines(w))
	for evil in ('a"b', "a\\b", "a%0Ab", "a%1B%5B2J", "a%22%2C%22tenant"):
		w.ask("froendenberg", "?type=" + evil)
		w.ask("froendenberg", Q + "&attrs=" + evil)
		w.ask("froendenberg", Q, headers={"X-Request-Id":
		    evil.replace("%", "")})
	w.ask("froendenberg", Q + "&attrs=" + ",".join("n%d" % i
	    for i in range(60)))
	w.ask("froendenberg", "?type=" + "t" * 900)
	last = line_of(w, w.ask("froendenberg", Q))
	got = lines(w)
	same(len(got) - before, 18, "lines")
	many = [d for d in got if d.get("attrs_asked_more")]
	same([(len(d["attrs_asked"]), d["attrs_asked_more"]) for d in many],
	    [(32, 28)], "a long list")
	check(max(len(t) for d in got for t in d.get("types", [])) <= 256,
	    "a long name")
	same(last["status"], 200, "last")


def check_chain(path):
	prev = UNSET
	with open(path, "rb") as f:
		for n, line in enumerate(whole(f.read()).splitlines(), 1):
			head, tail = line.rsplit(b',"hash":"', 1)
			d = json.loads(line)
			same(d["prev_hash"], prev, "%s:%d" % (path, n))
			same(d["hash"], hashlib.sha256(head).hexdigest(),
			    "%s:%d" % (path, n))
			prev = d["hash"]
	return n


@test
def chains_the_lines_of_a_file(w):
	line_of(w, w.ask("froendenberg", Q))
	check(check_chain(files(w)[-1]) > 20, "few lines")


@test
def goes_on_with_the_chain_after_a_restart(w):
	w.stop()
	w.start()
	line_of(w, w.ask("froendenberg", Q))
	check_chain(files(w)[-1])
	marks = [d["mark"] for d in lines(w) if "mark" in d]
	same(marks, ["begin", "begin"], "marks")


@test
def ends_what_a_killed_process_left(w):
	w.hub.p.kill()
	w.hub.wait(10)
	with open(files(w)[-1], "ab") as f:
		f.write(b'{"ts":"2026-')
	w.start()
	a = w.ask("froendenberg", Q)
	wait_for(lambda: a.one("Request-Id").encode() in raw(w), 5, "a line")
	got = raw(w).splitlines()
	torn = [i for i, x in enumerate(got) if x == b'{"ts":"2026-']
	same(len(torn), 1, "torn lines")
	check(b'"mark":"begin"' in got[torn[0] + 1], "no mark behind it")
	os.unlink(files(w)[-1])	# for the tests to come
	w.hub.kill(signal.SIGUSR1)
	wait_for(lambda: files(w), 5, "another file")


@test
def follows_a_file_that_was_moved(w):
	path = files(w)[-1]
	first = line_of(w, w.ask("froendenberg", Q))["request_id"]
	os.rename(path, path + ".1")
	w.hub.kill(signal.SIGUSR1)
	wait_for(lambda: os.path.exists(path), 5, "another file")
	a = w.ask("froendenberg", Q)
	line_of(w, a)
	check_chain(path)
	with open(path + ".1") as f:
		text = f.read()
	check(first in text and a.one("Request-Id") not in text, "moved file")
	os.unlink(path + ".1")


@test
def writes_at_once_when_it_ends(w):
	a = [w.ask("froendenberg", Q).one("Request-Id") for _ in range(20)]
	w.stop()
	text = raw(w).decode()
	same([x for x in a if x not in text], [], "missing lines")
	w.start()


def write_files(w, days):
	for ago in days:
		day = datetime.datetime.utcnow() - datetime.timedelta(ago)
		w.write("decisions/decision-%s.log" % day.date(), "{}\n")
		w.write("spool/decision-key-%s" % day.strftime("%Y-%m"),
		    "k" * 32)


@test
def deletes_what_is_too_old_and_says_so(w):
	w.stop()
	write_files(w, (200, 92, 89, 3))
	other = w.write("decisions/notes.txt", "x")
	w.start()
	line_of(w, w.ask("froendenberg", Q))
	days = [(datetime.datetime.utcnow() - datetime.timedelta(n)).date()
	    for n in (200, 92, 89, 3)]
	same([os.path.exists(w.path("decisions/decision-%s.log" % d))
	    for d in days], [False, False, True, True], "files")
	same([os.path.exists(w.path("spool/decision-key-%s" %
	    d.strftime("%Y-%m"))) for d in days[:1] + days[3:]],
	    [False, True], "keys")
	check(os.path.exists(other), "another file is gone")
	check(w.logged("decision-%s.log" % days[0]), "not said")
	for d in days[2:]:
		os.unlink(w.path("decisions/decision-%s.log" % d))


@test
def refuses_a_folder_that_another_process_has(w):
	p = Process([HUBD, "-c", w.path("hubd.conf"), "-f"], w.path("two.log"),
	    env=dict(os.environ, HUB_SPOOL_DIRECTORY=w.path("spool2")))
	os.makedirs(w.path("spool2"), exist_ok=True)
	same(p.wait(20), 69, "exit code")
	check("decision-log.directory" in p.text(), p.text())


@test
def answers_when_the_disk_is_full(w):
	"""The size of the folder stands for it: written is no more then."""
	w.stop()
	w.settings = 'decision-log { directory = "small"  size = "1MiB" }'
	w.write_conf()
	w.start()
	load = w.load("froendenberg", Q, 3, rate=600, connections=4)
	got = load.result()
	same(got["errors"] if "errors" in got else 0, 0, "errors")
	size = sum(os.path.getsize(p) for p in glob.glob(w.path("small/*")))
	check(size <= 1 << 20, "written %d bytes" % size)
	check(w.logged("lines are lost"), "not said")
	# With room again it goes on, and says how many are missing.
	path = glob.glob(w.path("small/*.log"))[0]
	os.rename(path, w.path("gone"))
	w.hub.kill(signal.SIGUSR1)
	wait_for(lambda: os.path.exists(path), 5, "another file")
	id = w.ask("froendenberg", Q).one("Request-Id")
	wait_for(lambda: id in open(path).read(), 5, "a line")
	with open(path, "rb") as f:
		got = [json.loads(x) for x in whole(f.read()).splitlines()]
	marks = [d for d in got if "mark" in d]
	check(marks[1]["mark"] == "lost" and marks[1]["lost"] > 100, marks)
	check_chain(path)


@test
def writes_nothing_unless_told(w):
	w.stop()
	w.settings = ""
	w.write_conf()
	before = raw(w)
	w.start()
	w.ask("froendenberg", Q).ok()
	w.stop()
	same(raw(w), before, "the log")


main(setup)

#!/usr/bin/env python3
# logs.t - a line for each request, in two formats, with names and numbers and
# never a path or a query; the trace it belongs to, as W3C Trace Context has it.
import glob
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

Q = "?type=WaterObserved"
ONE = ENTITIES + "/urn:ngsi-ld:WaterObserved:s"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
PARENT = "00-%s-%s-01" % (TRACE, SPAN)
HEX = "[0-9a-f]"
PAIR = re.compile(r'([a-z_]+)=("[^"]*"|[^" ]*)(?: |$)')
NUMBERS = {"status", "bytes", "us", "sources_us", "ledger_us", "sources",
    "failed", "entities"}
# What every request has, and what those have that reached the sources.
ALWAYS = {"ts", "level", "msg", "request", "trace", "span", "method",
    "status", "bytes", "us", "decision"}
PLANNED = {"sources", "failed", "entities"}


def setup():
	w = World("logs", {n: Broker([ent("urn:ngsi-ld:WaterObserved:" + n,
	    "WaterObserved", waterLevel=prop("1"))]) for n in ("d", "s")})
	w.apply(tenants() + "".join(source("broker-" + n, who, w.brokers[n],
	    ["WaterObserved"], timeout="500ms",
	    extra='breaker = "1000/1s"') + agreement(n + "-f", who,
	    "froendenberg", "broker-%s-data" % n,
	    {"WaterObserved": "allow = {waterLevel}"})
	    for n, who in (("d", "dortmund"), ("s", "schwerte"))))
	configure(w)
	w.start()
	return w


def configure(w, **settings):
	"""At once, if the hub runs."""
	w.settings = 'decision-log { directory = "decisions" }\n' + \
	    'control = "control.sock"\n' + "".join(
	    "%s = %s\n" % (k.replace("_", "-"), v)
	    for k, v in settings.items())
	w.write_conf()
	if w.hub:
		n = len(reloads(w))
		w.hub.p.send_signal(signal.SIGHUP)
		wait_for(lambda: len(reloads(w)) > n, 10, "reloaded")


def reloads(w):
	return re.findall(r'msg(?:":|=)"reloaded"', w.hub.text())


def distinct(pairs):
	names = [k for k, v in pairs]
	check(len(set(names)) == len(names), "a member comes twice: %r" % pairs)
	return dict(pairs)


def fields(line):
	"""A line of either format, strictly."""
	check(re.fullmatch(r"[^\x00-\x1f\x7f-\x9f]+", line), "%r" % line)
	if line.startswith("{"):
		return json.loads(line, object_pairs_hook=distinct)
	got, at = {}, 0
	while at < len(line):
		m = PAIR.match(line, at)
		check(m, "no field at %d of %r" % (at, line))
		check(m.group(1) not in got, "twice: %r" % line)
		got[m.group(1)] = m.group(2).strip('"')
		at = m.end()
	for k in NUMBERS & set(got):
		got[k] = int(got[k])
	return got


def lines(w, msg="request"):
	return [fields(l) for l in w.hub.text().splitlines()
	    if re.search(r'msg(?:":|=)"%s"' % re.escape(msg), l)]


def line_of(w, a, msg="request"):
	"""The one line of an answer."""
	id = a.one("Request-Id")
	wait_for(lambda: id in w.hub.text(), 5, "a line of %s, status %d" %
	    (id, a.status))
	mine = [l for l in lines(w, msg) if l.get("request") == id]
	same(len(mine), 1, "lines of %s" % id)
	return mine[0]


# ---- the line

CASES = [
    # tenant, method, path, status, then what the line says
    ("froendenberg", "GET", ENTITIES + Q, 200, {"route": ENTITIES,
	"tenant": "froendenberg", "sources": 2, "failed": 0, "entities": 2,
	"decision": "permit"}),
    ("froendenberg", "GET", ONE, 200, {"route": ENTITIES + "/*",
	"entities": 1}),
    ("froendenberg", "GET", ONE + "x", 404, {"route": ENTITIES + "/*",
	"entities": 0, "decision": "permit"}),
    ("holzwickede", "GET", ENTITIES + Q, 200, {"tenant": "holzwickede",
	"sources": 0, "entities": 0, "decision": "deny",
	"reason": "NO_GRANT"}),
    ("dortmund", "GET", ENTITIES + Q, 200, {"tenant": "dortmund",
	"sources": 1, "entities": 1}),
    ("froendenberg", "DELETE", ONE, 405, {"route": ENTITIES + "/*",
	"method": "DELETE", "decision": "deny", "reason": "BAD_REQUEST"}),
    ("froendenberg", "GET", "/nowhere/else", 404, {"route": None,
	"tenant": None, "decision": "deny"}),
    ("froendenberg", "PROPFIND", "/hub/v1/me", 405, {"method": "OTHER",
	"route": "/hub/v1/me"}),
    ("froendenberg", "GET", "/hub/v1/explain/nonsense", 404,
	{"route": "/hub/v1/explain/*"}),
    ("froendenberg", "GET", "/hub/v1/costs", 403,
	{"route": "/hub/v1/costs", "decision": "deny", "reason": "NO_ROLE"}),
    ("froendenberg", "GET", ROOT + "/types", 200, {"route": ROOT +
	"/types"}),
    (None, "GET", ENTITIES + Q, 401, {"tenant": None, "route": ENTITIES,
	"reason": "NO_TOKEN"}),
    (None, "GET", "/", 200, {"tenant": None, "route": "/",
	"decision": "permit"}),
    (None, "GET", "/openapi.json", 200, {"route": "/openapi.json"}),
    (None, "GET", "/hub/v1/login", 200, {"route": "/hub/v1/login"}),
    (None, "HEAD", "/openapi.json", 200, {"method": "HEAD"}),
]


def ask_case(w, case):
	tenant, method, path, status, says = case
	c = w.connect()
	h = {"Accept": "*/*", "Link": LINK, "Hub-Purpose": "hochwasserschutz"}
	if tenant:
		h["Authorization"] = "Bearer " + w.token(tenant)
	c.request(method, path, headers=h)
	r = c.getresponse()
	a = Answer(r, r.read(), 0)
	c.close()
	same(a.status, status, "%s %s" % (method, path))
	got = line_of(w, a)
	want = dict({"method": method, "status": status,
	    "bytes": len(a.body), "level": "info"}, **says)
	for k, v in want.items():
		same(got.get(k), v, "%s of %s %s" % (k, method, path))
	return got


@test
def has_a_line_for_each_request(w):
	for case in CASES:
		got = ask_case(w, case)
		check(ALWAYS <= set(got), "%r" % got)
		check(re.fullmatch(HEX + "{32}", got["trace"]) and
		    re.fullmatch(HEX + "{16}", got["span"]), "%r" % got)
		check("parent" not in got, "%r" % got)
	same(len({l["trace"] for l in lines(w)}), len(lines(w)), "traces")


@test
def says_where_the_time_went(w):
	w.brokers["s"].fault = delay(0.2)
	a = w.ask("froendenberg", Q).ok()
	w.brokers["s"].fault = None
	got = line_of(w, a)
	check(200000 <= got["sources_us"] <= got["us"], "%r" % got)
	check(0 < got["ledger_us"] <= got["us"] - got["sources_us"], "%r" % got)
	got = line_of(w, w.ask("holzwickede", "/hub/v1/me").ok())
	check("sources_us" not in got and "ledger_us" not in got, "%r" % got)


@test
def says_which_sources_failed_by_number(w):
	w.brokers["s"].fault = status(500)
	a = w.ask("froendenberg", Q).ok()
	w.brokers["s"].fault = None
	got = line_of(w, a)
	same([got[k] for k in ("sources", "failed", "entities", "decision",
	    "reason")], [2, 1, 1, "partial", "SOURCE_FAILED"], "line")


@test
def has_a_line_of_who_went_away(w):
	n = len(lines(w))
	w.brokers["s"].fault = hang
	s = w.raw_socket()
	s.sendall(("GET %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
	    "%s\r\nHub-Purpose: hochwasserschutz\r\nLink: %s\r\n\r\n" %
	    (ENTITIES + Q, w.token("froendenberg"), LINK)).encode())
	wait_for(lambda: w.brokers["s"].open, 5, "asked")
	time.sleep(0.1)
	s.close()
	got = wait_for(lambda: lines(w)[n:], 10, "its line")[0]
	w.brokers["s"].fault = None
	same([got["status"], got["bytes"], got["tenant"]],
	    [0, 0, "froendenberg"], "line")


@test
def json_has_the_same_fields(w):
	plain = [ask_case(w, case) for case in CASES]
	configure(w, log_format='"json"')
	begun = len(w.hub.text())
	for case, before in zip(CASES, plain):
		got = ask_case(w, case)
		same(list(got), list(before), "fields and their order")
		same({k for k, v in got.items() if isinstance(v, int)},
		    NUMBERS & set(got), "numbers")
	w.hub.p.send_signal(signal.SIGUSR2)
	wait_for(lambda: lines(w, "state"), 5, "state")
	for l in w.hub.text()[begun:].splitlines():
		check(l.startswith("{"), l)
		fields(l)
	configure(w)
	begun = len(w.hub.text())
	ask_case(w, CASES[0])
	check("{" not in w.hub.text()[begun:], "still JSON")


@test
def leaves_the_lines_out_where_told(w):
	configure(w, log_requests="no")
	n = len(lines(w))
	a = w.ask("froendenberg", Q).ok()
	configure(w)
	w.ctl("log-level", "warn")
	b = w.ask("froendenberg", Q).ok()
	w.ctl("log-level", "info")
	line_of(w, w.ask("froendenberg", Q).ok())
	same(len(lines(w)), n + 1, "lines")
	check(a.one("Request-Id") not in w.hub.text() and
	    b.one("Request-Id") not in w.hub.text(), "a line")
	# The decision log is another matter.
	wait_for(lambda: all(x.one("Request-Id") in decisions(w)
	    for x in (a, b)), 5, "decisions")


@test
def lets_unknown_callers_have_so_many_lines_a_second(w):
	"""Of one worker: one connection."""
	def unknown():
		return len([l for l in lines(w) if l["status"] == 401])

	def skipped():
		return sum(int(l["more"]) for l in lines(w,
		    "requests of unknown callers without a line"))
	total, before, c = 1200, unknown() + skipped(), w.connect()
	begun = time.monotonic()
	for i in range(total):
		c.request("GET", ENTITIES)
		same(c.getresponse().read() != b"", True, "an answer")
	seconds = time.monotonic() - begun
	time.sleep(1.1)
	w.ask("froendenberg", Q, conn=c).ok()	# the same worker tells
	wait_for(lambda: unknown() + skipped() == before + total, 5,
	    "each has a line or is counted: %d and %d of %d" % (unknown(),
	    skipped(), total))
	check(unknown() - before <= 100 * (int(seconds) + 2), "too many")
	check(skipped() >= total - 100 * (int(seconds) + 2), "too few")


@test
def has_a_line_of_what_was_no_request(w):
	before = len(lines(w, "request not read"))
	w.raw(b"GET /secret HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
	w.raw(b"GET /secret" + b"x" * 70000 + b" HTTP/1.1\r\n\r\n")
	wait_for(lambda: len(lines(w, "request not read")) == before + 2, 5,
	    "two lines")
	got = lines(w, "request not read")[-2:]
	same([(l["status"], l["level"]) for l in got], [(400, "info"),
	    (414, "info")], "status")
	check(not w.logged("/secret"), "what the client wrote")


# ---- the trace

def decisions(w):
	return "".join(open(p).read() for p in
	    glob.glob(w.path("decisions", "decision-*.log")))


def heard(w, **headers):
	"""The line of a request with these fields, and what each source got
	of the trace."""
	for b in w.brokers.values():
		b.forget()
	a = w.ask("froendenberg", Q, headers={k.replace("_", "-"): v
	    for k, v in headers.items()}).ok()
	got = []
	for b in w.brokers.values():
		for asked in b.asked():
			h = [l.split(": ", 1) for l in asked[1:]]
			got.append({n: [v for k, v in h if k == n]
			    for n in ("traceparent", "tracestate")})
	same(len(got), 2, "sources asked")
	return line_of(w, a), got, a


@test
def goes_on_with_the_clients_trace(w):
	line, got, a = heard(w, traceparent=PARENT, tracestate="rojo=1")
	same([line["trace"], line["parent"]], [TRACE, SPAN], "line")
	check(line["span"] != SPAN, "our own part")
	for g in got:
		same(g, {"traceparent": ["00-%s-%s-01" % (TRACE,
		    line["span"])], "tracestate": []}, "source")
	same(a.all("traceparent"), [], "answer")
	d = wait_for(lambda: [l for l in decisions(w).splitlines()
	    if a.one("Request-Id") in l], 5, "decision")
	same(json.loads(d[0])["trace"], TRACE, "decision log")


@test
def begins_a_trace_where_there_is_none_that_is_good(w):
	for value in (None, "", "nonsense", PARENT.upper(), PARENT + "-x",
	    "ff" + PARENT[2:], "00-" + "0" * 32 + PARENT[35:],
	    PARENT[:36] + "0" * 16 + "-01"):
		headers = {"tracestate": "rojo=1"}
		if value is not None:
			headers["traceparent"] = value
		line, got, a = heard(w, **headers)
		check(line["trace"].lower() != TRACE and "parent" not in line,
		    "%r: %r" % (value, line))
		for g in got:
			same(g["traceparent"], ["00-%s-%s-00" % (
			    line["trace"], line["span"])], "%r" % value)
	# Two fields are none.
	raw = w.raw(("GET %s HTTP/1.1\r\nHost: localhost\r\ntraceparent: %s\r\n"
	    "Traceparent: %s\r\n\r\n" % (ENTITIES, PARENT, PARENT)).encode())
	check(b" 401 " in raw[0], "%r" % raw[0][:100])
	id = re.search(rb"Request-Id: (\S+)", raw[0]).group(1).decode()
	line = wait_for(lambda: [l for l in lines(w) if l["request"] == id], 5,
	    "line")[0]
	check(line["trace"] != TRACE, "%r" % line)


@test
def passes_a_state_on_where_told_and_nothing_where_told(w):
	configure(w, trace_sources="all")
	line, got, a = heard(w, traceparent=PARENT, tracestate="rojo=1, b=2")
	for g in got:
		same(g, {"traceparent": ["00-%s-%s-01" % (TRACE,
		    line["span"])], "tracestate": ["rojo=1, b=2"]}, "all")
	for bad in ("Rojo=1", "a=1,a=2", "a=" + "x" * 257, "a=b=c",
	    ",".join("k%d=%s" % (i, "x" * 60) for i in range(10))):
		line, got, a = heard(w, traceparent=PARENT, tracestate=bad)
		for g in got:
			same(g["tracestate"], [], bad)
			same(g["traceparent"][0][3:35], TRACE, bad)
	configure(w, trace_sources="none")
	line, got, a = heard(w, traceparent=PARENT, tracestate="rojo=1")
	same(line["trace"], TRACE, "still in the log")
	for g in got:
		same(g, {"traceparent": [], "tracestate": []}, "none")
	configure(w)


@test
def refuses_other_words(w):
	for key, value in (("log-format", "xml"), ("trace-sources", "yes"),
	    ("log-requests", "1")):
		w.settings = "%s = %s" % (key, value)
		w.write_conf()
		p = subprocess.run([HUBD, "-c", w.path("hubd.conf"), "-t"],
		    capture_output=True, text=True, timeout=30)
		same(p.returncode, 78, p.stderr)
		check(key in p.stderr and "allowed: " in p.stderr, p.stderr)
	w.settings = ""
	w.write_conf()


# ---- the journal; last, since it takes another hub

@test
def tells_the_journal_how_grave_a_line_is(w):
	w.stop()
	path = w.path("hubd.log")
	st = os.stat(path)
	w.start(env=dict(os.environ, JOURNAL_STREAM="%d:%d" % (st.st_dev,
	    st.st_ino)))
	a = w.ask("froendenberg", Q).ok()
	wait_for(lambda: a.one("Request-Id") in w.hub.text(), 5, "line")
	w.stop()
	for l in w.hub.text().splitlines():
		m = re.match(r"<([3467])>ts=\S+ level=(\w+) ", l)
		check(m, l)
		same(m.group(1), {"err": "3", "warn": "4", "info": "6",
		    "debug": "7"}[m.group(2)], l)
	w.start(env=dict(os.environ, JOURNAL_STREAM="%d:%d" % (st.st_dev,
	    st.st_ino + 1)))
	w.stop()
	check(all(l.startswith("ts=") for l in w.hub.text().splitlines()),
	    "a priority for nobody")


main(setup)

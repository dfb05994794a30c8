#!/usr/bin/env python3
# observe.t - what an operator sees: /metrics (read by a strict parser, and by
# promtool where there is one), /readyz?verbose.
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

Q = "?type=WaterObserved"
NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABELS = r'(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*",?)+)\})?'
SAMPLE = re.compile(r"(%s)%s ([0-9]+(?:\.[0-9]+)?)" % (NAME, LABELS))
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"')
SUFFIXES = {"counter": ("_total",), "info": ("_info",), "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count")}


def setup():
	w = World("observe", settings='decision-log { directory = "decisions" }',
	    brokers={n: Broker([ent("urn:ngsi-ld:WaterObserved:" + n,
	    "WaterObserved", waterLevel=prop("1"))]) for n in ("d", "s")})
	w.apply(tenants() + "".join(source("broker-" + n, who, w.brokers[n],
	    ["WaterObserved"], timeout="500ms",
	    extra='breaker = "2/60s"') + agreement(n + "-f", who,
	    "froendenberg", "broker-%s-data" % n, {"WaterObserved":
	    "allow = {waterLevel}"}, more='quota = "40/h burst 40"')
	    for n, who in (("d", "dortmund"), ("s", "schwerte"))))
	w.start()
	return w


def admin(w, path, **fields):
	c = http.client.HTTPConnection("127.0.0.1", w.admin, timeout=5 * SLOW)
	c.request("GET", path, headers={k.replace("_", "-"): v
	    for k, v in fields.items()})
	r = c.getresponse()
	a = Answer(r, r.read(), 0)
	c.close()
	return a


def parse(text, openmetrics):
	"""{(name, sorted labels): value}; fails at anything that the format
	does not allow."""
	samples, types, family, closed = {}, {}, None, set()
	check(text.endswith("\n"), "the last line has no end")
	lines = text[:-1].split("\n")
	if openmetrics:
		same(lines.pop(), "# EOF", "last line")
	for line in lines:
		head = re.fullmatch(r"# (HELP|TYPE) (%s) (.+)" % NAME, line)
		if head and head.group(1) == "HELP":
			closed.add(family)
			family = head.group(2)
			check(family not in closed, family + " is split")
		elif head:
			same(head.group(2), family, "TYPE after HELP")
			check(family not in types, "twice: " + line)
			types[family] = head.group(3)
			check(head.group(3) in ("counter", "gauge",
			    "histogram") or openmetrics, line)
			if not openmetrics and head.group(3) == "counter":
				check(family.endswith("_total"), line)
		else:
			m = SAMPLE.fullmatch(line)
			check(m, "no sample: %r" % line)
			ends = SUFFIXES[types[family]] if openmetrics or \
			    types[family] == "histogram" else ("",)
			check(m.group(1) in [family + e for e in ends],
			    "%s in %s" % (line, family))
			key = (m.group(1), tuple(sorted(LABEL.findall(
			    m.group(2) or ""))))
			check(key not in samples, "twice: %r" % line)
			samples[key] = float(m.group(3))
	check_histograms(samples, types)
	return samples


def check_histograms(samples, types):
	series = {}
	for (name, labels), value in samples.items():
		base = name[:-len("_bucket")]
		if not name.endswith("_bucket") or types.get(base) != "histogram":
			continue
		rest = tuple(l for l in labels if l[0] != "le")
		series.setdefault((base, rest), []).append(
		    (float(dict(labels)["le"].replace("+Inf", "inf")), value))
	check(series, "no histogram")
	for (base, rest), buckets in series.items():
		same(buckets, sorted(buckets), "bounds and counts rise")
		same(buckets[-1][0], float("inf"), "last bound")
		same(buckets[-1][1], samples[(base + "_count", rest)], "count")
		check((base + "_sum", rest) in samples, "sum")


def metrics(w, accept=None):
	"""With no request under way: each is counted just after its answer."""
	fields = {"Accept": accept} if accept else {}

	def idle():
		samples = parse(admin(w, "/metrics", **fields).ok()
		    .body.decode(), accept is not None)
		return of(samples, "hub_http_requests_open") == 0 and samples
	return wait_for(idle, 5, "no request under way")


def of(samples, name, **labels):
	"""The sum of what has these labels."""
	return sum(v for (n, l), v in samples.items()
	    if n == name and set(labels.items()) <= set(l))


@test
def counts_requests_by_tenant_method_and_code(w):
	before = metrics(w)
	for i in range(3):
		w.ask("froendenberg", Q).ok()
	w.ask("dortmund", Q).ok()
	w.ask(None, Q, token="nonsense").ok(401)
	w.ask("froendenberg", "?type=", method="GET")
	same(w.ask("froendenberg", Q, method="DELETE").status, 405, "status")
	after = metrics(w)

	def more(**labels):
		return of(after, "hub_http_requests_total", **labels) - \
		    of(before, "hub_http_requests_total", **labels)
	same(more(tenant="froendenberg", code="200"), 3, "Fröndenberg")
	same(more(tenant="dortmund", code="200"), 1, "Dortmund")
	same(more(tenant="other", code="401"), 1, "unknown")
	same(more(tenant="other", code="405", method="DELETE"), 1, "405")
	same(more(), 7, "all")
	name = "hub_http_request_duration_seconds_count"
	same(of(after, name) - of(before, name), 7, "histogram")
	name = "hub_policy_decisions_total"
	same(of(after, name, rule_class="agreement") -
	    of(before, name, rule_class="agreement"), 6, "by agreement")
	same(of(after, name, rule_class="own") -
	    of(before, name, rule_class="own"), 1, "own")


@test
def counts_what_came_of_each_source(w):
	samples = metrics(w)
	ok = of(samples, "hub_upstream_requests_total", broker="broker-d",
	    outcome="ok")
	check(ok >= 3, "asked %r times" % ok)
	same(of(samples, "hub_upstream_request_duration_seconds_count",
	    broker="broker-d", op="query"), ok, "as many times")
	same(of(samples, "hub_upstream_up", broker="broker-s"), 1, "up")
	w.brokers["s"].fault = status(500)
	for i in range(8):	# two workers, two failures each
		w.ask("froendenberg", Q).ok()
	after = metrics(w)
	check(of(after, "hub_upstream_requests_total", broker="broker-s",
	    outcome="error_status") >= 2, "errors")
	wait_for(lambda: w.ask("froendenberg", Q).ok() and
	    of(metrics(w), "hub_upstream_up", broker="broker-s") == 0, 10,
	    "its breaker is open")
	same(of(metrics(w), "hub_upstream_up", broker="broker-d"), 1,
	    "the other one")


@test
def tells_in_words_what_is_wrong_and_stays_ready(w):
	en = admin(w, "/readyz?verbose").ok().body.decode()
	de = admin(w, "/readyz?verbose", Accept_Language="de-DE").ok() \
	    .body.decode()
	check("! source broker-s: not asked for now" in en, en)
	check("! Quelle broker-s: wird zurzeit nicht gefragt" in de, de)
	for words in ("ready\n", "  region: bundle 1 is in force\n",
	    "  database: reached\n", "  policy: confirmed ", "  spool: 0 % "):
		check(words in en, "%r not in %s" % (words, en))
	check("broker-d" not in en, en)
	same(len(en.splitlines()), len(de.splitlines()), "lines")


@test
def counts_what_a_quota_refuses(w):
	for i in range(60):
		if w.ask("froendenberg", Q).status == 429:
			break
	samples = metrics(w)
	check(of(samples, "hub_rate_limited_total",
	    tenant="froendenberg") >= 1, "none")
	check(of(samples, "hub_policy_decisions_total",
	    rule_class="quota") >= 1, "no decision")


@test
def speaks_both_formats(w):
	plain = admin(w, "/metrics").ok()
	same(plain.one("Content-Type"),
	    "text/plain; version=0.0.4; charset=utf-8", "type")
	for accept, open_ in (
	    ("application/openmetrics-text;version=1.0.0;q=0.5,"
	    "text/plain;version=0.0.4;q=0.4,*/*;q=0.1", True),
	    ("application/openmetrics-text", True),
	    ("text/plain, application/openmetrics-text;q=0.9", False),
	    ("application/openmetrics-text;q=0", False), ("*/*", False)):
		a = admin(w, "/metrics", Accept=accept).ok()
		same(a.one("Content-Type").startswith("application/openm"),
		    open_, accept)
		parse(a.body.decode(), open_)
	names = {n for n, _ in metrics(w)}
	for n in ("hub_build_info", "process_resident_memory_bytes",
	    "process_open_fds", "process_cpu_seconds_total",
	    "process_start_time_seconds", "hub_ledger_spool_bytes",
	    "hub_ledger_events_lost_total",
	    "hub_policy_snapshot_age_seconds"):
		check(n in names, "no " + n)
	same(of(metrics(w), "hub_ledger_events_lost_total"), 0, "lost")


@test
def labels_come_from_the_region_alone(w):
	for i in range(5):
		w.ask(None, Q + "&q=waterLevel==secret%d" % i,
		    token="made.up.%d" % i, headers={"Hub-Purpose": "p%d" % i})
		w.ask("froendenberg", "/ngsi-ld/v1/entities/urn:secret:%d" % i)
	text = admin(w, "/metrics").ok().body.decode()
	for word in ("secret", "made.up", "urn:", "p1\"", "flow"):
		check(word not in text, "%s is in the metrics" % word)
	tenants_ = {dict(l).get("tenant") for n, l in metrics(w)
	    if n == "hub_http_requests_total"}
	check(tenants_ <= {"other", "froendenberg", "dortmund"},
	    "tenants %r" % tenants_)


@test
def keeps_its_counts_when_another_region_comes(w):
	before = metrics(w)
	w.apply(open(w.path("region.hub")).read().replace(
	    "tenant dortmund", 'tenant aachen { name = "Stadt Aachen"  '
	    'ags = "05334002"  kind = municipality }\ntenant dortmund', 1))
	wait_for(lambda: of(metrics(w), "hub_policy_bundle") == 2, 15,
	    "bundle 2")
	after = metrics(w)
	for (name, labels), value in before.items():
		if name.endswith("_total") and "tenant" in dict(labels):
			check(after[(name, labels)] >= value, "%s%r went back"
			    % (name, labels))
	w.ask("dortmund", Q).ok()
	same(of(metrics(w), "hub_http_requests_total", tenant="dortmund") -
	    of(after, "hub_http_requests_total", tenant="dortmund"), 1,
	    "under its own name")


@test
def satisfies_promtool(w):
	installed("promtool")
	run("promtool", "check", "metrics",
	    stdin=admin(w, "/metrics").ok().body.decode())
	run("promtool", "check", "rules",
	    os.path.join(SRC, "contrib/prometheus/drehscheibe.rules.yml"))
	run("promtool", "test", "rules",
	    os.path.join(SRC, "contrib/prometheus/drehscheibe.test.yml"))


@test
def has_the_names_and_labels_that_others_expect(w):
	"""Dashboards and alerts of operators rely on them."""
	w.ask("froendenberg", Q)
	samples = metrics(w)
	heads = set(re.findall(r"# TYPE (\S+) (\S+)", admin(w, "/metrics")
	    .ok().body.decode()))
	for name, type, labels in (
	    ("hub_http_requests_total", "counter",
		{"listener", "method", "code", "tenant"}),
	    ("hub_http_request_duration_seconds", "histogram", {"listener"}),
	    ("hub_upstream_request_duration_seconds", "histogram",
		{"broker", "op"}),
	    ("hub_upstream_up", "gauge", {"broker"}),
	    ("hub_policy_decisions_total", "counter",
		{"effect", "rule_class"}),
	    ("hub_policy_snapshot_age_seconds", "gauge", set()),
	    ("hub_jwks_age_seconds", "gauge", None), # files have none
	    ("hub_ledger_spool_bytes", "gauge", set()),
	    ("hub_ledger_events_lost_total", "counter", set()),
	    ("hub_rate_limited_total", "counter", {"tenant"}),
	    ("hub_build_info", "gauge", {"version"}),
	    ("hub_log_lines_lost_total", "counter", set()),
	    ("hub_decision_log_lines_total", "counter", set()),
	    ("hub_decision_log_lines_lost_total", "counter", set())):
		check((name, type) in heads, "no %s %s" % (type, name))
		ends = ("_count",) if type == "histogram" else ("",)
		got = {frozenset(k for k, v in l) for n, l in samples
		    if n in [name + e for e in ends]}
		same(got, set() if labels is None else {frozenset(labels)},
		    name)


@test
def every_alert_is_tested(w):
	folder = os.path.join(SRC, "contrib/prometheus/drehscheibe.")
	with open(folder + "rules.yml") as f:
		alerts = re.findall(r"- alert: (\w+)", f.read())
	check(len(alerts) >= 12, "%r" % alerts)
	with open(folder + "test.yml") as f:
		tested = f.read().split("- alertname: ")[1:]
	for a in alerts:
		check(any(t.startswith(a + "\n") and "exp_labels" in t
		    for t in tested), a + " never fires in a test")


main(setup)

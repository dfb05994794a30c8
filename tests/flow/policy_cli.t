#!/usr/bin/env python3
# policy_cli.t - what policy means, in sentences: diff, apply, rollback, sign,
# agreements, who-can, what-can, explain; and that hubd does what they say.
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

Q = "?type=WaterObserved"
ONE = "urn:ngsi-ld:WaterObserved:s1"
SHARE = "allow = {waterLevel}  history = 90d"
# What a person at a German desk has.
GERMAN = dict(os.environ, LC_ALL="de_DE.UTF-8")
ENGLISH = dict(os.environ, LC_ALL="C.UTF-8")


def region(w, share=SHARE, signed=None, more="", draft="allow = {flow}"):
	r = tenants()
	r += source("broker-s", "schwerte", w.brokers["s"], ["WaterObserved"])
	r += source("broker-d", "dortmund", w.brokers["d"],
	    ["OffStreetParking"])
	r += agreement("s-f", "schwerte", "froendenberg", "broker-s-data",
	    {"WaterObserved": share})
	r += agreement("s-h", "schwerte", "holzwickede", "broker-s-data",
	    {"WaterObserved": draft}, signed=signed or '"schwerte:a"')
	r += 'forbid geraete { attribute = refDevice  reason = "Sicherheit" }\n'
	return r + more


def setup():
	w = World("policy", {
	    "s": Broker([ent(ONE, "WaterObserved", waterLevel=prop("1.23"),
		flow=prop("2"), refDevice=prop('"d"'))]),
	    "d": Broker([])})
	w.apply(region(w))
	w.start()
	return w


def bundles(w):
	return json.loads(w.ctl("-o", "json", "bundles")[0])


def head(w):
	return [b["bundle"] for b in bundles(w) if b["in_force"]][0]


def diff(w, text, code, *argv, env=ENGLISH):
	return w.ctl("diff", w.write("other/region.hub", text), *argv,
	    code=code, env=env)[0].splitlines()


def other(w, **more):
	"""Files beside the other's contexts and keys."""
	for name in ("contexts/flow.jsonld", "areas/schwerte.geojson",
	    "tls/jwks.json"):
		with open(w.path(name)) as f:
			w.write("other/" + name, f.read())
	return region(w, **more)


def seen(w, tenant="froendenberg"):
	"""The attributes that a tenant gets now."""
	e = w.ask(tenant, Q).ok().json()
	return sorted(set(e[0]) - {"id", "type"}) if e else None


@test
def says_what_changes_in_two_languages(w):
	text = other(w, share="allow = {waterLevel, flow}  history = 90d")
	same(diff(w, text, 3), ["WIDENS   Stadt Schwerte additionally gives "
	    "Stadt Fröndenberg/Ruhr flow of WaterObserved for "
	    "Hochwasserschutz."], "English")
	want = ["WIDENS   Stadt Schwerte gibt Stadt Fröndenberg/Ruhr für "
	    "Hochwasserschutz zusätzlich flow von WaterObserved weiter."]
	same(diff(w, text, 3, env=GERMAN), want, "German by the environment")
	same(diff(w, text, 3, "--lang", "de"), want, "German by option")
	rows = json.loads("\n".join(diff(w, text, 3, "-o", "json")))
	same([(r["kind"], r["subject"]) for r in rows],
	    [("WIDENS", "agreement s-f")], "JSON")


@test
def tells_narrowing_and_layout_from_widening(w):
	lines = diff(w, other(w, share="allow = {waterLevel}  history = 30d"),
	    0)
	same(len(lines), 1, "lines")
	check(lines[0].startswith("NARROWS "), lines)
	# Other files, another order, comments: nothing was said otherwise.
	text = other(w).replace("\n", "\n\t# anders\n  ")
	a, b = text.split("agreement s-f")[0], "agreement s-f" + \
	    text.split("agreement s-f")[1]
	w.write("other/z.hub", b)
	same(diff(w, 'include ("z.hub")\n' + a, 0),
	    ["NEUTRAL  nothing changes in what is shared"], "layout")
	os.unlink(w.path("other/z.hub"))


@test
def finds_widening_in_a_reformatting_commit(w):
	"""policy.md, A8."""
	text = "# neu geordnet\n" + other(w).replace("\n", "\n\n").replace(
	    "history = 90d", "history   =   365d")
	check("365 days" in diff(w, text, 3)[0], "diff")


@test
def wants_acceptance_of_exactly_that_widening(w):
	before = head(w)
	wide = w.write("region.hub", region(w,
	    share="allow = {waterLevel, flow}  history = 90d"))
	out, err = w.ctl("apply", wide, code=3, env=ENGLISH)
	check("additionally" in out, out)
	hash = re.search(r"--accept-widening ([0-9a-f]{64})", err).group(1)
	same(head(w), before, "bundle")
	same(seen(w), ["waterLevel"], "attributes")
	w.ctl("apply", wide, "--accept-widening", "0" * 64, code=3)
	w.ctl("apply", wide, "--accept-widening", hash[:12], code=3)
	w.ctl("apply", wide, "--dry-run", "--accept-widening", hash)
	same(head(w), before, "bundle after a dry run")
	# The same hash is good for no other change.
	more = w.write("region.hub", region(w,
	    share="allow = {waterLevel, flow, stationName}  history = 90d"))
	w.ctl("apply", more, "--accept-widening", hash, code=3)
	w.write("region.hub", region(w,
	    share="allow = {waterLevel, flow}  history = 90d"))
	out = w.ctl("apply", wide, "--accept-widening", hash)[0]
	same(out, "bundle %d\n" % (before + 1), "apply")
	wait_for(lambda: seen(w) == ["flow", "waterLevel"], 10, "wider")
	# What narrows needs nobody's acceptance, and diff has a word for it.
	w.write("region.hub", region(w))
	w.ctl("apply", wide)
	wait_for(lambda: seen(w) == ["waterLevel"], 10, "narrower")
	check(w.ctl("diff", env=ENGLISH)[0].startswith("NARROWS "), "last")


@test
def refuses_what_was_accepted_for_another_bundle(w):
	"""The hash is of a text instead of another one."""
	wide = w.write("region.hub", region(w,
	    share="allow = {waterLevel, flow}  history = 90d"))
	err = w.ctl("apply", wide, code=3)[1]
	hash = re.search(r"--accept-widening ([0-9a-f]{64})", err).group(1)
	w.write("region.hub", region(w, more="# inzwischen\n"))
	w.ctl("apply", wide)
	w.write("region.hub", region(w,
	    share="allow = {waterLevel, flow}  history = 90d"))
	w.ctl("apply", wide, "--accept-widening", hash, code=3)
	w.apply(region(w))


@test
def rolls_back_to_an_older_text(w):
	first = head(w)
	w.apply(region(w, share="allow = {flow}  history = 90d"))
	wait_for(lambda: seen(w) == ["flow"], 10, "flow")
	out, err = w.ctl("rollback", str(first), code=3, env=ENGLISH)
	check("waterLevel" in out, out)
	hash = re.search(r"--accept-widening ([0-9a-f]{64})", err).group(1)
	w.ctl("rollback", str(first), "--accept-widening", hash, "--dry-run")
	same(head(w), first + 1, "after a dry run")
	out = w.ctl("rollback", str(first), "--accept-widening", hash)[0]
	same(out, "bundle %d\n" % (first + 2), "rollback")
	wait_for(lambda: seen(w) == ["waterLevel"], 10, "waterLevel")
	b = {x["bundle"]: x for x in bundles(w)}
	same(b[first + 2]["sha256"], b[first]["sha256"], "text")
	same(b[first + 2]["note"], "rollback to %d" % first, "note")
	check("unchanged" in w.ctl("rollback", str(first))[0], "again")
	w.ctl("rollback", "9999", code=1)
	w.ctl("rollback", "x", code=64)


@test
def counts_signatures_beside_those_of_the_file(w):
	same(seen(w, "holzwickede"), None, "a draft")
	rows = json.loads(w.ctl("-o", "json", "agreements", env=ENGLISH)[0])
	same({r["agreement"]: r["state"] for r in rows},
	    {"s-f": "in force", "s-h": "draft"}, "states")
	sign = ["sign", "s-h", "--as", "holzwickede", "--by", "h.meier"]
	check("now gives" in w.ctl(*sign, "--dry-run", env=ENGLISH)[0],
	    "consequence")
	same(w.sql("SELECT count(*) FROM hub.signature"), [["0"]], "dry run")
	check("signed s-h version 1 for holzwickede by h.meier" in
	    w.ctl(*sign)[0], "sign")
	wait_for(lambda: seen(w, "holzwickede") == ["flow"], 10, "in force")
	same(w.sql("SELECT agreement, version, tenant, side, person, "
	    "signed_at > now() - interval '1 minute' FROM hub.signature"),
	    [["s-h", "1", "holzwickede", "consumer", "h.meier", "t"]], "row")
	check("unchanged" in w.ctl(*sign)[0], "again")
	rows = json.loads(w.ctl("-o", "json", "agreements")[0])
	same([r["signed_consumer"] for r in rows if r["agreement"] == "s-h"],
	    ["h.meier"], "signer")


@test
def signs_one_text_and_no_other(w):
	# Layout leaves the signature good ...
	w.apply(region(w, draft="  allow   =   { flow }  "))
	time.sleep(0.5 * SLOW)
	same(seen(w, "holzwickede"), ["flow"], "laid out otherwise")
	# ... another text does not,
	w.apply(region(w, draft="allow = {flow, waterLevel}"))
	wait_for(lambda: seen(w, "holzwickede") is None, 10, "a draft again")
	# and the old text, when it is back, widens and has its own again.
	out, err = w.ctl("apply", w.write("region.hub", region(w)), code=3,
	    env=ENGLISH)
	check("holzwickede" not in out and "Holzwickede" in out, out)
	w.apply(region(w))
	wait_for(lambda: seen(w, "holzwickede") == ["flow"], 10, "signed")


@test
def lets_nobody_sign_for_others_or_for_both(w):
	"""policy.md, A1."""
	w.apply(region(w, draft="allow = {stationName}"))
	sign = ["sign", "s-h", "--as"]
	w.ctl(*sign, "froendenberg", "--by", "x", code=77)
	w.ctl(*sign, "nobody", "--by", "x", code=77)
	w.ctl(*sign, "holzwickede", "--by", "a", code=77)
	w.ctl(*sign, "holzwickede", code=64)
	w.ctl("sign", "nothing", "--as", "schwerte", "--by", "x", code=1)
	author = bundles(w)[-1]["created_by"]
	err = w.ctl(*sign, "holzwickede", "--by", author, code=77)[1]
	check("applied this bundle" in err, err)
	# The database itself says so, whoever asks it.
	args = "('s-h', 1, sha256('x'), '%s', '%s', '%s', " \
	    "(SELECT bundle_id FROM hub.head))"
	w.sql("SELECT hub.signature_add" + args % ("schwerte", "provider",
	    "p"))
	for tenant, side, person in (("holzwickede", "consumer", "p"),
	    ("schwerte", "provider", "q")):
		try:
			w.sql("SELECT hub.signature_add" + args % (tenant,
			    side, person))
		except Failed as e:
			check("duplicate key" in str(e), e)
		else:
			raise Failed("%s signed for %s" % (person, side))
	for verb in ("UPDATE hub.signature SET person = 'z'",
	    "DELETE FROM hub.signature"):
		try:
			w.sql(verb)
		except Failed as e:
			check("immutable" in str(e), e)
		else:
			raise Failed(verb)
	w.apply(region(w))


@test
def takes_hostile_names_as_text(w):
	"""policy.md, A7."""
	w.apply(region(w, draft="allow = {exact}"))
	for person in ("x\ny", "\x1b[2J", " x", "", "x" * 256):
		w.ctl("sign", "s-h", "--as", "holzwickede", "--by", person,
		    code=64)
	evil = "'); DROP TABLE hub.signature; --"
	w.ctl("sign", "s-h", "--as", "holzwickede", "--by", evil)
	same(w.sql("SELECT person FROM hub.signature WHERE tenant = "
	    "'holzwickede' ORDER BY 1 LIMIT 1"), [[evil]], "person")
	w.ctl("sign", "s-h'; --", "--as", "schwerte", "--by", "x", code=1)
	w.ctl("who-can", "Water'Observed", code=1)
	w.ctl("explain", "--as", "froendenberg", "GET /ngsi-ld/v1/entities"
	    "?type=%00", code=1)
	w.apply(region(w))


@test
def lists_who_may_see_what(w):
	rows = json.loads(w.ctl("-o", "json", "who-can", "WaterObserved",
	    env=ENGLISH)[0])
	same(sorted((r["consumer"], r["attributes"], r["agreement"],
	    r["until"]) for r in rows), [
	    ("froendenberg", "waterLevel", "s-f", "2099-12-31"),
	    ("holzwickede", "flow", "s-h", "2099-12-31"),
	    ("schwerte", "all", None, None)], "who")
	rows = json.loads(w.ctl("-o", "json", "who-can", "WaterObserved.flow")
	    [0])
	same(sorted(r["consumer"] for r in rows), ["holzwickede", "schwerte"],
	    "who sees flow")
	rows = json.loads(w.ctl("-o", "json", "who-can",
	    "https://drehscheibe.example/terms/WaterObserved")[0])
	same(len(rows), 3, "by IRI")
	rows = json.loads(w.ctl("-o", "json", "what-can", "froendenberg")[0])
	same([(r["provider"], r["attributes"]) for r in rows],
	    [("schwerte", "waterLevel")], "what")
	same(json.loads(w.ctl("-o", "json", "what-can", "kreis-unna")[0]), [],
	    "nothing")
	w.ctl("what-can", "nobody", code=1)
	w.ctl("who-can", "Nothing", code=1)
	# A forbid counts, whatever an agreement releases.
	r = region(w, share="allow = {waterLevel, refDevice}")
	w.write("other/region.hub", r)
	rows = json.loads(w.ctl("-o", "json", "who-can",
	    "WaterObserved.refDevice", "--region",
	    w.path("other/region.hub"))[0])
	same([r["consumer"] for r in rows], ["schwerte"], "refDevice")


def explain(w, tenant, target, *argv, code=0, purpose="hochwasserschutz"):
	out = w.ctl("-o", "json", "explain", "--as", tenant, "--purpose",
	    purpose, *argv, "GET /ngsi-ld/v1" + target, code=code,
	    env=ENGLISH)[0]
	return json.loads(out) if code == 0 else out


def codes(rows, dataset):
	return [r["code"] for r in rows if r["dataset"] == dataset and
	    r["code"]]


@test
def explains_as_the_hub_decides(w):
	for b in w.brokers.values():
		b.forget()
	rows = explain(w, "froendenberg", "/entities" + Q +
	    "&q=refDevice;waterLevel>1")
	same(codes(rows, "broker-s-data"), ["CONDITIONAL", "HISTORY",
	    "PREDICATE_ABSENT", "PREDICATE_LOCAL"], "asked")
	same(codes(rows, "broker-d-data"), ["NO_GRANT"], "not asked")
	by = [r for r in rows if r["agreement"]][0]
	same((by["agreement"], by["version"]), ("s-f", 1), "agreement")
	line = int(re.match(r"region\.hub:(\d+)$", by["at"]).group(1))
	check(open(w.path("region.hub")).read().splitlines()[line - 1]
	    .startswith("agreement s-f"), "line %d" % line)
	same([b.asked() for b in w.brokers.values()], [[], []],
	    "asked of the brokers")
	# And the hub: the predicate on what is not there finds nothing.
	same(w.ask("froendenberg", Q + "&q=refDevice;waterLevel%3E1").ids(),
	    [], "the hub's answer")
	same(w.ask("froendenberg", Q + "&q=waterLevel%3E1").ids(), [ONE],
	    "the hub's answer without it")


CASES = (
    # tenant, purpose, target, dataset, first code
    ("schwerte", "hochwasserschutz", "/entities?type=WaterObserved",
	"broker-s-data", "FULL"),
    ("froendenberg", "verkehr", "/entities?type=WaterObserved",
	"broker-s-data", "NO_GRANT"),
    ("froendenberg", "nichts", "/entities?type=WaterObserved", None,
	"NO_PURPOSE"),
    ("kreis-unna", "hochwasserschutz", "/entities?type=WaterObserved",
	"broker-s-data", "NO_GRANT"),
    ("froendenberg", "hochwasserschutz", "/entities?type=OffStreetParking",
	"broker-s-data", "TYPE_DROPPED"),
    ("froendenberg", "hochwasserschutz",
	"/entities?type=WaterObserved&id=urn:ngsi-ld:Other:1",
	"broker-s-data", "ID_PREFIX"),
    ("froendenberg", "hochwasserschutz", "/entities/urn:ngsi-ld:Other:1",
	"broker-s-data", "ID_PREFIX"),
    ("froendenberg", "hochwasserschutz", "/entities/" + ONE,
	"broker-s-data", "CONDITIONAL"),
    ("froendenberg", "hochwasserschutz",
	"/entities?type=WaterObserved&attrs=flow", "broker-s-data",
	"ATTR_DROPPED"),
    ("froendenberg", "hochwasserschutz",
	"/temporal/entities?type=WaterObserved&timerel=after&"
	"timeAt=2026-01-01T00:00:00Z", "broker-s-data", "NO_GRANT"),
)


@test
def names_the_reason_of_each_refusal(w):
	for tenant, purpose, target, dataset, code in CASES:
		rows = explain(w, tenant, target, purpose=purpose)
		same(codes(rows, dataset)[:1], [code], "%s %s" % (tenant,
		    target))
		# What is not asked gives nothing, and the other way round.
		if dataset is None or target.startswith("/temporal"):
			continue
		w.brokers["s"].forget()
		w.ask(tenant, ROOT + target, purpose=purpose)
		same(len(w.brokers["s"].asked()) > 0, code in ("FULL",
		    "CONDITIONAL"), "asked: %s %s" % (tenant, target))
	explain(w, "froendenberg", "/entities?type=A&nosuch=1", code=1)
	explain(w, "froendenberg", "/entities?q=a==1&q=b==2", code=1)
	explain(w, "nobody", "/entities?type=A", code=1)
	w.ctl("explain", "GET /ngsi-ld/v1/entities?type=A", code=64)
	w.ctl("explain", "--as", "froendenberg", "POST /x", code=64)


@test
def asks_for_nothing_where_a_type_is_forbidden(w):
	w.apply(region(w, more='forbid alles { type = WaterObserved  '
	    'consumer = froendenberg  reason = "Sperre" }\n'))
	rows = explain(w, "froendenberg", "/entities" + Q)
	same(codes(rows, "broker-s-data"), ["ATTR_DROPPED", "FORBIDDEN"],
	    "codes")
	wait_for(lambda: seen(w) is None, 10, "forbidden")
	w.brokers["s"].forget()
	same(seen(w), None, "answer")
	same(w.brokers["s"].asked(), [], "asked")
	rows = json.loads(w.ctl("-o", "json", "what-can", "froendenberg")[0])
	same(rows, [], "what-can")
	w.apply(region(w))
	wait_for(lambda: seen(w) == ["waterLevel"], 10, "lifted")


@test
def explains_files_without_a_database(w):
	path = w.write("other/region.hub", other(w,
	    share="round waterLevel { to = 0.5 } allow = {refDevice}  "
	    "inside = {schwerte}  delay = 1h",
	    more='agreement alt { version = 1  provider = schwerte\n'
	    'consumer = holzwickede  dataset = broker-s-data\n'
	    'purpose = klima  actions = {query}\n'
	    'valid = "2020-01-01..2020-12-31"\n'
	    'signed-by = {"schwerte:a", "holzwickede:b"}\n'
	    'share WaterObserved { allow = {flow} } }\n'))
	argv = ["--region", path, "-d", "host=/nowhere"]
	rows = explain(w, "froendenberg", "/entities" + Q, *argv)
	same(codes(rows, "broker-s-data"), ["CONDITIONAL", "ATTR_TRANSFORMED",
	    "FORBIDDEN", "AREA", "NO_LOCATION", "DELAY"], "codes")
	rows = explain(w, "holzwickede", "/entities" + Q, *argv,
	    purpose="klima")
	same(codes(rows, "broker-s-data"), ["NO_GRANT", "PERIOD"], "period")
	out = w.ctl("explain", "--as", "froendenberg", "--lang", "de", *argv,
	    "GET", "/ngsi-ld/v1/entities" + Q)[0]
	check("gerundet auf 0,5" in out and "Zweck" in out, out)


@test
def speaks_german_by_the_environment_alone(w):
	check("VEREINBARUNG" in w.ctl("agreements", env=GERMAN)[0], "table")
	# CSV is read by programs: the same everywhere.
	out = w.ctl("-o", "csv", "agreements", env=GERMAN)[0]
	check(out.startswith("agreement,"), out)


main(setup)

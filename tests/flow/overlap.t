#!/usr/bin/env python3
# overlap.t - the seven entities of the demo region that two providers have:
# which value wins, with what it travels, in whatever order sources are
# registered and answer.
import itertools
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

REGION = "https://drehscheibe.example/contexts/region.jsonld"
RLINK = {"Link": LINK.replace(CONTEXT, REGION)}
# Source: its owner. Datasets are called NAME-data, so ties go to the first.
OWNERS = {"dortmund": "dortmund", "schwerte": "schwerte",
    "unna": "kreis-unna"}
TYPES = ("WaterObserved", "WeatherObserved", "BridgeLoadObserved",
    "FloodMonitoring", "Device")
DEMO = os.path.join(SRC, "contrib/demo")

DATA = {}
for n, owner in OWNERS.items():
	with open(os.path.join(DEMO, "data/%s.json" % owner)) as f:
		DATA[n] = {e["id"]: e for e in json.load(f)
		    if isinstance(e["type"], list) or e["type"] in TYPES}


def urn(name):
	return "urn:ngsi-ld:" + name


# id: {attribute: the source whose instance must win}, ties to the name
WINNERS = {
    urn("WaterObserved:Ruhr-Villigst"): dict(waterLevel="schwerte",
	flow="schwerte", waterTemperature="schwerte",
	dataProvider="schwerte", dateObserved="schwerte", name="schwerte"),
    urn("WaterObserved:Ruhr-Westhofen"): dict(waterLevel="schwerte",
	flow="schwerte", waterTemperature="dortmund",
	refPointOfInterest="schwerte", dataProvider="dortmund"),
    urn("WaterObserved:Emscher-Holzwickede"): dict(waterLevel="dortmund",
	flow="dortmund", waterTemperature="unna", dataProvider="dortmund",
	dateObserved="dortmund"),
    urn("WeatherObserved:Dortmund-Flughafen"): dict(temperature="dortmund",
	relativeHumidity="dortmund", precipitation="dortmund",
	windSpeed="dortmund", dewPoint="dortmund", visibility="unna",
	dataProvider="dortmund"),
    urn("BridgeLoadObserved:Schwerte-Ruhrbruecke-B236"): dict(
	maxAxleLoad="schwerte", heavyVehicleCount="schwerte",
	strain="schwerte", dataProvider="schwerte"),
    urn("FloodMonitoring:Ruhr-Villigst-Alarm"): dict(currentLevel="unna",
	floodLevelStatus="unna", waterLevel="schwerte",
	dateObserved="schwerte", observationDateTime="schwerte",
	dataProvider="schwerte"),
    urn("Device:pegel-ruhr-villigst"): dict(rssi="schwerte",
	batteryLevel="schwerte", deviceState="schwerte",
	dataProvider="schwerte", controlledProperty="schwerte"),
}
# Values as they stand in the data: so that a changed file is noticed.
VALUES = {
    ("WaterObserved:Ruhr-Villigst", "waterLevel"): (142, "CMT"),
    ("WaterObserved:Ruhr-Westhofen", "waterLevel"): (1.91, "MTR"),
    ("WaterObserved:Emscher-Holzwickede", "waterLevel"): (0.24, "MTR"),
    ("WeatherObserved:Dortmund-Flughafen", "temperature"): (6.4, "CEL"),
    ("BridgeLoadObserved:Schwerte-Ruhrbruecke-B236", "maxAxleLoad"):
	(9.4, "TNE"),
    ("FloodMonitoring:Ruhr-Villigst-Alarm", "currentLevel"): (1.44, "MTR"),
    ("Device:pegel-ruhr-villigst", "rssi"): (-71, "DBM"),
}
# What only ties decide: observed at the same instant, or not observed.
TIES = {i: [a for a in DATA["unna"][i] if a not in ("id", "type") and
    "observedAt" not in DATA["unna"][i][a] and any(
	a in DATA[n].get(i, {}) and "observedAt" not in DATA[n][i][a]
	for n in ("dortmund", "schwerte"))]
    for i in WINNERS if i in DATA["unna"]}
TIES[urn("BridgeLoadObserved:Schwerte-Ruhrbruecke-B236")] += [
    "maxAxleLoad", "heavyVehicleCount"]


def build(w, order=tuple(OWNERS), first=None, more=""):
	r = tenants() + 'context "%s" { file = "contexts/region.jsonld" }\n' % (
	    REGION)
	allow = sorted({a for d in DATA.values() for e in d.values()
	    for a in e} - {"id", "type"})
	for n in order:
		r += '''
source %s { owner = %s  endpoint = "%s"  timeout = 5s  context = "%s" }
dataset %s-data { source = %s  title = "%s"  licence = dl-de-zero-2-0
	ids = {"urn:ngsi-ld:*"}  %s
%s }
''' % (n, OWNERS[n], w.brokers[n].url, REGION, n, n, n,
		    "priority = 10" if n == first else "",
		    "\n".join("\ttype %s { }" % t for t in TYPES))
		r += agreement(n + "-f", OWNERS[n], "froendenberg",
		    n + "-data", {t: "allow = {%s} %s" % (", ".join(allow),
		    more) for t in TYPES})
	return r


def setup():
	w = World("overlap", {n: Broker([json.dumps(e).encode()
	    for e in d.values()], context=REGION) for n, d in DATA.items()})
	with open(os.path.join(DEMO, "contexts/region.jsonld")) as f:
		w.write("contexts/region.jsonld", f.read())
	w.apply(build(w))
	w.start()
	return w


def ask(w):
	a = w.ask("froendenberg", "?type=" + ",".join(TYPES) +
	    "&limit=1000&count=true", headers=RLINK).ok()
	same(a.warnings(), {}, "warnings")
	return a


def entities(w):
	return {e["id"]: e for e in ask(w).json()}


def use(w, text):
	"""Puts another bundle into force."""
	w.apply(text)
	bundles = json.loads(w.ctl("-o", "json", "bundles")[0])
	n = max(b["bundle"] for b in bundles)
	wait_for(lambda: w.logged('msg="region in force" bundle=%d ' % n), 15,
	    "bundle %d" % n)


@test
def has_the_seven(w):
	twice = sorted(i for i in {i for d in DATA.values() for i in d}
	    if sum(i in d for d in DATA.values()) > 1)
	same(twice, sorted(WINNERS), "ids at two providers")
	all = entities(w)
	same(sorted(all), sorted({i for d in DATA.values() for i in d}),
	    "each id once")


@test
def takes_each_attribute_whole_from_its_winner(w):
	all = entities(w)
	for i, attrs in WINNERS.items():
		for a, n in attrs.items():
			# value, unitCode, observedAt and all
			same(all[i][a], DATA[n][i][a], "%s %s of %s" % (i, a,
			    n))
		same(set(all[i]), set().union(*(d[i] for d in DATA.values()
		    if i in d)), i + ": members")
	for (i, a), (value, unit) in VALUES.items():
		got = all[urn(i)][a]
		same((got["value"], got["unitCode"]), (value, unit), i)


@test
def unites_types(w):
	all = entities(w)
	i = urn("FloodMonitoring:Ruhr-Villigst-Alarm")
	same(sorted(all[i]["type"]), ["FloodMonitoring", "WaterObserved"], i)
	a = w.ask("froendenberg", "?type=WaterObserved&id=" + i,
	    headers=RLINK).ok()
	same(a.ids(), [i], "found by either type")


@test
def keeps_what_was_observed_before_what_was_not(w):
	i = urn("WaterObserved:Emscher-Holzwickede")
	same(entities(w)[i]["waterLevel"].get("observedAt"),
	    "2026-11-22T17:30:00Z", "observedAt")
	check("observedAt" not in DATA["unna"][i]["waterLevel"], "the data")


@test
def gives_the_same_bytes_in_any_order(w):
	want = ask(w).body
	orders = list(itertools.permutations(OWNERS))
	try:
		for order in orders:
			for place, n in enumerate(order):
				w.brokers[n].fault = delay(0.04 * place)
			same(ask(w).body, want, "%s answered in turn" %
			    (order,))
			for n in OWNERS:
				w.brokers[n].fault = None
		for n in OWNERS:
			w.brokers[n].entities.reverse()
		same(ask(w).body, want, "pages the other way round")
		use(w, build(w, order=tuple(OWNERS)[::-1]))
		same(ask(w).body, want, "registered the other way round")
		for n in OWNERS:
			w.brokers[n].entities.reverse()
		for order in orders[::2]:
			for place, n in enumerate(order):
				w.brokers[n].fault = delay(0.04 * place)
			same(ask(w).body, want, "both")
			for n in OWNERS:
				w.brokers[n].fault = None
	finally:
		for n in OWNERS:
			w.brokers[n].fault = None


@test
def lets_priority_decide_ties_and_nothing_else(w):
	use(w, build(w, first="unna"))
	all = entities(w)
	for i, attrs in TIES.items():
		check(attrs, "no ties in " + i)
		for a in attrs:
			same(all[i][a], DATA["unna"][i][a], "%s %s" % (i, a))
	for i, attrs in WINNERS.items():
		for a, n in attrs.items():
			if a not in TIES.get(i, []):
				same(all[i][a], DATA[n][i][a], "%s %s" % (i, a))
	same(all[urn("BridgeLoadObserved:Schwerte-Ruhrbruecke-B236")]
	    ["maxAxleLoad"]["value"], 9.6, "maxAxleLoad of Kreis Unna")


@test
def falls_back_to_modified_at_where_it_is_shown(w):
	"""Times that the consumer does not see decide nothing."""
	i = urn("WaterObserved:Emscher-Holzwickede")
	kept = {n: list(b.entities) for n, b in w.brokers.items()}
	for n, at in (("dortmund", "17:40"), ("unna", "17:41")):
		e = json.loads(json.dumps(DATA[n][i]))
		for a in ("waterLevel", "dataProvider"):
			e[a]["modifiedAt"] = "2026-11-22T%s:00Z" % at
		w.brokers[n].entities = [x for x in w.brokers[n].entities
		    if json.loads(x)["id"] != i] + [json.dumps(e).encode()]
	try:
		for more, n in (("", "dortmund"),
		    ("system = {modifiedAt}", "unna")):
			use(w, build(w, more=more))
			e = entities(w)[i]
			same(e["dataProvider"]["value"],
			    DATA[n][i]["dataProvider"]["value"], more)
			# Observed still comes before modified.
			same(e["waterLevel"]["observedAt"],
			    "2026-11-22T17:30:00Z", "waterLevel")
	finally:
		for n, b in w.brokers.items():
			b.entities = kept[n]


main(setup)

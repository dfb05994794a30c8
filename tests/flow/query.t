#!/usr/bin/env python3
# query.t - the standard's ways to ask, on what two providers release.
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

V = "urn:ngsi-ld:WaterObserved:Villigst"
W = "urn:ngsi-ld:WaterObserved:Westhofen"
E = "urn:ngsi-ld:WaterObserved:Emscher"
P = "urn:ngsi-ld:OffStreetParking:Bahnhof"


def build(w):
	b = w.brokers
	r = tenants()
	r += source("dortmund-broker", "dortmund", b["dortmund"],
	    ["WaterObserved"])
	r += source("schwerte-broker", "schwerte", b["schwerte"],
	    ["WaterObserved", "OffStreetParking"])
	# Only Schwerte releases its scopes.
	r += agreement("d-f", "dortmund", "froendenberg",
	    "dortmund-broker-data",
	    {"WaterObserved": "allow = {waterLevel, location}"})
	r += agreement("s-f", "schwerte", "froendenberg",
	    "schwerte-broker-data", {
		"WaterObserved": "allow = {waterLevel, flow, location} "
		    "system = {scope}",
		"OffStreetParking": "allow = {availableSpotNumber, location}"
		    " system = {scope}"})
	return r


def setup():
	w = World("query", {
	    "dortmund": Broker([
		ent(E, "WaterObserved", waterLevel=prop("61"),
		    scope='"/ruhr/emscher"', location=point(7.5, 51.5)),
	    ]),
	    "schwerte": Broker([
		ent(V, "WaterObserved", waterLevel=prop("142"),
		    scope='"/ruhr/villigst"', location=point(7.6, 51.4)),
		ent(W, "WaterObserved", waterLevel=prop("1.91"),
		    flow=prop("47.0"), scope='["/ruhr","/pegel/west"]',
		    location='{"type":"GeoProperty","value":{"type":'
		    '"LineString","coordinates":[[7.4,51.4],[7.55,51.4]]}}'),
		ent(P, "OffStreetParking", availableSpotNumber=prop("12"),
		    scope='"/parken"', location=point(7.57, 51.44)),
	    ])})
	w.apply(build(w))
	w.start()
	return w


def ask(w, query):
	return w.ask("froendenberg", query)


def box(a, b, c, d):
	return "%%5B%%5B%%5B%s,%s%%5D,%%5B%s,%s%%5D,%%5B%s,%s%%5D," \
	    "%%5B%s,%s%%5D,%%5B%s,%s%%5D%%5D%%5D" % (a, b, c, b, c, d, a, d,
	    a, b)


@test
def selects_by_type_expressions(w):
	for query, want in (
	    ("WaterObserved,OffStreetParking", [P, E, V, W]),
	    ("WaterObserved%7COffStreetParking", [P, E, V, W]),
	    ("(WaterObserved;OffStreetParking)", []),
	    ("(WaterObserved;WaterObserved),OffStreetParking", [P, E, V, W]),
	    ("OffStreetParking;(WaterObserved,OffStreetParking)", [P]),
	):
		same(ask(w, "?type=" + query).ok().ids(), want, query)


@test
def selects_by_released_scopes_only(w):
	for query, want in (
	    ("/ruhr/%23", [V, W]), # the Emscher's scope is not released
	    ("/ruhr/%2B", [V]),
	    ("/ruhr", [W]),
	    ("/ruhr;/pegel/west", [W]),
	    ("/ruhr/villigst,/pegel/%2B", [V, W]),
	    ("/ruhr/emscher", []),
	    ("/%23", [V, W]),
	):
		same(ask(w, "?type=WaterObserved&scopeQ=" + query).ok().ids(),
		    want, query)


@test
def selects_by_every_relation(w):
	area = "&geometry=Polygon&coordinates=" + box(7.45, 51.3, 7.7, 51.45)
	for georel, want in (
	    ("within", [V]),
	    ("intersects", [V, W]),
	    ("disjoint", [E]),
	    ("overlaps", []),
	    ("contains", []),
	    ("equals", []),
	    ("near;maxDistance==6000", [E, V, W]),
	    ("near;maxDistance==5000", [V, W]),
	    ("near;minDistance==5000", [E]),
	):
		same(ask(w, "?type=WaterObserved&georel=" + georel + area)
		    .ok().ids(), want, georel)
	line = "&geometry=LineString&coordinates=%5B%5B7.5,51.4%5D," \
	    "%5B7.55,51.4%5D%5D"
	for georel, want in (("contains", [W]), ("overlaps", [])):
		same(ask(w, "?type=WaterObserved&georel=" + georel + line)
		    .ok().ids(), want, georel)


@test
def projects_without_selecting(w):
	for query, want in (
	    ("pick=flow", [[], [], ["flow"]]),
	    ("pick=id,flow", [["id"], ["id"], ["flow", "id"]]),
	    ("pick=id,scope", [["id"], ["id", "scope"], ["id", "scope"]]),
	    ("omit=location,type,scope", [["id", "waterLevel"],
		["id", "waterLevel"], ["flow", "id", "waterLevel"]]),
	    ("pick=id,flow,waterLevel&omit=flow", [["id", "waterLevel"]] * 3),
	    ("pick=refDevice", [[], [], []]),
	    ("attrs=flow&omit=id", [["flow", "scope", "type"]]),
	    ("pick=id&datasetId=urn:x:1", [["id"]] * 3),
	):
		a = ask(w, "?type=WaterObserved&" + query).ok()
		same([sorted(e) for e in a.json()], want, query)
	a = ask(w, ENTITIES + "/%s?pick=waterLevel&options=keyValues" % V).ok()
	same(a.body, b'{"waterLevel":142}', "of one")
	a = ask(w, ENTITIES + "/%s?pick=none" % V).ok()
	same(a.body, b"{}", "of nothing")


@test
def names_what_it_refuses(w):
	for query, code, word in (
	    ("typ=WaterObserved", 400, "unknown parameter: typ"),
	    ("pick=flow&attrs=flow", 400, "pick and attrs"),
	    ("pick=flow%7Ba%7D", 501, "nested"),
	    ("csf=a==", 400, "a value in q"),
	    ("options=audit", 501, "audit"),
	    ("join=inline", 501, "join"),
	    ("entityMap=1", 400, "entityMap"),
	    ("scopeQ=ruhr", 400, "scopeQ"),
	):
		a = ask(w, "?type=WaterObserved&" + query).ok(code)
		check(word in a.json()["detail"], a.body)


main(setup)

#!/usr/bin/env python3
# hub_api.t - what the hub tells of itself below /hub/v1: who the caller is,
# its agreements, the data it may know of. Each tenant sees its own side.
import csv
import io
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

HUB = "/hub/v1"


def setup():
	w = World("hub", {"s": Broker([]), "d": Broker([])})
	r = tenants()
	r += source("broker-s", "schwerte", w.brokers["s"], ["WaterObserved"],
	    more="publish = listed")
	r += source("broker-d", "dortmund", w.brokers["d"],
	    ["OffStreetParking"])
	r += agreement("s-f", "schwerte", "froendenberg", "broker-s-data",
	    {"WaterObserved": "allow = {waterLevel}  history = 90d"},
	    version=3, more='document = "Az. 12-7"  quota = "600/h"')
	r += agreement("d-f", "dortmund", "froendenberg", "broker-d-data",
	    {"OffStreetParking": "allow = {availableSpotNumber}"},
	    purpose="verkehr")
	r += agreement("d-h", "dortmund", "holzwickede", "broker-d-data",
	    {"OffStreetParking": "allow = {licensePlate}"},
	    signed='"dortmund:a"', purpose="verkehr")
	w.apply(r)
	w.start()
	return w


def get(w, tenant, path, headers=(), **more):
	return w.ask(tenant, HUB + path, purpose=None, link=False,
	    headers=headers, **more)


@test
def tells_who_one_is(w):
	a = get(w, "froendenberg", "/me").ok()
	me = a.json()
	same((me["tenant"], me["title"], me["ags"]), ("froendenberg",
	    "Stadt Fröndenberg/Ruhr", "05978012"), "tenant")
	check("data-reader" in me["roles"], me)
	check("hub.read" in me["scopes"], me)
	names = [p["name"] for p in me["purposes"]]
	check("hochwasserschutz" in names and "ungenannt" not in names, names)
	same([p["legalBasis"] for p in me["purposes"] if p["name"] ==
	    "hochwasserschutz"], ["BHKG NRW"], "legal basis")
	same(a.one("Content-Type"), "application/json", "type")
	check(a.one("Request-Id"), "no Request-Id")
	same(a.one("Cache-Control"), "private", "cache")
	text = a.body.decode()
	for secret in ("sub", "iss", "azp", "exp"):
		check('"%s"' % secret not in text, secret)


@test
def asks_for_a_token_and_a_role(w):
	for path in ("/me", "/agreements", "/catalogue"):
		a = w.ask(None, HUB + path, purpose=None, link=False)
		same(a.status, 401, path)
		claims = w.claims("froendenberg")
		claims["resource_access"] = {"regional-hub": {"roles": []}}
		a = get(w, None, path, token=w.mint(claims))
		same(a.status, 403, path + " without a role")
		claims = w.claims("froendenberg")
		claims["scope"] = "purpose:verkehr"
		a = get(w, None, path, token=w.mint(claims))
		same(a.status, 403, path + " without hub.read")
		for method in ("POST", "PUT", "DELETE", "PATCH"):
			a = get(w, "froendenberg", path, method=method)
			same((a.status, a.one("Allow")), (405, "GET, HEAD"),
			    method + path)
	same(a.one("Content-Type"), "application/problem+json", "problem")
	for path in ("", "/", "/nothing", "/me/x", "/me%2Fx", "/ME", "/*"):
		a = get(w, "froendenberg", path)
		check(a.status in (400, 404), "%s: %d" % (path, a.status))
	a = get(w, "froendenberg", "/me", [("NGSILD-Tenant", "dortmund")])
	same(a.status, 404, "another's name")


@test
def takes_no_other_parameters(w):
	for q in ("?x=1", "?format=xml", "?format=csv", "?format="):
		same(get(w, "froendenberg", "/me" + q).status, 400, q)
	same(get(w, "froendenberg", "/me?format=json").status, 200, "json")
	same(get(w, "froendenberg", "/agreements?format=csv&format=csv").status,
	    400, "twice")
	same(get(w, "froendenberg", "/me", [("Accept", "text/csv")]).status,
	    406, "csv of what is no table")


@test
def lists_the_callers_agreements(w):
	rows = get(w, "froendenberg", "/agreements").ok().json()
	same({r["agreement"]: (r["version"], r["provider"], r["state"])
	    for r in rows}, {"s-f": (3, "schwerte", "in force"),
	    "d-f": (1, "dortmund", "in force")}, "of the consumer")
	r = [r for r in rows if r["agreement"] == "s-f"][0]
	same((r["from"], r["until"], r["document"], r["quota"],
	    r["signedByProvider"], r["price"]), ("2020-01-01", "2099-12-31",
	    "Az. 12-7", "600/h", "a", None), "s-f")
	same(r["shares"], [{"type": "WaterObserved", "attributes":
	    "waterLevel", "limits": "history 90 days"}], "shares")
	a = get(w, "froendenberg", "/agreements", [("Accept-Language", "de")])
	check("Rückschau 90 Tage" in a.body.decode(), a.body)
	rows = get(w, "dortmund", "/agreements").ok().json()
	same({r["agreement"]: r["state"] for r in rows},
	    {"d-f": "in force", "d-h": "draft"}, "of the provider")
	rows = get(w, "holzwickede", "/agreements").ok().json()
	same([(r["agreement"], r["state"], r["signedByConsumer"])
	    for r in rows], [("d-h", "draft", None)], "the other party")
	same(get(w, "kreis-unna", "/agreements").ok().json(), [], "of nobody")


@test
def lists_them_as_csv(w):
	for headers, q in (([("Accept", "text/csv")], ""),
	    ([], "?format=csv")):
		a = get(w, "froendenberg", "/agreements" + q, headers).ok()
		same(a.one("Content-Type"), "text/csv; charset=utf-8", "type")
		t = list(csv.DictReader(io.StringIO(a.body.decode())))
		same([(r["agreement"], r["version"], r["until"]) for r in t],
		    [("s-f", "3", "2099-12-31"), ("d-f", "1", "2099-12-31")],
		    "rows")


@test
def an_operators_role_opens_nothing_of_others(w):
	"""Roles come from each tenant's own issuer."""
	claims = w.claims("kreis-unna")
	claims["resource_access"] = {"regional-hub": {"roles": [
	    "hub-operator", "auditor", "tenant-admin", "policy-approver"]}}
	token = w.mint(claims)
	same(get(w, None, "/agreements", token=token).ok().json(), [], "list")
	names = [d["dct:identifier"] for d in get(w, None, "/catalogue",
	    token=token).ok().json()["dcat:dataset"]]
	same(names, ["broker-s-data"], "catalogue")


@test
def shows_the_data_one_may_know_of(w):
	for tenant, want in (("kreis-unna", ["broker-s-data"]),
	    ("holzwickede", ["broker-s-data"]),		# a draft opens nothing
	    ("froendenberg", ["broker-d-data", "broker-s-data"]),
	    ("dortmund", ["broker-d-data", "broker-s-data"])):
		a = get(w, tenant, "/catalogue").ok()
		c = a.json()
		same([d["dct:identifier"] for d in c["dcat:dataset"]], want,
		    tenant)
		if "broker-d-data" not in want:
			for word in (b"OffStreetParking", b"dortmund",
			    b"Dortmund"):
				check(word not in a.body, "%s tells %s" % (
				    tenant, word))
	a = get(w, "dortmund", "/catalogue", [("Accept",
	    "application/ld+json")]).ok()
	same(a.one("Content-Type"), "application/ld+json", "type")
	same(a.json()["@type"], "dcat:Catalog", "kind")
	b = get(w, "dortmund", "/catalogue").ok()
	same(a.body, b.body, "the same again")
	# hubctl makes the same of the same bundle.
	same(w.ctl("-c", w.path("hubd.conf"), "--lang", "en", "export",
	    "--dcat", "--tenant", "dortmund")[0].encode(), a.body, "hubctl")


@test
def head_is_get_without_a_body(w):
	for path in ("/me", "/agreements", "/catalogue"):
		g = get(w, "froendenberg", path).ok()
		h = get(w, "froendenberg", path, method="HEAD").ok()
		same((h.body, h.one("Content-Length")), (b"", str(len(g.body))),
		    path)


main(setup)

#!/usr/bin/env python3
# discover.t - what there is to ask for: types and attributes of each consumer's
# view, the hub itself, the contexts. No broker runs: none is asked.
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

TERM = "https://drehscheibe.example/terms/"
LOCATION = "https://uri.etsi.org/ngsi-ld/location"
WORDS = sorted(["WaterObserved", "FloodMonitoring", "OffStreetParking",
    "waterLevel", "flow", "stationName", "alertLevel", "refDevice",
    "licensePlate", "currentLevel", "availableSpotNumber"])


def dataset(owner, types, name=None):
	name = name or owner
	return '''
source %s { owner = %s  kind = ngsi-ld  endpoint = "http://127.0.0.1:1"
	context = "%s" }
dataset %s-data { source = %s  title = "%s"  licence = dl-de-by-2-0
	attribution = "%s"  ids = {"urn:*"}
%s }
''' % (name, owner, CONTEXT, name, name, name, owner, "\n".join(
	    "\ttype %s { %s }" % t for t in types))


def build(w):
	r = tenants()
	r += dataset("schwerte", [("WaterObserved", "attributes = {waterLevel,"
	    " flow, location, refDevice, licensePlate}"),
	    ("OffStreetParking", "")])
	r += dataset("dortmund", [("WaterObserved",
	    "attributes = {waterLevel, stationName, alertLevel}"),
	    ("FloodMonitoring", "attributes = {currentLevel}")])

	def agree(name, provider, consumer, type, allow, purpose, **more):
		return agreement(name, provider, consumer, provider + "-data",
		    {type: "allow = {%s}" % allow}, purpose=purpose, **more)
	r += agree("s-f", "schwerte", "froendenberg", "WaterObserved",
	    "waterLevel, flow, location, licensePlate", "hochwasserschutz")
	# Who may only retrieve may know what for.
	r += agree("d-f", "dortmund", "froendenberg", "WaterObserved",
	    "waterLevel, stationName", "hochwasserschutz", actions="retrieve")
	# Of the past.
	r += agree("d-f-flut", "dortmund", "froendenberg", "FloodMonitoring",
	    "currentLevel", "hochwasserschutz").replace(
	    "2020-01-01..2099-12-31", "2020-01-01..2020-12-31")
	r += agree("s-f-verkehr", "schwerte", "froendenberg",
	    "OffStreetParking", "availableSpotNumber", "verkehr")
	# All of it is forbidden: by attribute, and by type.
	r += agree("s-f-klima", "schwerte", "froendenberg", "OffStreetParking",
	    "licensePlate", "klima")
	r += agree("d-f-klima", "dortmund", "froendenberg", "FloodMonitoring",
	    "currentLevel", "klima")
	# A draft: the provider has not signed.
	r += agree("s-h", "schwerte", "holzwickede", "WaterObserved",
	    "waterLevel", "hochwasserschutz", signed='"holzwickede:b"')
	r += 'forbid plate { attribute = licensePlate  reason = "DSGVO" }\n'
	r += 'forbid flood { type = FloodMonitoring  purpose = klima  ' \
	    'reason = "Probe" }\n'
	return r


def setup():
	w = World("discover")
	w.apply(build(w))
	w.start()
	return w


def types(w, tenant, purpose="hochwasserschutz", query="", **more):
	return w.ask(tenant, ROOT + "/types" + query, purpose,
	    **more).ok().json()


def attributes(w, tenant, purpose="hochwasserschutz", query="", **more):
	return w.ask(tenant, ROOT + "/attributes" + query, purpose,
	    **more).ok().json()


def but_for_ids(a):
	"""All of a refusal that does not differ from request to request."""
	body = {k: v for k, v in a.json().items() if k != "instance"}
	return a.status, body, [f for f in a.fields if f[0].lower() not in (
	    "request-id", "date")]


@test
def lists_what_was_agreed_and_no_more(w):
	same(types(w, "froendenberg"), {
	    "id": "urn:ngsi-ld:EntityTypeList:hub.drehscheibe.example",
	    "type": "EntityTypeList", "typeList": ["WaterObserved"]}, "types")
	same(attributes(w, "froendenberg"), {
	    "id": "urn:ngsi-ld:AttributeList:hub.drehscheibe.example",
	    "type": "AttributeList", "attributeList": ["flow", "location",
	    "stationName", "waterLevel"]}, "attributes")


@test
def tells_details_of_what_was_agreed(w):
	same(types(w, "froendenberg", query="?details=true"), [{
	    "id": TERM + "WaterObserved", "type": "EntityType",
	    "typeName": "WaterObserved", "attributeNames": ["flow", "location",
	    "stationName", "waterLevel"]}], "types")
	got = attributes(w, "froendenberg", query="?details=true")
	same(got, [{"id": LOCATION if n == "location" else TERM + n,
	    "type": "Attribute", "attributeName": n,
	    "typeNames": ["WaterObserved"]} for n in ("flow", "location",
	    "stationName", "waterLevel")], "attributes")
	a = w.ask("froendenberg", ROOT + "/types/WaterObserved").ok()
	same(a.json(), {"id": TERM + "WaterObserved",
	    "type": "EntityTypeInfo", "typeName": "WaterObserved",
	    "entityCount": 0, "attributeDetails": [
	    {"id": LOCATION if n == "location" else TERM + n,
	    "type": "Attribute", "attributeName": n, "attributeTypes": []}
	    for n in ("flow", "location", "stationName", "waterLevel")]},
	    "a type")
	a = w.ask("froendenberg", ROOT + "/attributes/stationName").ok()
	same(a.json(), {"id": TERM + "stationName", "type": "Attribute",
	    "attributeName": "stationName", "attributeCount": 0,
	    "attributeTypes": [], "typeNames": ["WaterObserved"]},
	    "an attribute")


@test
def shows_nothing_without_an_agreement_or_under_a_draft(w):
	same(types(w, "holzwickede")["typeList"], [], "types")
	same(types(w, "holzwickede", query="?details=true"), [], "details")
	same(attributes(w, "holzwickede")["attributeList"], [], "attributes")
	same(attributes(w, "holzwickede", query="?details=true"), [],
	    "details")
	for n in WORDS:
		for kind in ("types", "attributes"):
			w.ask("holzwickede", "%s/%s/%s" % (ROOT, kind,
			    n)).ok(404)


@test
def binds_what_it_shows_to_the_purpose(w):
	same(types(w, "froendenberg", "verkehr")["typeList"],
	    ["OffStreetParking"], "types for traffic")
	same(attributes(w, "froendenberg", "verkehr")["attributeList"],
	    ["availableSpotNumber"], "attributes for traffic")
	# Signed and valid, and all of it forbidden.
	same(types(w, "froendenberg", "klima")["typeList"], [], "for climate")
	same(attributes(w, "froendenberg", "klima")["attributeList"], [],
	    "for climate")
	a = w.ask("froendenberg", ROOT + "/types", None).ok(400)
	check(a.json()["type"].endswith("purpose-required"), a.body)
	w.ask("froendenberg", ROOT + "/types", "ungenannt").ok(403)


@test
def shows_own_data_in_full(w):
	same(types(w, "schwerte", None)["typeList"], ["OffStreetParking",
	    "WaterObserved"], "types")
	same(attributes(w, "schwerte", None)["attributeList"], ["flow",
	    "licensePlate", "location", "refDevice", "waterLevel"],
	    "attributes: forbid binds others")
	same(types(w, "dortmund", None, "?details=true"), [
	    {"id": TERM + "FloodMonitoring", "type": "EntityType",
	    "typeName": "FloodMonitoring", "attributeNames": ["currentLevel"]},
	    {"id": TERM + "WaterObserved", "type": "EntityType",
	    "typeName": "WaterObserved", "attributeNames": ["alertLevel",
	    "stationName", "waterLevel"]}], "details")
	# Registered without attributes: which ones it has, nobody has said.
	a = w.ask("schwerte", ROOT + "/types/OffStreetParking", None).ok()
	same(a.json()["attributeDetails"], [], "attributeDetails")


@test
def hides_a_name_as_if_nobody_had_it(w):
	for kind, hidden in (("types", ["FloodMonitoring", "OffStreetParking",
	    "waterLevel"]), ("attributes", ["licensePlate", "refDevice",
	    "alertLevel", "currentLevel", "availableSpotNumber",
	    "WaterObserved"])):
		base = "%s/%s/" % (ROOT, kind)
		want = but_for_ids(w.ask("froendenberg", base + "nobodys"))
		same(want[0], 404, "status")
		check(want[1]["type"].endswith("ResourceNotFound"), want)
		for n in hidden + ["id", "type", "%40id", "_:b", "urn:x",
		    (TERM + hidden[0]).replace("/", "%2F").replace(":", "%3A")]:
			a = w.ask("froendenberg", base + n)
			same(but_for_ids(a), want, base + n)
			same(len(a.body), len(w.ask("froendenberg",
			    base + "nobodys").body), "length")


@test
def speaks_the_clients_context(w):
	want = [TERM + n for n in ("flow", "stationName", "waterLevel")]
	got = attributes(w, "froendenberg", link=False)["attributeList"]
	same(got, sorted(want + ["location"]), "under the core context")
	same(types(w, "froendenberg", link=False)["typeList"],
	    [TERM + "WaterObserved"], "types under the core context")
	iri = (TERM + "WaterObserved").replace("/", "%2F").replace(":", "%3A")
	for link in (True, False):
		a = w.ask("froendenberg", ROOT + "/types/" + iri,
		    link=link).ok()
		same(a.json()["id"], TERM + "WaterObserved", "by IRI")
	w.ask("froendenberg", ROOT + "/types/WaterObserved",
	    link=False).ok(404)
	a = w.ask("froendenberg", ROOT + "/types")
	check([x for x in a.all("Link") if CONTEXT in x], a.fields)
	same(a.one("Content-Type"), "application/json", "Content-Type")
	ld = {"Accept": "application/ld+json"}
	for path in ("/types", "/attributes", "/types/WaterObserved",
	    "/attributes/flow"):
		a = w.ask("froendenberg", ROOT + path, headers=ld).ok()
		same(a.json()["@context"], CONTEXT, path)
		same(a.one("Content-Type"), "application/ld+json", path)
	for path in ("/types", "/attributes"):
		a = w.ask("froendenberg", ROOT + path + "?details=true",
		    headers=ld).ok()
		same({x["@context"] for x in a.json()}, {CONTEXT}, path)


@test
def holds_nothing_itself(w):
	for path, member in (("/types", "typeList"),
	    ("/attributes", "attributeList")):
		a = w.ask("schwerte", ROOT + path + "?local=true", None).ok()
		same(a.json()[member], [], path)
		a = w.ask("schwerte", ROOT + path + "?local=true&details=true",
		    None).ok()
		same(a.body, b"[]", path)
	w.ask("schwerte", ROOT + "/types/WaterObserved?local=true",
	    None).ok(404)
	w.ask("schwerte", ROOT + "/types/WaterObserved?local=false",
	    None).ok()


@test
def refuses_parameters_it_does_not_know(w):
	for path in ("/types?foo=1", "/types?details=yes", "/types?details=",
	    "/types?local=1", "/types?details=true&details=true",
	    "/types?limit=1", "/types?type=WaterObserved",
	    "/types/WaterObserved?details=true", "/attributes?q=flow",
	    "/attributes/flow?details=true", "/attributes?kind=Hosted",
	    "/info/sourceIdentity?details=true", "/jsonldContexts?local=true",
	    "/jsonldContexts?kind=hosted"):
		a = w.ask("froendenberg", ROOT + path)
		check(a.status == 400, "%s: %d" % (path, a.status))


@test
def names_the_methods_of_each_resource(w):
	read = "GET, HEAD"
	for path, allow in (("/entities", read), ("/entities/urn:x:y", read),
	    ("/types", read), ("/types/WaterObserved", read),
	    ("/attributes", read), ("/attributes/flow", read),
	    ("/info/sourceIdentity", read), ("/jsonldContexts", read),
	    ("/jsonldContexts/x", read), ("/entityOperations/query", "POST")):
		for method in ("GET", "POST", "PUT", "PATCH", "DELETE",
		    "OPTIONS", "FOO"):
			if method in allow:
				continue
			a = w.ask("froendenberg", ROOT + path, method=method)
			check((a.status, a.one("Allow")) == (405, allow),
			    "%s %s: %d %r" % (method, path, a.status,
			    a.one("Allow")))


@test
def tells_what_is_not_here_from_what_is_not_done(w):
	for path, code in (("/temporal/entities/x/attrs", 501), ("/temporal", 501),
	    ("/csourceRegistrations", 403), ("/csourceRegistrations/x", 403),
	    ("/csourceSubscriptions", 501), ("/subscriptions/x", 501),
	    ("/entityMaps/x/y", 404), ("/snapshots", 501),
	    ("/entities/urn:x:y/attrs", 501), ("/entityOperations/create", 501),
	    ("/info", 404), ("/info/x", 404), ("/types/x/y", 404),
	    ("/info/sourceIdentity/x", 404), ("/attributes/x/y", 404),
	    ("/jsonldContexts/x/y", 404), ("/Types", 404), ("/*", 404),
	    ("/**", 404), ("/type", 404)):
		a = w.ask("froendenberg", ROOT + path)
		check(a.status == code, "%s: %d, want %d" % (path, a.status,
		    code))


@test
def wants_a_token_for_all_but_contexts(w):
	for path in ("/types", "/types/WaterObserved", "/attributes",
	    "/attributes/flow", "/info/sourceIdentity", "/jsonldContexts",
	    "/jsonldContexts?details=true"):
		w.ask(None, ROOT + path).ok(401)
		w.ask(None, ROOT + path, token="x.y.z").ok(401)
	no_role = w.token("froendenberg", resource_access={"regional-hub": {
	    "roles": []}})
	for path in ("/types", "/info/sourceIdentity", "/jsonldContexts"):
		w.ask(None, ROOT + path, token=no_role).ok(403)
		w.ask("froendenberg", ROOT + path, headers={
		    "NGSILD-Tenant": "schwerte"}).ok(404)


@test
def identifies_itself(w):
	a = w.ask("froendenberg", ROOT + "/info/sourceIdentity", None,
	    link=False).ok()
	j = a.json()
	same(sorted(j), ["contextSourceAlias", "contextSourceTimeAt",
	    "contextSourceUptime", "id", "type"], "members")
	same(j["id"], "urn:ngsi-ld:ContextSourceIdentity:"
	    "hub.drehscheibe.example", "id")
	same(j["type"], "ContextSourceIdentity", "type")
	same(j["contextSourceAlias"], "hub.drehscheibe.example", "alias")
	check(re.fullmatch(r"P\d+DT\d+H\d+M\d+S", j["contextSourceUptime"]), j)
	check(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z",
	    j["contextSourceTimeAt"]), j)
	a = w.ask("froendenberg", ROOT + "/info/sourceIdentity", None,
	    link=False, headers={"Accept": "application/ld+json"}).ok()
	check("ngsi-ld-core-context" in a.json()["@context"], a.body)


@test
def serves_the_regions_contexts(w):
	path = ROOT + "/jsonldContexts"
	same(w.ask("froendenberg", path, None).ok().json(), [CONTEXT], "list")
	same(w.ask("froendenberg", path + "?kind=Cached", None).ok().body,
	    b"[]", "cached ones")
	(c,) = w.ask("froendenberg", path + "?details=true&kind=Hosted",
	    None).ok().json()
	same((c["URL"], c["kind"]), (CONTEXT, "Hosted"), "details")
	with open(w.path("contexts/flow.jsonld"), "rb") as f:
		want = f.read()
	url = CONTEXT.replace("/", "%2F").replace(":", "%3A")
	for id in (c["localId"], url):
		a = w.ask(None, path + "/" + id, None, link=False, headers={
		    "Accept": "application/ld+json, application/json;q=0.5"})
		same(a.ok().body, want, "document, byte for byte")
		same(a.one("Content-Type"), "application/ld+json", "type")
		a = w.ask(None, path + "/" + id + "?details=true", None).ok()
		same(a.json(), c, "details of one")
		h = w.ask(None, path + "/" + id, None, method="HEAD").ok()
		same((h.body, h.one("Content-Length")), (b"", str(len(want))),
		    "HEAD")
	for id in ("x", "https%3A%2F%2Felsewhere.example%2Fc", "region.hub",
	    "flow.jsonld", c["localId"].upper() + "0", "%2Fetc%2Fpasswd"):
		w.ask(None, path + "/" + id, None).ok(404)


@test
def answers_head_like_get(w):
	for path in ("/types", "/types/WaterObserved", "/attributes/none",
	    "/jsonldContexts", "/info/sourceIdentity"):
		g = w.ask("froendenberg", ROOT + path)
		h = w.ask("froendenberg", ROOT + path, method="HEAD")
		same((h.status, h.body), (g.status, b""), path)
		if path == "/info/sourceIdentity":	# it tells the time
			continue
		same([f for f in h.fields if f[0].lower() not in (
		    "request-id", "date")], [f for f in g.fields
		    if f[0].lower() not in ("request-id", "date")], path)


@test
def books_what_it_showed(w):
	asked = {path: w.ask("froendenberg", ROOT + path).one("Request-Id")
	    for path in ("/types", "/types/WaterObserved", "/types/nobodys",
	    "/attributes?details=true", "/types?foo=1", "/jsonldContexts",
	    "/info/sourceIdentity")}
	asked["none"] = w.ask("holzwickede", ROOT + "/types").one("Request-Id")
	row = "SELECT class, operation, decision, http_status, entities, " \
	    "ntypes FROM ledger.event WHERE request_id = '%s'"
	wait_for(lambda: w.sql(row % asked["none"]), 20, "the last record")
	for path, want in (
	    ("/types", [["access", "1", "1", "200", "0", "0"]]),
	    ("/types/WaterObserved", [["access", "1", "1", "200", "0", "1"]]),
	    ("/types/nobodys", [["access", "1", "0", "404", "0", "1"]]),
	    ("/attributes?details=true", [["access", "1", "1", "200", "0",
	    "0"]]),
	    ("none", [["access", "1", "0", "200", "0", "0"]]),
	    ("/types?foo=1", []), ("/jsonldContexts", []),
	    ("/info/sourceIdentity", [])):
		same(w.sql(row % asked[path]), want, path)


@test
def follows_a_new_bundle(w):
	r = build(w)
	w.apply(r.replace("allow = {waterLevel, stationName}",
	    "allow = {waterLevel}"))
	wait_for(lambda: "stationName" not in
	    attributes(w, "froendenberg")["attributeList"], 15,
	    "the new bundle")
	w.ask("froendenberg", ROOT + "/attributes/stationName").ok(404)


@test
def shows_each_name_once_however_many_have_it(w):
	many = ["attr%d" % i for i in range(300)]
	r = tenants()
	for i, owner in enumerate(("schwerte", "schwerte", "dortmund")):
		some = many[i * 50:]
		r += dataset(owner, [("WaterObserved", "attributes = {%s}" %
		    ", ".join(some))], name="%s%d" % (owner, i))
		r += agreement("a%d" % i, owner, "froendenberg", "%s%d-data" % (
		    owner, i), {"WaterObserved": "allow = {%s}" %
		    ", ".join(some[:150])})
	w.apply(r)
	wait_for(lambda: "attr0" in
	    attributes(w, "schwerte", None)["attributeList"], 15, "the bundle")
	same(attributes(w, "schwerte", None)["attributeList"], sorted(many),
	    "own")
	same(attributes(w, "froendenberg")["attributeList"],
	    sorted(many[:250]), "shared")
	(d,) = types(w, "froendenberg", query="?details=true")
	same(d["attributeNames"], sorted(many[:250]), "details")
	same(len(attributes(w, "froendenberg", query="?details=true")), 250,
	    "details of attributes")


main(setup)

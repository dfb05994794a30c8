#!/usr/bin/env python3
# exports.t - the bundle in force for others: ODRL, the register of processing
# activities, DCAT-AP.de; and region files in their usual form. All compared
# with what the bundle says, and byte for byte when made again.
import csv
import io
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

ENGLISH = dict(os.environ, LC_ALL="C.UTF-8")
TERM = "https://drehscheibe.example/terms/"
# The terms of the public vocabularies that the hub uses.
VOCABULARY = {
    "odrl": "Agreement Offer Party Permission Prohibition Duty Constraint "
	"AssetCollection profile conflict prohibit assigner assignee "
	"permission prohibition duty target source refinement action read use "
	"attribute attributedParty constraint leftOperand operator "
	"rightOperand eq isAnyOf isNoneOf gteq lteq lt purpose dateTime "
	"spatial delayPeriod elapsedTime",
    "dct": "identifier title description publisher contributor accessRights "
	"license hasVersion source",
    "dcat": "Catalog Dataset Distribution DataService service dataset "
	"endpointURL keyword distribution accessURL accessService mediaType",
    "dcatde": "politicalGeocodingURI politicalGeocodingLevelURI "
	"contributorID licenseAttributionByText",
    "foaf": "Agent name", "rdf": "value", "xsd": "dateTime duration",
    "ngsi-ld": "entityType property",
    "hub": "transformed released property subProperty buffer history "
	"requestRate operation crisis crisisAuthority",
}


def region(w, more=""):
	r = tenants().replace("kind = district",
	    "kind = district  crisis-authority = true")
	r += source("broker-s", "schwerte", w.brokers["s"], ["WaterObserved"],
	    more="publish = listed")
	r += source("broker-d", "dortmund", w.brokers["d"],
	    ["OffStreetParking"], more='personal-data = indirect  dpia = '
	    '"DSFA 3"').replace('attribution = "dortmund"',
	    'attribution = "Stadt \\"Dortmund\\", Tiefbau"')
	r += source("broker-k", "kreis-unna", w.brokers["d"],
	    ["FloodMonitoring"], more="publish = open").replace(
	    "dl-de-by-2-0", "cc-zero-1-0")
	r += agreement("s-f", "schwerte", "froendenberg", "broker-s-data",
	    {"WaterObserved": 'allow = {waterLevel, "waterLevel.accuracy"}  '
	    "round flow { to = 0.05 }  inside = {schwerte}  buffer = 2km  "
	    "history = 90d  delay = 15min"}, version=3,
	    more='document = "Az. 12-7"  quota = "600/h"  crisis flood { '
	    'authority = kreis-unna  history = 365d  quota = "6000/h"  '
	    'max = 72h  report = 7d }')
	r += agreement("d-f", "dortmund", "froendenberg", "broker-d-data",
	    {"OffStreetParking": "allow = {availableSpotNumber}"},
	    purpose="verkehr", signed='"dortmund:a"')
	r += 'forbid kennzeichen { type = OffStreetParking  attribute = ' \
	    'licensePlate  reason = "DSGVO Art. 5" }\n'
	return r + more


def setup():
	w = World("exports", {"s": Broker([]), "d": Broker([])})
	w.apply(region(w))
	return w


def export(w, *argv, code=0):
	return w.ctl("-c", w.path("hubd.conf"), *argv[:-1], "export", argv[-1],
	    code=code, env=ENGLISH)[0]


def well_formed(doc):
	"""Every term is one of a vocabulary that the document's own context
	names; every reference is an IRI or such a term."""
	context = doc["@context"]
	for prefix, iri in context.items():
		check(re.match(r"(https?://|urn:).*[#/:]$", iri), iri)
		check(prefix in VOCABULARY, prefix)

	def term(text):
		prefix, _, name = text.partition(":")
		check(prefix in context, "prefix of " + text)
		check(name in VOCABULARY[prefix].split(), "term " + text)

	def walk(v, key):
		if isinstance(v, list):
			for x in v:
				walk(x, key)
		elif isinstance(v, dict):
			if "@value" in v:
				check(set(v) in ({"@value", "@language"},
				    {"@value", "@type"}), v)
			for k, x in v.items():
				if not k.startswith("@"):
					term(k)
				elif k == "@type":
					term(x)
				elif k == "@id":
					iri(x)
				else:
					check(k in ("@context", "@graph",
					    "@value", "@language"), k)
				if k != "@context":
					walk(x, k)
		else:
			check(isinstance(v, (str, int)), repr(v))

	def iri(x):
		if x.partition(":")[0] in context and not x.startswith("http"):
			# The profile itself is the prefix.
			check(x in context.values() or term(x) is None, x)
		else:
			check(re.match(r"(https?|urn):[^\s<>\"{}|\\^`]+$", x), x)

	walk(doc, None)


def constraints(permission):
	return {c["odrl:leftOperand"]["@id"]: c["odrl:rightOperand"]
	    for c in permission["odrl:constraint"]}


@test
def odrl_says_what_the_agreement_says(w):
	text = export(w, "--odrl")
	doc = json.loads(text)
	well_formed(doc)
	same([p["dct:identifier"] for p in doc["@graph"]], ["d-f", "s-f"],
	    "agreements")
	draft, ag = doc["@graph"]
	same((draft["@type"], ag["@type"]), ("odrl:Offer", "odrl:Agreement"),
	    "kinds")
	same(ag["@id"], "urn:drehscheibe:agreement:s-f:3", "name")
	same((ag["dct:hasVersion"], ag["dct:source"]), (3, "Az. 12-7"),
	    "document")
	same((ag["odrl:assigner"]["@id"], ag["odrl:assignee"]["foaf:name"]),
	    ("urn:drehscheibe:tenant:schwerte", "Stadt Fröndenberg/Ruhr"),
	    "parties")
	p, crisis = ag["odrl:permission"]
	same(p["odrl:target"]["odrl:source"]["@id"],
	    "urn:drehscheibe:dataset:broker-s-data", "target")
	r = {c["odrl:leftOperand"]["@id"]: c["odrl:rightOperand"]
	    for c in p["odrl:target"]["odrl:refinement"]}
	same(r["ngsi-ld:entityType"], {"@id": TERM + "WaterObserved"}, "type")
	same(r["ngsi-ld:property"], [{"@id": TERM + "waterLevel"},
	    {"@id": TERM + "flow"}], "attributes")
	same(r["hub:released"], {"hub:property": {"@id": TERM + "waterLevel"},
	    "hub:subProperty": {"@id": TERM + "accuracy"}}, "sub-attribute")
	same(r["hub:transformed"], {"hub:property": {"@id": TERM + "flow"},
	    "dct:description": "rounded to 0.05"}, "transform")
	c = constraints(p)
	same(c["odrl:purpose"], {"@id":
	    "urn:drehscheibe:purpose:hochwasserschutz"}, "purpose")
	times = [(x["odrl:operator"]["@id"], x["odrl:rightOperand"]["@value"])
	    for x in p["odrl:constraint"] if x["odrl:leftOperand"]["@id"] ==
	    "odrl:dateTime"]
	same([(o, t[:19]) for o, t in times], [("odrl:gteq",
	    "2019-12-31T23:00:00"), ("odrl:lt", "2099-12-31T23:00:00")],
	    "days in Germany")
	same(c["odrl:spatial"], [{"@id": "http://dcat-ap.de/def/"
	    "politicalGeocoding/municipalityKey/05978028"}], "place")
	same((c["hub:buffer"], c["hub:requestRate"]), ("2 km", "600/h"),
	    "limits")
	same((c["hub:history"]["@value"], c["odrl:delayPeriod"]["@value"]),
	    ("P90D", "PT900.000S"), "times")
	same(p["odrl:action"]["odrl:refinement"]["odrl:rightOperand"],
	    ["query", "retrieve"], "actions")
	same(p["odrl:duty"]["dct:description"], "schwerte", "attribution")
	c = constraints(crisis)
	same((c["hub:crisis"], c["hub:crisisAuthority"]["@id"],
	    c["odrl:elapsedTime"]["@value"], c["hub:history"]["@value"]),
	    ("flood", "urn:drehscheibe:tenant:kreis-unna", "P3D", "P365D"),
	    "crisis")
	f = draft["odrl:prohibition"][0]
	same((f["dct:description"], f["odrl:action"]["@id"]), ("DSGVO Art. 5",
	    "odrl:use"), "prohibition")
	same(export(w, "--odrl"), text, "again")
	same([p["dct:identifier"] for p in json.loads(export(w, "--tenant",
	    "dortmund", "--odrl"))["@graph"]], ["d-f"], "of one tenant")


@test
def the_register_says_what_the_bundle_says(w):
	rows = json.loads(export(w, "-o", "json", "--lang", "en", "--vvt"))
	same([(r["agreement"], r["version"], r["state"], r["controller"],
	    r["recipient"], r["purpose"], r["legal_basis"], r["dataset"],
	    r["type"], r["personal_data"], r["dpia"], r["from"], r["until"])
	    for r in rows], [
	    ("s-f", 3, "signed", "Stadt Schwerte", "Stadt Fröndenberg/Ruhr",
	    "Hochwasserschutz", "BHKG NRW", "broker-s-data", "WaterObserved",
	    "none", None, "2020-01-01", "2099-12-31"),
	    ("d-f", 1, "draft", "Stadt Dortmund", "Stadt Fröndenberg/Ruhr",
	    "Verkehrsplanung", None, "broker-d-data", "OffStreetParking",
	    "indirect", "DSFA 3", "2020-01-01", "2099-12-31")], "rows")
	same(rows[0]["categories"], "waterLevel, flow (rounded to 0.05)",
	    "categories")
	same(rows[0]["limits"], "inside schwerte, buffer 2 km, history 90 "
	    "days, delay 15 minutes", "limits")
	text = export(w, "-o", "csv", "--lang", "de", "--vvt")
	check(text.startswith("\ufeffVEREINBARUNG;FASSUNG;STAND;"), text[:60])
	t = list(csv.reader(io.StringIO(text[1:]), delimiter=";"))
	same(t[1][2:5] + t[1][-3:], ["unterschrieben", "Stadt Schwerte",
	    "Stadt Fröndenberg/Ruhr", "01.01.2020", "31.12.2099", "Az. 12-7"],
	    "for Excel")
	check("gerundet auf 0,05" in text and "unmittelbar" not in text and
	    "mittelbar" in text, text)
	same(export(w, "-o", "csv", "--lang", "de", "--vvt"), text, "again")
	check("VERANTWORTLICH" in export(w, "--lang", "de", "--vvt"), "table")
	rows = json.loads(export(w, "-o", "json", "--tenant", "dortmund",
	    "--vvt"))
	same([r["agreement"] for r in rows], ["d-f"], "of one tenant")


@test
def the_catalogue_has_what_is_published(w):
	text = export(w, "--lang", "de", "--dcat")
	doc = json.loads(text)
	well_formed(doc)
	same([(d["dct:identifier"], d["dct:accessRights"]["@id"].split("/")[-1])
	    for d in doc["dcat:dataset"]], [("broker-k-data", "PUBLIC"),
	    ("broker-s-data", "RESTRICTED")], "listed and open ones")
	check("ortmund" not in text and "OffStreetParking" not in text,
	    "what is hidden")
	kreis, s = doc["dcat:dataset"]
	same((s["dct:publisher"]["foaf:name"],
	    s["dcatde:politicalGeocodingURI"]["@id"].split("/")[-2:],
	    s["dcatde:politicalGeocodingLevelURI"]["@id"].split("/")[-1],
	    s["dcatde:contributorID"]["@id"].split("/")[-1],
	    s["dcat:keyword"]), ("Stadt Schwerte", ["municipalityKey",
	    "05978028"], "municipality", "openNRW", ["WaterObserved"]), "a town")
	same((kreis["dcatde:politicalGeocodingURI"]["@id"].split("/")[-2:],
	    kreis["dcatde:politicalGeocodingLevelURI"]["@id"].split("/")[-1]),
	    (["districtKey", "05978"], "administrativeDistrict"), "a Kreis")
	d = s["dcat:distribution"][0]
	same((d["dct:license"]["@id"],
	    d["dcatde:licenseAttributionByText"]["@value"]),
	    ("http://dcat-ap.de/def/licenses/dl-by-de/2.0", "schwerte"),
	    "licence")
	same(kreis["dcat:distribution"][0]["dct:license"]["@id"],
	    "http://dcat-ap.de/def/licenses/cc-zero", "another licence")
	same(d["dcat:accessURL"]["@id"], "https://hub.drehscheibe.example/"
	    "ngsi-ld/v1/entities?type=" + TERM + "WaterObserved", "address")
	same(doc["dct:title"], {"@value": "Daten der Region",
	    "@language": "de"}, "title")
	same(export(w, "--lang", "de", "--dcat"), text, "again")
	en = json.loads(export(w, "--lang", "en", "--dcat"))
	same(en["dct:title"]["@value"], "Data of the region", "in English")
	# To its party a draft opens nothing, to its owner the dataset is there.
	for tenant, n in (("froendenberg", 2), ("dortmund", 3)):
		doc = json.loads(export(w, "--tenant", tenant, "--dcat"))
		same(len(doc["dcat:dataset"]), n, tenant)
		well_formed(doc)
	text = json.dumps(doc, ensure_ascii=False)
	check('Stadt \\"Dortmund\\", Tiefbau' in text.replace('\\\\"', '\\"'),
	    "quotes")


@test
def refuses_what_it_cannot_export(w):
	w.ctl("export", code=64)
	w.ctl("export", "--odrl", "--vvt", code=64)
	w.ctl("export", "--dcat", w.path("x"), code=64)
	w.ctl("export", "--dcat", "--tenant", "nobody", code=1)
	w.ctl("bundles", "--dcat", code=64)
	# A file on its own, without a database.
	out = run(HUBCTL, "export", "--odrl", "--region",
	    w.write("region.hub", region(w)))[0]
	same(out, export(w, "--odrl"), "of files")


# ---- fmt

UGLY = '''# Kopf
purpose   zz{title="Z"}   # dahinter
purpose /* mitten */ yy {
  title   = "Ein Titel mit { und = und # darin"


  legal-basis='einfach'
}



agreement   x-y{version=1 provider=schwerte consumer=froendenberg
dataset=broker-s-data purpose=zz actions={query,retrieve,
temporal} valid="2020-01-01..2099-12-31" signed-by={"schwerte:a"  ,  "froendenberg:b"}
share WaterObserved{allow={waterLevel,flow,stationName,exact,wide,tiny,escaped,unescaped,generation}
/* ein Kommentar
   in zwei Zeilen */
round refDevice{to=0.05}}}
'''
PRETTY = '''# Kopf
purpose zz { title = "Z" }  # dahinter
/* mitten */
purpose yy {
	title = "Ein Titel mit { und = und # darin"

	legal-basis = 'einfach'
}

agreement x-y {
	version = 1
	provider = schwerte
	consumer = froendenberg
	dataset = broker-s-data
	purpose = zz
	actions = {query, retrieve, temporal}
	valid = "2020-01-01..2099-12-31"
	signed-by = {"schwerte:a", "froendenberg:b"}
	share WaterObserved {
		allow = {waterLevel, flow, stationName, exact, wide, tiny,
		    escaped, unescaped, generation}
		/* ein Kommentar
   in zwei Zeilen */
		round refDevice { to = 0.05 }
	}
}
'''


@test
def fmt_makes_the_usual_form(w):
	path = w.write("ugly.hub", UGLY)
	same(run(HUBCTL, "fmt", "--check", path, code=3)[0], path + "\n",
	    "check")
	same(run(HUBCTL, "fmt", "--dry-run", path)[0], path + "\n", "dry run")
	with open(path) as f:
		same(f.read(), UGLY, "nothing was written")
	os.chmod(path, 0o640)
	same(run(HUBCTL, "fmt", path)[0], path + "\n", "fmt")
	with open(path) as f:
		same(f.read(), PRETTY, "form")
	same(os.stat(path).st_mode & 0o777, 0o640, "mode")
	same(run(HUBCTL, "fmt", path)[0], "", "again")
	run(HUBCTL, "fmt", "--check", path)
	same(sorted(n for n in os.listdir(w.dir) if n.startswith("ugly")),
	    ["ugly.hub"], "files left behind")
	os.unlink(path)


@test
def fmt_leaves_what_it_cannot_read(w):
	for text, line in (("purpose xx {\n", 1), ("purpose xx { a = ; }\n", 1),
	    ("\n\npurpose xx { title = ${x} }\n", 3)):
		path = w.write("bad/bad.hub", text)
		err = run(HUBCTL, "fmt", path, code=78)[1]
		check("bad.hub:%d:" % line in err, err)
		with open(path) as f:
			same(f.read(), text, "file")
	run(HUBCTL, "fmt", w.path("nowhere.hub"), code=1)
	# A folder: the others are still put in order.
	w.write("bad/ugly.hub", "purpose   zz {title=x}\n")
	run(HUBCTL, "fmt", w.path("bad"), code=78)
	with open(w.path("bad/ugly.hub")) as f:
		same(f.read(), "purpose zz { title = x }\n", "the other file")


@test
def a_formatted_file_says_the_same(w):
	"""Empty diff, the same content under the signatures."""
	path = w.write("region.hub", region(w))
	w.apply(region(w))
	sign = "SELECT agreement, encode(content_sha256, 'hex') FROM " \
	    "hub.bundle_agreement WHERE bundle_id = (SELECT bundle_id FROM " \
	    "hub.head) ORDER BY 1"
	before = w.sql(sign)
	same(len(before), 2, "agreements")
	texts = [export(w, "--odrl"), export(w, "--dcat"), export(w, "--vvt")]
	check(path in run(HUBCTL, "fmt", path)[0], "has another form")
	out = w.ctl("diff", path, env=ENGLISH)[0]
	same(out, "NEUTRAL  nothing changes in what is shared\n", "diff")
	w.ctl("apply", path)
	same(w.sql(sign), before, "hashes of what is signed")
	same([export(w, "--odrl"), export(w, "--dcat"), export(w, "--vvt")],
	    texts, "exports")
	b = json.loads(w.ctl("-o", "json", "bundles")[0])[-1]
	same((b["widens"], b["in_force"]), (False, True), "the new bundle")


main(setup)

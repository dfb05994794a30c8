"""oracle_gen.py - random regions, data and queries for the reference model.

A region is made of worlds: four tenants that share among each other, two to
four brokers, and the twin of each dataset under a narrower agreement (for the
test that narrowing never adds).  The model judges the whole region."""
import json
import time

from oracle_base import Num
from oracle_geo import vertices
from oracle_transform import random_rule, rule_text

PURPOSES = ("hochwasserschutz", "verkehr", "klima")
TYPES = ("WaterObserved", "FloodMonitoring", "OffStreetParking", "Sondertyp")
ATTRS = ("waterLevel", "flow", "currentLevel", "refDevice", "stationName",
    "exact", "generation", "escaped", "dateObserved", "location", "mystery",
    "licensePlate")
SUBS = ("accuracy", "unescaped", "hint")
NUMBERS = ("21.10", "1e-7", "12345678901234567890", "0", "-0.0", "142",
    "1.40", "141.9999999999999999999", "1E2", "-3", "0.1", "100")
STRINGS = ("", "Villigst", "Br\u00fccke \"B 236\"", "a\\b/c", "\u0007\n\t",
    "\U0001f30a", "140", "true", "2026-11-20", "Zufluss, Ost", "W\u00fcrde")
AREAS = {
    "schwerte": ((7.50, 51.40), (7.66, 51.40), (7.66, 51.48), (7.50, 51.48)),
    "ost": ((7.66, 51.40), (7.80, 51.40), (7.80, 51.48), (7.66, 51.48)),
    "dreieck": ((7.40, 51.50), (7.60, 51.50), (7.50, 51.60)),
}
# Inside, on a border, on two, outside near and far.
POINTS = (("7.58", "51.44"), ("7.50", "51.44"), ("7.66", "51.43"),
    ("7.70", "51.45"), ("7.50", "51.50"), ("7.5", "51.55"), ("7.58", "51.49"),
    ("7.82", "51.44"), ("8.20", "51.90"), ("7.4936", "51.4389"),
    ("7.660", "51.480"))


def ring(name):
	c = [[Num(x) for x in map(str, p)] for p in AREAS[name]]
	return vertices({"type": "Polygon", "coordinates": [c + c[:1]]})


def geojson(name):
	c = [list(p) for p in AREAS[name]]
	return json.dumps({"type": "Polygon", "coordinates": [c + c[:1]]})


def iso(seconds, form=0):
	t = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
	return t + ("Z", ".000Z", ".25Z")[form]


class Gen:
	def __init__(self, rnd, now, terms):
		self.r, self.now, self.terms = rnd, now, terms
		self.ideas = {}

	def maybe(self, p):
		return self.r.random() < p

	def some(self, pool, lo=0, hi=None):
		n = self.r.randint(lo, min(len(pool), hi or len(pool)))
		return self.r.sample(list(pool), n)

	# -- regions

	def region(self, brokers, nworlds):
		"""brokers: a function that gives the next broker."""
		reg = {"tenants": [], "sources": {}, "datasets": [],
		    "agreements": [], "forbids": [], "worlds": [],
		    "areas": {a: ring(a) for a in AREAS},
		    "contexts": [self.terms, {}]}
		for k in range(nworlds):
			self.world(reg, k, brokers)
		return reg

	def world(self, reg, k, brokers):
		tenants = ["w%d-%s" % (k, t) for t in "abcd"]
		reg["tenants"] += tenants
		names = []
		for s in range(self.r.randint(2, 4)):
			name = "w%d-s%d" % (k, s)
			core = self.maybe(0.15)
			reg["sources"][name] = {"owner": tenants[s % 3],
			    "ctx": {} if core else self.terms,
			    "core": core, "broker": brokers(),
			    "page": self.r.choice((2, 7, 100))}
			names.append(name)
			for d in range(self.r.choice((1, 1, 1, 2))):
				self.dataset(reg, name, d, k)
		reg["worlds"].append({"tenants": tenants, "sources": names,
		    "ids": self.ids(k)})
		mine = [d for d in reg["datasets"] if d["source"] in names]
		for d in mine:
			for a in range(self.r.choice((1, 2, 3, 4, 5))):
				self.agreement(reg, d, tenants, a)
		for f in range(self.r.choice((0, 0, 1, 2))):
			self.forbid(reg, k, f, mine, tenants)

	def ids(self, k):
		ids = ["urn:ngsi-ld:%s:w%d-%d" % (t, k, i)
		    for t in ("WaterObserved", "Gauge") for i in range(5)]
		return ids + ["urn:ngsi-ld:Gauge:Fr\u00f6ndenberg",
		    "https://example.org/gauge/%d?a=b" % k]

	def dataset(self, reg, source, d, k):
		types = {}
		mode = self.r.choice(("inclusive",) * 5 + ("redirect",
		    "auxiliary", "auxiliary", "exclusive"))
		free = [i for i in self.ids(k) if i not in {x
		    for o in reg["datasets"] if o["mode"] == "exclusive"
		    for x in o["ids"]}]
		if not free and mode == "exclusive":
			mode = "inclusive"
		for t in self.some(TYPES, 1, 3):
			types[t] = self.some(ATTRS, 5) if self.maybe(0.4) or \
			    mode == "exclusive" else []
		reg["datasets"].append({"name": "%s-d%d" % (source, d),
		    "source": source, "types": types, "mode": mode,
		    "ids": self.some(free, 1, 5) if mode == "exclusive" else
			self.r.choice((["urn:*"],
			["urn:*", "https:*"], ["urn:*", "https:*"],
			["urn:ngsi-ld:WaterObserved:*", "https:*"],
			["urn:ngsi-ld:*-1", "urn:*:Gauge:*"])),
		    "priority": self.r.choice((100, 100, 10, 200))})

	def rules(self, ds, type, allow):
		"""Transforms: one idea of an attribute of a type, whoever
		asks."""
		out = {}
		for a in ds["types"][type] or ATTRS:
			if not self.maybe(0.1 if a in allow else 0.35):
				continue
			rule = ("grid", 2000) if a == "location" and \
			    self.maybe(0.7) else random_rule(self.r)
			out[a] = self.ideas.setdefault((ds["name"], type, a),
			    rule)
		return out

	def share(self, ds, type):
		listed = ds["types"][type] or ATTRS
		allow = self.some(listed, 1)
		subs = [(a, s) for a in allow for s in SUBS if self.maybe(0.2)]
		where = self.r.choice(("", "", "", "", "in", "out"))
		areas = self.some(AREAS, 1, 2)
		return {"type": type, "allow": allow, "subs": subs,
		    "filterable": [a for a in allow if self.maybe(0.6)],
		    "rules": self.rules(ds, type, allow),
		    "system": self.some(("scope", "createdAt", "modifiedAt"))
			if self.maybe(0.5) else [],
		    "inside": areas if where == "in" else [],
		    "outside": areas if where == "out" else [],
		    "buffer": self.r.choice((0, 0, 2000)) if where else 0,
		    "without": self.r.choice(("drop", "keep")),
		    "history": self.r.choice((0, 0, 0, 5 * 86400)),
		    "delay": self.r.choice((0, 0, 0, 3600))}

	def agreement(self, reg, ds, tenants, n):
		owner = reg["sources"][ds["source"]]["owner"]
		consumer = self.r.choice([t for t in tenants if t != owner])
		reg["agreements"].append({"name": "%s-a%d" % (ds["name"], n),
		    "dataset": ds["name"], "provider": owner,
		    "consumer": consumer,
		    "purpose": self.r.choice(PURPOSES[:2]),
		    "actions": self.r.choice((["query"],
			["query", "retrieve"], ["query", "retrieve"],
			["query", "retrieve", "temporal"])),
		    "valid_now": self.maybe(0.9), "signed": self.maybe(0.92),
		    "shares": [self.share(ds, t) for t in
			self.some(ds["types"], 1)]})

	def forbid(self, reg, k, n, datasets, tenants):
		f = {"name": "w%d-f%d" % (k, n)}
		scope = self.r.choice(("dataset", "consumer"))
		f[scope] = self.r.choice(datasets)["name"] \
		    if scope == "dataset" else self.r.choice(tenants)
		if self.maybe(0.8):
			f["attribute"] = self.r.choice(ATTRS)
		if self.maybe(0.5) or "attribute" not in f:
			f["type"] = self.r.choice(TYPES)
		if self.maybe(0.3):
			f["purpose"] = self.r.choice(PURPOSES)
		reg["forbids"].append(f)

	# -- data

	def world_data(self, reg, world):
		"""source name -> entities; ids and times overlap."""
		times = [self.now - s for s in (600, 600, 7000, 90000,
		    2 * 86400, 9 * 86400)]
		return {s: self.source_data(reg["sources"][s], world["ids"],
		    times) for s in world["sources"]}

	def source_data(self, src, ids, times):
		lax = self.r.choice((None, None, None, "arrays", "untyped"))
		style = {"lax": lax, "core": src["core"], "times": times}
		return [self.entity(i, style) for i in
		    self.some(ids, 4)]

	def key(self, term, style):
		"""A source without a context writes IRIs."""
		return self.terms.get(term, term) if style["core"] else term

	def entity(self, id, style):
		types = [self.key(t, style) for t in
		    self.some(TYPES, 1, self.r.choice((1, 1, 2, 3)))]
		e = {"id": id, "type": types if len(types) > 1 or
		    self.maybe(0.1) else types[0]}
		if self.maybe(0.3):
			e["scope"] = self.r.choice(("/Ruhr", ["/Ruhr",
			    "/Pegel/Ost"], ["/Emscher"]))
		self.stamp(e, style, 0.5)
		if self.maybe(0.08):
			e["expiresAt"] = iso(self.now + self.r.choice(
			    (-9000, 90000)))
		for a in self.some(ATTRS, 1):
			e[self.key(a, style)] = self.attr(a, style)
		return e

	def stamp(self, o, style, p):
		for k in ("createdAt", "modifiedAt"):
			if self.maybe(p):
				o[k] = iso(self.r.choice(style["times"]),
				    self.r.randint(0, 2))

	def attr(self, name, style):
		if name not in ("location", "dateObserved") and \
		    self.maybe(0.12):
			sets = ["", "urn:ds:1", "urn:ds:2"]
			return [self.instance(name, style, ds)
			    for ds in self.some(sets, 1)]
		i = self.instance(name, style)
		return [i] if style["lax"] == "arrays" else i

	def instance(self, name, style, ds=""):
		o = self.value(name, style)
		if self.maybe(0.6):
			t = iso(self.r.choice(style["times"]),
			    self.r.randint(0, 2))
			o["observedAt"] = {"type": "Property", "value": t} \
			    if self.maybe(0.05) else t
		if self.maybe(0.3):
			o["unitCode"] = self.r.choice(("CMT", "MTR"))
		self.stamp(o, style, 0.4)
		if self.maybe(0.06):
			o["expiresAt"] = iso(self.now + self.r.choice(
			    (-9000, 90000)))
		for s in SUBS:
			if self.maybe(0.2):
				o[self.key(s, style)] = self.sub(style)
		if ds:
			o["datasetId"] = ds
		if style["lax"] == "untyped" or self.maybe(0.03):
			o.pop("type", None)
		if self.maybe(0.02):
			o["type"] = "string"
		return o

	def sub(self, style):
		o = self.r.choice((
		    {"type": "Property", "value": Num(self.r.choice(NUMBERS))},
		    {"type": "Property", "value": self.r.choice(STRINGS)},
		    Num("0.50"), "knapp",
		    {"type": "Relationship", "object": "urn:x:1"},
		    {"type": "Relationship", "object": "urn:x:1",
		    "entity": {"id": "urn:x:1", "type": "X"}}, {"a": "b"},
		    {"type": "Relationship", "object": {"id": "urn:x:1"}}))
		if isinstance(o, dict):
			o = dict(o)
			if self.maybe(0.4):
				o["observedAt"] = iso(self.now - 600)
			if self.maybe(0.2):
				o[self.key("accuracy", style)] = Num("7.0")
		return o

	def scalar(self):
		return self.r.choice((Num(self.r.choice(NUMBERS)),
		    Num(self.r.choice(NUMBERS)), self.r.choice(STRINGS),
		    self.maybe(0.5)))

	def value(self, name, style):
		r = self.r.random()
		if name == "location":
			return self.location()
		if name == "dateObserved":
			t = iso(self.r.choice(style["times"]))
			return {"type": "Property", "value": t if r < 0.7 else
			    {"@type": "DateTime", "@value": t}}
		if name == "refDevice":
			o = self.some(("urn:ngsi-ld:Device:1", "urn:d:2",
			    "urn:d:3"), 1)
			if r < 0.1:
				return {"type": "ListRelationship",
				    "objectList": [{"object": t} for t in o]}
			if r < 0.15:
				return {"type": "Relationship", "object":
				    {"id": "urn:d:4", "type": "Device"}}
			return {"type": "Relationship",
			    "object": o if len(o) > 1 or r < 0.3 else o[0]}
		if name == "stationName" and r < 0.5:
			return {"type": "LanguageProperty", "languageMap":
			    {"de": self.r.choice(STRINGS), "en": "Gauge"}}
		if name == "generation" and r < 0.5:
			v = self.some(("WaterObserved", "neu", "Sondertyp"), 1)
			return {"type": "VocabProperty", "vocab":
			    v if len(v) > 1 else v[0]}
		if r < 0.04:
			return {"type": "Property"}	# no value
		if r < 0.1:
			return {"type": "JsonProperty", "json": {"a": {"b":
			    self.scalar()}, "id": "x"}}
		if r < 0.15:
			return {"type": "ListProperty", "valueList":
			    [self.scalar(), self.scalar()]}
		if r < 0.22:
			return {"type": "Property", "value":
			    [self.scalar() for i in range(3)]}
		if r < 0.3:
			return {"type": "Property", "value": {"a": {"b":
			    self.scalar()}, "c": [{"d": self.scalar()}]}}
		return {"type": "Property", "value": self.scalar()}

	def location(self):
		p = [[Num(x) for x in q] for q in self.some(POINTS, 3, 3)]
		g = self.r.choice((
		    {"type": "Point", "coordinates": p[0]},
		    {"type": "Point", "coordinates": p[1]},
		    {"type": "Point", "coordinates": p[2]},
		    {"type": "MultiPoint", "coordinates": p[:2]},
		    {"type": "LineString", "coordinates": p[:2]},
		    {"type": "Polygon", "coordinates": [p + p[:1]]},
		    {"type": "Point", "coordinates": [Num("7.5"), "51"]}))
		if self.maybe(0.08):
			return g	# as in keyValues: no attribute at all
		return {"type": "GeoProperty", "value": g}

	# -- queries

	def query(self, reg, world):
		linked = self.maybe(0.85)
		ctx = self.terms if linked else {}
		name = lambda t: t if linked or self.maybe(0.4) else \
		    self.terms.get(t, t)
		who = (self.r.choice(world["tenants"]),
		    self.r.choice(PURPOSES))
		mine = [(a["consumer"], a["purpose"])
		    for a in reg["agreements"]
		    if a["provider"] in world["tenants"]]
		if mine and self.maybe(0.8):
			who = self.r.choice(mine)
		rq = {"consumer": who[0], "link": linked, "ctx": ctx,
		    "purpose": None if self.maybe(0.05) else who[1],
		    "id": None}
		p = self.options()
		about = self.some(("attrs", "id", "idPattern", "q", "geo",
		    "page"), 0, 2)
		if "attrs" in about:
			p.append(("attrs", ",".join(map(name, self.some(
			    ATTRS, 1, 6)))))
		if self.maybe(0.1):
			rq["id"] = self.r.choice(world["ids"])
			rq["params"] = p
			return rq
		if self.maybe(0.8) or not p:
			p.append(("type", self.r.choice(",,|").join(
			    map(name, self.some(TYPES, self.r.choice((1, 3,
			    4)))))))
		if "id" in about:
			p.append(("id", ",".join(self.some(world["ids"],
			    1))))
		if "idPattern" in about:
			p.append(("idPattern", self.r.choice(("Water", "-[13]$",
			    "^urn:ngsi-ld:(Gauge|X):", "w[0-9]+-[0-2]",
			    "r.ndenberg$", "a=b"))))
		if "q" in about:
			p.append(("q", self.q()))
		if "geo" in about:
			p += self.geo()
		if "page" in about:
			p += [("limit", str(self.r.choice((1, 2, 5)))),
			    ("offset", str(self.r.choice((0, 1, 2, 9))))]
		if self.maybe(0.3):
			p.append(("count", "true"))
			if self.maybe(0.1) and "limit" not in dict(p):
				p.append(("limit", "0"))
		if self.maybe(0.04):
			p = self.bad(p)
		self.r.shuffle(p)
		rq["params"] = p
		return rq

	def options(self):
		o = [w for w in ("keyValues", "sysAttrs") if self.maybe(0.3)]
		return [("options", ",".join(o))] if o else []

	def bad(self, p):
		"""Refused, or nothing by ruling."""
		name, value = self.r.choice((("type", "*"), ("limit", "1001"),
		    ("limit", "0"), ("attrs", ","), ("count", "1"),
		    ("id", "no-uri"), ("q", "urn:x:y==1"),
		    ("q", "waterLevel=="), ("geoproperty", "location"),
		    ("local", "true"),
		    ("q", "(waterLevel>1"), ("q", "waterLevel=1")))
		p = [(k, v) for k, v in p if k != name and
		    (value != "0" or k != "count")]
		return p + [(name, value)]

	def q(self, depth=0):
		r = self.r.random()
		if depth < 3 and r < 0.35:
			inner = self.r.choice(";||").join(self.q(depth + 1)
			    for i in range(self.r.randint(2, 3)))
			return "(%s)" % inner if depth and self.maybe(0.7) \
			    else inner
		return self.term()

	def term(self):
		a = self.r.choice(ATTRS)
		r = self.r.random()
		if r < 0.08:
			a = self.r.choice(("modifiedAt", "createdAt"))
		elif r < 0.2:
			a += "." + self.r.choice(("observedAt", "observedAt",
			    "unitCode", "modifiedAt", "datasetId") + SUBS)
		elif r < 0.26:
			a += "." + self.r.choice(SUBS) + "." + \
			    self.r.choice(("observedAt", "accuracy"))
		elif r < 0.34:
			a += self.r.choice(("[a.b]", "[c.d]", "[de]", "[a]"))
		r = self.r.random()
		if r < 0.2:
			return self.r.choice(("", "!")) + a
		if r < 0.3:
			return a + self.r.choice(("~=", "!~=")) + \
			    self.r.choice(('"^V"', '"[0-9]"', '"gau|st$"',
			    '"ge$"'))
		if r < 0.55:
			return a + self.r.choice((">", "<", ">=", "<=")) + \
			    self.operand()
		return a + self.r.choice(("==", "==", "!=")) + \
		    self.r.choice((self.operand(), self.operand(),
		    ",".join(self.operand() for i in range(3)),
		    self.r.choice(("0..141", "-5..0.1", '"A".."W"',
			"2026-01-01..2030-01-01")),
		    self.r.choice(("true", "urn:d:2",
			"urn:ngsi-ld:Device:1", '"WaterObserved"'))))

	def operand(self):
		r = self.r.random()
		if r < 0.5:
			return self.r.choice(NUMBERS)
		if r < 0.75:
			return json.dumps(self.r.choice(STRINGS),
			    ensure_ascii=self.maybe(0.5))
		if r < 0.8:
			return iso(self.now - 3 * 86400)[:10]
		return iso(self.now - self.r.choice((600, 8000, 100000)))

	def geo(self):
		x, y = self.r.choice(POINTS)
		r = self.r.random()
		if r < 0.5:
			p = [("georel", "near;%sDistance==%d" % (
			    self.r.choice(("max", "max", "min")),
			    self.r.choice((150, 3000, 12000, 40000)))),
			    ("geometry", "Point"),
			    ("coordinates", "[%s,%s]" % (x, y))]
		else:
			c = json.loads(geojson(self.r.choice(list(AREAS))))
			p = [("georel", "within"), ("geometry", "Polygon"),
			    ("coordinates", json.dumps(c["coordinates"]))]
		if self.maybe(0.2):
			p.append(("geoproperty", self.r.choice(("location",
			    "mystery"))))
		return p


# ---- the region file

def quoted(items):
	return ", ".join('"%s"' % i for i in items)


def region_text(reg, url_of, head, context):
	"""url_of: a broker's address; head: issuer, context, purposes."""
	out = [head]
	for n, t in enumerate(reg["tenants"]):
		out.append('tenant %s { name = "%s"  ags = "%08d"  '
		    'kind = municipality }' % (t, t, 5000000 + n))
	for a in AREAS:
		out.append('area %s { geojson-file = "areas/%s.geojson" }' %
		    (a, a))
	for name, s in reg["sources"].items():
		out.append('source %s { owner = %s  kind = ngsi-ld  '
		    'endpoint = "%s"  timeout = 20s  page = %d %s }' % (name,
		    s["owner"], url_of(s["broker"]), s["page"], "" if s["core"]
		    else 'context = "%s"' % context))
	for d in reg["datasets"]:
		out.append(dataset_text(reg, d))
	for a in reg["agreements"]:
		out.append(agreement_text(reg, a))
	for f in reg["forbids"]:
		out.append("forbid %s { %s  reason = \"Test\" }" % (f["name"],
		    "  ".join('%s = "%s"' % (k, f[k]) for k in f
			if k != "name")))
	return "\n".join(out) + "\n"


def namer(reg, source):
	s = reg["sources"][source]
	return lambda t: reg["contexts"][0].get(t, t) if s["core"] else t


def dataset_text(reg, d):
	name = namer(reg, d["source"])
	types = ['\ttype "%s" { %s }' % (name(t), "attributes = {%s}" %
	    quoted(map(name, attrs)) if attrs else "")
	    for t, attrs in d["types"].items()]
	return 'dataset %s { source = %s  title = "%s"  licence = ' \
	    'dl-de-by-2-0  attribution = "%s"  ids = {%s}  priority = %d  ' \
	    'mode = %s  %s\n' \
	    '%s\n}' % (d["name"], d["source"], d["name"], d["name"],
	    quoted(d["ids"]), d["priority"], d["mode"], d.get("more", ""),
	    "\n".join(types))


def agreement_text(reg, a):
	ds = next(d for d in reg["datasets"] if d["name"] == a["dataset"])
	name = namer(reg, ds["source"])
	# An IRI holds dots: its sub-attributes cannot be named, by design.
	core = reg["sources"][ds["source"]]["core"]
	shares = []
	for s in a["shares"]:
		if core:
			s["subs"] = [p for p in s["subs"]
			    if p[0] == "mystery" and p[1] == "hint"]
		t = "\tshare \"%s\" { allow = {%s}" % (name(s["type"]), quoted(
		    list(map(name, s["allow"])) +
		    ["%s.%s" % p for p in s["subs"]]))
		for key in ("inside", "outside", "system", "filterable"):
			if key == "filterable":
				some = quoted(map(name, filter(
				    s["allow"].__contains__, s[key])))
				t += "  filterable = {%s}" % some if some \
				    else ""
			elif s[key]:
				t += "  %s = {%s}" % (key, ", ".join(s[key]))
		if s["buffer"]:
			t += "  buffer = %dm" % s["buffer"]
		if s["inside"] or s["outside"]:
			t += "  without-location = " + s["without"]
		for key in ("history", "delay"):
			if s[key]:
				t += "  %s = %ds" % (key, s[key])
		for attr, rule in s["rules"].items():
			t += "\n\t    " + rule_text(name(attr), rule)
		shares.append(t + " }")
	signed = [a["provider"], a["consumer"]] if a["signed"] else \
	    [a["provider"]]
	return 'agreement %s { version = 1  provider = %s  consumer = %s  ' \
	    'dataset = %s  purpose = %s  actions = {%s}  valid = "%s"  ' \
	    'signed-by = {%s}\n%s\n}' % (a["name"], a["provider"],
	    a["consumer"], a["dataset"], a["purpose"], ", ".join(a["actions"]),
	    "2020-01-01..2099-12-31" if a["valid_now"] else
	    "2020-01-01..2021-12-31", quoted(t + ":x" for t in signed),
	    "\n".join(shares))

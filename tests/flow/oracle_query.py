"""oracle_query.py - the parameters of a query and q of the reference
model (ETSI GS CIM 009, 4.9, 5.7.2.4, 6.4.3.2)."""
import json
import re

from oracle_base import Num, bare_text, expand, number, when
from oracle_geo import Geo, Refused
from oracle_view import KINDS, OWNERS, Instance, sub_shown

URI = re.compile(r'[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20\x7f"<>\\^`{|}]+$')


class Query:
	def __init__(self, params, ctx, retrieve):
		p = dict(params)
		self.ctx = ctx
		self.types = None
		self.nothing = p.get("type") == "*" or p.get("local") == "true"
		if "type" in p and p["type"] != "*":
			self.types = {expand(ctx, t)
			    for t in re.split("[,|]", p["type"])}
		self.ids = p["id"].split(",") if "id" in p else None
		if self.ids and not all(URI.match(i) for i in self.ids):
			raise Refused(400)
		self.pattern = re.compile(p["idPattern"]) \
		    if "idPattern" in p else None
		self.attrs = None
		if "attrs" in p:
			names = p["attrs"].split(",")
			if "" in names:
				raise Refused(400)
			self.attrs = {expand(ctx, a) for a in names}
		self.q = Q(p["q"], ctx) if "q" in p else None
		self.geo = Geo(p, ctx) if "georel" in p else None
		if not self.geo and set(p) & {"geometry", "coordinates",
		    "geoproperty"}:
			raise Refused(400)
		if p.get("count", "false") not in ("true", "false"):
			raise Refused(400)
		self.count = p.get("count") == "true"
		self.limit = int(p.get("limit", 20))
		self.offset = int(p.get("offset", 0))
		if self.limit > 1000:
			raise Refused(403)
		if self.limit == 0 and not self.count:
			raise Refused(400)
		options = p.get("options", "").split(",")
		self.sys = "sysAttrs" in options
		self.simple = "keyValues" in options
		if not retrieve and not ({"type", "attrs", "q", "georel"} &
		    set(p) or p.get("local") == "true"):
			raise Refused(400)
		# Sources are asked for what attrs and the predicates name.
		self.needed = None
		if self.attrs is not None:
			self.needed = set(self.attrs)
			if self.q:
				self.needed |= self.q.names
			if self.geo:
				self.needed.add(self.geo.name)

	def has_attrs(self, v):
		return self.attrs is None or \
		    any(i.name in self.attrs for i in v.instances)

	def matches(self, v):
		return (self.types is None or bool(self.types &
			set(v.types))) and \
		    (self.ids is None or v.id in self.ids) and \
		    (self.pattern is None or
			self.pattern.search(v.id) is not None) and \
		    self.has_attrs(v) and \
		    (self.q is None or self.q.root(v)) and \
		    (self.geo is None or self.geo.matches(v))


# ---- q

class Value:
	"""kind: number, string, bool, instant, time, uri."""

	def __init__(self, kind, v):
		self.kind, self.v = kind, v


ORDERED = ("number", "string", "instant", "time")
SYSTEMS = ("observedAt", "unitCode", "datasetId", "createdAt", "modifiedAt")
NAME = re.compile(r"[A-Za-z0-9_\-\u0080-\U0010ffff]+")
OPS = ("!~=", "~=", "==", "!=", ">=", "<=", ">", "<")


class Q:
	"""root(view) is the verdict."""

	def __init__(self, text, ctx):
		self.s, self.at, self.ctx = text, 0, ctx
		self.names = set()
		self.root = self.either()
		if self.at < len(text):
			raise Refused(400)

	def take(self, t):
		if self.s.startswith(t, self.at):
			self.at += len(t)
			return True
		return False

	def either(self):
		arms = [self.both()]
		while self.take("|"):
			arms.append(self.both())
		return lambda v: any(a(v) for a in arms)

	def both(self):
		arms = [self.unit()]
		while self.take(";"):
			arms.append(self.unit())
		return lambda v: all(a(v) for a in arms)

	def unit(self):
		if not self.take("("):
			return self.term()
		inner = self.either()
		if not self.take(")"):
			raise Refused(400)
		return inner

	def term(self):
		negated = self.take("!")
		parts = [self.name()]
		while self.take("."):
			parts.append(self.name())
		members = []
		if self.take("["):
			m = re.compile(r"[^\]]+").match(self.s, self.at)
			if not m:
				raise Refused(400)
			members = m.group().split(".")
			self.at = m.end() + 1
		if parts[0] not in ("createdAt", "modifiedAt", "scope"):
			self.names.add(expand(self.ctx, parts[0]))
		test = exists if negated else self.comparison()
		return lambda v: path(v, parts, members, test, self.ctx) != \
		    negated

	def name(self):
		m = NAME.match(self.s, self.at)
		if not m:
			raise Refused(400)
		self.at = m.end()
		if self.s[self.at:self.at + 1] in (":", "/"):
			raise Refused(400)
		return m.group()

	def comparison(self):
		op = next((o for o in OPS if self.take(o)), None)
		if op is None:
			return exists
		if op in ("~=", "!~="):
			return like(self.quoted(), op == "!~=")
		ranges = [self.operand()]
		while op in ("==", "!=") and self.take(","):
			ranges.append(self.operand())
		if op in ("==", "!="):
			return equal(ranges, op == "!=", self.ctx)
		lo, hi = ranges[0]
		if hi or lo.kind not in ORDERED:
			raise Refused(400)
		return order(lo, op, self.ctx)

	def operand(self):
		lo = self.value()
		if not self.take(".."):
			return lo, None
		hi = self.value()
		if lo.kind != hi.kind or lo.kind not in ORDERED:
			raise Refused(400)
		return lo, hi

	def quoted(self):
		try:
			v, end = json.JSONDecoder().raw_decode(self.s, self.at)
		except ValueError:
			raise Refused(400)
		if not isinstance(v, str):
			raise Refused(400)
		self.at = end
		return v

	def value(self):
		if self.s[self.at:self.at + 1] == '"':
			return Value("string", self.quoted())
		text = re.compile(r"[^;|),]*").match(self.s, self.at).group()
		if URI.match(text):
			self.at += len(text)
			return Value("uri", text)
		text = text.split("..")[0]
		self.at += len(text)
		if text in ("true", "false"):
			return Value("bool", text == "true")
		if instant(text) is not None:
			return Value("instant", instant(text))
		if re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?",
		    text):
			return Value("number", number(text))
		if clock(text) is not None:
			return Value("time", clock(text))
		raise Refused(400)


def instant(text):
	if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
		text += "T00:00:00Z"
	return when(text)


def clock(text):
	return when("1970-01-01T" + text)


def path(v, parts, members, test, ctx):
	"""Does any value that the path leads to pass?"""
	if parts[0] in ("createdAt", "modifiedAt", "scope"):
		m = {"createdAt": v.created, "modifiedAt": v.modified,
		    "scope": v.scope}[parts[0]]
		return m is not None and len(parts) == 1 and \
		    into(m, "Property", ctx, members, test)
	name = expand(ctx, parts[0])
	return any(instance(i, parts[1:], members, test, ctx)
	    for i in v.instances if i.name == name)


def instance(i, parts, members, test, ctx):
	if not parts:
		return into(i.value, i.kind, i.ctx, members, test)
	if parts[0] in SYSTEMS:
		m = i.obj.get(parts[0])
		if parts[0] in ("observedAt", "unitCode"):
			m = bare_text(m)	# as the view shows it
		if parts[0] == "datasetId":
			m = i.dataset_id
		if parts[0] == "createdAt" and not i.release.created or \
		    parts[0] == "modifiedAt" and not i.release.modified:
			m = None
		return m is not None and len(parts) == 1 and \
		    into(m, "Property", i.ctx, members, test)
	sub = expand(ctx, parts[0])
	if not i.release.all and sub not in i.release.subs:
		return False
	for k, m in i.obj.items():
		if k != KINDS[i.kind] and expand(i.ctx, k) == sub and \
		    sub_shown(k, m) and (i.release.own or k not in OWNERS):
			return below(m, i, parts[1:], members, test, ctx)
	return False


def below(m, above, parts, members, test, ctx):
	if isinstance(m, list) and m and isinstance(m[0], dict):
		return any(below(e, above, parts, members, test, ctx)
		    for e in m if isinstance(e, dict))
	if isinstance(m, dict):
		i = Instance("", m, above.ctx)
		i.release = above.release.below()
		if i.kind:
			return instance(i, parts, members, test, ctx)
	return not parts and into(m, "Property", above.ctx, members, test)


def into(v, kind, ctx, members, test):
	if not members:
		return test(v, kind, ctx)
	if isinstance(v, list):
		return any(into(e, kind, ctx, members, test) for e in v
		    if isinstance(e, dict))
	if not isinstance(v, dict) or members[0] not in v:
		return False
	return into(v[members[0]], "Property" if kind == "LanguageProperty"
	    else kind, ctx, members[1:], test)


def scalars(v, kind):
	"""The values that may answer for a whole one."""
	if isinstance(v, list):
		for e in v:
			yield from [] if isinstance(e, list) else scalars(e,
			    kind if kind != "LanguageProperty" else "Property")
	elif isinstance(v, dict) and kind == "LanguageProperty":
		for e in v.values():
			yield from scalars(e, "Property")
	elif isinstance(v, dict):
		inner = "object" if kind == "ListRelationship" else "@value"
		if inner in v and not isinstance(v[inner], (dict, list)):
			yield v[inner]
	else:
		yield v


def place(t, v, kind, t_ctx, q_ctx):
	"""-1, 0, 1: where target t stands to value v; None: nowhere."""
	if isinstance(t, Num):
		if v.kind != "number":
			return None
		return (number(t) > v.v) - (number(t) < v.v)
	if isinstance(t, bool):
		return 0 if v.kind == "bool" and v.v == t else None
	if not isinstance(t, str):
		return None
	if kind == "VocabProperty":
		same = v.kind in ("string", "uri") and \
		    expand(q_ctx, v.v) == expand(t_ctx, t)
		return 0 if same else None
	if v.kind in ("string", "uri"):
		a, b = t.encode(), v.v.encode()
	elif v.kind in ("instant", "time"):
		a = instant(t) if v.kind == "instant" else clock(t)
		b = v.v
		if a is None:
			return None
	else:
		return None
	return (a > b) - (a < b)


def exists(v, kind, ctx):
	return True


def equal(ranges, unequal, q_ctx):
	def test(v, kind, ctx):
		hit = False
		for t in scalars(v, kind):
			for lo, hi in ranges:
				c = place(t, lo, kind, ctx, q_ctx)
				if hi is None:
					hit |= c == 0
				elif c is not None and c >= 0:
					d = place(t, hi, kind, ctx, q_ctx)
					hit |= d is not None and d <= 0
		return hit != unequal
	return test


def order(bound, op, q_ctx):
	def test(v, kind, ctx):
		if isinstance(v, list) or kind == "VocabProperty":
			return False
		for t in scalars(v, kind):
			c = place(t, bound, kind, ctx, q_ctx)
			if c is not None and {">": c > 0, "<": c < 0,
			    ">=": c >= 0, "<=": c <= 0}[op]:
				return True
		return False
	return test


def like(pattern, unlike):
	regex = re.compile(pattern)

	def test(v, kind, ctx):
		texts = [t for t in scalars(v, kind)
		    if isinstance(t, str) and not isinstance(t, Num)]
		hit = any(regex.search(t) for t in texts)
		return bool(texts) and not hit if unlike else hit
	return test

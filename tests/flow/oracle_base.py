"""oracle_base.py - numbers as text, names and times of the reference model."""
import json
import re
from calendar import timegm
from decimal import Decimal

NGSI = "https://uri.etsi.org/ngsi-ld/"
DEFAULT = NGSI + "default-context/"
CORE = {"location": NGSI + "location"}
LOCATION = NGSI + "location"


class Undecided(Exception):
	"""Too near a border for two programs to agree on it."""


class Num(str):
	"""A number as it was written."""

	def __repr__(self):
		return "Num(%s)" % str(self)


def parse(text):
	return json.loads(text, parse_float=Num, parse_int=Num)


def dump(v):
	if isinstance(v, Num):
		return str(v)
	if isinstance(v, dict):
		return "{%s}" % ",".join("%s:%s" % (json.dumps(k), dump(e))
		    for k, e in v.items())
	if isinstance(v, list):
		return "[%s]" % ",".join(dump(e) for e in v)
	return json.dumps(v, ensure_ascii=False)


def canon(v):
	"""To compare: a number and a string of the same text differ."""
	if isinstance(v, Num):
		return ("#", str(v))
	if isinstance(v, dict):
		return ("{", tuple(sorted((k, canon(e)) for k, e in v.items())))
	if isinstance(v, list):
		return ("[", tuple(canon(e) for e in v))
	return (type(v).__name__, v)


# ---- names

def expand(ctx, term):
	if term.startswith("ngsi-ld:"):
		return NGSI + term[8:]
	if ":" in term:
		return term
	return ctx.get(term) or CORE.get(term) or DEFAULT + term


def compact(ctx, iri):
	for table in (ctx, CORE):
		for term, meant in table.items():
			if meant == iri:
				return term
	if iri.startswith(DEFAULT) and \
	    expand(ctx, iri[len(DEFAULT):]) == iri:
		return iri[len(DEFAULT):]
	# The core context has ngsi-ld as a prefix (JSON-LD 1.1 API, 6.3).
	return "ngsi-ld:" + iri[len(NGSI):] if iri.startswith(NGSI) else iri


# ---- times (microseconds; None: absent)

TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)"
    r"(?:\.(\d{1,6})\d*)?(Z|[+-]\d\d:\d\d)$")


def when(text):
	m = TIME.match(text) if isinstance(text, str) else None
	if not m:
		return None
	y = [int(x) for x in m.group(1, 2, 3, 4, 5, 6)]
	at = timegm((y[0], y[1], y[2], y[3], y[4], y[5], 0, 0, 0))
	if m.group(8) != "Z":
		z = m.group(8)
		at -= (int(z[1:3]) * 3600 + int(z[4:6]) * 60) * \
		    (-1 if z[0] == "-" else 1)
	return at * 10**6 + int(((m.group(7) or "0") + "000000")[:6])


def bare_text(v):
	"""A time or unit as it should be, or as some brokers wrap it."""
	if isinstance(v, dict):
		v = v.get("@value", v.get("value"))
	return v if isinstance(v, str) and not isinstance(v, Num) else None


def number(text):
	return Decimal(str(text))

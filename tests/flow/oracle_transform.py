"""oracle_transform.py - transforms of the reference model (policy.md 9,
"Transforms"), in fractions and the like: slow and plain."""
import math
from fractions import Fraction

from oracle_base import Num, bare_text, when
from oracle_view import KINDS, Instance

BARE = ("observedAt", "unitCode")


def plain(x):
	"""A fraction as a decimal without exponent and superfluous zeros."""
	sign = "-" if x < 0 else ""
	whole, x = divmod(abs(x), 1)
	digits = ""
	while x:
		digit, x = divmod(x * 10, 1)
		digits += str(digit)
	return Num("%s%d%s" % (sign, whole, "." + digits if digits else ""))


def number(i):
	return Fraction(i.value) if i.kind == "Property" and \
	    isinstance(i.value, Num) else None


def rounded(i, to):
	v, to = number(i), Fraction(to)
	if v is None:
		return None
	n = math.floor(abs(v) / to + Fraction(1, 2))
	return plain(n * to if v > 0 else -n * to)


def bucket(i, by):
	v, by = number(i), Fraction(by)
	return None if v is None else plain(math.floor(v / by) * by)


def suppress(i, below):
	v = number(i)
	return None if v is None or v < below else i.value


def grid(i, size):
	v = i.value
	if i.kind != "GeoProperty" or not isinstance(v, dict) or \
	    v.get("type") != "Point":
		return None
	c = v["coordinates"]
	if len(c) < 2 or not all(isinstance(x, Num) for x in c):
		return None
	lon, lat = float(c[0]), float(c[1])
	mid = (math.floor(lat * 111320 / size) + 0.5) * size / 111320
	width = 111320 * math.cos(math.radians(mid))
	lon = (math.floor(lon * width / size) + 0.5) * size / width
	return {"type": "Point", "coordinates":
	    [Num("%.6f" % lon), Num("%.6f" % mid)]}


def earlier(text, step):
	"""None: no time.  In microseconds since 1970, downwards."""
	at = when(text)
	if at is None:
		return None
	s = at // 10**6 // step * step
	days, s = divmod(s, 86400)
	y, m, d = civil(days)
	return "%04d-%02d-%02dT%02d:%02d:%02dZ" % (y, m, d, s // 3600,
	    s // 60 % 60, s % 60)


def civil(days):
	import datetime
	d = datetime.date.fromordinal(days + 719163)
	return d.year, d.month, d.day


def trunc_time(i, step):
	v = i.value
	if i.kind != "Property":
		return None
	if isinstance(v, dict):
		if "@value" not in v:
			return None
		t = earlier(bare_text(v), step)
		return t and {"@type": "DateTime", "@value": t}
	return None if isinstance(v, Num) else earlier(v, step)


def constant(i, text):
	forms = {"LanguageProperty": {"@none": text}, "ListProperty": [text],
	    "ListRelationship": [text], "GeoProperty": None}
	if i.kind.endswith("Relationship") and ":" not in text:
		return None
	return forms.get(i.kind, text)


RULES = {"round": rounded, "bucket": bucket, "suppress": suppress,
    "grid": grid, "trunc-time": trunc_time, "constant": constant}


def transform(i, rule):
	"""What is seen of an instance, or None: dropped."""
	kind, argument = rule
	value = RULES[kind](i, argument)
	if value is None:
		return None
	o = {"type": i.kind, KINDS[i.kind]: value}
	for k, v in i.obj.items():
		if k in BARE:
			text = bare_text(v)
			if kind == "trunc-time" and k == "observedAt":
				text = earlier(text, argument)
				if text is None:
					return None
			if text is not None:
				o[k] = text
		elif k == "datasetId" and i.dataset_id is not None or \
		    k in ("createdAt", "modifiedAt"):
			o[k] = v
	return Instance(i.name, o, i.ctx)


def rule_text(name, rule):
	"""As a region file has it."""
	kind, argument = rule
	key, form = {"round": ("to", "%s"), "bucket": ("by", "%s"),
	    "suppress": ("below", "%d"), "grid": ("to", "%dm"),
	    "trunc-time": ("to", "%ds"), "constant": ("value", '"%s"')}[kind]
	return '%s "%s" { %s = %s }' % (kind, name, key, form % argument)


def random_rule(r):
	return r.choice((("round", r.choice(("0.05", "0.3", "1", "10", "7"))),
	    ("round", r.choice(("0.5", "100"))),
	    ("bucket", r.choice(("5", "0.1", "20"))),
	    ("suppress", r.choice((2, 3, 100))),
	    ("grid", r.choice((500, 2000, 30000))),
	    ("trunc-time", r.choice((900, 86400, 604800))),
	    ("constant", r.choice(("***", "urn:k:1", "WaterObserved")))))

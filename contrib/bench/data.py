"""data.py - what the brokers of the bench say and what the hub must make of it.

Deterministic: the same bytes at every call.  An entity has four attributes,
of which the agreements of region.hub.in release three."""
import json
import random

WITHHELD = "belongsTo"
SMALL = 7	# entities of the 2 KB answer
LARGE = 1000	# entities of each of the three large answers
MEDIUM = 300	# of each of the three medium ones


def entity(kind, i, name, minute, rnd):
	return {
	    "id": "urn:ngsi-ld:%s:%06d" % (kind, i),
	    "type": kind,
	    "name": {"type": "Property", "value": name},
	    "temperature": {"type": "Property",
		"value": round(rnd.uniform(-10, 40), 2),
		"observedAt": "2026-01-01T%02d:%02d:00Z" %
		    (minute // 60, minute % 60)},
	    "location": {"type": "GeoProperty", "value": {"type": "Point",
		"coordinates": [round(7 + i / 7000, 6),
		    round(51 + i / 9000, 6)]}},
	    WITHHELD: {"type": "Relationship",
		"object": "urn:ngsi-ld:Site:%04d" % (i // 10)}}


def small():
	rnd = random.Random(1)
	return [entity("Sensor", i, "Messstelle Süd %d" % i, i, rnd)
	    for i in range(SMALL)]


def changing(name):
	"""As small(), but the first name is whatever it is."""
	rnd = random.Random(1)
	return [entity("Probe", i, "Messstelle Süd %d" % i if i else name, i,
	    rnd) for i in range(SMALL)]


def overlapping(kind, n, broker):
	"""Broker 0, 1 or 2; half of its entities the next one has, too, and
	who observed an entity last varies."""
	rnd = random.Random(broker + 2)
	first = broker * (n // 2)
	return [entity(kind, i, "Pegel an der Ruhr, Flusskilometer %d, "
	    "linkes Ufer unterhalb der Brücke (Broker %d)" % (i, broker),
	    (i * 7 + broker * 431) % 1440, rnd)
	    for i in range(first, first + n)]


def large(broker):
	return overlapping("Gauge", LARGE, broker)


def medium(broker):
	return overlapping("Meter", MEDIUM, broker)


def released(entities):
	return [{k: v for k, v in e.items() if k != WITHHELD}
	    for e in entities]


def merged(part=large):
	"""The newest observedAt wins; else the first dataset by name.  The
	first page, in the order of the ids."""
	known = {}
	for broker in range(3):
		for e in released(part(broker)):
			old = known.setdefault(e["id"], e)
			if (e["temperature"]["observedAt"] >
			    old["temperature"]["observedAt"]):
				old["temperature"] = e["temperature"]
	return [known[i] for i in sorted(known)][:1000]


def bytes_of(entities):
	return json.dumps(entities, separators=(",", ":"),
	    ensure_ascii=False).encode()

"""oracle_geo.py - places of the reference model: areas and the geo-query
(ETSI GS CIM 009, 4.10)."""
import math
from fractions import Fraction

from oracle_base import LOCATION, Num, Undecided, expand, parse

EARTH = 6371008.8	# metres


class Refused(Exception):
	"""The request is refused with a status."""

	def __init__(self, status):
		super().__init__(status)
		self.status = status


DEPTH = {"Point": 0, "MultiPoint": 1, "LineString": 1, "Polygon": 2}


def position(p):
	if not isinstance(p, list) or not 2 <= len(p) <= 3 or \
	    not all(isinstance(x, Num) for x in p):
		raise ValueError
	lon, lat = Fraction(p[0]), Fraction(p[1])
	if abs(lon) > 180 or abs(lat) > 90:
		raise ValueError
	return lon, lat


def vertices(g):
	"""All vertices, or None: no valid geometry."""
	def walk(v, depth):
		if depth == 0:
			return [position(v)]
		if not isinstance(v, list) or not v:
			raise ValueError
		return [p for e in v for p in walk(e, depth - 1)]
	try:
		depth = DEPTH[g["type"]]
		points = walk(g["coordinates"], depth)
		if g["type"] == "LineString" and len(points) < 2:
			return None
		if g["type"] == "Polygon":
			for ring in g["coordinates"]:
				r = walk(ring, 1)
				if len(r) < 4 or r[0] != r[-1]:
					return None
		return points
	except (KeyError, TypeError, ValueError):
		return None


def cross(a, b, c):
	return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def contains(ring, p):
	"""Exactly; the border belongs to the area."""
	odd = False
	for a, b in zip(ring, ring[1:]):
		if cross(a, b, p) == 0 and \
		    min(a[0], b[0]) <= p[0] <= max(a[0], b[0]) and \
		    min(a[1], b[1]) <= p[1] <= max(a[1], b[1]):
			return True
		if (a[1] > p[1]) != (b[1] > p[1]):
			x = a[0] + (b[0] - a[0]) * (p[1] - a[1]) / \
			    (b[1] - a[1])
			odd ^= p[0] < x
	return odd


def metres(a, b):
	"""On the sphere (haversine)."""
	lon1, lat1, lon2, lat2 = (math.radians(float(x)) for x in a + b)
	h = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * \
	    math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
	return 2 * EARTH * math.asin(math.sqrt(h))


def to_edge(p, a, b):
	"""In the plane around p, which does for some kilometres."""
	k = math.cos(math.radians(float(p[1])))
	ax, ay = float(a[0] - p[0]) * k, float(a[1] - p[1])
	bx, by = float(b[0] - p[0]) * k, float(b[1] - p[1])
	dx, dy = bx - ax, by - ay
	t = -(ax * dx + ay * dy) / (dx * dx + dy * dy or 1)
	t = max(0, min(1, t))
	return math.radians(math.hypot(ax + t * dx, ay + t * dy)) * EARTH


def near_enough(distance, limit):
	if distance and abs(distance - limit) <= 0.02 * limit + 1:
		raise Undecided
	return distance <= limit


def to_ring(p, ring):
	if contains(ring, p):
		return 0
	return min(to_edge(p, a, b) for a, b in zip(ring, ring[1:]))


def distance_to_area(p, ring, buffer):
	"""Is p in the area, widened by so many metres?"""
	if contains(ring, p):
		return True
	return bool(buffer) and near_enough(to_ring(p, ring), buffer)


class Geo:
	def __init__(self, p, ctx):
		if not {"geometry", "coordinates"} <= set(p):
			raise Refused(400)
		self.name = expand(ctx, p["geoproperty"]) \
		    if "geoproperty" in p else LOCATION
		self.rel = p["georel"]
		c = parse(p["coordinates"])
		self.points = vertices({"type": p["geometry"],
		    "coordinates": c})
		if not self.points:
			raise Refused(400)

	def near(self, d, limit):
		return near_enough(d, limit)

	def matches(self, v):
		return any(self.holds(i.value) for i in v.instances
		    if i.name == self.name and i.kind == "GeoProperty")

	def holds(self, g):
		points = vertices(g)
		if not points:
			return False
		if self.rel == "within":	# the reference is convex
			return all(contains(self.points, p) for p in points)
		ref = self.points[0]
		if g["type"] == "Polygon":
			d = to_ring(ref, points)
		elif g["type"] == "LineString":
			d = min(to_edge(ref, a, b)
			    for a, b in zip(points, points[1:]))
		else:
			d = min(metres(ref, p) for p in points)
		limit = float(self.rel.split("==")[1])
		near = self.near(d, limit)
		return near if "maxDistance" in self.rel else not near

"""openapi.py - is an answer one that /openapi.json has?  Its path, method,
status, header fields, media type and the shape of its body; of JSON Schema
what the document uses and no more, an unknown keyword is an error.

flow.py has every answer judged, h2.py those of HTTP/2; HUB_FLOW_OPENAPI=0
switches that off."""
import functools
import gzip
import json
import os
import re
import urllib.parse
import zlib

# Of HTTP itself: the server adds them to every answer.
PLAIN = {"date", "content-length", "content-type", "connection"}
# What any path and method may be answered with, also one that is not there.
ALWAYS = {400, 401, 403, 404, 405, 411, 413, 414, 415, 421, 429, 431, 500, 501,
    503, 508}
# About a schema, not of what it describes.
SAID = {"description", "default"}


class Undocumented(Exception):
	pass


def need(condition, what, *values):
	if not condition:
		raise Undocumented(what % values)


def is_type(v, name):
	return {"object": dict, "array": list, "string": str, "boolean": bool,
	    "null": type(None)}[name] is type(v) if name not in ("integer",
	    "number") else type(v) is int or (name == "number" and
	    type(v) is float)


def decoded(coding, body):
	"""What was coded for the way (RFC 9110, 8.4)."""
	if coding is None:
		return body
	need(coding == "gzip", "coding %r", coding)
	try:
		return gzip.decompress(body)
	except (OSError, EOFError, zlib.error) as e:
		raise Undocumented("a body that is no gzip: %s" % e) from None


class Document:
	def __init__(self, path):
		with open(path, encoding="utf-8") as f:
			self.doc = json.load(f)
		self.routes = []
		for template, item in self.doc["paths"].items():
			parts = re.split(r"\{\w+\}", template)
			# The plainest first: a name before a placeholder.
			self.routes.append((len(parts), re.compile(
			    "[^/]+".join(map(re.escape, parts)) + "/?$"), item))
		self.routes.sort(key=lambda r: r[0])

	def at(self, node):
		while "$ref" in node:
			at = self.doc
			for name in node["$ref"][2:].split("/"):
				at = at[name]
			node = at
		return node

	# -- JSON Schema

	def shape(self, v, schema, at):
		schema = self.at(schema)
		for word, want in schema.items():
			if word not in SAID:
				getattr(self, "is_" + word)(v, want, schema, at)

	def is_type(self, v, want, schema, at):
		need(is_type(v, want), "%s: %.60r is no %s", at, v, want)

	def is_const(self, v, want, schema, at):
		need(v == want, "%s: %.60r is not %r", at, v, want)

	def is_minimum(self, v, want, schema, at):
		need(v >= want, "%s: %r is below %r", at, v, want)

	def is_maximum(self, v, want, schema, at):
		need(v <= want, "%s: %r is above %r", at, v, want)

	def is_minLength(self, v, want, schema, at):
		need(len(v) >= want, "%s: %.60r is too short", at, v)

	def is_pattern(self, v, want, schema, at):
		need(re.search(want, v), "%s: %.60r is not %s", at, v, want)

	def is_required(self, v, want, schema, at):
		for name in want:
			need(name in v, "%s lacks %s", at, name)

	def is_properties(self, v, want, schema, at):
		for name in want:
			if name in v:
				self.shape(v[name], want[name], at + "." + name)

	def is_additionalProperties(self, v, want, schema, at):
		for name in v:
			need(want or name in schema["properties"],
			    "%s has %s", at, name)

	def is_items(self, v, want, schema, at):
		for i, x in enumerate(v):
			self.shape(x, want, "%s[%d]" % (at, i))

	def is_oneOf(self, v, want, schema, at):
		wrong = []
		for one in want:
			try:
				self.shape(v, one, at)
			except Undocumented as e:
				wrong.append(str(e))
		need(len(wrong) == len(want) - 1, "%s is not exactly one: %s",
		    at, "; ".join(wrong))

	# -- answers

	def response(self, method, path, status):
		"""The response object; None: that of any error."""
		for n, pattern, item in self.routes:
			if not pattern.match(path):
				continue
			op = item.get("get" if method == "HEAD" else
			    method.lower())
			if op is None:
				break
			need(str(status) in op["responses"],
			    "status %d is not in the document", status)
			return self.at(op["responses"][str(status)])
		need(status in ALWAYS, "%s is answered with %d, and is not in "
		    "the document", path, status)
		return self.doc["components"]["responses"]["Problem"]

	def body(self, content, type, body):
		type = type.split(";")[0].strip()
		need(type in content, "media type %s is not in the document",
		    type)
		schema = content[type]["schema"]
		if type == "application/json" or type.endswith("+json"):
			self.shape(json.loads(body), schema, "body")
		else:
			self.shape(body.decode(), schema, "body")

	def judge(self, method, target, status, fields, body):
		"""fields: a list of names and values."""
		if method == "OPTIONS" and status == 204:
			return	# CORS: of the Fetch standard
		path = urllib.parse.urlsplit(target).path
		r = self.response(method, path, status)
		have = {k.lower(): v for k, v in fields}
		known = PLAIN | {k.lower() for k in r.get("headers", {})}
		need(set(have) <= known, "header fields %r are not in the "
		    "document", sorted(set(have) - known))
		if method == "HEAD":
			return
		if "content" in r:
			self.body(r["content"], have.get("content-type", ""),
			    decoded(have.get("content-encoding"), body))
		else:
			need(body == b"", "a body with %d", status)


@functools.cache
def document(src):
	return Document(os.path.join(src, "contrib/openapi/openapi.json"))

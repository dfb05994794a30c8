"""h2.py - HTTP/2 frame by frame (RFC 9113), for the flow tests: a client that
does what it is told, also what no client may do.  Fields go out as literals
that are not indexed (RFC 7541, 6.2.2); what comes is decoded in full."""
import socket
import struct
import time

from flow import *

DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, \
    CONTINUATION = range(10)
END_STREAM, END_HEADERS, ACK = 1, 4, 1
NO_ERROR, PROTOCOL_ERROR, FLOW_CONTROL_ERROR = 0, 1, 3
REFUSED_STREAM, CANCEL, CALM = 7, 8, 11
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

# ---- HPACK

STATIC = [None] + [tuple(line.split("=")) for line in """:authority=
:method=GET
:method=POST
:path=/
:path=/index.html
:scheme=http
:scheme=https
:status=200
:status=204
:status=206
:status=304
:status=400
:status=404
:status=500
accept-charset=
accept-encoding=gzip, deflate
accept-language=
accept-ranges=
accept=
access-control-allow-origin=
age=
allow=
authorization=
cache-control=
content-disposition=
content-encoding=
content-language=
content-length=
content-location=
content-range=
content-type=
cookie=
date=
etag=
expect=
expires=
from=
host=
if-match=
if-modified-since=
if-none-match=
if-range=
if-unmodified-since=
last-modified=
link=
location=
max-forwards=
proxy-authenticate=
proxy-authorization=
range=
referer=
refresh=
retry-after=
server=
set-cookie=
strict-transport-security=
transfer-encoding=
user-agent=
vary=
via=
www-authenticate=""".split("\n")]

# RFC 7541, appendix B, as the lengths of the codes: they are canonical.
LENGTHS = [13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28,
    28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12,
    13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7,
    8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5,
    7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20,
    22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22,
    23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22,
    23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23,
    23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26,
    26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26,
    26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24,
    24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27,
    26, 30]


def huffman_table():
	table, code, last = {}, 0, 0
	for length, symbol in sorted((n, i) for i, n in enumerate(LENGTHS)):
		code <<= length - last
		table[length, code] = symbol
		code, last = code + 1, length
	return table


HUFFMAN = huffman_table()


def unhuffman(data):
	out, code, length = bytearray(), 0, 0
	for byte in data:
		for bit in range(7, -1, -1):
			code, length = code << 1 | byte >> bit & 1, length + 1
			symbol = HUFFMAN.get((length, code))
			if symbol is not None:
				out.append(symbol)
				code = length = 0
	return bytes(out)


def number(n, bits, first=0):
	most = (1 << bits) - 1
	if n < most:
		return bytes([first | n])
	out, n = [first | most], n - most
	while n > 127:
		out.append(n & 127 | 128)
		n >>= 7
	return bytes(out + [n])


def literal(name, value):
	if isinstance(name, str):
		name = name.encode("latin-1")
	if isinstance(value, str):
		value = value.encode("latin-1")
	return b"\0" + number(len(name), 7) + name + number(len(value), 7) + \
	    value


class Decoder:
	def __init__(self, size=4096):
		self.table, self.size = [], size

	def number(self, d, at, bits):
		most = (1 << bits) - 1
		n, at, shift = d[at] & most, at + 1, 0
		if n < most:
			return n, at
		while True:
			b, at = d[at], at + 1
			n += (b & 127) << shift
			shift += 7
			if b < 128:
				return n, at

	def text(self, d, at):
		huffman = d[at] & 128
		n, at = self.number(d, at, 7)
		s, at = d[at:at + n], at + n
		return (unhuffman(s) if huffman else s).decode(), at

	def entry(self, i):
		return STATIC[i] if i < len(STATIC) else \
		    self.table[i - len(STATIC)]

	def decode(self, d):
		out, at = [], 0
		while at < len(d):
			b = d[at]
			if b & 128:
				i, at = self.number(d, at, 7)
				out.append(self.entry(i))
				continue
			if b & 224 == 32:
				self.size, at = self.number(d, at, 5)
				self.evict()
				continue
			i, at = self.number(d, at, 6 if b & 64 else 4)
			if i:
				name = self.entry(i)[0]
			else:
				name, at = self.text(d, at)
			value, at = self.text(d, at)
			out.append((name, value))
			if b & 64:
				self.table.insert(0, (name, value))
				self.evict()
		return out

	def evict(self):
		while sum(len(n) + len(v) + 32 for n, v in self.table) > \
		    self.size:
			self.table.pop()


# ---- frames

def frame(type, flags=0, stream=0, payload=b""):
	return struct.pack(">I", len(payload))[1:] + \
	    struct.pack(">BBI", type, flags, stream) + payload


def settings(**values):
	names = {"table": 1, "push": 2, "streams": 3, "window": 4,
	    "frame": 5, "list": 6}
	return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", names[k], v)
	    for k, v in values.items()))


def rst(stream, code=CANCEL):
	return frame(RST, 0, stream, struct.pack(">I", code))


def window(n, stream=0):
	return frame(WINDOW, 0, stream, struct.pack(">I", n))


class Reply:
	"""What came on one stream."""

	def __init__(self):
		self.fields, self.body = [], b""
		self.ended, self.reset = False, None
		self.asked = None	# (method, target)

	@property
	def status(self):
		got = [v for k, v in self.fields if k == ":status"]
		return int(got[-1]) if got else None

	def one(self, name):
		v = [v for k, v in self.fields if k == name]
		return v[0] if len(v) == 1 else None

	def json(self):
		return json.loads(self.body)

	def getheaders(self):
		return [f for f in self.fields if f[0][0] != ":"]


class H2:
	"""A connection. Windows are raised at once unless told otherwise."""

	def __init__(self, w, hello=None, generous=True, timeout=10, ctx=None):
		self.w = w
		ctx = ctx or w.tls()
		ctx.set_alpn_protocols(["h2", "http/1.1"])
		s = socket.create_connection(("127.0.0.1", w.port),
		    timeout * SLOW)
		self.s = ctx.wrap_socket(s, server_hostname="localhost")
		same(self.s.selected_alpn_protocol(), "h2", "ALPN")
		self.timeout = timeout
		self.data, self.closed = b"", False
		self.hpack = Decoder()
		self.streams, self.frames = {}, []
		self.goaway = None
		self.settings = {}
		self.last = -1
		self.generous = generous
		self.send(PREFACE + (hello if hello is not None else
		    settings(push=0, **({"window": 1 << 30} if generous else
		    {})) + (window(1 << 30) if generous else b"")))

	def close(self):
		self.s.close()

	def send(self, data):
		"""False: the hub has closed."""
		try:
			self.s.sendall(data)
			return True
		except OSError:
			self.closed = True
			return False

	def next_stream(self):
		self.last += 2
		return self.last

	def fields(self, path, tenant="dortmund", method="GET", more=()):
		f = [(":method", method), (":scheme", "https"),
		    (":authority", "localhost"), (":path", path if not
		    path.startswith("?") else ENTITIES + path),
		    ("accept", "application/json"), ("link", LINK),
		    ("hub-purpose", "hochwasserschutz")]
		if tenant:
			f.append(("authorization", "Bearer " +
			    self.w.token(tenant)))
		return f + list(more)

	def head(self, fields, stream=None, flags=END_STREAM | END_HEADERS):
		"""Sends a HEADERS frame; returns the stream's number."""
		stream = stream or self.next_stream()
		r = self.streams.setdefault(stream, Reply())
		f = dict(fields)
		if ":method" in f and ":path" in f:
			r.asked = f[":method"], f[":path"]
		self.send(frame(HEADERS, flags, stream,
		    b"".join(literal(k, v) for k, v in fields)))
		return stream

	def get(self, path, **more):
		return self.head(self.fields(path, **more))

	def ask(self, path, **more):
		return self.answer(self.get(path, **more))

	def read(self, seconds=None):
		"""One frame (type, flags, stream, payload), or None at the
		end or when none comes in time."""
		self.s.settimeout((seconds or self.timeout) * SLOW)
		try:
			while len(self.data) < 9 or len(self.data) < 9 + \
			    int.from_bytes(self.data[:3], "big"):
				more = self.s.recv(65536)
				if not more:
					self.closed = True
					return None
				self.data += more
		except (socket.timeout, TimeoutError):
			return None
		except OSError:
			self.closed = True
			return None
		n = int.from_bytes(self.data[:3], "big")
		type, flags, stream = struct.unpack(">BBI", self.data[3:9])
		payload, self.data = self.data[9:9 + n], self.data[9 + n:]
		self.take(type, flags, stream, payload)
		return type, flags, stream, payload

	def take(self, type, flags, stream, payload):
		self.frames.append((type, flags, stream, len(payload)))
		r = self.streams.setdefault(stream, Reply())
		if type == SETTINGS and not flags & ACK:
			for i in range(0, len(payload), 6):
				k, v = struct.unpack(">HI", payload[i:i + 6])
				self.settings[k] = v
			self.send(frame(SETTINGS, ACK))
		elif type == HEADERS or type == CONTINUATION:
			block = getattr(r, "block", b"") + payload
			r.block = block
			if flags & END_HEADERS:
				r.fields += self.hpack.decode(block)
				r.block = b""
		elif type == DATA:
			r.body += payload
			if self.generous and payload:
				self.send(window(len(payload)))
		elif type == RST:
			r.reset = struct.unpack(">I", payload)[0]
		elif type == GOAWAY:
			self.goaway = struct.unpack(">II", payload[:8])
		elif type == PING and not flags & ACK:
			self.send(frame(PING, ACK, 0, payload))
		if type in (HEADERS, DATA) and flags & END_STREAM:
			r.ended = True

	def until(self, done, seconds=None):
		"""Reads until done() or the end; says which."""
		end = time.monotonic() + (seconds or self.timeout) * SLOW
		while not done():
			left = end - time.monotonic()
			if left <= 0 or self.read(left / SLOW) is None:
				return bool(done())
		return True

	def answer(self, stream, seconds=None):
		r = self.streams[stream]
		check(self.until(lambda: r.ended or r.reset is not None,
		    seconds), "no answer on stream %d: closed %r, GOAWAY %r, "
		    "frames %r" % (stream, self.closed, self.goaway,
		    self.frames[-8:]))
		if OPENAPI and r.ended and r.status and r.asked:
			self.judge(r)
		return r

	def judge(self, r):
		"""Once: the document is the same for HTTP/1.1."""
		(method, target), r.asked = r.asked, None
		judge(method, target, Answer(r, r.body, 0))

	def end(self, seconds=None):
		"""Reads to the end of the connection; the GOAWAY's code."""
		check(self.until(lambda: self.closed, seconds),
		    "still open; GOAWAY %r, frames %r" % (self.goaway,
		    self.frames[-8:]))
		return self.goaway[1] if self.goaway else None

"""idle.py - what an idle connection over TLS takes of hubd's memory, and that
ten thousand of them are held: each has asked once, waits, and is answered again
in the end."""
import resource
import socket
import ssl

from world import Trouble

HELD = 10000
FIRST = 2000		# what is there but once is behind these
TARGET_KIB = 15.0


def anonymous(pid):
	"""Bytes of memory that is the process's own."""
	with open("/proc/%d/status" % pid) as f:
		for line in f:
			if line.startswith("RssAnon:"):
				return int(line.split()[1]) * 1024
	raise Trouble("no RssAnon of process %d" % pid)


def ask(conn, request):
	conn.sendall(request)
	got = b""
	while b"\r\n\r\n" not in got:
		more = conn.recv(65536)
		if not more:
			raise Trouble("an idle connection was closed")
		got += more
	head, body = got.split(b"\r\n\r\n", 1)
	if not head.startswith(b"HTTP/1.1 200 "):
		raise Trouble("idle connections: %.200r" % head)
	length = [int(x.split(b":")[1]) for x in head.split(b"\r\n")
	    if x.lower().startswith(b"content-length:")][0]
	while len(body) < length:
		more = conn.recv(65536)
		if not more:
			raise Trouble("an answer was cut off")
		body += more


def connect(world, tls):
	s = socket.create_connection(("127.0.0.1", world.port), timeout=20)
	return tls.wrap_socket(s, server_hostname="127.0.0.1")


def measure(world, hub):
	"""Bytes of each, held over TLS 1.3; None: not as many descriptors."""
	hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
	if hard < HELD + 1000:
		return None
	resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
	with open(world.path("token.good")) as f:
		request = ("GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n"
		    "Authorization: Bearer %s\r\n\r\n" %
		    (hub.path, f.read())).encode()
	tls = ssl.create_default_context(cafile=world.path("tls/ca.pem"))
	tls.minimum_version = ssl.TLSVersion.TLSv1_3
	held = []
	hub.start()
	try:
		while len(held) < HELD:
			held.append(connect(world, tls))
			ask(held[-1], request)
			if len(held) == FIRST:
				before = anonymous(hub.process.pid)
		after = anonymous(hub.process.pid)
		for conn in held:
			ask(conn, request)
	finally:
		for conn in held:
			conn.close()
		hub.stop()
	hub.answered += 2 * HELD
	return (after - before) / (HELD - FIRST)

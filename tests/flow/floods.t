#!/usr/bin/env python3
# floods.t - one client or tenant that wants too much gets a clean refusal, and
# takes nothing from others: connections, changes of registrations, log lines.
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

Q = "?type=WaterObserved"
ADMIN = {"resource_access": {"regional-hub": {"roles": ["data-reader",
    "source-admin"]}}}


def setup():
	w = World("floods", {"d": Broker([ent("urn:ngsi-ld:WaterObserved:d",
	    "WaterObserved", waterLevel=prop("1"))])},
	    limits="connections-per-address = 12  connections-per-tenant = 4 "
	    "registration-changes = 5")
	more = 'may-register = {"http://127.0.0.1"}'
	w.apply(tenants(schwerte=more, froendenberg=more) +
	    source("broker-d", "dortmund", w.brokers["d"],
	    ["WaterObserved"]) + agreement("d-f", "dortmund", "froendenberg",
	    "broker-d-data", {"WaterObserved": "allow = {waterLevel}"}))
	w.start()
	return w


def is_open(w):
	"""A connection from an address of its own, and whether it is served."""
	s = socket.create_connection(("127.0.0.1", w.port), 10,
	    source_address=("127.0.0.1", 0))
	try:
		return w.tls().wrap_socket(s, server_hostname="localhost")
	except OSError:
		s.close()
		return None


@test
def h3_takes_so_many_connections_of_an_address_and_no_more(w):
	held = [is_open(w) for i in range(12)]
	check(all(held), "a connection below the limit was refused")
	same([is_open(w) for i in range(3)], [None] * 3, "more of them")
	# Another address is another client.
	s = socket.create_connection(("127.0.0.1", w.port), 10,
	    source_address=("127.0.0.2", 0))
	t = w.tls().wrap_socket(s, server_hostname="localhost")
	t.sendall(b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n")
	check(t.recv(100).startswith(b"HTTP/1.1 404"), "another address")
	t.close()
	held.pop().close()

	def again():
		s = is_open(w)
		if s:
			held.append(s)
		return s
	wait_for(again, 5, "a place that became free")
	for s in held:
		s.close()
	wait_for(lambda: w.ask("froendenberg", Q).status == 200, 5, "all gone")


@test
def h3_takes_so_many_connections_of_a_tenant_and_no_more(w):
	held = [w.connect() for i in range(5)]
	for c in held[:4]:
		w.ask("froendenberg", Q, conn=c).ok()
	a = w.ask("froendenberg", Q, conn=held[4])
	same(a.status, 429, "one too many")
	same(a.json()["type"], "urn:drehscheibe:problem:too-many-connections",
	    "problem")
	same((a.one("Retry-After"), a.one("Connection")), ("10", "close"),
	    "fields")
	# Another tenant has its own; those that are there go on.
	w.ask("schwerte", Q).ok()
	w.ask("froendenberg", Q, conn=held[0]).ok()
	# A connection that becomes another tenant's is given free.
	w.ask("schwerte", Q, conn=held[0]).ok()
	c = w.connect()
	wait_for(lambda: w.ask("froendenberg", Q, conn=c).status == 200, 5,
	    "a place that became free")
	for c in held + [c]:
		c.close()


def change(w, tenant, n):
	body = json.dumps({"id": "urn:x:%d" % n, "type":
	    "ContextSourceRegistration", "information": [{"entities":
	    [{"type": "WaterObserved"}]}], "endpoint": w.brokers["d"].url})
	c = w.connect()
	c.request("POST", ROOT + "/csourceRegistrations", body=body, headers={
	    "Authorization": "Bearer " + w.token(tenant, **ADMIN),
	    "Content-Type": "application/json", "Link": LINK})
	r = c.getresponse()
	a = Answer(r, r.read(), 0)
	c.close()
	return a


@test
def lets_a_tenant_change_registrations_so_often(w):
	got = [change(w, "froendenberg", i) for i in range(7)]
	same([a.status for a in got[:5]], [201] * 5, "first")
	same([a.status for a in got[5:]], [429] * 2, "then")
	same(got[6].json()["type"], "urn:drehscheibe:problem:too-many-changes",
	    "problem")
	check(1 <= int(got[6].one("Retry-After")) <= 61, got[6].fields)
	same(change(w, "schwerte", 0).status, 201, "another tenant")
	# Reading is no change.
	w.ask("froendenberg", ROOT + "/csourceRegistrations", purpose=None,
	    token=w.token("froendenberg", **ADMIN)).ok()


@test
def says_so_much_of_refused_tokens_and_then_counts(w):
	def lines():
		return w.hub.text().count('why="expired"')
	before = lines()
	now = int(time.time())
	t = w.mint(w.claims("froendenberg", iat=now - 900, exp=now - 600))
	c = w.connect()
	for i in range(120):
		same(w.ask(None, Q, token=t, conn=c).status, 401, "expired")
	c.close()
	check(20 <= lines() - before <= 40, lines() - before)
	# Another cause has its own lines.
	same(w.ask(None, Q, token=t[:-8] + "AAAAAAAA").status, 401, "forged")
	wait_for(lambda: w.logged('why="signature'), 5, "the other cause")


main(setup)

#!/usr/bin/env python3
# attack_tokens.t - tokens that make the hub fetch, read or believe something
# (policy.md, J4 to J6); the other rows are in unit/test_token and
# bound_tokens.t.
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from attack import *


class Keys(Broker):
	"""An issuer's key set by URL."""

	def __init__(self, document):
		self.document = document
		super().__init__()
		self.serve_keys()

	def serve_keys(self):
		self.fault = lambda b, c, rq: answer(c, 200,
		    b.document.encode())


def b64(x):
	if not isinstance(x, bytes):
		x = (x if isinstance(x, str) else json.dumps(x)).encode()
	return base64.urlsafe_b64encode(x).rstrip(b"=").decode()


def sign(w, claims, folder="tls", **head):
	"""A token with any header fields, under a key of that folder."""
	text = b64(dict({"alg": "RS256", "typ": "at+jwt", "kid": "rs256-1"},
	    **head)) + "." + b64(claims)
	mac = subprocess.run(["openssl", "dgst", "-sha256", "-sign",
	    w.path(folder, "rs256.key")], input=text.encode(), check=True,
	    capture_output=True, timeout=20).stdout
	return text + "." + b64(mac)


def text(w):
	return region(w, jwks='jwks = "%s/certs"' % w.keys.url)


def prepare(w):
	run(HUBTOOL, "certs", w.path("theirs"))
	for name in ("tls", "theirs"):
		with open(w.path(name, "jwks.json")) as f:
			setattr(w, name + "_jwks", f.read())
	w.keys = Keys(w.tls_jwks)
	w.trap = Keys(w.theirs_jwks)


def setup():
	w = attacked("attack-tokens", prepare=prepare, text=text)
	wait_for(lambda: w.ask("froendenberg", Q).status == 200, 10, "keys")
	return w


def refused(w, token, what, scheme="Bearer ", **more):
	a = clean(w.ask(None, Q, headers=dict({"Authorization": scheme +
	    token}, **more)), what)
	same(a.status, 401, what)
	check(a.one("WWW-Authenticate").startswith(
	    'Bearer error="invalid_token"'), a.fields)
	return told(a)


@attack
def j4_key_ids_are_names_and_nothing_else(w):
	w.keys.forget()
	claims = w.claims("froendenberg")
	same(w.ask(None, Q, token=sign(w, claims)).status, 200, "sign() signs")
	kinds = {refused(w, sign(w, claims, kid=kid), repr(kid)[:40])[:2]
	    for kid in ("../../etc/passwd", "' OR 1=1 --", "", "a" * 4000,
	    "\n", "rs256-1 ", "/dev/zero", "rs256-1\0", w.trap.url, 1, None,
	    ["rs256-1"], "$(id)", "%2e%2e", "ä")}
	same(len(kinds), 1, "kinds of 401")
	same(w.keys.asked(), [], "fetched for what is no key id")
	# One key id at two issuers: each has its own key behind it.
	refused(w, sign(w, claims, "theirs"), "another's key of that name")
	same(w.trap.asked(), [], "connections that a token asked for")


@attack
def j5_keys_in_tokens_are_not_fetched(w):
	claims = w.claims("froendenberg")
	key = json.loads(w.theirs_jwks)["keys"][0]
	for name, value in (("jku", w.trap.url + "/certs"),
	    ("x5u", w.trap.url + "/x.pem"), ("jwk", key), ("x5c", ["MIIB"]),
	    ("crit", ["exp"]), ("zip", "DEF"), ("b64", False)):
		for folder in ("theirs", "tls"):
			refused(w, sign(w, claims, folder, **{name: value}),
			    "%s under %s" % (name, folder))
	# Nor the issuer, when nobody knows it.
	refused(w, sign(w, w.claims("froendenberg", iss=w.trap.url), "theirs"),
	    "iss")
	same(w.trap.asked(), [], "connections that a token asked for")


@attack
def j6_empty_and_failing_key_sets_are_fetched_no_more_often(w):
	token = w.token("froendenberg")
	other = w.mint(w.claims("schwerte", iss=OTHER_ISSUER,
	    organization=["schwerte"]))
	for what, fault in (("empty", None), ("500", status(500)),
	    ("garbage", body(b"\0")), ("redirect", redirect(w.trap.url))):
		w.stop()
		w.keys.document = '{"keys":[]}'
		w.keys.serve_keys()
		if fault:
			w.keys.fault = fault
		w.keys.forget()
		w.start()
		seen = []

		def flood(n):
			c = w.connect()
			for i in range(20):
				seen.append(w.ask(None, Q, conn=c, token=sign(w,
				    {}, kid="k%d" % n) if i == 0 else
				    token).status)
			c.close()
		threads = [threading.Thread(target=flood, args=(n,))
		    for n in range(6)]
		for t in threads:
			t.start()
		for t in threads:
			t.join()
		same(set(seen), {401}, what)
		check(1 <= len(w.keys.asked()) <= 2, "%s: fetched %d times" %
		    (what, len(w.keys.asked())))
		same(w.ask(None, Q, token=other, purpose=None).status, 200,
		    what + ": another issuer's")
	same(w.trap.asked(), [], "redirects followed")
	w.stop()
	w.keys.document = w.tls_jwks
	w.keys.serve_keys()
	w.start()
	wait_for(lambda: w.ask("froendenberg", Q).status == 200, 10, "keys")


main(setup)

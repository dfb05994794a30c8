#!/usr/bin/env python3
# tokens.t - who may come in: every 401 and 403 over HTTP, keys that rotate,
# tenants that are suspended while they work (policy.md 5 and 6).
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

Q = "?type=WaterObserved"


def b64(x):
	if not isinstance(x, bytes):
		x = (x if isinstance(x, str) else json.dumps(x)).encode()
	return base64.urlsafe_b64encode(x).rstrip(b"=").decode()


class Keys(Broker):
	"""An issuer's key set by URL."""

	def __init__(self, document):
		self.document = document
		super().__init__()
		self.fault = lambda b, c, rq: answer(c, 200,
		    b.document.encode())


def region(w, **more):
	return tenants(jwks='jwks = "%s/certs"' % w.keys.url, **more) + \
	    source("broker-a", "dortmund", w.brokers["a"], ["WaterObserved"]) + \
	    source("broker-s", "schwerte", w.brokers["s"], ["WaterObserved"])


def setup():
	e = [ent("urn:ngsi-ld:WaterObserved:a", "WaterObserved",
	    waterLevel=prop("1"))]
	w = World("tokens", {"a": Broker(e), "s": Broker(e)})
	with open(w.path("tls/jwks.json")) as f:
		w.jwks = json.load(f)
	w.keys = Keys(json.dumps(w.jwks))
	w.apply(region(w))
	w.start()
	wait_for(lambda: w.ask("dortmund", Q).status == 200, 10, "keys")
	return w


def try_token(w, token, scheme="Bearer "):
	return w.ask(None, Q, purpose=None,
	    headers={"Authorization": scheme + token})


def body_of(a):
	b = a.json()
	b.pop("instance")
	return json.dumps(b, sort_keys=True)


def sign_hs256(w, secret):
	import hashlib
	import hmac
	head = b64({"alg": "HS256", "typ": "at+jwt", "kid": "rs256-1"}) + \
	    "." + b64(w.claims("dortmund"))
	mac = hmac.new(secret, head.encode(), hashlib.sha256).digest()
	return head + "." + b64(mac)


def sign(w, claims):
	"""What hubctl would refuse to sign."""
	import subprocess
	text = b64({"alg": "RS256", "typ": "at+jwt", "kid": "rs256-1"}) + \
	    "." + b64(claims)
	mac = subprocess.run(["openssl", "dgst", "-sha256", "-sign",
	    w.path("tls/rs256.key")], input=text.encode(), check=True,
	    capture_output=True, timeout=20).stdout
	return text + "." + b64(mac)


def damaged(w):
	"""Name and token; each for one cause, all of them 401."""
	now = int(time.time())
	good = w.token("dortmund")
	same(try_token(w, sign(w, w.claims("dortmund"))).status, 200,
	    "what sign() signs")
	h, p, s = good.split(".")
	yield "another header", b64({"alg": "RS256", "typ": "at+jwt",
	    "kid": "rs256-1", "x": 1}) + "." + p + "." + s
	yield "another payload", h + "." + b64(w.claims("dortmund",
	    sub="x")) + "." + s
	yield "another signature", h + "." + p + "." + \
	    ("B" if s[0] == "A" else "A") + s[1:]
	yield "no signature", h + "." + p + "."
	yield "two parts", h + "." + p
	yield "four parts", good + "." + s
	yield "five parts", good + ".." + s
	yield "padding", good + "="
	yield "blank within", h + ". " + p + "." + s
	for alg in ("none", "None", "NONE"):
		yield "alg " + alg, b64({"alg": alg, "typ": "at+jwt",
		    "kid": "rs256-1"}) + "." + p + "."
	pem = run("openssl", "pkey", "-in", w.path("tls/rs256.key"),
	    "-pubout")[0].encode()
	yield "HS256 with the public key", sign_hs256(w, pem)
	yield "ES256 with the RSA kid", w.mint(w.claims("dortmund"),
	    alg="ES256", kid="rs256-1")
	yield "RS256 with the EC kid", w.mint(w.claims("dortmund"),
	    alg="RS256", kid="es256-1")
	for name in ("jku", "jwk", "x5u", "x5c", "crit", "zip", "b64"):
		yield "header " + name, b64({"alg": "RS256", "typ": "at+jwt",
		    "kid": "rs256-1", name: w.keys.url}) + "." + p + "." + s
	for typ in ("JWT", "id+jwt", "logout+jwt", "dpop+jwt", "jwt"):
		yield "typ " + typ, w.mint(w.claims("dortmund"), typ=typ)
	for name, claims in (
	    ("no aud", {"aud": None}), ("aud account", {"aud": "account"}),
	    ("aud nested", {"aud": [["regional-hub"]]}),
	    ("aud number", {"aud": 1}),
	    ("no exp", {"exp": None}), ("exp past", {"exp": now - 60,
		"iat": now - 120}),
	    ("exp text", {"exp": str(now + 60)}), ("exp real",
		{"exp": now + 60.5}), ("exp 2^63", {"exp": 2 ** 63}),
	    ("exp negative", {"exp": -1}), ("no iat", {"iat": None}),
	    ("iat future", {"iat": now + 300, "exp": now + 600}),
	    ("nbf future", {"nbf": now + 300}),
	    ("too long", {"exp": now + 7200}),
	    ("no iss", {"iss": None}), ("iss slash", {"iss": ISSUER + "/"}),
	    ("iss case", {"iss": ISSUER.upper()}),
	    ("iss unknown", {"iss": "https://evil.example"}),
	    ("iss list", {"iss": [ISSUER]}),
	    ("cnf unknown", {"cnf": {"x": 1}}), ("cnf empty", {"cnf": {}}),
	    ("cnf bound", {"cnf": {"x5t#S256": "A" * 43}}),
	    ("tenant number", {"hub_tenant": 1}),
	    ("tenants", {"hub_tenant": ["dortmund"]}),
	    ("no organization", {"iss": OTHER_ISSUER, "organization": {}}),
	    ("no tenant", {"hub_tenant": None}),
	):
		yield name, sign(w, w.claims("dortmund", **claims))
	text = json.dumps(w.claims("dortmund"))
	yield "a claim twice", sign(w, text[:-1] + ', "hub_tenant": "schwerte"}')
	yield "the same claim twice", sign(w,
	    text[:-1] + ', "hub_tenant": "dortmund"}')
	yield "no UTF-8", sign(w, text[:-1].encode() + b', "x": "\xff"}')
	yield "a byte order mark", sign(w, b"\xef\xbb\xbf" + text.encode())
	yield "too large", sign(w, w.claims("dortmund", x="a" * 9000))


@test
def refuses_each_bad_token_with_the_same_401(w):
	wrong, bodies = [], {}
	for name, token in damaged(w):
		a = try_token(w, token)
		if a.status != 401:
			wrong.append("%s: %d %.200r" % (name, a.status, a.body))
			continue
		bodies.setdefault((body_of(a), a.one("WWW-Authenticate"),
		    len(a.fields)), []).append(name)
	for name, scheme in (("Basic", "Basic "), ("DPoP", "DPoP "),
	    ("Bearer twice", "Bearer Bearer "), ("nothing", "")):
		a = try_token(w, w.token("dortmund"), scheme)
		if a.status != 401:
			wrong.append("%s: %d" % (name, a.status))
		bodies.setdefault((body_of(a), a.one("WWW-Authenticate"),
		    len(a.fields)), []).append(name)
	a = w.ask(None, Q)
	same(a.status, 401, "without a token")
	bodies.setdefault((body_of(a), a.one("WWW-Authenticate"),
	    len(a.fields)), []).append("missing")
	check(not wrong, "\n".join(wrong))
	same(len(bodies), 1, "kinds of 401: %r" % bodies)
	same(list(bodies)[0][1], 'Bearer error="invalid_token", '
	    'DPoP error="invalid_token", algs="ES256 RS256"',
	    "WWW-Authenticate")


@test
def takes_no_token_but_from_the_header(w):
	t = w.token("dortmund")
	a = w.ask(None, Q + "&access_token=" + t)
	check(a.status in (400, 401), a.status)
	a = w.ask(None, Q, headers={"Cookie": "access_token=" + t})
	same(a.status, 401, "cookie")


@test
def takes_both_algorithms_and_lists_of_audiences(w):
	t = w.mint(w.claims("dortmund"), alg="ES256")
	same(try_token(w, t).status, 200, "ES256")
	t = w.mint(w.claims("dortmund", aud=["account", "regional-hub"]))
	same(try_token(w, t).status, 200, "list")
	same(try_token(w, t, "bearer ").status, 200, "scheme in lower case")


@test
def forbids_what_a_good_token_does_not_allow(w):
	wrong = []
	reader = ["data-reader"]
	for name, claims, kind in (
	    ("issuer speaks for another", {"iss": OTHER_ISSUER,
		"organization": ["dortmund"]}, "issuer-not-entitled"),
	    ("unknown tenant", {"hub_tenant": "nonesuch"}, None),
	    ("case", {"hub_tenant": "Dortmund"}, None),
	    ("homoglyph", {"hub_tenant": "dortmun\u0501"}, None),
	    ("percent", {"hub_tenant": "dortm%75nd"}, None),
	    ("two tenants", {"iss": OTHER_ISSUER,
		"organization": ["schwerte", "dortmund"]},
		"ambiguous-tenant"),
	    ("no role", {"resource_access": {}}, None),
	    ("realm role", {"resource_access": {},
		"realm_access": {"roles": reader}}, None),
	    ("another client's role", {"resource_access": {"x": {
		"roles": reader}}}, None),
	    ("no scope", {"scope": "purpose:verkehr"}, None),
	    ("scope as part of a word", {"scope": "xhub.read"}, None),
	):
		a = try_token(w, w.mint(w.claims("dortmund", **claims)))
		if a.status != 403 or (kind and not a.json()["type"].endswith(
		    kind)):
			wrong.append("%s: %d %.200r" % (name, a.status, a.body))
		elif b"dortmund" in a.body or b"schwerte" in a.body:
			wrong.append("%s names a tenant: %r" % (name, a.body))
	check(not wrong, "\n".join(wrong))


def one_key(w, kid, name):
	return json.dumps({"keys": [dict(k, kid=name)
	    for k in w.jwks["keys"] if k["kid"] == kid]})


@test
def fetches_unknown_keys_once_in_half_a_minute(w):
	# Started afresh: one fetch at the start, then unknown kids.
	w.stop()
	w.keys.document = one_key(w, "rs256-1", "old")
	w.start()
	old = w.mint(w.claims("dortmund"), kid="old")
	new = w.mint(w.claims("dortmund"), kid="new")
	wait_for(lambda: try_token(w, old).status == 200, 10, "old key")
	w.keys.forget()
	w.keys.document = json.dumps({"keys":
	    json.loads(one_key(w, "rs256-1", "old"))["keys"] +
	    json.loads(one_key(w, "rs256-1", "new"))["keys"]})
	begun = time.monotonic()
	many = []

	def flood(i):
		h = b64({"alg": "RS256", "typ": "at+jwt", "kid": "k%d" % i})
		for k in range(25):
			many.append(try_token(w, h + "." +
			    ".".join(old.split(".")[1:])).status)
	threads = [threading.Thread(target=flood, args=(i,))
	    for i in range(8)]
	for t in threads:
		t.start()
	for t in threads:
		t.join()
	same(set(many), {401}, "random kids")
	check(len(w.keys.asked()) <= 1, "%d fetches" % len(w.keys.asked()))
	same(try_token(w, old).status, 200, "the known key meanwhile")
	# The rotated key is known at the latest when half a minute is over.
	wait_for(lambda: try_token(w, new).status == 200, 40, "rotated key")
	check(len(w.keys.asked()) <= 2, "%d fetches in %.0f s" % (
	    len(w.keys.asked()), time.monotonic() - begun))


@test
def refuses_at_once_what_is_rotated_out(w):
	# With the next fetch the old key is gone; "tokens-before" is quicker.
	w.stop()
	w.keys.document = one_key(w, "rs256-1", "new")
	w.start()
	new = w.mint(w.claims("dortmund"), kid="new")
	wait_for(lambda: try_token(w, new).status == 200, 10, "new key")
	same(try_token(w, w.mint(w.claims("dortmund"), kid="old")).status, 401,
	    "old key")
	w.keys.document = json.dumps(w.jwks)
	w.stop()
	w.start()
	wait_for(lambda: w.ask("dortmund", Q).status == 200, 10, "keys")


@test
def waits_for_keys_no_longer_than_allowed(w):
	w.stop()
	w.keys.fault = hang
	w.start()
	a = w.ask("dortmund", Q)
	same(a.status, 401, "without keys")
	check(a.seconds < 1.5 * SLOW, "took %.2f s" % a.seconds)
	# Another issuer's keys come from a file and work.
	same(try_token(w, w.mint(w.claims("schwerte", iss=OTHER_ISSUER,
	    organization=["schwerte"]))).status, 200, "the other issuer")
	w.stop()
	w.keys.fault = lambda b, c, rq: answer(c, 200, b.document.encode())
	w.start()
	wait_for(lambda: w.ask("dortmund", Q).status == 200, 10, "keys")


@test
def shuts_out_a_suspended_tenant_within_ten_seconds(w):
	conn = w.connect()
	same(w.ask("schwerte", Q, None, conn=conn).status, 200, "before")
	w.apply(region(w, schwerte="status = suspended"))
	begun = time.monotonic()
	a = wait_for(lambda: [x for x in [w.ask("schwerte", Q, None,
	    conn=conn)] if x.status != 200], 10, "shut out")[0]
	took = time.monotonic() - begun
	same(a.status, 403, "status")
	check(a.json()["type"].endswith("tenant-suspended"), a.body)
	check(took < 10, "took %.1f s" % took)
	same(w.ask("schwerte", Q, None).status, 403, "a new connection")
	same(w.ask("dortmund", Q, None).status, 200, "the others")
	w.apply(region(w))
	wait_for(lambda: w.ask("schwerte", Q, None, conn=conn).status == 200,
	    10, "let in again")
	conn.close()


@test
def logs_causes_but_no_token(w):
	text = w.hub.text()
	check("token refused" in text, "no cause in the log")
	check("eyJ" not in text, "a token in the log")


main(setup)

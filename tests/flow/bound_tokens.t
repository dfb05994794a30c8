#!/usr/bin/env python3
# bound_tokens.t - tokens that are good for one holder only: bound to a client
# certificate (RFC 8705, policy.md 6, J12) or to a key by DPoP (RFC 9449, J13).
import hashlib
import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *
from h2 import H2

Q = "?type=WaterObserved"
MTLS, DPOP, EITHER = ("https://idm.%s.example/region" % x
    for x in ("mtls", "dpop", "either"))
CSR = ROOT + "/csourceRegistrations"


def issuer(iss, sender):
	return '''
issuer "%s" {
	jwks-file = "tls/jwks.json"  audience = "regional-hub"
	algorithms = {ES256}  sender = %s  skew = 0s
	tenant-claim = hub_tenant  speaks-for = {dortmund}
	roles-path = "resource_access.regional-hub.roles"
}
''' % (iss, sender)


def setup():
	e = [ent("urn:ngsi-ld:WaterObserved:a", "WaterObserved",
	    waterLevel=prop("1"))]
	w = World("bound_tokens", {"a": Broker(e)})
	w.apply(tenants(schwerte='may-register = {"http://127.0.0.1"}') +
	    issuer(MTLS, "mtls") + issuer(DPOP, "dpop") +
	    issuer(EITHER, "any") +
	    source("broker-a", "dortmund", w.brokers["a"], ["WaterObserved"]))
	w.env = dict(os.environ,
	    HUB_LISTEN_PUBLIC_CLIENT_CA=w.path("tls/client-ca.pem"))
	for name in ("key", "key2"):
		run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt",
		    "ec_paramgen_curve:P-256", "-out", w.path(name))
	run("openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt",
	    "rsa_keygen_bits:2048", "-out", w.path("rsa"))
	w.start(env=w.env)
	# A proof that is older than the hub is refused; seconds count.
	time.sleep(1.1)
	return w


# ---- certificates

def client_tls(w, name="client", version=None):
	ctx = w.tls()
	if version:
		ctx.maximum_version = version
	if name:
		ctx.load_cert_chain(w.path("tls", name + ".pem"),
		    w.path("tls/client.key"))
	return ctx


def connect(w, name="client", version=None):
	return http.client.HTTPSConnection("127.0.0.1", w.port,
	    context=client_tls(w, name, version), timeout=20 * SLOW)


def bind(w, claims, cert=None, key=None, alg="RS256"):
	"""A token bound by hubctl."""
	more = []
	if cert:
		more += ["--cnf-x5t", w.path("tls", cert + ".pem")]
	if key:
		more += ["--cnf-jkt", w.path(key)]
	return w.ctl("token", "mint", "--key", w.path("tls", alg.lower() +
	    ".key"), "--alg", alg, "--kid", alg.lower() + "-1", *more, "-",
	    stdin=json.dumps(claims))[0].strip()


def ask(w, token, scheme="Bearer", proof=(), path=Q, **more):
	h = [("Authorization", scheme + " " + token)] if token else []
	return w.ask(None, path, purpose=None,
	    headers=h + [("DPoP", p) for p in proof][:1], **more)


def no_entry(a, what):
	"""The one 401 that there is."""
	same(a.status, 401, what)
	b = a.json()
	b.pop("instance")
	return json.dumps(b, sort_keys=True), a.one("WWW-Authenticate"), \
	    len(a.fields)


@test
def takes_a_token_over_its_own_certificate(w):
	t = bind(w, w.claims("dortmund"), cert="client")
	for version in (None, ssl.TLSVersion.TLSv1_2):
		c = connect(w, version=version)
		for i in range(3):
			same(ask(w, t, conn=c).status, 200, "request %d" % i)
		c.close()


@test
def j12_refuses_it_over_any_other_connection(w):
	t = bind(w, w.claims("dortmund"), cert="client")
	kinds = set()
	for i in range(4):	# both workers, known token or not
		kinds.add(no_entry(ask(w, t), "without a certificate"))
		c = connect(w, "client-other")
		kinds.add(no_entry(ask(w, t, conn=c), "another certificate"))
		c.close()
		c = connect(w)
		same(ask(w, t, conn=c).status, 200, "its own")
		c.close()
	kinds.add(no_entry(ask(w, "x" * 40), "no token at all"))
	same(len(kinds), 1, "kinds of 401")


@test
def a_certificate_binds_over_http2_too(w):
	mine = bind(w, w.claims("dortmund"), cert="client")

	def status(c, token):
		f = c.fields(Q, tenant=None, more=[("authorization",
		    "Bearer " + token)])
		return c.answer(c.head([x for x in f if x[0] !=
		    "hub-purpose"])).status
	for name, want in (("client", 200), ("client-other", 401),
	    (None, 401)):
		c = H2(w, ctx=client_tls(w, name))
		for i in range(3):
			same(status(c, mine), want, "with %s" % name)
		same(status(c, w.token("dortmund")), 200, "unbound")
		c.close()


def resumed(w, ctx, session=None):
	"""A connection by hand: http.client resumes nothing."""
	s = ctx.wrap_socket(socket.create_connection(("127.0.0.1", w.port),
	    20 * SLOW), server_hostname="localhost", session=session)
	c = http.client.HTTPConnection("localhost")
	c.sock = s
	return c, s


@test
def j12_knows_the_certificate_of_a_resumed_session(w):
	mine = bind(w, w.claims("dortmund"), cert="client")
	other = bind(w, w.claims("dortmund"), cert="client-other")
	for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
		ctx = client_tls(w, "client", version)
		c, s = resumed(w, ctx)
		same(ask(w, mine, conn=c).status, 200, "at first")
		session = s.session
		c.close()
		# With the same, then with another at hand: the session began
		# with the first, and nothing else was shown.
		for name in ("client", "client-other"):
			ctx.load_cert_chain(w.path("tls", name + ".pem"),
			    w.path("tls/client.key"))
			c, s = resumed(w, ctx, session)
			check(s.session_reused, "%s was not resumed" % version)
			same(ask(w, mine, conn=c).status, 200, "resumed")
			same(ask(w, other, conn=c).status, 401, "another's")
			if version == ssl.TLSVersion.TLSv1_3:
				session = s.session	# once each
			c.close()


@test
def j12_gives_a_session_without_certificate_none_later(w):
	mine = bind(w, w.claims("dortmund"), cert="client")
	ctx = client_tls(w, None)
	c, s = resumed(w, ctx)
	same(ask(w, w.token("dortmund"), conn=c).status, 200, "unbound")
	session = s.session
	c.close()
	ctx.load_cert_chain(w.path("tls/client.pem"), w.path("tls/client.key"))
	c, s = resumed(w, ctx, session)
	check(s.session_reused, "not resumed")
	same(ask(w, mine, conn=c).status, 401, "certificate never shown")
	c.close()


@test
def j12_resumes_nothing_from_before_a_reload(w):
	mine = bind(w, w.claims("dortmund"), cert="client")
	for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
		ctx = client_tls(w, "client", version)
		c, s = resumed(w, ctx)
		same(ask(w, mine, conn=c).status, 200, "before")
		session = s.session
		c.close()
		n = w.hub.text().count('msg="reloaded"')
		w.hub.kill(signal.SIGHUP)
		wait_for(lambda: w.hub.text().count('msg="reloaded"') > n, 10,
		    "reload")
		# Workers take it over one after the other.
		wait_for(lambda: not any([reused(w, ctx, session)
		    for i in range(16)]), 10, "no resumption")
		c, s = resumed(w, ctx, session)
		same(ask(w, mine, conn=c).status, 200, "after")
		c.close()


def reused(w, ctx, session):
	c, s = resumed(w, ctx, session)
	c.close()
	return s.session_reused


@test
def ends_the_handshake_of_a_wrong_certificate(w):
	t = w.token("dortmund")
	for name in ("client-stranger", "client-expired", "client-server"):
		for version in (None, ssl.TLSVersion.TLSv1_2):
			try:
				c = connect(w, name, version)
				a = ask(w, t, conn=c)
			except (OSError, http.client.HTTPException):
				continue
			raise Failed("%s got %d" % (name, a.status))


@test
def asks_nobody_else_for_a_certificate(w):
	t = w.token("dortmund")
	same(ask(w, t).status, 200, "without")
	for name in ("client", "client-other"):
		c = connect(w, name)
		same(ask(w, t, conn=c).status, 200, name)
		c.close()


# ---- proofs

def b64(x):
	if not isinstance(x, bytes):
		x = (x if isinstance(x, str) else json.dumps(x)).encode()
	return base64.urlsafe_b64encode(x).rstrip(b"=").decode()


def jwk_of(w, key):
	text = run("openssl", "pkey", "-in", w.path(key), "-noout", "-text")[0]
	part = lambda name: bytes.fromhex("".join(re.search(
	    name + r":\n((?:    .*\n)+)", text).group(1).split()).replace(
	    ":", ""))
	if "modulus" in text:
		return {"kty": "RSA", "e": "AQAB",
		    "n": b64(part("modulus").lstrip(b"\0"))}
	pub = part("pub")
	return {"kty": "EC", "crv": "P-256", "x": b64(pub[1:33]),
	    "y": b64(pub[33:])}


def raw_signature(der):
	"""r and s of 32 bytes each, from two DER integers."""
	out, at = b"", 2
	for i in range(2):
		n = der[at + 1]
		out += der[at + 2:at + 2 + n].lstrip(b"\0").rjust(32, b"\0")
		at += 2 + n
	return out


def sign(w, head, claims, key):
	text = b64(head) + "." + b64(claims)
	mac = subprocess.run(["openssl", "dgst", "-sha256", "-sign",
	    w.path(key)], input=text.encode(), check=True,
	    capture_output=True, timeout=20 * SLOW).stdout
	if key != "rsa":
		mac = raw_signature(mac)
	return text + "." + b64(mac)


def url(w, path=ENTITIES):
	return "https://127.0.0.1:%d%s" % (w.port, path)


count = [0]


def proof(w, token, key="key", head=None, signed_by=None, **claims):
	"""A good proof, but for what is given; None takes a member away."""
	count[0] += 1
	h = {"typ": "dpop+jwt", "alg": "RS256" if key == "rsa" else "ES256",
	    "jwk": jwk_of(w, key)}
	c = {"jti": "jti-%d" % count[0], "htm": "GET", "htu": url(w),
	    "iat": int(time.time()),
	    "ath": b64(hashlib.sha256(token.encode()).digest())}
	for to, more in ((h, head or {}), (c, claims)):
		for k, v in more.items():
			if v is None:
				to.pop(k, None)
			else:
				to[k] = v
	return sign(w, h, c, signed_by or key)


def dpop(w, token, p, **more):
	return ask(w, token, "DPoP", [p], **more)


@test
def takes_a_token_with_a_proof_of_its_key(w):
	for key in ("key", "rsa"):
		t = bind(w, w.claims("dortmund"), key=key)
		for i in range(3):
			same(dpop(w, t, proof(w, t, key)).status, 200, key)
		# As anybody can make one.
		made = w.ctl("token", "proof", "--key", w.path(key), "--alg",
		    "RS256" if key == "rsa" else "ES256", "--token",
		    w.write("t", t), "GET", url(w))[0].strip()
		same(dpop(w, t, made).status, 200, key + ", by hubctl")
	same(ask(w, t, "dpop", [proof(w, t, "rsa")]).status, 200,
	    "scheme in lower case")


@test
def takes_every_spelling_of_the_same_url(w):
	t = bind(w, w.claims("dortmund"), key="key")
	one = "/urn:ngsi-ld:WaterObserved:a"
	cases = (
	    (ENTITIES, "HTTPS://127.0.0.1:%d%s" % (w.port, ENTITIES)),
	    (ENTITIES + one, url(w, ENTITIES + one)),
	    (ENTITIES + one, url(w, ENTITIES + one.replace("-", "%2d"))),
	    (ENTITIES + one.replace(":", "%3A"),
		url(w, ENTITIES + one.replace(":", "%3a"))))
	for path, htu in cases:
		a = dpop(w, t, proof(w, t, htu=htu), path=path + (Q if path ==
		    ENTITIES else ""))
		same(a.status, 200, htu)
	# By another name of the hub, with its port and without.
	for host in ("localhost", "LOCALHOST:443"):
		p = proof(w, t, htu="https://localhost" + ENTITIES)
		same(dpop_host(w, t, p, host), 200, host)
	a = dpop(w, t, proof(w, t, htm="HEAD"), method="HEAD")
	same(a.status, 200, "HEAD")


def dpop_host(w, token, p, host, more=""):
	head = "GET %s%s HTTP/1.1\r\nHost: %s\r\nAuthorization: DPoP %s\r\n" \
	    "DPoP: %s\r\nLink: %s\r\nConnection: close\r\n%s\r\n" % (ENTITIES,
	    Q, host, token, p, LINK, more)
	got, closed = w.raw(head.encode(), linger=5)
	return int(got.split(b" ", 2)[1])


def bad_proofs(w, t):
	now = int(time.time())
	yield "nothing", "x"
	yield "empty", ""
	yield "no signature", proof(w, t).rsplit(".", 1)[0] + "."
	yield "four parts", proof(w, t) + ".x"
	yield "the token itself", t
	yield "signed by another", proof(w, t, signed_by="key2")
	yield "another key", proof(w, t, "key2")
	yield "another key, wide of the mark", proof(w, t, "rsa")
	yield "too large", proof(w, t, more="a" * 4096)
	for name, head in (
	    ("typ missing", {"typ": None}), ("typ JWT", {"typ": "JWT"}),
	    ("typ at+jwt", {"typ": "at+jwt"}), ("typ case", {"typ":
		"DPoP+jwt"}),
	    ("alg none", {"alg": "none"}), ("alg HS256", {"alg": "HS256"}),
	    ("alg RS256", {"alg": "RS256"}), ("alg missing", {"alg": None}),
	    ("no jwk", {"jwk": None}), ("jwk text", {"jwk": "x"}),
	    ("jwk private", {"jwk": dict(jwk_of(w, "key"), d="AA")}),
	    ("jwk for encryption", {"jwk": dict(jwk_of(w, "key"),
		use="enc")}),
	    ("jwk of another curve", {"jwk": dict(jwk_of(w, "key"),
		crv="P-384")}),
	    ("oct", {"jwk": {"kty": "oct", "k": "AAAA"}}),
	    ("jku", {"jku": "https://evil.example"}), ("x5c", {"x5c": []}),
	    ("crit", {"crit": ["x"]}), ("zip", {"zip": "DEF"})):
		yield name, proof(w, t, head=head)
	for name, claims in (
	    ("no htm", {"htm": None}), ("htm POST", {"htm": "POST"}),
	    ("htm case", {"htm": "get"}), ("htm list", {"htm": ["GET"]}),
	    ("no htu", {"htu": None}),
	    ("htu with query", {"htu": url(w) + Q}),
	    ("htu with fragment", {"htu": url(w) + "#x"}),
	    ("htu http", {"htu": url(w).replace("https", "http")}),
	    ("htu of another host", {"htu": url(w).replace("127.0.0.1",
		"localhost")}),
	    ("htu of another port", {"htu": "https://127.0.0.1:1" +
		ENTITIES}),
	    ("htu without port", {"htu": "https://127.0.0.1" + ENTITIES}),
	    ("htu with user", {"htu": url(w).replace("//", "//u@")}),
	    ("htu path", {"htu": url(w, ENTITIES + "/x")}),
	    ("htu slash", {"htu": url(w) + "/"}),
	    ("htu encoded slash", {"htu": url(w).replace("/v1/", "/v1%2F")}),
	    ("htu relative", {"htu": ENTITIES}),
	    ("no iat", {"iat": None}), ("iat text", {"iat": str(now)}),
	    ("iat real", {"iat": now + 0.5}), ("stale", {"iat": now - 100}),
	    ("far in the future", {"iat": now + 40}),
	    ("expired", {"exp": now - 40}), ("not begun", {"nbf": now + 40}),
	    ("no jti", {"jti": None}), ("jti empty", {"jti": ""}),
	    ("jti number", {"jti": 1}), ("jti long", {"jti": "j" * 300}),
	    ("no ath", {"ath": None}), ("ath empty", {"ath": ""}),
	    ("ath of another token", {"ath": b64(b"x" * 32)}),
	    ("ath of half", {"ath": b64(b"x" * 16)})):
		yield name, proof(w, t, **claims)


@test
def j13_refuses_each_bad_proof_with_the_same_401(w):
	t = bind(w, w.claims("dortmund"), key="key")
	same(dpop(w, t, proof(w, t)).status, 200, "a good one")
	kinds, wrong = set(), []
	for name, p in bad_proofs(w, t):
		a = dpop(w, t, p)
		if a.status != 401:
			wrong.append("%s: %d" % (name, a.status))
		else:
			kinds.add(no_entry(a, name))
	check(not wrong, "\n".join(wrong))
	same(len(kinds), 1, "kinds of 401: %r" % kinds)
	same(dpop(w, t, proof(w, t)).status, 200, "a good one behind")


@test
def j13_refuses_what_is_not_one_proof_for_one_scheme(w):
	t = bind(w, w.claims("dortmund"), key="key")
	free = w.token("dortmund")
	same(ask(w, t, "DPoP").status, 401, "no proof")
	same(dpop_host(w, t, proof(w, t), "127.0.0.1:%d" % w.port), 200,
	    "one proof")
	same(dpop_host(w, t, proof(w, t), "127.0.0.1:%d" % w.port,
	    "DPoP: %s\r\n" % proof(w, t)), 401, "two proofs")
	same(ask(w, t).status, 401, "Bearer")
	same(ask(w, t, "Bearer", [proof(w, t)]).status, 401,
	    "Bearer with a proof")
	same(ask(w, free, "DPoP", [proof(w, free)]).status, 401,
	    "DPoP with an unbound token")
	same(ask(w, free, "Bearer", [proof(w, free)]).status, 200,
	    "an unbound token and a proof that nobody asked for")
	# The same to one whose tenant is out of the question.
	t = bind(w, w.claims("nonesuch"), key="key")
	same(ask(w, t).status, 401, "a forbidden token without proof")
	same(dpop(w, t, proof(w, t)).status, 403, "and with it")


@test
def j13_takes_a_proof_once_over_all_connections(w):
	t = bind(w, w.claims("dortmund"), key="key")
	same(dpop(w, t, proof(w, t)).status, 200, "known to a worker")
	for i in range(3):
		p, got = proof(w, t), []
		threads = [threading.Thread(target=lambda:
		    got.append(dpop(w, t, p).status)) for k in range(12)]
		for x in threads:
			x.start()
		for x in threads:
			x.join()
		same(sorted(got), [200] + [401] * 11, "at once")
		same(dpop(w, t, p).status, 401, "later")
	# A jti is its key's: another client's is not spent with it.
	t2 = bind(w, w.claims("dortmund"), key="key2")
	same(dpop(w, t, proof(w, t, jti="both")).status, 200, "one")
	same(dpop(w, t2, proof(w, t2, "key2", jti="both")).status, 200,
	    "another")
	same(dpop(w, t, proof(w, t, jti="both")).status, 401, "the one again")
	# A bad proof spends nothing.
	same(dpop(w, t, proof(w, t, jti="j", signed_by="key2")).status, 401,
	    "wrong signature")
	same(dpop(w, t, proof(w, t, jti="j")).status, 200, "the real one")


@test
def j13_refuses_proofs_from_before_it_was_started(w):
	t = bind(w, w.claims("dortmund"), key="key")
	p = proof(w, t)
	same(dpop(w, t, p).status, 200, "before")
	w.stop()
	time.sleep(1.1)
	w.start(env=w.env)
	# The port is another now, but not this name's.
	p = proof(w, t, iat=int(time.time()) - 20,
	    htu="https://localhost" + ENTITIES)
	same(dpop_host(w, t, p, "localhost"), 401, "older than the hub")
	time.sleep(1.1)
	p = proof(w, t, htu="https://localhost" + ENTITIES)
	same(dpop_host(w, t, p, "localhost"), 200, "a new one")


@test
def needs_one_proof_for_a_change_that_is_tried_again(w):
	# Changes at the same time are checked again, with what came with them.
	t = bind(w, w.claims("schwerte", resource_access={"regional-hub": {
	    "roles": ["source-admin"]}}), key="key")
	data = json.dumps({"type": "ContextSourceRegistration",
	    "endpoint": w.brokers["a"].url,
	    "information": [{"entities": [{"type": "WaterObserved"}]}]})
	proofs = [proof(w, t, htm="POST", htu="https://localhost" + CSR)
	    for i in range(12)]
	got = []

	def post(p):
		c = w.connect()
		c.request("POST", CSR, body=data, headers={
		    "Host": "localhost", "Authorization": "DPoP " + t,
		    "DPoP": p, "Link": LINK,
		    "Content-Type": "application/json"})
		got.append(c.getresponse().status)
		c.close()
	threads = [threading.Thread(target=post, args=(p,)) for p in proofs]
	for x in threads:
		x.start()
	for x in threads:
		x.join()
	same(got, [201] * 12, "at once")
	got.clear()
	post(proofs[0])
	same(got, [401], "a proof again")


@test
def takes_only_names_it_goes_by_where_others_end_tls(w):
	t = bind(w, w.claims("dortmund"), key="key")
	w.stop()
	w.start(env=dict(w.env, HUB_LISTEN_PUBLIC_CERTIFICATE="",
	    HUB_LISTEN_PUBLIC_KEY="", HUB_LISTEN_PUBLIC_CLIENT_CA="",
	    HUB_LISTEN_PUBLIC_HOSTS="hub.example"))
	time.sleep(1.1)
	for host, status in (("hub.example", 200), ("hub.example:443", 200),
	    ("localhost", 200), ("other.example", 401)):
		c = http.client.HTTPConnection("127.0.0.1", w.port,
		    timeout=20 * SLOW)
		p = proof(w, t, htu="https://" + host + ENTITIES)
		a = w.ask(None, Q, purpose=None, conn=c, headers={
		    "Host": host, "DPoP": p, "Authorization": "DPoP " + t})
		same(a.status, status, host)
		c.close()
	# A certificate that something in front has seen is not one here.
	t = bind(w, w.claims("dortmund"), cert="client")
	c = http.client.HTTPConnection("127.0.0.1", w.port, timeout=20 * SLOW)
	same(ask(w, t, conn=c).status, 401, "certificate")
	c.close()
	w.stop()
	w.start(env=w.env)


@test
def wants_both_of_a_token_that_is_bound_twice(w):
	t = bind(w, w.claims("dortmund"), cert="client", key="key")
	c = connect(w)
	same(dpop(w, t, proof(w, t), conn=c).status, 200, "both")
	same(ask(w, t, conn=c).status, 401, "the certificate alone")
	c.close()
	same(dpop(w, t, proof(w, t)).status, 401, "the key alone")


@test
def demands_what_an_issuer_promises(w):
	wrong = []
	for iss, cert, key, status in (
	    (MTLS, None, None, 401), (MTLS, "client", None, 200),
	    (MTLS, None, "key", 401), (DPOP, None, None, 401),
	    (DPOP, "client", None, 401), (DPOP, None, "key", 200),
	    (EITHER, None, None, 401), (EITHER, "client", None, 200),
	    (EITHER, None, "key", 200), (EITHER, "client", "key", 200)):
		t = bind(w, w.claims("dortmund", iss=iss), cert, key, "ES256")
		c = connect(w)
		a = ask(w, t, "DPoP" if key else "Bearer",
		    [proof(w, t)] if key else [], conn=c)
		if a.status != status:
			wrong.append("%s %s %s: %d" % (iss, cert, key,
			    a.status))
		c.close()
	check(not wrong, "\n".join(wrong))
	# Its algorithms are those of proofs as well.
	t = bind(w, w.claims("dortmund", iss=DPOP), key="rsa", alg="ES256")
	same(dpop(w, t, proof(w, t, "rsa")).status, 401, "RS256")


@test
def widens_when_less_is_demanded(w):
	text = lambda sender: tenants() + issuer(DPOP, sender) + \
	    source("broker-a", "dortmund", w.brokers["a"], ["WaterObserved"])
	for was, now, word in (("mtls", "dpop", "WIDENS"),
	    ("dpop", "any", "WIDENS"), ("any", "none", "WIDENS"),
	    ("none", "any", "NARROWS"), ("any", "mtls", "NARROWS")):
		out = diff(w, text(was), text(now))
		check(("%s, was %s" % (now, was)) in out and word in out,
		    "%s to %s: %s" % (was, now, out))


def diff(w, before, after):
	apply(w, before)
	return w.ctl("diff", w.write("after.hub", after), code=None)[0]


def apply(w, text):
	out, err = w.ctl("apply", w.write("region.hub", text), code=None)
	found = re.search(r"--accept-widening ([0-9a-f]+)", out + err)
	if found:
		w.ctl("apply", "--accept-widening", found.group(1),
		    w.path("region.hub"))


@test
def logs_no_secret_and_says_why(w):
	with open(w.hub.log) as f:
		log = f.read()
	for why in ("no client certificate", "another client certificate than "
	    "the token's", "proof: used before", "proof: another URL",
	    "bound to a key but sent as Bearer", "proof: stale",
	    "made before the hub was started", "this host is not ours"):
		check(why in log, "not in the log: " + why)
	for canary in ("jti-1", '"htu"', "eyJ"):
		check(canary not in log, "in the log: " + canary)


main(setup)

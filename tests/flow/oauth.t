#!/usr/bin/env python3
# oauth.t - the hub's own credentials towards sources: tokens fetched, renewed,
# lost and never shown to anybody else; what hubctl says of a source.
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *
from urllib.parse import parse_qs, unquote_plus

Q = "?type=WaterObserved"
CANARY = "KANARIE"
SECRET = "s3cr:t%/+&=" + CANARY
COOLDOWN = 10


class Endpoint(Broker):
	"""A token endpoint: one client per path. Gives NAME-N, N rising."""

	def __init__(self, tls=None):
		self.tls = tls
		self.given = {}		# name: last number
		self.life = {}		# name: expires_in, 300 unless said
		self.script = {}	# name: function of (self, c), True: done
		self.asked_at = {}	# name: times
		self.forms = {}		# name: (head lines, body)
		super().__init__()

	def serve(self, c):
		try:
			if self.tls:
				c = self.tls.wrap_socket(c, server_side=True)
			data = b""
			while b"\r\n\r\n" not in data:
				more = c.recv(65536)
				if not more:
					return
				data += more
			head, body = data.split(b"\r\n\r\n", 1)
			want = int(re.search(rb"Content-Length: (\d+)",
			    head).group(1))
			while len(body) < want:
				body += c.recv(65536)
			self.token(c, head.decode().split("\r\n"),
			    body.decode())
		except (OSError, AttributeError):
			pass
		finally:
			with contextlib.suppress(OSError):
				c.close()

	def token(self, c, lines, body):
		name = lines[0].split(" ")[1].strip("/")
		with self.lock:
			self.asked_at.setdefault(name, []).append(
			    time.monotonic())
			self.forms[name] = (lines, body)
			script = self.script.get(name)
		if script:
			script(self, c)
			return
		with self.lock:
			n = self.given[name] = self.given.get(name, 0) + 1
		answer(c, 200, json.dumps({"access_token": self.text(name, n),
		    "token_type": "bEARER", "scope": "x", "id": [1],
		    "expires_in": self.life.get(name, 300)}).encode())

	@staticmethod
	def text(name, n):
		return "%s-%d.%s" % (name, n, CANARY)

	def last(self, name):
		return self.text(name, self.given.get(name, 0))

	def times(self, name):
		with self.lock:
			return list(self.asked_at.get(name, []))


def say(status, text, fields=()):
	return lambda e, c: answer(c, status, text, fields)


def token_json(**more):
	o = {"access_token": "x." + CANARY, "token_type": "Bearer",
	    "expires_in": 300}
	o.update(more)
	return json.dumps({k: v for k, v in o.items() if v is not None}
	    ).encode()


def guard(broker):
	"""Lets in who shows the token the broker believes in."""
	def fault(b, c, rq):
		with b.lock:
			shown = [x for x in b.log[-1]
			    if x.lower().startswith("authorization:")]
		good = b.wanted()
		if isinstance(good, str):
			good = [good]
		if shown not in [["Authorization: Bearer " + t] for t in good]:
			return answer(c, 401, b'{"error":"' +
			    CANARY.encode() + b'"}')
		return answer(c, *b.reply(rq))
	broker.fault = fault


def oauth(w, name, url=None, scope="api:read"):
	return 'oauth { token-url = "%s/%s"  client-id = "hub:%s"' \
	    '  secret-file = "secrets/%s"  scope = "%s" }' % (
	    url or w.idm.url, name, name, name, scope)


def region(w, scope="api:read", more="", keep=""):
	https = "https://localhost:%d" % w.idm_tls.port
	types = ["WaterObserved"]
	return tenants() + \
	    source("broker-a", "dortmund", w.brokers["a"], types,
	    extra=oauth(w, "a", scope=scope), more=keep) + \
	    source("broker-s", "schwerte", w.brokers["s"], types,
	    extra='ca = "tls/ca.pem" ' + oauth(w, "s", https)) + \
	    source("broker-u", "kreis-unna", w.brokers["u"], types) + more


def setup():
	e = [ent("urn:ngsi-ld:WaterObserved:a", "WaterObserved",
	    waterLevel=prop("1"))]
	w = World("oauth", {n: Broker(e) for n in "asu"})
	ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
	ctx.load_cert_chain(w.path("tls/hub.pem"), w.path("tls/hub.key"))
	w.idm, w.idm_tls = Endpoint(), Endpoint(ctx)
	w.brokers["a"].wanted = lambda: w.idm.last("a")
	w.brokers["s"].wanted = lambda: w.idm_tls.last("s")
	guard(w.brokers["a"])
	guard(w.brokers["s"])
	for name in ("a", "s"):
		w.write("secrets/" + name, SECRET + name + "\n")
	w.apply(region(w))
	w.start()
	wait_for(lambda: "tokens: 0 source(s)" in w.ready()[1], 10,
	    "tokens: %r" % (w.ready(),))
	return w


def shown_to(broker):
	return sorted({line.split(" ", 1)[1] for lines in broker.asked()
	    for line in lines if line.lower().startswith("authorization:")})


@test
def shows_each_source_its_own_token(w):
	for tenant in ("dortmund", "schwerte", "kreis-unna"):
		a = w.ask(tenant, Q).ok()
		same(a.ids(), ["urn:ngsi-ld:WaterObserved:a"], tenant)
		same(a.warnings(), {}, tenant)
	same(shown_to(w.brokers["a"]), ["Bearer a-1." + CANARY], "to a")
	same(shown_to(w.brokers["s"]), ["Bearer s-1." + CANARY], "to s")
	same(shown_to(w.brokers["u"]), [], "to u")
	same((len(w.idm.times("a")), len(w.idm_tls.times("s"))), (1, 1),
	    "tokens fetched")


@test
def asks_as_rfc_6749_says(w):
	for idm, name in ((w.idm, "a"), (w.idm_tls, "s")):
		lines, body = idm.forms[name]
		same(lines[0], "POST /%s HTTP/1.1" % name, "line")
		check("Content-Type: application/x-www-form-urlencoded" in
		    lines, "type: %r" % lines)
		same(parse_qs(body, strict_parsing=True),
		    {"grant_type": ["client_credentials"],
		    "scope": ["api:read"]}, "form")
		basic = [x[len("Authorization: Basic "):] for x in lines
		    if x.startswith("Authorization: ")]
		user, colon, word = base64.b64decode(basic[0],
		    validate=True).decode().partition(":")
		same((unquote_plus(user), unquote_plus(word)),
		    ("hub:" + name, SECRET + name), "Basic")


@test
def keeps_tokens_when_another_region_comes(w):
	w.apply(region(w, more='area leer { ags = "05978028"'
	    '  geojson-file = "areas/schwerte.geojson" }'))
	wait_for(lambda: "bundle 2" in w.ready()[1], 10, "bundle 2")
	w.ask("dortmund", Q).ok()
	time.sleep(0.3)
	same(len(w.idm.times("a")), 1, "tokens fetched")


@test
def fetches_one_other_token_after_401(w):
	b = w.brokers["a"]
	wait_for(lambda: time.monotonic() - w.idm.times("a")[-1] > COOLDOWN,
	    20, "cool-down")
	b.wanted = lambda: "a-2." + CANARY
	a = w.ask("dortmund", Q).ok()
	same((a.json(), a.warnings()), ([], {"broker-a": 299}), "refused")
	check(CANARY.encode() not in a.body, "the broker's words")
	wait_for(lambda: w.ask("dortmund", Q).ids(), 5, "the other token")
	# It is withdrawn at once: no third one within the cool-down.
	b.wanted = lambda: "a-3." + CANARY
	end = time.monotonic() + 3
	while time.monotonic() < end:
		same(w.ask("dortmund", Q).warnings(), {"broker-a": 299}, "?")
	same(len(w.idm.times("a")), 2, "tokens fetched")
	wait_for(lambda: w.ask("dortmund", Q).ids(), 2 * COOLDOWN, "a third")
	t = w.idm.times("a")
	same(len(t), 3, "tokens fetched")
	check(t[2] - t[1] > COOLDOWN - 0.1, "after %g s" % (t[2] - t[1]))
	b.wanted = lambda: w.idm.last("a")


def renew(w, life, scope, keep=""):
	"""Another scope: another token, of that life."""
	w.idm.life["a"] = life
	n = w.idm.given["a"]
	w.apply(region(w, scope=scope, keep=keep))
	wait_for(lambda: w.idm.given["a"] > n and
	    w.ask("dortmund", Q).ids(), 10, "a token for " + scope)


@test
def renews_ahead_of_the_end(w):
	renew(w, 4, "short")
	n = w.idm.given["a"]
	# The hub may not have the last one yet.
	w.brokers["a"].wanted = lambda: [Endpoint.text("a",
	    w.idm.given["a"] - i) for i in (0, 1)]
	end = time.monotonic() + 7
	while time.monotonic() < end:
		same(w.ask("dortmund", Q).ok().warnings(), {}, "warnings")
		time.sleep(0.05)
	got = w.idm.given["a"] - n
	check(2 <= got <= 4, "renewed %d times in 7 s" % got)
	w.brokers["a"].wanted = lambda: w.idm.last("a")


@test
def lives_on_with_the_old_token_then_without(w):
	renew(w, 8, "until-the-end")
	n = len(w.idm.times("a"))
	w.idm.script["a"] = say(503, b"busy " + CANARY.encode())
	wait_for(lambda: len(w.idm.times("a")) >= n + 2, 15, "tries")
	t = w.idm.times("a")
	check(t[n + 1] - t[n] > 0.9, "tried again after %g s" %
	    (t[n + 1] - t[n]))
	same(w.ask("dortmund", Q).ok().warnings(), {}, "the old token")
	wait_for(lambda: w.logged("token of the source has ended"), 15,
	    "the end")
	asked = len(w.brokers["a"].asked())
	a = w.ask("dortmund", Q).ok()
	same((a.json(), a.warnings()), ([], {"broker-a": 299}), "without")
	check(a.seconds < 1 * SLOW, "took %g s" % a.seconds)
	same(len(w.brokers["a"].asked()), asked, "requests without a token")
	check(w.logged('msg="no token for the source, it is not asked" '
	    'source=broker-a'), "log: " + w.hub.text()[-800:])
	check("tokens: 1 source(s) without" in w.ready()[1], w.ready()[1])
	same(w.ask("schwerte", Q).ok().warnings(), {}, "another source")
	w.idm.life["a"] = 300
	del w.idm.script["a"]
	wait_for(lambda: w.ask("dortmund", Q).ids(), 30, "a new token")


@test
def a_hub_that_gets_no_token_shows_nothing_of_before(w):
	"""It may have been taken away, at the endpoint instead of the source."""
	renew(w, 5, "kept", keep="cache = 300ms")
	for i in range(30):	# each worker keeps it
		w.ask("dortmund", Q).ok()
	w.idm.script["a"] = say(401, b'{"error":"invalid_client"}')
	wait_for(lambda: "tokens: 1 source(s) without" in w.ready()[1], 15,
	    "the end")
	for i in range(20):
		a = w.ask("dortmund", Q).ok()
		same((a.json(), a.warnings()), ([], {"broker-a": 299}),
		    "without")
	w.idm.life["a"] = 300
	del w.idm.script["a"]
	w.apply(region(w))
	wait_for(lambda: w.ask("dortmund", Q).ids(), 30, "a new token")


# name: (what the endpoint does, what the log says)
BAD = {
    "garbage": (say(200, b"<html>" + CANARY.encode()), "not a JSON object"),
    "array": (say(200, b"[" + token_json() + b"]"), "not a JSON object"),
    "cut": (say(200, token_json()[:-1]), "not a JSON object"),
    "twice": (say(200, b'{"access_token":"a",' + token_json()[1:]),
	"not a JSON object"),
    "no-token": (say(200, token_json(access_token=None)), "access_token is"),
    "empty": (say(200, token_json(access_token="")), "access_token is"),
    "newline": (say(200, token_json(access_token="a\r\nX: y")),
	"access_token is"),
    "long": (say(200, token_json(access_token="a" * 16385)),
	"access_token is"),
    "no-type": (say(200, token_json(token_type=None)), "token_type is not"),
    "mac": (say(200, token_json(token_type="mac")), "token_type is not"),
    "ended": (say(200, token_json(expires_in=0)), "expires_in is not"),
    "text-life": (say(200, token_json(expires_in="300")),
	"expires_in is not"),
    "huge": (say(200, b" " * 70000 + token_json()), "limit"),
    "wrong-secret": (say(401, b'{"error":"invalid_client",'
	b'"error_description":"' + CANARY.encode() + b'"}'), "invalid_client"),
    "wrong-scope": (say(400, b'{"error":"invalid_scope"}'), "invalid_scope"),
    "echo": (say(400, b'{"error":"' + CANARY.encode() + b'"}'),
	"the token endpoint refused"),
    "redirect": (say(302, b"", ["Location: /a"]),
	"the token endpoint refused"),
    "created": (say(201, token_json()), "the token endpoint refused"),
    "slow": (lambda e, c: time.sleep(8), "too late"),
    "cut-off": (lambda e, c: c.sendall(b"HTTP/1.1 200 OK\r\n"
	b"Content-Length: 100\r\n\r\n{"), ""),
}


@test
def believes_no_bad_answer(w):
	more, names = "", {}
	for name, (script, why) in BAD.items():
		w.idm.script[name] = script
		names[name] = (oauth(w, name), why)
	# Its certificate is of a CA that this source does not name.
	names["stranger"] = (oauth(w, "stranger", "https://localhost:%d" %
	    w.idm_tls.port), "")
	b = w.brokers["u"]
	b.forget()
	for name, (block, why) in names.items():
		w.write("secrets/" + name, SECRET + "\n")
		more += source("bad-" + name, "holzwickede", b,
		    ["WaterObserved"], extra=block)
	w.apply(region(w, more=more))

	def failed(name, why):
		return re.search('msg="token of the source not fetched" '
		    'source=bad-%s status=.*%s' % (name, why), w.hub.text())
	for name, (block, why) in names.items():
		wait_for(lambda: failed(name, why), 15, name + " in the log")
	a = w.ask("holzwickede", Q, purpose=None).ok()
	same(a.warnings(), {"bad-" + n: 299 for n in names}, "warnings")
	check(a.seconds < 1 * SLOW, "took %g s" % a.seconds)
	same(b.asked(), [], "asked without a token")
	same(w.idm_tls.times("stranger"), [], "told to a stranger")
	same(w.ask("dortmund", Q).ok().warnings(), {}, "others")
	w.idm.script.clear()
	w.apply(region(w))


@test
def refuses_a_region_whose_secret_is_missing(w):
	w.apply(region(w, more=source("broker-x", "holzwickede",
	    w.brokers["u"], ["WaterObserved"], extra=oauth(w, "missing"))))
	wait_for(lambda: w.logged("cannot read a secret from secret-file"), 10,
	    "the log: " + w.hub.text()[-600:])
	same(w.ask("dortmund", Q).ok().warnings(), {}, "the old region")
	w.apply(region(w))


# ---- hubctl

def probe(w, name, code=0):
	out = w.ctl("source", "test", name, "-o", "json", code=code)[0]
	check(CANARY not in out, "a secret in " + out)
	rows = json.loads(out)
	return {r["check"]: (r["result"], r["finding"]) for r in rows}


@test
def hubctl_lists_sources(w):
	rows = json.loads(w.ctl("source", "list", "-o", "json")[0])
	same(rows[0], {"name": "broker-a", "owner": "dortmund",
	    "kind": "ngsi-ld", "endpoint": w.brokers["a"].url + ROOT,
	    "timeout_ms": 2000, "page": 100, "auth": "oauth"}, "row")
	same([r["auth"] for r in rows], ["oauth", "oauth", "none"], "auth")
	check("broker-s" in w.ctl("source", "list")[0], "table")


@test
def hubctl_finds_a_source_sound(w):
	n = w.idm_tls.given["s"]
	w.brokers["s"].wanted = lambda: w.idm_tls.last("s")
	r = probe(w, "broker-s")
	same(w.idm_tls.given["s"], n + 1, "tokens fetched by hubctl")
	w.brokers["s"].wanted = lambda: w.idm_tls.text("s", n)
	same({k: v[0] for k, v in r.items()}, {"address": "ok", "tls": "note",
	    "token": "ok", "identity": "note", "context": "ok",
	    "dataset broker-s-data": "ok", "page": "ok"}, "results %r" % r)
	check("valid for 300 s" in r["token"][1], r["token"])
	check("1 of type WaterObserved" in r["dataset broker-s-data"][1],
	    "%r" % r)
	check(CONTEXT in r["context"][1], r["context"])


@test
def hubctl_says_what_is_wrong_with_a_source(w):
	b = w.brokers["u"]
	b.fault = status(403)
	r = probe(w, "broker-u", 1)
	same(r["identity"][0], "failed", "identity")
	check("credentials are refused" in r["dataset broker-u-data"][1],
	    "%r" % r)
	b.fault = None
	b.context = "https://elsewhere.example/context.jsonld"
	r = probe(w, "broker-u", 1)
	same(r["context"][0], "failed", "context")
	check(b.context in r["context"][1], r["context"])
	b.context = CONTEXT
	many = [ent("urn:ngsi-ld:WaterObserved:%d" % i, "WaterObserved")
	    for i in range(150)]
	b.entities, few = many, b.entities

	def capped(b, c, rq):
		return answer(c, *b.reply(re.sub(r"limit=\d+", "limit=50",
		    rq)))
	b.fault = capped
	r = probe(w, "broker-u")
	same(r["page"][0], "note", "page")
	check("set page to 50" in r["page"][1], r["page"])
	b.fault, b.entities = None, few
	port = b.port
	b.stop()
	r = probe(w, "broker-u", 69)
	same({k: v[0] for k, v in r.items()}, {"address": "unreachable"},
	    "gone")
	b.port = port
	b.start()
	w.idm.script["a"] = say(401, b'{"error":"invalid_client"}')
	r = probe(w, "broker-a", 1)
	check("invalid_client" in r["token"][1], r["token"])
	w.idm.script.clear()
	err = w.ctl("source", "test", "nowhere", code=1)[1]
	check("no source nowhere" in err, err)


@test
def hubctl_verifies_certificates(w):
	"""The hub's own listener serves as a source with a certificate."""
	tls = Endpoint(w.idm_tls.tls)
	for ca, code, want in (('ca = "tls/ca.pem"', 1, "certificate verified"),
	    ("", 1, "certificate is refused")):
		b = Broker()
		b.stop()
		b.port = tls.port
		text = source("broker-t", "holzwickede", b, ["WaterObserved"],
		    extra=ca).replace("http://127.0.0.1", "https://localhost")
		w.apply(region(w, more=text))
		r = probe(w, "broker-t", code)
		check(want in r["tls"][1], "%s: %r" % (want, r))
	tls.stop()
	w.apply(region(w))


@test
def leaves_no_secret_behind(w):
	w.stop()
	words = [CANARY.encode()]
	for form in list(w.idm.forms.values()) + list(
	    w.idm_tls.forms.values()):
		words += [x.split(" ")[2].encode() for x in form[0]
		    if x.startswith("Authorization: ")]
	check(len(words) > 3, "%r" % words)
	seen = 0
	for folder, _, files in os.walk(w.dir):
		if folder.endswith("/secrets"):
			continue
		for name in files:
			with open(os.path.join(folder, name), "rb") as f:
				text = f.read()
			seen += 1
			for word in words:
				check(word not in text, "%s holds %r" % (name,
				    word))
	check(seen > 5, "only %d files looked at" % seen)


if __name__ == "__main__":
	main(setup)

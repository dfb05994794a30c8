#!/usr/bin/env python3
# page.t - the web page in a real browser, by page.mjs: Debian's chromium,
# playwright-core, axe-core and html-validate from npm. What is missing is said,
# and it passes; so does paper without pdftotext (poppler-utils).
#
# The issuer is a small one of our own, so that it can also misbehave.
import base64
import hashlib
import http.server
import secrets
import sys
import urllib.parse

sys.dont_write_bytecode = True
sys.path.insert(0, __import__("os").path.join(__import__("os").path.dirname(
    __import__("os").path.abspath(__file__)), "..", "flow"))
from flow import *

PACKAGES = ["playwright-core@1.65.1", "axe-core@4.14.1",
    "html-validate@11.18.0"]
NODE = os.path.join(BUILD, "web-node")
SHOTS = os.path.join(BUILD, "web-shots")


def missing():
	for program in ("node", "npm", "chromium"):
		if not shutil.which(program):
			return program + " is not installed"
	if all(os.path.isdir(os.path.join(NODE, "node_modules",
	    p.split("@")[0])) for p in PACKAGES):
		return None
	os.makedirs(NODE, exist_ok=True)
	try:
		code = subprocess.run(["npm", "install", "--prefix", NODE,
		    "--no-audit", "--no-fund", "--ignore-scripts"] + PACKAGES,
		    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
		    stderr=subprocess.DEVNULL, timeout=120).returncode
	except subprocess.TimeoutExpired:
		code = 1
	if code != 0:
		shutil.rmtree(NODE, ignore_errors=True)
		return "npm has no playwright-core"
	return None


class Issuer(http.server.BaseHTTPRequestHandler):
	"""Who comes is logged in at once, as Fröndenberg."""
	world, url, codes, bad = None, "", {}, None

	def log_message(self, *args):
		pass

	def send(self, status, value, **fields):
		body = json.dumps(value).encode()
		self.send_response(status)
		self.send_header("Content-Length", str(len(body)))
		self.send_header("Content-Type", "application/json")
		self.send_header("Access-Control-Allow-Origin", "*")
		for k, v in fields.items():
			self.send_header(k, v)
		self.end_headers()
		self.wfile.write(body)

	def do_GET(self):
		u = urllib.parse.urlsplit(self.path)
		q = dict(urllib.parse.parse_qsl(u.query))
		if u.path == "/.well-known/openid-configuration":
			self.send(200, {"issuer": self.url,
			    "authorization_endpoint": self.url + "/auth",
			    "token_endpoint": self.url + "/token"})
		elif u.path == "/bad":		# how the next login goes wrong
			Issuer.bad = q["how"]
			self.send(200, {})
		elif u.path == "/auth" and q.get("code_challenge_method") == \
		    "S256" and q["response_type"] == "code":
			code = secrets.token_hex(16)
			self.codes[code] = q
			state = "x" if Issuer.bad == "state" else q["state"]
			self.send(302, {}, Location=q["redirect_uri"] + "?" +
			    urllib.parse.urlencode({"code": code,
			    "state": state, "iss": self.url}))
		else:
			self.send(404, {})

	def do_POST(self):
		form = dict(urllib.parse.parse_qsl(self.rfile.read(int(
		    self.headers["Content-Length"])).decode()))
		asked = self.codes.pop(form.get("code"), None)
		proof = base64.urlsafe_b64encode(hashlib.sha256(form.get(
		    "code_verifier", "").encode()).digest()).rstrip(b"=")
		if asked is None or asked["code_challenge"] != proof.decode() \
		    or form["redirect_uri"] != asked["redirect_uri"] or \
		    "client_secret" in form:
			return self.send(400, {"error": "invalid_grant"})
		nonce = "x" if Issuer.bad == "nonce" else asked["nonce"]
		Issuer.bad = None
		w = self.world
		self.send(200, {"token_type": "Bearer", "access_token":
		    token(w, self.url), "id_token": w.mint({"iss": self.url,
		    "aud": asked["client_id"], "sub": "p", "nonce": nonce,
		    "iat": int(time.time()), "exp": int(time.time()) + 60},
		    typ="JWT")})


def token(w, issuer):
	return w.mint(w.claims("froendenberg", iss=issuer, client_id="page",
	    resource_access={"regional-hub": {"roles": ["data-reader",
	    "finance-reader", "tenant-admin"]}}))


COSTS = '''
cost betrieb { title = "Betrieb"  amount = 1200.00  from = %(y)s-01-01
	to = %(y)s-12-31  model = teilung }
model teilung { version = 1  clause = "§ 5"  members = {schwerte, froendenberg}
	member froendenberg { alone = 4745.00 }
	component sockel { basis-points = 5000  key = equal }
	component nutzung { basis-points = 5000  key = usage  on-zero = equal } }
'''


def gauge(name, value, lon, lat):
	return ent("urn:ngsi-ld:WaterObserved:" + name, "WaterObserved",
	    stationName=prop('"<b>%s</b>"' % name), waterLevel=prop(value,
	    at="2026-11-22T17:45:00Z", unit="MTR"), location=point(lon, lat))


def setup(issuer):
	w = World("page", {"s": Broker([gauge("Eins", "21.10", 7.55, 51.43),
	    gauge("Zwei", "0.50", 7.60, 51.45)])},
	    settings='contact = "barrieren@kreis-unna.example"\n'
	    'decision-log { directory = "decisions" }')
	r = tenants().replace(ISSUER, issuer, 1).replace("	max-ttl = 1h",
	    '	max-ttl = 1h  web-client = "page"', 1)
	r += source("broker-s", "schwerte", w.brokers["s"], ["WaterObserved"])
	r += agreement("s-f", "schwerte", "froendenberg", "broker-s-data",
	    {"WaterObserved": "allow = {waterLevel, stationName, location}"
	    "  inside = {schwerte}"})
	r += agreement("s-f2", "schwerte", "froendenberg", "broker-s-data",
	    {"WaterObserved": "allow = {waterLevel}"}, purpose="verkehr",
	    signed='"schwerte:a"')
	w.apply(r + COSTS % {"y": time.strftime("%Y")})
	w.start()
	return w


def main():
	why = missing()
	if why:
		print("skipped: the web page in a browser (%s)" % why)
		return 0
	signal.signal(signal.SIGTERM, lambda *a: sys.exit(143))
	server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Issuer)
	Issuer.url = "http://127.0.0.1:%d" % server.server_port
	threading.Thread(target=server.serve_forever, daemon=True).start()
	w = Issuer.world = setup(Issuer.url)
	os.makedirs(SHOTS, exist_ok=True)
	code = 1
	try:
		code = subprocess.run(["node", os.path.join(os.path.dirname(
		    os.path.abspath(__file__)), "page.mjs"), json.dumps({
		    "url": "https://localhost:%d/" % w.port,
		    "issuer": Issuer.url, "modules": NODE, "shots": SHOTS,
		    "token": token(w, Issuer.url), "slow": SLOW,
		    "pdftotext": shutil.which("pdftotext")})],
		    stdin=subprocess.DEVNULL, timeout=240 * SLOW).returncode
	finally:
		w.close()
		server.shutdown()
	return code


sys.exit(main())

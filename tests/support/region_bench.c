/* tests/support/region_bench.c - see region_bench.h. */
#include "tests/support/region_bench.h"

/* Every block and key of the language. A case replaces one piece of it. */
static const char base_region[] =
    "tenant schwerte { name = \"Stadt Schwerte\"  ags = \"05978028\"\n"
    "  kind = municipality  may-register = {\"https://*.schwerte.example\"}\n"
    "  population \"2018-12-31\" { inhabitants = 46340  source = IT.NRW } }\n"
    "tenant froendenberg { name = \"Stadt Fröndenberg/Ruhr\"\n"
    "  ags = \"05978012\"  kind = municipality  failed-sources = error\n"
    "  population \"2018-12-31\" { inhabitants = 20766 } }\n"
    "tenant kreis-unna { name = \"Kreis Unna\"  ags = 05978000\n"
    "  kind = district  crisis-authority = true  status = active }\n"
    "issuer \"https://idm.example/auth/realms/region\" {\n"
    "  jwks-file = \"keys.json\"  audience = regional-hub\n"
    "  algorithms = {RS256, ES256}  typ = \"at+jwt\"  ca = ca.pem\n"
    "  tenant-claim = hub_tenant  roles-path = \"a.b.roles\"  max-ttl = 1h\n"
    "  sender = any  skew = 10s  tokens-before = \"2026-01-01T00:00:00Z\"\n"
    "  speaks-for = {schwerte, kreis-unna}\n"
    "  map \"Fröndenberg (Ruhr)\" { tenant = froendenberg } }\n"
    "context \"https://ctx.example/region.jsonld\" { file = region.jsonld }\n"
    "context \"https://ctx.example/water.jsonld\" { file = water.jsonld }\n"
    "source broker { owner = schwerte  kind = ngsi-ld  timeout = 1500ms\n"
    "  endpoint = \"https://api.schwerte.example/context/ngsi-ld/v1\"\n"
    "  in-flight = 16  page = 50  breaker = \"3/2s\"  ca = \"ca.pem\"\n"
    "  context = \"https://ctx.example/region.jsonld\"\n"
    "  client-certificate = c.pem  client-key = k.pem  plain = false\n"
    "  oauth { token-url = \"https://idm.example/token\"  client-id = hub\n"
    "    secret-file = \"s\"  scope = \"api:read\" } }\n"
    "source v2 { owner = froendenberg  kind = ngsi-v2\n"
    "  endpoint = \"http://localhost:1026/\"  bearer-file = token }\n"
    "dataset pegel { source = broker  upstream-tenant = pegel  priority = 10\n"
    "  title = \"Pegel\"  licence = dl-de-by-2-0  attribution = \"Stadt\"\n"
    "  ids = {\"urn:ngsi-ld:FloodMonitoring:*\"}  personal-data = none\n"
    "  mode = inclusive  operations = {federationOps, queryTemporal}\n"
    "  publish = listed  local-only = true\n"
    "  type FloodMonitoring { attributes = {currentLevel, alertLevel,\n"
    "    measuredDistance, location, dateObserved, refDevice} } }\n"
    "purpose hochwasserschutz { title = \"Hochwasser\"  legal-basis = BHKG }\n"
    "area stadt { ags = \"05978028\"\n"
    "  geojson-file = \"areas/stadt.geojson\" }\n"
    "agreement pegel-fb { version = 3  provider = schwerte\n"
    "  consumer = froendenberg  dataset = pegel  purpose = hochwasserschutz\n"
    "  actions = {query, retrieve, temporal, subscribe}\n"
    "  valid = \"2026-06-01..2027-05-31\"  document = \"Az. 12-7\"\n"
    "  price = solidar-a  quota = \"600/h burst 60\"\n"
    "  signed-by = {\"schwerte:dk\", \"froendenberg:stab\"}\n"
    "  share FloodMonitoring { inside = {stadt}  outside = {}  buffer = 2km\n"
    "    without-location = keep  history = 90d  delay = 15min\n"
    "    allow = {currentLevel, \"currentLevel.accuracy\", location}\n"
    "    filterable = {currentLevel}  system = {scope, createdAt}\n"
    "    round measuredDistance { to = 0.05 }\n"
    "    constant refDevice { value = x }\n"
    "    grid alertLevel { to = 500m }  pseudonym dateObserved { } }\n"
    "  crisis flood { authority = kreis-unna  history = 365d\n"
    "    quota = \"6000/h\"  max = 72h  report = 7d } }\n"
    "forbid geraete { type = FloodMonitoring  attribute = refDevice\n"
    "  dataset = pegel  consumer = froendenberg  purpose = hochwasserschutz\n"
    "  reason = \"DSGVO Art. 5\"  crisis-override = false }\n"
    "price solidar-a { flat-month = 0.00  per-request = 0.01 }\n"
    "cost betrieb { title = \"Betrieb\"  amount = 55000.00  from = 2026-01-01\n"
    "  to = 2026-12-31  model = mit }\n"
    "model mit { version = 1  clause = \"§ 5\"\n"
    "  members = {schwerte, froendenberg}\n"
    "  component sockel { basis-points = 2000  key = equal }\n"
    "  component kopf { basis-points = 4000  key = population\n"
    "    key-date = 2018-12-31 }\n"
    "  component nutzung { basis-points = 2000  key = usage\n"
    "    on-zero = population }\n"
    "  component fest { basis-points = 500  key = fixed\n"
    "    member schwerte { amount = 2750.00 } }\n"
    "  component gewicht { basis-points = 500  key = weights\n"
    "    member schwerte { weight = 3 } }\n"
    "  component stufen { basis-points = 500  key = stepdown\n"
    "    tier 20000 { weight = 100 } tier 0 { weight = 60 } }\n"
    "  component spiel { basis-points = 500  key = shapley\n"
    "    coalition schwerte { amount = 55000.00 }\n"
    "    coalition froendenberg { amount = 40000.00 }\n"
    "    coalition \"schwerte,froendenberg\" { amount = 66000.00 } }\n"
    "  member schwerte { from = 2026-07-01  to = 2026-12-31\n"
    "    minimum = 1.00 }\n"
    "  minimum = 2500.00  maximum = 10000.00  per = year  tie = rotate\n"
    "  usage-party = consumer\n"
    "  meter { access = 1000  entity = 10  kib = 1 } }\n"
    "test \"sieht nichts\" { as = froendenberg  purpose = hochwasserschutz\n"
    "  at = \"2026-07-01T12:00:00Z\"  request = \"type=FloodMonitoring\"\n"
    "  entity = '{\"id\": \"urn:x:1\", \"type\": \"FloodMonitoring\"}'\n"
    "  expect = \"[]\"  absent = {refDevice} }\n";

static const char region_context[] =
    "{\"@context\": [\"https://ctx.example/water.jsonld\"]}";
static const char water_context[] = "{\"@context\": {"
				    "\"FloodMonitoring\": \"https://ex/Flood\","
				    "\"accuracy\": \"https://ex/accuracy\","
				    "\"alertLevel\": \"https://ex/alert\","
				    "\"currentLevel\": \"https://ex/current\","
				    "\"dateObserved\": \"https://ex/date\","
				    "\"measuredDistance\": \"https://ex/dist\","
				    "\"refDevice\": \"https://ex/device\"}}";
static const char square[] =
    "{\"type\":\"Polygon\",\"coordinates\":"
    "[[[7.4,51.4],[7.6,51.4],[7.6,51.5],[7.4,51.5],[7.4,51.4]]]}";


void
add_file(struct parsed *p, const char *path, struct str bytes)
{
	assert_true(p->nfiles < FILES_MAX);
	p->files[p->nfiles++] = (struct region_file){ str_of(path), bytes };
}

void
parsed_init(struct parsed *p)
{
	memset(p, 0, sizeof(*p));
	p->arena = arena_new();
	add_file(p, "region.jsonld", str_of(region_context));
	add_file(p, "water.jsonld", str_of(water_context));
	add_file(p, "areas/stadt.geojson", str_of(square));
	add_file(p, "keys.json", STR("{\"keys\":[]}"));
}

void
parsed_run(struct parsed *p)
{
	p->err = region_parse(p->files, p->nfiles, &p->region, p->arena,
	    &p->messages, &p->nmessages);
	assert_int_equal(p->err == HUB_OK, p->region != NULL);
}

void
parsed_clear(struct parsed *p)
{
	region_free(p->region);
	arena_free(p->arena);
}

const struct region_message *
find_message(const struct parsed *p, const char *text)
{
	unsigned i;

	for (i = 0; i < p->nmessages; i++)
		if (strstr(p->messages[i].text.p, text) != NULL)
			return (&p->messages[i]);
	return (NULL);
}

void
print_messages(const struct parsed *p)
{
	unsigned i;

	for (i = 0; i < p->nmessages; i++)
		print_message("%.*s:%u:%u: %s%s\n",
		    STR_FMT(p->messages[i].file), p->messages[i].line,
		    p->messages[i].column,
		    p->messages[i].warning ? "warning: " : "",
		    p->messages[i].text.p);
}

/* The base with the first occurrence of find replaced. */
static char *
edited(const char *find, const char *replace)
{
	const char *at = strstr(base_region, find);
	size_t before, size = sizeof(base_region) + strlen(replace);
	char *text = xcalloc(1, size);

	if (at == NULL)
		fail_msg("the base region has no \"%s\"", find);
	else {
		before = (size_t)(at - base_region);
		(void)snprintf(text, size, "%.*s%s%s", (int)before, base_region,
		    replace, at + strlen(find));
	}
	return (text);
}

void
parse_edited(struct parsed *p, const char *find, const char *replace)
{
	char *text = edited(find, replace);

	parsed_init(p);
	add_file(p, "demo.hub", arena_str(p->arena, str_of(text)));
	free(text);
	parsed_run(p);
}

void
check_edits(const struct edit *edits, size_t n, bool warning)
{
	const struct region_message *m;
	struct parsed p;
	size_t i;

	for (i = 0; i < n; i++) {
		parse_edited(&p, edits[i].find, edits[i].replace);
		m = find_message(&p, edits[i].text);
		if (m == NULL || m->warning != warning ||
		    (p.err == HUB_OK) != warning) {
			print_message("%s -> %s\n", edits[i].find,
			    edits[i].replace);
			print_messages(&p);
			fail_msg("expected: %s", edits[i].text);
		}
		parsed_clear(&p);
	}
}

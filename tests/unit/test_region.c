/* tests/unit/test_region.c - the language of region files: what parses, what
 * is refused, and what the complaint says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "policies/region.h"

#define FILES_MAX 12

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

struct parsed {
	struct region_file files[FILES_MAX];
	unsigned nfiles;
	struct arena *arena;
	enum hub_err err;
	struct region *region;
	struct region_message *messages;
	unsigned nmessages;
};

static void
add_file(struct parsed *p, const char *path, struct str bytes)
{
	assert_true(p->nfiles < FILES_MAX);
	p->files[p->nfiles++] = (struct region_file){ str_of(path), bytes };
}

static void
parsed_init(struct parsed *p)
{
	memset(p, 0, sizeof(*p));
	p->arena = arena_new();
	add_file(p, "region.jsonld", str_of(region_context));
	add_file(p, "water.jsonld", str_of(water_context));
	add_file(p, "areas/stadt.geojson", str_of(square));
	add_file(p, "keys.json", STR("{\"keys\":[]}"));
}

static void
parsed_run(struct parsed *p)
{
	p->err = region_parse(p->files, p->nfiles, &p->region, p->arena,
	    &p->messages, &p->nmessages);
	assert_int_equal(p->err == HUB_OK, p->region != NULL);
}

static void
parsed_clear(struct parsed *p)
{
	region_free(p->region);
	arena_free(p->arena);
}

static const struct region_message *
find_message(const struct parsed *p, const char *text)
{
	unsigned i;

	for (i = 0; i < p->nmessages; i++)
		if (strstr(p->messages[i].text.p, text) != NULL)
			return (&p->messages[i]);
	return (NULL);
}

static void
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

static void
parse_edited(struct parsed *p, const char *find, const char *replace)
{
	char *text = edited(find, replace);

	parsed_init(p);
	add_file(p, "demo.hub", arena_str(p->arena, str_of(text)));
	free(text);
	parsed_run(p);
}

static void
reads_every_block_and_key(void **state)
{
	struct parsed p;

	(void)state;
	parse_edited(&p, "", "");
	if (p.err != HUB_OK)
		print_messages(&p);
	assert_int_equal(p.err, HUB_OK);
	assert_int_equal(p.region->tenants.ntenants, 3);
	assert_int_equal(p.region->tenants.nissuers, 1);
	assert_int_equal(p.region->nsources, 2);
	assert_int_equal(p.region->ndatasets, 1);
	assert_int_equal(p.region->npurposes, 1);
	assert_int_equal(p.region->nareas, 1);
	assert_int_equal(p.region->nagreements, 1);
	assert_true(p.region->nforbids >= 1);
	assert_int_equal(p.region->ntests, 1);
	assert_int_equal(p.region->nprices, 1);
	assert_int_equal(p.region->ncosts, 1);
	assert_int_equal(p.region->nmodels, 1);
	parsed_clear(&p);
}

#define ASSERT_STR(s, lit) assert_true(str_eq((s), STR(lit)))

static void
keeps_what_the_blocks_say(void **state)
{
	const struct region_agreement *ag;
	const struct region_dataset *ds;
	const struct region_source *src;
	const struct issuer *is;
	struct wall_us day;
	struct parsed p;

	(void)state;
	parse_edited(&p, "", "");
	assert_non_null(p.region);
	is = &p.region->tenants.issuers[0];
	ASSERT_STR(is->jwks_file, "{\"keys\":[]}");
	assert_int_equal(is->algorithms, ISSUER_RS256 | ISSUER_ES256);
	assert_int_equal(is->skew_s, 10);
	assert_int_equal(is->sender, SENDER_ANY);
	assert_int_equal(is->nmap, 3);
	ASSERT_STR(is->map[2].value, "Fröndenberg (Ruhr)");
	ASSERT_STR(is->map[2].tenant->name, "froendenberg");
	src = &p.region->sources[0];
	assert_true(src->https);
	ASSERT_STR(src->host, "api.schwerte.example");
	assert_int_equal(src->port, 443);
	ASSERT_STR(src->base, "/context/ngsi-ld/v1");
	assert_int_equal(src->timeout_ms, 1500);
	assert_int_equal(src->breaker_failures, 3);
	assert_int_equal(src->breaker_ms, 2000);
	ASSERT_STR(p.region->sources[1].base, "/v2");
	assert_int_equal(p.region->sources[1].timeout_ms, 2000);
	ds = &p.region->datasets[0];
	assert_int_equal(ds->operations,
	    OP_QUERY | OP_RETRIEVE | OP_QUERY_BATCH | OP_QUERY_TEMPORAL);
	ASSERT_STR(ds->types[0].type->iri, "https://ex/Flood");
	assert_int_equal(ds->types[0].nattributes, 6);
	ag = &p.region->agreements[0];
	assert_int_equal(ag->version, 3);
	assert_ptr_equal(ag->dataset, ds);
	assert_true(ag->signed_by_provider && ag->signed_by_consumer);
	assert_int_equal(ag->shares[0].history_us, 90 * WALL_DAY_US);
	assert_int_equal(ag->shares[0].nallow, 3);
	ASSERT_STR(ag->shares[0].allow[1].sub->iri, "https://ex/accuracy");
	assert_true(ag->shares[0].buffer_m == 2000.0);
	assert_true(ag->shares[0].keep_without_location);
	/* the last day ends at midnight in Berlin, 22:00 UTC in summer */
	assert_int_equal(wall_parse(STR("2026-05-31T22:00:00Z"), &day), HUB_OK);
	assert_int_equal(ag->from.us, day.us);
	assert_int_equal(wall_parse(STR("2027-05-31T22:00:00Z"), &day), HUB_OK);
	assert_int_equal(ag->until.us, day.us);
	parsed_clear(&p);
}

struct edit {
	const char *find, *replace;
	const char *text; /* part of the complaint */
};

static void
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
#define CHECK(edits, warning)                                                 \
	check_edits(edits, sizeof(edits) / sizeof((edits)[0]), warning)

static void
refuses_names_that_are_not_known(void **state)
{
	static const struct edit edits[] = {
		{ "allow =", "alow =", "unknown key 'alow' in share; nearest: "
				       "allow" },
		{ "tenant kreis-unna", "tenannt kreis-unna",
		    "unknown key 'tenannt' at the top of a file; nearest: "
		    "tenant" },
		{ "provider = schwerte", "provider = schwete",
		    "unknown tenant 'schwete'; nearest: schwerte" },
		{ "dataset = pegel  purpose", "dataset = pegl  purpose",
		    "unknown dataset 'pegl'; nearest: pegel" },
		{ "purpose = hochwasserschutz\n  actions",
		    "purpose = hochwasser\n  actions",
		    "unknown purpose 'hochwasser'" },
		{ "inside = {stadt}", "inside = {stad}",
		    "unknown area 'stad'" },
		{ "source = broker", "source = broken",
		    "unknown source 'broken'; nearest: broker" },
		{ "price = solidar-a", "price = solidar-b",
		    "unknown price 'solidar-b'; nearest: solidar-a" },
		{ "model = mit", "model = ohne", "unknown model 'ohne'" },
		{ "context = \"https://ctx.example/region",
		    "context = \"https://ctx.example/regio",
		    "unknown context" },
		{ "allow = {currentLevel,", "allow = {currentLevl,",
		    "dataset pegel has no attribute 'currentLevl'; nearest: "
		    "currentLevel" },
		{ "share FloodMonitoring", "share FloodMonitorin",
		    "dataset pegel has no type" },
		{ "geojson-file = \"areas/stadt", "geojson-file = \"areas/stad",
		    "no file \"areas/stad.geojson\" beside the region files" },
		{ "speaks-for = {schwerte,", "speaks-for = {schwert,",
		    "unknown tenant 'schwert'" },
		{ "authority = kreis-unna", "authority = schwerte",
		    "schwerte is no crisis authority" },
		{ "actions = {query,", "actions = {quory,",
		    "allowed: query, retrieve, temporal, subscribe; nearest: "
		    "query" },
		{ "coalition \"schwerte,", "coalition \"unna,",
		    "'unna' is not among members" },
	};

	(void)state;
	CHECK(edits, false);
}

static void
refuses_values_outside_what_is_allowed(void **state)
{
	static const struct edit edits[] = {
		{ "tenant schwerte", "tenant Schwerte", "bad name" },
		/* a Cyrillic letter that looks like the Latin one */
		{ "tenant schwerte", "tenant \"s\xd1\x81hwerte\"", "bad name" },
		{ "tenant schwerte", "tenant s", "bad name" },
		{ "\"05978028\"", "\"5978028\"", "eight digits" },
		{ "kind = municipality", "kind = village",
		    "allowed: municipality, district" },
		{ "crisis-authority = true", "crisis-authority = yes",
		    "true or false" },
		{ "status = active", "status = gone",
		    "allowed: active, suspended, closed" },
		{ "{RS256, ES256}", "{PS256}",
		    "PS256 is not verified by this version" },
		{ "{RS256, ES256}", "{EdDSA}",
		    "EdDSA is not verified by this version" },
		{ "{RS256, ES256}", "{HS256}", "bad value \"HS256\"" },
		{ "{RS256, ES256}", "{none}", "bad value \"none\"" },
		{ "{RS256, ES256}", "{}", "issuer needs algorithms" },
		{ "max-ttl = 1h", "max-ttl = 2h", "from 1min to 1h" },
		{ "sender = any", "sender = tls",
		    "allowed: none, mtls, dpop, any" },
		{ "skew = 10s", "skew = 61s", "from 0ms to 1min" },
		{ "timeout = 1500ms", "timeout = 49ms", "from 50ms to 1min" },
		{ "timeout = 1500ms", "timeout = 61s", "from 50ms to 1min" },
		{ "timeout = 1500ms", "timeout = 1500", "a duration" },
		{ "page = 50", "page = 1001", "from 1 to 1000" },
		{ "page = 50", "page = 0", "from 1 to 1000" },
		{ "breaker = \"3/2s\"", "breaker = \"0/2s\"", "breaker" },
		{ "https://api.schwerte.example/", "ftp://api.x/", "endpoint" },
		{ "https://api.schwerte.example/", "https://u:p@x/",
		    "endpoint" },
		{ "https://api.schwerte.example/", "https://x/../",
		    "endpoint" },
		{ "https://api.schwerte.example/", "https://x:0/",
		    "endpoint" },
		{ "https://api.schwerte.example/", "http://127.0.0.1.evil/",
		    "plain = true" },
		{ "client-key = k.pem", "", "go together" },
		{ "personal-data = none", "personal-data = direct",
		    "needs dpia" },
		{ "licence = dl-de-by-2-0", "licence = mine", "dl-de-by-2-0" },
		{ "publish = listed", "publish = all",
		    "allowed: hidden, listed, open" },
		{ "{federationOps,", "{fedOps,", "federationOps" },
		{ "mode = inclusive", "mode = both", "auxiliary" },
		{ "priority = 10", "priority = -1", "from 0" },
		{ "{\"urn:ngsi-ld:FloodMonitoring:*\"}", "{\"*\"}", "ids" },
		{ "{\"urn:ngsi-ld:FloodMonitoring:*\"}", "{}", "needs ids" },
		{ "\"2026-06-01..2027-05-31\"", "\"2026-02-31..2027-05-31\"",
		    "both included" },
		{ "\"2026-06-01..2027-05-31\"", "\"2026-06-01..2026-05-31\"",
		    "ends before it begins" },
		{ "\"2026-06-01..2027-05-31\"", "\"2026-06-01..\"",
		    "both included" },
		{ "quota = \"600/h burst 60\"", "quota = \"600\"", "600/h" },
		{ "buffer = 2km", "buffer = 2", "a distance" },
		{ "buffer = 2km", "buffer = -2km", "a distance" },
		{ "history = 90d", "history = 0d", "shares nothing" },
		{ "delay = 15min", "delay = 91d", "beyond history" },
		{ "inside = {stadt}", "inside = {}", "empty list of areas" },
		{ "max = 72h", "max = 73h", "to 3d" },
		{ "to = 0.05", "to = 0.0", "positive decimal" },
		{ "amount = 55000.00", "amount = 55000.001", "an amount" },
		{ "amount = 55000.00", "amount = 1e5", "an amount" },
		{ "from = 2026-01-01", "from = 2026-02-30", "calendar" },
		{ "basis-points = 2000", "basis-points = 2001",
		    "must be 10000, not 10001" },
		{ "maximum = 10000.00", "maximum = 1.00", "below minimum" },
		{ "key-date = 2018-12-31", "key-date = 2019-12-31",
		    "has no population of 2019-12-31" },
		{ "key = equal", "key = fixed", "needs member blocks" },
		{ "key = fixed", "key = equal", "do not belong" },
		{ "may-register = {\"https://*.schwerte.example\"}",
		    "may-register = {\"http://x.example\"}", "may-register" },
		{ "name = \"Stadt Schwerte\"", "name = \"Stadt\nSchwerte\"",
		    "one line" },
		{ "entity = '{\"id\"", "entity = '{id", "no JSON entity" },
		{ "\"2026-07-01T12:00:00Z\"", "\"2026-07-01\"", "a time" },
	};

	(void)state;
	CHECK(edits, false);
}

static void
refuses_exclusive_datasets_of_more_than_single_entities(void **state)
{
	static const struct edit edits[] = {
		{ "mode = inclusive", "mode = exclusive",
		    "mode exclusive is for single entities: "
		    "\"urn:ngsi-ld:FloodMonitoring:*\" is a pattern" },
		{ "\"urn:ngsi-ld:FloodMonitoring:*\"}  personal-data = none\n"
		  "  mode = inclusive",
		    "\"urn:x:1\", \"urn:x:2\"}  mode = exclusive\n"
		    "  type Gate { }", "needs the attributes of type Gate" },
		{ "dataset pegel {",
		    "dataset a-first { source = broker  mode = exclusive\n"
		    "  ids = {\"urn:x:2\"}  type T { attributes = {refDevice}"
		    " } }\n"
		    "dataset b-second { source = broker  mode = exclusive\n"
		    "  ids = {\"urn:x:1\", \"urn:x:2\"}\n"
		    "  type U { attributes = {location, refDevice} } }\n"
		    "dataset pegel {", "dataset a-first has attribute <" },
		{ "kind = ngsi-ld  timeout", "dialect = sirius  timeout",
		    "bad value \"sirius\" of dialect" },
	};

	(void)state;
	check_edits(edits, sizeof(edits) / sizeof(edits[0]), false);
}

static void
refuses_agreements_that_do_not_hold_together(void **state)
{
	static const struct edit edits[] = {
		/* policy.md A2: nobody shares what is someone else's */
		{ "provider = schwerte", "provider = kreis-unna",
		    "dataset pegel belongs to schwerte: kreis-unna cannot "
		    "share it" },
		{ "consumer = froendenberg  dataset",
		    "consumer = schwerte  dataset", "are the same" },
		{ "\"froendenberg:stab\"", "\"kreis-unna:stab\"",
		    "neither provider nor consumer" },
		{ "\"froendenberg:stab\"", "\"froendenberg\"",
		    "TENANT:PERSON" },
		{ "allow = {currentLevel,", "allow = {currentLevel, "
					    "currentLevel,",
		    "is there twice" },
		{ "allow = {currentLevel,", "allow = {", "allow it as well" },
		{ "filterable = {currentLevel}", "filterable = {alertLevel}",
		    "filterable but not allowed" },
		{ "\"currentLevel.accuracy\"", "\"currentLevel.accuracy.x\"",
		    "one level" },
		{ "constant refDevice { value = x }",
		    "bucket measuredDistance { by = 5 }",
		    "a second transform" },
		{ "version = 3", "", "agreement pegel-fb needs version" },
		{ "map \"Fröndenberg (Ruhr)\"", "map schwerte",
		    "is mapped twice" },
		{ "speaks-for =", "jwks = \"https://x/y\"  speaks-for =",
		    "one of jwks" },
		{ "jwks-file = \"keys.json\"", "jwks = \"http://x/y\"",
		    "by https" },
	};

	(void)state;
	CHECK(edits, false);
}

static void
refuses_what_libconfuse_would_accept(void **state)
{
	static const struct edit edits[] = {
		{ "ags = 05978000", "ags = \"${HOME}\"", "environment" },
		{ "ags = 05978000", "# ${HOME}\n", "environment" },
		{ "absent = {refDevice} }", "absent = {refDevice}",
		    "ends inside this block" },
		{ "tenant schwerte {", "/* tenant schwerte {",
		    "ends inside a comment" },
		{ "audience = regional-hub", "audience = a audience = b",
		    "audience is there twice" },
		{ "tier 0 {", "tier 20000 {", "tier 20000 is there twice" },
		{ "  oauth {", "  oauth { } oauth {",
		    "oauth is there twice" },
		{ "tenant kreis-unna", "tenant schwerte",
		    "is there twice: also at demo.hub:1" },
		{ "kind = district", "kind += district", "quotes" },
		{ "legal-basis = BHKG", "legal-basis = BHKG/ÖRV",
		    "put quotes" },
		{ "legal-basis = BHKG", "legal-basis = \"\\101\"", "escapes" },
		{ "legal-basis = BHKG", "legal-basis = {BHKG}",
		    "= value is expected" },
		{ "actions = {query,", "actions = query document = {",
		    "= {a, b} is expected" },
		{ "purpose hochwasserschutz {", "purpose {",
		    "needs a title" },
		{ "oauth {", "oauth x {", "takes no title" },
		{ "legal-basis = BHKG", "legal-basis = \"\x01\"", "control" },
		{ "legal-basis = BHKG", "legal-basis = \"\xc3\x28\"",
		    "not UTF-8" },
	};

	(void)state;
	CHECK(edits, false);
}

static void
takes_addresses_of_this_machine_without_tls(void **state)
{
	static const char *const edits[][2] = {
		{ "jwks-file = \"keys.json\"",
		    "jwks = \"http://[::1]:80/k\"" },
		{ "\"https://api.schwerte.example/context/ngsi-ld/v1\"",
		    "\"http://[::1]:1026/ngsi-ld\"" },
	};
	struct parsed p;

	(void)state;
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		parse_edited(&p, edits[i][0], edits[i][1]);
		if (p.err != HUB_OK) {
			print_messages(&p);
			fail_msg("%s", edits[i][1]);
		}
		parsed_clear(&p);
	}
}

static void
warns_of_what_does_less_than_it_seems(void **state)
{
	static const struct edit edits[] = {
		{ "pseudonym dateObserved { }",
		    "trunc-time dateObserved { to = 1h }",
		    "tell the time more exactly" },
		{ "history = 365d", "history = 90d",
		    "crisis flood: history widens nothing" },
		{ "quota = \"6000/h\"", "quota = \"600/h\"",
		    "crisis flood: quota widens nothing" },
		{ "quota = \"600/h burst 60\"", "",
		    "crisis flood: quota widens nothing" },
		{ "grid alertLevel", "grid location", "and allow wins" },
		{ ", \"froendenberg:stab\"", "",
		    "is a draft and shares nothing: the signature of "
		    "froendenberg is missing" },
		{ "location, dateObserved, refDevice} }",
		    "location, dateObserved, refDevice, tippfehler} }",
		    "'tippfehler' is not a term of" },
		{ "attribution = \"Stadt\"", "", "asks for an attribution" },
		{ "attribute = refDevice", "attribute = nirgends",
		    "is a term of no context" },
	};

	(void)state;
	CHECK(edits, true);
}

#define V2_SOURCE "bearer-file = token }"
#define V2_DATA(keys)                                                         \
	V2_SOURCE "\ndataset vd { source = v2  ids = {\"urn:x:*\"}  " keys          \
		  "\n type T { } }"

static void
checks_what_is_of_ngsi_v2(void **state)
{
	static const struct edit bad[] = {
		{ "kind = ngsi-v2", "kind = ngsi-v2 dialect = stellio",
		    "dialect is for kind = ngsi-ld" },
		{ "upstream-tenant = pegel", "service-path = \"/a\"",
		    "source with kind = ngsi-v2" },
		{ V2_SOURCE, V2_DATA("upstream-tenant = Pegel"),
		    "lower case letters" },
		{ V2_SOURCE, V2_DATA("upstream-tenant = \"a-b\""),
		    "lower case letters" },
		{ V2_SOURCE, V2_DATA("upstream-tenant = "
		    "a23456789012345678901234567890123456789012345678901"),
		    "50 at most" },
		{ V2_SOURCE, V2_DATA("service-path = \"a\""), "\"/a/b\"" },
		{ V2_SOURCE, V2_DATA("service-path = \"/a/\""), "\"/a/b\"" },
		{ V2_SOURCE, V2_DATA("service-path = \"/a//b\""), "\"/a/b\"" },
		{ V2_SOURCE, V2_DATA("service-path = \"/a,\""), "\"/a/b\"" },
		{ V2_SOURCE, V2_DATA("service-path = \"/#/a\""), "\"/a/b\"" },
		{ V2_SOURCE, V2_DATA("service-path = \"/a-b\""), "\"/a/b\"" },
		{ V2_SOURCE, V2_DATA("service-path = \"/a, /b\""), "\"/a/b\"" },
		{ V2_SOURCE, V2_DATA("service-path = \"/1/2/3/4/5/6/7/8/9/10/"
				     "11\""), "10 levels" },
		{ V2_SOURCE, V2_DATA("service-path = \"/a,/a,/a,/a,/a,/a,/a,"
				     "/a,/a,/a,/a\""), "up to 10 paths" },
	};
	static const struct edit odd[] = {
		{ V2_SOURCE, V2_DATA("operations = {queryTemporal}"),
		    "has no history" },
		{ V2_SOURCE, V2_DATA("local-only = true"), "local-only" },
	};
	static const char *const good[][2] = { { V2_DATA(""), "/#" },
		{ V2_DATA("service-path = \"/\""), "/" },
		{ V2_DATA("service-path = \"/#\""), "/#" },
		{ V2_DATA("service-path = \"/A_1/b,/c/#\""), "/A_1/b,/c/#" },
		{ V2_DATA("upstream-tenant = a_1  service-path = \"/1/2/3/4/5"
			  "/6/7/8/9/10\""), "/1/2/3/4/5/6/7/8/9/10" } };
	struct parsed p;

	(void)state;
	CHECK(bad, false);
	CHECK(odd, true);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		parse_edited(&p, V2_SOURCE, good[i][0]);
		assert_int_equal(p.err, HUB_OK);
		assert_int_equal(p.region->ndatasets, 2);
		assert_true(str_eq(p.region->datasets[0].service_path,
		    str_of(good[i][1])));
		assert_int_equal(p.region->sources[1].page, 1000);
		parsed_clear(&p);
	}
}

static void
names_line_and_column_in_characters(void **state)
{
	const struct region_message *m;
	struct parsed p;

	(void)state;
	parse_edited(&p, "version = 3", "vorsion = 3");
	m = find_message(&p, "unknown key 'vorsion' in agreement");
	assert_non_null(m);
	ASSERT_STR(m->file, "demo.hub");
	assert_int_equal(m->line, 37);
	assert_int_equal(m->column, 22);
	parsed_clear(&p);

	parsed_init(&p);
	add_file(&p, "a.hub", STR("purpose ab { title = \"Öl\" x = 1 }"));
	parsed_run(&p);
	m = find_message(&p, "unknown key 'x'");
	assert_non_null(m);
	assert_int_equal(m->line, 1);
	assert_int_equal(m->column, 27);
	parsed_clear(&p);
}

static void
reads_one_region_from_files_in_any_order(void **state)
{
	struct parsed p;

	(void)state;
	parsed_init(&p);
	add_file(&p, "z.hub", STR("include (\"a.hub\")\n"
				  "tenant owner { name = O kind = city }"));
	add_file(&p, "a.hub",
	    STR("source s1 { owner = owner endpoint = \"https://x\" }"));
	parsed_run(&p);
	assert_int_equal(p.err, HUB_OK);
	assert_ptr_equal(p.region->sources[0].owner,
	    &p.region->tenants.tenants[0]);
	ASSERT_STR(p.region->sources[0].base, "/ngsi-ld/v1");
	parsed_clear(&p);
}

static void
names_both_places_of_a_duplicate(void **state)
{
	const struct region_message *m;
	struct parsed p;

	(void)state;
	parsed_init(&p);
	add_file(&p, "a.hub", STR("\ntenant owner { name = O kind = city }"));
	add_file(&p, "b.hub", STR("tenant owner { name = O kind = city }"));
	parsed_run(&p);
	m = find_message(&p, "also at a.hub:2");
	assert_non_null(m);
	ASSERT_STR(m->file, "b.hub");
	parsed_clear(&p);
}

static void
refuses_contexts_in_a_circle(void **state)
{
	struct parsed p;

	(void)state;
	parsed_init(&p);
	add_file(&p, "one.jsonld", STR("{\"@context\": \"https://c/two\"}"));
	add_file(&p, "two.jsonld", STR("{\"@context\": \"https://c/one\"}"));
	add_file(&p, "a.hub",
	    STR("context \"https://c/one\" { file = one.jsonld }\n"
		"context \"https://c/two\" { file = two.jsonld }"));
	parsed_run(&p);
	assert_int_not_equal(p.err, HUB_OK);
	assert_non_null(find_message(&p, "in a circle"));
	parsed_clear(&p);
}

static void
takes_the_four_spellings_of_an_endpoint(void **state)
{
	static const struct {
		const char *path, *base;
	} cases[] = {
		{ "", "/ngsi-ld/v1" },
		{ "/", "/ngsi-ld/v1" },
		{ "/ngsi-ld", "/ngsi-ld/v1" },
		{ "/ngsi-ld/v1/", "/ngsi-ld/v1" },
		{ "/context/ngsi-ld/", "/context/ngsi-ld/v1" },
		{ "/context", "/context/ngsi-ld/v1" },
	};
	char text[256];
	struct parsed p;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)snprintf(text, sizeof(text),
		    "tenant owner { name = O kind = city }\nsource s1 { owner "
		    "= owner endpoint = \"https://h:8443%s\" }",
		    cases[i].path);
		parsed_init(&p);
		add_file(&p, "a.hub", str_of(text));
		parsed_run(&p);
		assert_int_equal(p.err, HUB_OK);
		assert_true(
		    str_eq(p.region->sources[0].base, str_of(cases[i].base)));
		assert_int_equal(p.region->sources[0].port, 8443);
		parsed_clear(&p);
	}
}

static void
forbids_what_any_context_means_by_a_name(void **state)
{
	bool plain = false, water = false;
	struct parsed p;
	unsigned i;

	(void)state;
	parse_edited(&p, "type = FloodMonitoring  attribute",
	    "attribute");
	assert_int_equal(p.err, HUB_OK);
	for (i = 0; i < p.region->nforbids; i++) {
		const struct region_forbid *f = &p.region->forbids[i];

		assert_null(f->type);
		water |= str_eq(f->attribute->iri, STR("https://ex/device"));
		plain |= str_eq(f->attribute->iri,
		    STR(NGSILD_DEFAULT "refDevice"));
	}
	assert_true(plain && water);
	parsed_clear(&p);
}

static void
refuses_more_than_it_can_hold(void **state)
{
	struct region_message *m;
	struct region *region;
	struct arena *arena = arena_new();
	struct buf b;
	struct region_file file = { STR("a.hub"), STR_NONE };
	unsigned i, n;

	(void)state;
	buf_init(&b, 8 << 20);
	for (i = 0; i < 20001; i++)
		buf_addf(&b, "purpose p%u { title = x }\n", i);
	file.bytes = buf_str(&b);
	assert_int_not_equal(region_parse(&file, 1, &region, arena, &m, &n),
	    HUB_OK);
	assert_non_null(strstr(m[0].text.p, "too many blocks"));
	buf_reset(&b);
	for (i = 0; i < 17; i++)
		buf_addf(&b, "tenant a { ");
	for (i = 0; i < 17; i++)
		buf_addf(&b, "} ");
	file.bytes = buf_str(&b);
	assert_int_not_equal(region_parse(&file, 1, &region, arena, &m, &n),
	    HUB_OK);
	assert_non_null(strstr(m[0].text.p, "nested too deeply"));
	while (!b.failed && b.len <= 4 << 20)
		buf_addf(&b, "%1000s", "\n");
	file.bytes = buf_str(&b);
	assert_int_not_equal(region_parse(&file, 1, &region, arena, &m, &n),
	    HUB_OK);
	assert_non_null(strstr(m[0].text.p, "over 4 MiB"));
	file.bytes = (struct str){ "tenant\0", 7 };
	assert_int_not_equal(region_parse(&file, 1, &region, arena, &m, &n),
	    HUB_OK);
	assert_non_null(strstr(m[0].text.p, "NUL"));
	buf_clear(&b);
	arena_free(arena);
}

static void
hashes_the_files_and_not_their_order(void **state)
{
	struct region_file a[] = { { STR("a"), STR("bc") },
		{ STR("d"), STR("") } };
	struct region_file b[] = { { STR("d"), STR("") },
		{ STR("a"), STR("bc") } };
	struct region_file c[] = { { STR("ab"), STR("c") },
		{ STR("d"), STR("") } };
	unsigned char ha[32], hb[32], hc[32];

	(void)state;
	region_hash(a, 2, ha);
	region_hash(b, 2, hb);
	region_hash(c, 2, hc);
	assert_memory_equal(ha, hb, 32);
	assert_memory_not_equal(ha, hc, 32);
}

/* ---- files on the disk */

static void
write_file(const char *folder, const char *name, const char *text)
{
	char path[512];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void
remove_file(const char *folder, const char *name)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(unlink(path), 0);
}

static enum hub_err
load(const char *folder, const char *name, struct arena *arena,
    struct region_file **files_r, unsigned *n_r, struct buf *why)
{
	char path[512];
	const char *paths[] = { path };

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return (region_load(paths, 1, arena, files_r, n_r, why));
}

static void
loads_what_files_include_and_refer_to(void **state)
{
	char folder[] = "/tmp/hub-region-XXXXXX";
	struct arena *arena = arena_new();
	struct region_file *files;
	struct buf why;
	unsigned n;

	(void)state;
	buf_init(&why, 4096);
	assert_non_null(mkdtemp(folder));
	write_file(folder, "a.hub", "include (\"b.hub\")\n");
	write_file(folder, "b.hub", "area xx { geojson-file = g.json }\n"
				    "area yy { geojson-file = missing }\n"
				    "source s { bearer-file = secret }\n");
	write_file(folder, "g.json", "{}");
	write_file(folder, "secret", "s3cret");
	assert_int_equal(load(folder, "a.hub", arena, &files, &n, &why),
	    HUB_OK);
	assert_int_equal(n, 3);
	ASSERT_STR(files[1].path, "b.hub");
	ASSERT_STR(files[2].path, "g.json");
	assert_int_equal(load(folder, ".", arena, &files, &n, &why), HUB_OK);
	assert_int_equal(n, 3);
	assert_int_equal(load(folder, "none.hub", arena, &files, &n, &why),
	    HUB_ENOENT);
	assert_int_equal(load(folder, "g.json", arena, &files, &n, &why),
	    HUB_ERANGE);

	write_file(folder, "a.hub", "include (\"../b.hub\")\n");
	assert_int_equal(load(folder, "a.hub", arena, &files, &n, &why),
	    HUB_ERANGE);
	write_file(folder, "a.hub", "include (\"/etc/passwd\")\n");
	assert_int_equal(load(folder, "a.hub", arena, &files, &n, &why),
	    HUB_ERANGE);
	remove_file(folder, "g.json");
	assert_int_equal(chdir(folder), 0);
	assert_int_equal(symlink("/etc/passwd", "g.json"), 0);
	assert_int_equal(load(folder, "b.hub", arena, &files, &n, &why),
	    HUB_ERANGE);
	remove_file(folder, "a.hub");
	remove_file(folder, "b.hub");
	remove_file(folder, "g.json");
	remove_file(folder, "secret");
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(rmdir(folder), 0);
	buf_clear(&why);
	arena_free(arena);
}

static void
accepts_the_example_region(void **state)
{
	const char *src = getenv("HUB_SRCDIR");
	struct arena *arena = arena_new();
	struct parsed p = { .arena = arena };
	struct region_file *files;
	struct buf why;

	(void)state;
	if (src == NULL) {
		arena_free(arena);
		skip();
	}
	buf_init(&why, 4096);
	assert_int_equal(load(src, "policies/examples", arena, &files,
			     &p.nfiles, &why),
	    HUB_OK);
	p.err = region_parse(files, p.nfiles, &p.region, arena, &p.messages,
	    &p.nmessages);
	print_messages(&p);
	assert_int_equal(p.err, HUB_OK);
	assert_int_equal(p.region->ntests, 1);
	buf_clear(&why);
	parsed_clear(&p);
}

/* ---- costs and models */

static void
keeps_what_a_model_says(void **state)
{
	const struct region_component *c;
	const struct region_model *m;
	struct parsed p;

	(void)state;
	parse_edited(&p, "", "");
	assert_int_equal(p.err, HUB_OK);
	assert_int_equal(p.region->costs[0].amount.cents, 5500000);
	m = p.region->costs[0].model;
	assert_ptr_equal(m, &p.region->models[0]);
	assert_int_equal(m->nmembers, 2);
	/* In order of AGS, not of the file. */
	ASSERT_STR(m->members[0].tenant->name, "froendenberg");
	assert_int_equal(m->members[0].minimum.cents, 250000);
	assert_int_equal(m->members[0].maximum.cents, 1000000);
	assert_int_equal(m->members[0].from.us, INT64_MIN);
	assert_int_equal(m->members[1].minimum.cents, 100);
	assert_int_equal(m->members[1].maximum.cents, 1000000);
	assert_true(m->bounded);
	c = m->components;
	assert_int_equal(c[1].inhabitants[0], 20766);
	assert_int_equal(c[1].inhabitants[1], 46340);
	/* on-zero = population and stepdown take the only key date there is */
	assert_int_equal(c[2].inhabitants[1], 46340);
	assert_int_equal(c[5].inhabitants[1], 46340);
	assert_null(c[0].inhabitants);
	assert_int_equal(c[3].given[0], 0);
	assert_int_equal(c[3].given[1], 275000);
	assert_int_equal(c[4].given[1], 3);
	assert_int_equal(c[5].tiers[0].up_to, 20000);
	assert_int_equal(c[5].tiers[1].up_to, 0);
	assert_int_equal(c[5].tiers[1].weight, 60);
	assert_int_equal(c[6].ncoalitions, 3);
	assert_int_equal(c[6].coalitions[2].members, 3);
	parsed_clear(&p);
}

static void
T16_refuses_models_that_do_not_hold_together(void **state)
{
	static const struct edit edits[] = {
		{ "basis-points = 2000  key = equal", "basis-points = 1999  "
		    "key = equal", "must be 10000, not 9999" },
		{ "key = equal", "key = equel",
		    "bad value \"equel\" of key; allowed: equal, population, "
		    "usage, previous-year-usage, fixed, weights, stepdown, "
		    "shapley; nearest: equal" },
		{ "members = {schwerte, froendenberg}",
		    "members = {schwerte, froendenberg, schwerte}",
		    "'schwerte' is there twice" },
		{ "component sockel", "component Sockel", "bad name" },
		/* Two versions of a model are never in force at once. */
		{ "model mit {", "model mit { version = 1 members = {schwerte} "
		    "component sockel { basis-points = 10000 key = equal } }\n"
		    "model mit {", "model mit is there twice" },
		{ "ags = \"05978012\"", "", "'froendenberg' has no ags" },
		{ "ags = \"05978012\"", "ags = \"05978028\"",
		    "'froendenberg' and 'schwerte' have the same ags" },
		{ "    key-date = 2018-12-31 }\n", "    }\n",
		    "component kopf needs key-date" },
		{ "    key-date = 2018-12-31 }\n",
		    "    key-date = 2017-12-31 }\n",
		    "tenant froendenberg has no population of 2017-12-31" },
		{ "amount = 2750.00", "amount = 2750.01",
		    "component fest of model mit is fixed at 2750.01, which "
		    "is not 500 basis points of this amount" },
		{ "tier 0 {", "tier 30000 {", "needs tier 0" },
		{ "tier 0 {", "tier 020000 {", "one tier is there twice" },
		{ "weight = 60", "weight = 101",
		    "is above that of the one before" },
		{ "tier 20000 {", "tier viele {", "is a number of inhabitants" },
		{ "coalition schwerte {", "coalition "
		    "\"froendenberg, schwerte\" {",
		    "this coalition is there twice" },
		{ "coalition schwerte {", "coalition \"schwerte,schwerte\" {",
		    "'schwerte' is there twice" },
		{ "    coalition schwerte { amount = 55000.00 }\n", "",
		    "coalition schwerte is missing" },
		{ "member schwerte { weight = 3 }", "member kreis-unna "
		    "{ weight = 3 }", "'kreis-unna' is not among members" },
		{ "minimum = 1.00", "minimum = 10000.01",
		    "maximum is below minimum" },
		{ "to = 2026-12-31  model = mit", "to = 2126-12-31  model = "
		    "mit", "over a hundred years" },
	};

	(void)state;
	CHECK(edits, false);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_block_and_key),
		cmocka_unit_test(keeps_what_the_blocks_say),
		cmocka_unit_test(keeps_what_a_model_says),
		cmocka_unit_test(T16_refuses_models_that_do_not_hold_together),
		cmocka_unit_test(refuses_names_that_are_not_known),
		cmocka_unit_test(refuses_values_outside_what_is_allowed),
		cmocka_unit_test(
		    refuses_exclusive_datasets_of_more_than_single_entities),
		cmocka_unit_test(refuses_agreements_that_do_not_hold_together),
		cmocka_unit_test(refuses_what_libconfuse_would_accept),
		cmocka_unit_test(takes_addresses_of_this_machine_without_tls),
		cmocka_unit_test(warns_of_what_does_less_than_it_seems),
		cmocka_unit_test(checks_what_is_of_ngsi_v2),
		cmocka_unit_test(names_line_and_column_in_characters),
		cmocka_unit_test(reads_one_region_from_files_in_any_order),
		cmocka_unit_test(names_both_places_of_a_duplicate),
		cmocka_unit_test(refuses_contexts_in_a_circle),
		cmocka_unit_test(takes_the_four_spellings_of_an_endpoint),
		cmocka_unit_test(forbids_what_any_context_means_by_a_name),
		cmocka_unit_test(refuses_more_than_it_can_hold),
		cmocka_unit_test(hashes_the_files_and_not_their_order),
		cmocka_unit_test(loads_what_files_include_and_refer_to),
		cmocka_unit_test(accepts_the_example_region),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

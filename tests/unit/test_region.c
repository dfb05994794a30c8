/* tests/unit/test_region.c - the language of region files: what parses, what
 * is refused, and what the complaint says. */
#include "tests/support/region_bench.h"

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
		{ "amount = 55000.00", "amount = 55000.00  correct-from = -1",
		    "an amount" },
		{ "amount = 55000.00", "amount = 55000.00  correct-from = \"\"",
		    "an amount" },
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_block_and_key),
		cmocka_unit_test(keeps_what_the_blocks_say),
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
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

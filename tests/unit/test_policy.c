/* tests/unit/test_policy.c - who may be asked for what: deny by default,
 * periods, signatures, forbids, and what a plan leaves out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "policies/policy.h"

#define TEXT_MAX 16384

/* Two providers and two consumers; the pieces in <> are put in by a test. */
static const char base_text[] =
    "tenant alpha { name = A  kind = city %1$s }\n"
    "tenant beta { name = B  kind = city }\n"
    "tenant gamma { name = C  kind = municipality %2$s }\n"
    "tenant delta { name = D  kind = municipality }\n"
    "source sa { owner = alpha  endpoint = \"https://a\" }\n"
    "source sb { owner = beta  endpoint = \"https://b\" }\n"
    "dataset zz-first { source = sa  ids = {\"urn:a:*\"}\n"
    "  type T { attributes = {x, y, z} } type U { } }\n"
    "dataset second { source = sb  ids = {\"urn:b:*\", \"urn:c:*\"}\n"
    "  operations = {retrieveOps, queryTemporal} type T { } }\n"
    "dataset own { source = sb  ids = {\"urn:own:*\"} type V { } }\n"
    "purpose p1 { title = P }  purpose p2 { title = Q }\n"
    "agreement one { version = 1  provider = alpha  consumer = gamma\n"
    "  dataset = zz-first  purpose = p1  actions = {query}\n"
    "  valid = \"2026-01-01..2026-06-30\"  signed-by = {%3$s}\n"
    "  share T { allow = {x, \"x.q\", y}  system = {modifiedAt}\n"
    "    round z { to = 1 } } }\n"
    "agreement two { version = 1  provider = alpha  consumer = gamma\n"
    "  dataset = zz-first  purpose = p1  actions = {query, retrieve}\n"
    "  valid = \"2026-06-01..2026-12-31\"\n"
    "  signed-by = {\"alpha:m\", \"gamma:n\"}\n"
    "  share U { allow = {x} } }\n"
    "agreement three { version = 1  provider = beta  consumer = gamma\n"
    "  dataset = second  purpose = p1  actions = {query, temporal}\n"
    "  valid = \"2026-01-01..2026-12-31\"\n"
    "  signed-by = {\"beta:m\", \"gamma:n\"}  share T { allow = {w} } }\n"
    "agreement four { version = 1  provider = alpha  consumer = beta\n"
    "  dataset = zz-first  purpose = p2  actions = {query}\n"
    "  valid = \"2026-01-01..2026-12-31\"\n"
    "  signed-by = {\"alpha:m\", \"beta:n\"}  share T { allow = {x} } }\n"
    "%4$s\n";

struct world {
	struct arena *arena;
	struct region *region;
	struct policy_set *set;
	struct policy_query q;
	const struct policy_leg *legs;
	unsigned n;
};

static void
world_init(struct world *w, const char *alpha, const char *gamma,
    const char *signed_by, const char *more)
{
	char *text = xcalloc(1, TEXT_MAX);
	struct region_file file = { STR("a.hub"), STR_NONE };
	struct region_message *m;
	unsigned i, n;

	memset(w, 0, sizeof(*w));
	w->arena = arena_new();
	(void)snprintf(text, TEXT_MAX, base_text, alpha, gamma, signed_by,
	    more);
	file.bytes = str_of(text);
	if (region_parse(&file, 1, &w->region, w->arena, &m, &n) != HUB_OK)
		for (i = 0; i < n; i++)
			print_message("%u:%u: %s\n", m[i].line, m[i].column,
			    m[i].text.p);
	free(text);
	assert_non_null(w->region);
	w->set = policy_compile(w->region);
}

static void
world_plain(struct world *w)
{
	world_init(w, "", "", "\"alpha:m\", \"gamma:n\"", "");
}

static void
world_clear(struct world *w)
{
	policy_free(w->set);
	region_free(w->region);
	arena_free(w->arena);
}

static const struct name *
term(struct world *w, const char *text)
{
	return (context_expand_build(vocab_core(w->region->vocab),
	    w->region->vocab, str_of(text)));
}

static void
ask(struct world *w, const char *consumer, const char *purpose,
    enum region_action action, const char *at)
{
	w->q.consumer = tenant_find(&w->region->tenants, str_of(consumer));
	assert_non_null(w->q.consumer);
	w->q.purpose = purpose != NULL
	    ? region_purpose_find(w->region, str_of(purpose))
	    : NULL;
	w->q.action = action;
	assert_int_equal(wall_parse(str_of(at), &w->q.at), HUB_OK);
	policy_plan(w->set, &w->q, w->arena, &w->legs, &w->n);
}

#define MAY  "2026-05-01T00:00:00Z"
#define JUNE "2026-06-15T00:00:00Z"
#define JULY "2026-07-15T00:00:00Z"

/* The plan as text: dataset:grants+forbids, "!" for the owner's own. */
static const char *
plan_text(struct world *w)
{
	struct buf b;
	unsigned i, k;
	const char *text;

	buf_init(&b, 4096);
	for (i = 0; i < w->n; i++) {
		buf_addf(&b, "%s%.*s%s", i > 0 ? " " : "",
		    STR_FMT(w->legs[i].dataset->name),
		    w->legs[i].own ? "!" : "");
		for (k = 0; k < w->legs[i].ngrants; k++)
			buf_addf(&b, ":%.*s",
			    STR_FMT(w->legs[i].grants[k]->agreement->name));
	}
	text = arena_str(w->arena, buf_str(&b)).p;
	buf_clear(&b);
	return (text != NULL ? text : "");
}

static void
plans_what_is_granted_and_nothing_else(void **state)
{
	static const struct {
		const char *consumer, *purpose;
		enum region_action action;
		const char *at, *plan;
	} cases[] = {
		{ "gamma", "p1", ACTION_QUERY, MAY,
		    "zz-first:one second:three" },
		{ "gamma", "p1", ACTION_QUERY, JUNE,
		    "zz-first:one:two second:three" },
		{ "gamma", "p1", ACTION_QUERY, JULY,
		    "zz-first:two second:three" },
		{ "gamma", "p1", ACTION_RETRIEVE, MAY, "" },
		{ "gamma", "p1", ACTION_RETRIEVE, JULY, "zz-first:two" },
		{ "gamma", "p1", ACTION_TEMPORAL, MAY, "second:three" },
		{ "gamma", "p1", ACTION_SUBSCRIBE, MAY, "" },
		/* deny by default: another purpose, no purpose, a stranger */
		{ "gamma", "p2", ACTION_QUERY, MAY, "" },
		{ "gamma", NULL, ACTION_QUERY, MAY, "" },
		{ "delta", "p1", ACTION_QUERY, MAY, "" },
		/* owners need no purpose and no agreement */
		{ "beta", NULL, ACTION_QUERY, MAY, "second! own!" },
		{ "beta", "p2", ACTION_QUERY, MAY,
		    "zz-first:four second! own!" },
		{ "beta", "p1", ACTION_QUERY, "2030-01-01T00:00:00Z",
		    "second! own!" },
		{ "alpha", NULL, ACTION_TEMPORAL, MAY, "" },
		/* days of Berlin, both included, to the microsecond */
		{ "gamma", "p1", ACTION_QUERY, "2025-12-31T22:59:59.999999Z",
		    "" },
		{ "gamma", "p1", ACTION_QUERY, "2025-12-31T23:00:00Z",
		    "zz-first:one second:three" },
		{ "gamma", "p1", ACTION_QUERY, "2026-12-31T22:59:59.999999Z",
		    "zz-first:two second:three" },
		{ "gamma", "p1", ACTION_QUERY, "2026-12-31T23:00:00Z", "" },
	};
	struct world w;
	size_t i;

	(void)state;
	world_plain(&w);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ask(&w, cases[i].consumer, cases[i].purpose, cases[i].action,
		    cases[i].at);
		assert_string_equal(plan_text(&w), cases[i].plan);
	}
	world_clear(&w);
}

static void
plans_only_datasets_with_a_granted_type(void **state)
{
	const struct name *types[2];
	struct world w;

	(void)state;
	world_plain(&w);
	types[0] = term(&w, "U");
	w.q.types = types;
	w.q.ntypes = 1;
	ask(&w, "gamma", "p1", ACTION_QUERY, MAY);
	assert_string_equal(plan_text(&w), ""); /* U comes in June */
	ask(&w, "gamma", "p1", ACTION_QUERY, JUNE);
	assert_string_equal(plan_text(&w), "zz-first:one:two");
	ask(&w, "beta", "p2", ACTION_QUERY, MAY);
	assert_string_equal(plan_text(&w), "");
	types[1] = term(&w, "V");
	w.q.ntypes = 2;
	ask(&w, "beta", "p2", ACTION_QUERY, MAY);
	assert_string_equal(plan_text(&w), "own!");
	world_clear(&w);
}

static void
plans_only_datasets_that_can_hold_the_ids(void **state)
{
	struct str ids[] = { STR("urn:x:1"), STR("urn:c:1") };
	struct world w;

	(void)state;
	world_plain(&w);
	w.q.ids = ids;
	w.q.nids = 1;
	ask(&w, "gamma", "p1", ACTION_QUERY, MAY);
	assert_string_equal(plan_text(&w), "");
	w.q.nids = 2;
	ask(&w, "gamma", "p1", ACTION_QUERY, MAY);
	assert_string_equal(plan_text(&w), "second:three");
	w.q.nids = 0;
	w.q.id = STR("urn:a:9");
	ask(&w, "gamma", "p1", ACTION_QUERY, MAY);
	assert_string_equal(plan_text(&w), "zz-first:one");
	w.q.id = STR("urn:b:9");
	ask(&w, "beta", NULL, ACTION_RETRIEVE, MAY);
	assert_string_equal(plan_text(&w), "second!");
	world_clear(&w);
}

static void
releases_allowed_attributes_and_nothing_else(void **state)
{
	const struct policy_share *share;
	const struct release *r;
	struct world w;

	(void)state;
	world_plain(&w);
	ask(&w, "gamma", "p1", ACTION_QUERY, MAY);
	share = &w.legs[0].grants[0]->shares[0];
	r = policy_attr(share, term(&w, "x"));
	assert_non_null(r);
	assert_false(r->all);
	assert_true(r->modified_at);
	assert_false(r->created_at);
	assert_int_equal(r->nsubs, 1);
	assert_ptr_equal(r->subs[0], term(&w, "q"));
	r = policy_attr(share, term(&w, "y"));
	assert_non_null(r);
	assert_int_equal(r->nsubs, 0);
	/* rounded */
	assert_non_null(policy_attr(share, term(&w, "z")));
	assert_null(policy_entry(share, term(&w, "x"))->transform);
	assert_int_equal(policy_entry(share, term(&w, "z"))->transform->kind,
	    TRANSFORM_ROUND);
	assert_true(policy_transforms(&w.legs[0], term(&w, "z")));
	assert_false(policy_transforms(&w.legs[0], term(&w, "x")));
	assert_false(policy_transforms(&w.legs[0], term(&w, "w")));
	assert_null(policy_attr(share, term(&w, "q")));
	assert_null(policy_attr(share, term(&w, "X")));
	assert_null(policy_attr(share,
	    &(struct name){ term(&w, "x")->iri, 0 }));
	world_clear(&w);
}

static void
shares_nothing_without_both_signatures(void **state)
{
	static const char *const cases[] = { "", "\"alpha:m\"", "\"gamma:n\"",
		"\"alpha:m\", \"alpha:n\"" };
	struct world w;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		world_init(&w, "", "", cases[i], "");
		ask(&w, "gamma", "p1", ACTION_QUERY, MAY);
		assert_string_equal(plan_text(&w), "second:three");
		world_clear(&w);
	}
}

static void
asks_sources_of_every_kind_but_for_no_history(void **state)
{
	static const char more[] =
	    "source old { owner = alpha  kind = ngsi-v2\n"
	    "  endpoint = \"https://old\" }\n"
	    "dataset old-data { source = old  ids = {\"urn:a:*\"}\n"
	    "  operations = {queryEntity, queryTemporal}\n"
	    "  type T { attributes = {x} } }\n"
	    "agreement five { version = 1  provider = alpha  consumer = gamma\n"
	    "  dataset = old-data  purpose = p1  actions = {query, temporal}\n"
	    "  valid = \"2026-01-01..2026-12-31\"\n"
	    "  signed-by = {\"alpha:m\", \"gamma:n\"}\n"
	    "  share T { allow = {x} } }\n";
	struct world w;

	(void)state;
	world_init(&w, "", "", "\"alpha:m\", \"gamma:n\"", more);
	ask(&w, "gamma", "p1", ACTION_QUERY, MAY);
	assert_string_equal(plan_text(&w),
	    "zz-first:one second:three old-data:five");
	ask(&w, "alpha", NULL, ACTION_QUERY, MAY);
	assert_string_equal(plan_text(&w), "zz-first! old-data!");
	ask(&w, "gamma", "p1", ACTION_TEMPORAL, MAY);
	assert_string_equal(plan_text(&w), "second:three");
	world_clear(&w);
}

static void
shares_nothing_with_or_from_a_suspended_tenant(void **state)
{
	static const char both[] = "\"alpha:m\", \"gamma:n\"";
	struct world w;

	(void)state;
	world_init(&w, "status = suspended", "", both, "");
	ask(&w, "gamma", "p1", ACTION_QUERY, MAY);
	assert_string_equal(plan_text(&w), "second:three");
	ask(&w, "alpha", NULL, ACTION_QUERY, MAY);
	assert_string_equal(plan_text(&w), "");
	world_clear(&w);
	world_init(&w, "", "status = closed", both, "");
	ask(&w, "gamma", "p1", ACTION_QUERY, MAY);
	assert_string_equal(plan_text(&w), "");
	world_clear(&w);
}

static void
says_what_a_view_could_show(void **state)
{
	static const struct {
		const char *forbid, *consumer, *attr;
		bool may;
	} cases[] = {
		{ "", "gamma", "x", true },
		{ "", "gamma", "z", true }, /* rounded */
		{ "", "gamma", "w", false },
		{ "", "alpha", "z", true }, /* its own */
		{ "attribute = x", "gamma", "x", false },
		{ "attribute = x", "gamma", "y", true },
		{ "attribute = x", "alpha", "x", true },
		{ "type = T  dataset = zz-first", "gamma", "y", false },
		{ "type = U  dataset = zz-first", "gamma", "y", true },
	};
	struct world w;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[128] = "";

		if (cases[i].forbid[0] != '\0')
			(void)snprintf(text, sizeof(text),
			    "forbid ff { reason = r  %s }", cases[i].forbid);
		world_init(&w, "", "", "\"alpha:m\", \"gamma:n\"", text);
		ask(&w, cases[i].consumer, "p1", ACTION_QUERY, MAY);
		assert_true(w.n > 0);
		if (policy_may_show(&w.legs[0], term(&w, cases[i].attr)) !=
		    cases[i].may)
			fail_msg("case %zu", i);
		world_clear(&w);
	}
}

static void
binds_forbids_to_the_legs_they_name(void **state)
{
	static const struct {
		const char *forbid;
		unsigned first, second; /* bound to the two legs of gamma */
	} cases[] = {
		{ "attribute = x", 1, 1 },
		{ "dataset = second", 0, 1 },
		{ "consumer = gamma", 1, 1 },
		{ "consumer = delta", 0, 0 },
		{ "purpose = p1  dataset = zz-first", 1, 0 },
		{ "purpose = p2", 0, 0 },
	};
	char text[128];
	struct world w;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)snprintf(text, sizeof(text),
		    "forbid ff { reason = r  %s }", cases[i].forbid);
		world_init(&w, "", "", "\"alpha:m\", \"gamma:n\"", text);
		ask(&w, "gamma", "p1", ACTION_QUERY, MAY);
		/* the same legs and grants: a forbid only takes away */
		assert_string_equal(plan_text(&w),
		    "zz-first:one second:three");
		assert_int_equal(w.legs[0].nforbids, cases[i].first);
		assert_int_equal(w.legs[1].nforbids, cases[i].second);
		ask(&w, "beta", NULL, ACTION_QUERY, MAY);
		assert_int_equal(w.legs[0].nforbids, 0); /* its own data */
		world_clear(&w);
	}
}

static void
finds_the_only_purpose(void **state)
{
	static const char second[] =
	    "agreement five { version = 1  provider = beta  consumer = gamma\n"
	    "  dataset = own  purpose = p2  actions = {query}\n"
	    "  valid = \"2026-01-01..2026-01-31\"\n"
	    "  signed-by = {\"beta:m\", \"gamma:n\"}\n"
	    "  share V { allow = {x} } }";
	const struct region_purpose *p;
	struct wall_us at;
	struct world w;
	bool several;

	(void)state;
	world_init(&w, "", "", "\"alpha:m\", \"gamma:n\"", second);
	assert_int_equal(wall_parse(STR(MAY), &at), HUB_OK);
	p = policy_only_purpose(w.set,
	    tenant_find(&w.region->tenants, STR("gamma")), at, &several);
	assert_non_null(p);
	assert_true(str_eq(p->name, STR("p1")) && !several);
	assert_null(policy_only_purpose(w.set,
	    tenant_find(&w.region->tenants, STR("delta")), at, &several));
	assert_false(several);
	assert_int_equal(wall_parse(STR("2026-01-15T00:00:00Z"), &at), HUB_OK);
	assert_null(policy_only_purpose(w.set,
	    tenant_find(&w.region->tenants, STR("gamma")), at, &several));
	assert_true(several);
	world_clear(&w);
}

static void
plans_nothing_for_an_empty_policy(void **state)
{
	struct region_file file = { STR("a.hub"),
		STR("tenant aa { name = A kind = city }\n"
		    "purpose pp { title = P }") };
	struct world w = { .arena = arena_new() };
	struct region_message *m;
	unsigned n;

	(void)state;
	assert_int_equal(
	    region_parse(&file, 1, &w.region, w.arena, &m, &n), HUB_OK);
	w.set = policy_compile(w.region);
	ask(&w, "aa", "pp", ACTION_QUERY, MAY);
	assert_int_equal(w.n, 0);
	world_clear(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plans_what_is_granted_and_nothing_else),
		cmocka_unit_test(plans_only_datasets_with_a_granted_type),
		cmocka_unit_test(plans_only_datasets_that_can_hold_the_ids),
		cmocka_unit_test(releases_allowed_attributes_and_nothing_else),
		cmocka_unit_test(shares_nothing_without_both_signatures),
		cmocka_unit_test(
		    asks_sources_of_every_kind_but_for_no_history),
		cmocka_unit_test(
		    shares_nothing_with_or_from_a_suspended_tenant),
		cmocka_unit_test(says_what_a_view_could_show),
		cmocka_unit_test(binds_forbids_to_the_legs_they_name),
		cmocka_unit_test(finds_the_only_purpose),
		cmocka_unit_test(plans_nothing_for_an_empty_policy),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

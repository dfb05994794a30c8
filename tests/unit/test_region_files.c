/* tests/unit/test_region_files.c - a region on the disk; its costs and models. */
#include "tests/support/region_bench.h"

#include <unistd.h>

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
sums_the_items_of_a_cost(void **state)
{
	const struct region_cost *cost;
	struct parsed p;

	(void)state;
	parse_edited(&p, "amount = 55000.00",
	    "cost-centre = \"5110\"  account = \"523100\"\n"
	    "item miete { amount = 60000.01  voucher = \"RE 7\" }\n"
	    "item rabatt { amount = 5000.01  kind = credit  title = Rabatt\n"
	    "  from = 2026-04-01  to = 2026-04-30 }");
	assert_int_equal(p.err, HUB_OK);
	cost = &p.region->costs[0];
	ASSERT_STR(cost->cost_centre, "5110");
	ASSERT_STR(cost->cost_unit, "");
	ASSERT_STR(cost->account, "523100");
	assert_int_equal(cost->amount.cents, 5500000);
	assert_int_equal(cost->nitems, 2);
	ASSERT_STR(cost->items[0].name, "miete");
	ASSERT_STR(cost->items[0].voucher, "RE 7");
	assert_int_equal(cost->items[0].from.us, cost->from.us);
	assert_int_equal(cost->items[0].to.us, cost->to.us);
	assert_int_equal(cost->items[1].amount.cents, -500001);
	ASSERT_STR(cost->items[1].title, "Rabatt");
	assert_int_equal(cost->items[1].to.us - cost->items[1].from.us,
	    29 * WALL_DAY_US);
	parsed_clear(&p);
}

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
	assert_int_equal(p.region->costs[0].correct_from.cents, 100);
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
		cmocka_unit_test(sums_the_items_of_a_cost),
		cmocka_unit_test(keeps_what_a_model_says),
		cmocka_unit_test(T16_refuses_models_that_do_not_hold_together),
		cmocka_unit_test(loads_what_files_include_and_refer_to),
		cmocka_unit_test(accepts_the_example_region),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

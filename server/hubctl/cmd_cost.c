/* server/hubctl/cmd_cost.c - hubctl allocate and hubctl statement: costs of
 * the bundle in force, shared by its models and by what the ledger counted. */
#include <inttypes.h>

#include "policies/policy_store.h"
#include "server/hubctl/cost.h"
#include "server/hubctl/progress.h"
#include "server/ledger/alone.h"
#include "server/ledger/notice.h"

#define HTML_MAX ((size_t)64 << 20)

/* Registrations and signatures have no part in costs. */
enum ctl_exit
costs_of_bundle(struct db *db, int64_t bundle, struct arena *a,
    struct region **region_r)
{
	struct region_message *messages;
	struct region_file *files;
	unsigned n, nmessages;
	enum hub_err err = bundle_load(db, bundle, a, &files, &n);

	if (err != HUB_OK)
		return (ctl_db_failed(db, err));
	if (region_parse(files, n, region_r, a, &messages, &nmessages) ==
	    HUB_OK)
		return (CTL_OK);
	ctl_warn("bundle %" PRId64 " is not understood by this program",
	    bundle);
	return (CTL_CONFIG);
}

enum ctl_exit
costs_in_force(struct db *db, struct arena *a, struct region **region_r,
    int64_t *bundle_r)
{
	struct bundle_head head;
	enum hub_err err = bundle_head_get(db, &head);

	if (err != HUB_OK)
		return (ctl_db_failed(db, err));
	if (head.bundle == 0) {
		ctl_warn("no bundle has been applied yet");
		return (CTL_FAILED);
	}
	*bundle_r = head.bundle;
	return (costs_of_bundle(db, head.bundle, a, region_r));
}

enum ctl_exit
cost_period(const char *text, struct asked *asked)
{
	*asked = (struct asked){ .kind = ASKED_WHOLE };
	if (text == NULL || asked_parse(str_of(text), asked) == HUB_OK)
		return (CTL_OK);
	ctl_warn("%s is not a year (2026) or a month (2026-11)", text);
	return (CTL_USAGE);
}

enum ctl_exit
cost_share(struct db *db, struct cost_run *run, struct arena *a)
{
	enum hub_err err = cost_run_usage(db, run);
	struct allocation_why why;

	if (err == HUB_ECONFLICT) {
		ctl_warn("cost %.*s: model %.*s has a meter of its own, and "
			 "not all events of the period are there any more",
		    STR_FMT(run->cost->name), STR_FMT(run->in.model->name));
		return (CTL_FAILED);
	}
	if (err != HUB_OK)
		return (ctl_db_failed(db, err));
	if (cost_run_share(run, a, &why) == HUB_OK)
		return (CTL_OK);
	say_fault(run, &why);
	return (CTL_CONFIG);
}

void
warn_untaxed(const struct ctl *ctl, const struct region *region,
    struct period period)
{
	struct wall_us day = period.from;

	while (day.us <= period.to.us) {
		struct period year = calendar_unit(day, PER_YEAR);
		int64_t cents = untaxed_cents(region, day);
		bool de = ctl->lang == LANG_DE;
		char text[WALL_STR_MAX];
		struct buf b;

		day.us = year.to.us + WALL_DAY_US;
		if (cents <= UNTAXED_MARK_CENTS)
			continue;
		wall_format(year.from, text);
		buf_init(&b, 64);
		add_cents(&b, cents, de ? ',' : '.');
		ctl_warn("costs of %.4s decided to be outside of tax: %s EUR, "
			 "above 17500.00 EUR (sec. 2b (2) no. 1 UStG); tax "
			 "staff check whether that holds", text, buf_cstr(&b));
		buf_clear(&b);
		return;
	}
}

/* ---- allocate */

static enum ctl_exit
begin_one(const struct region *region, const char *name,
    const struct asked *asked, struct arena *a, struct cost_run *run)
{
	const struct region_cost *cost = region_cost_find(region, str_of(name));

	if (cost == NULL) {
		ctl_warn("no cost %s in the bundle in force", name);
		return (CTL_FAILED);
	}
	if (!cost_run_begin(cost, asked, a, run)) {
		ctl_warn("nothing of cost %s falls into that period", name);
		return (CTL_FAILED);
	}
	return (CTL_OK);
}

static void
print_shares(const struct ctl *ctl, const struct cost_run *run)
{
	bool trace = (ctl->given & OPT_TRACE) != 0;

	if (ctl->output == OUTPUT_JSON) {
		shares_json(run, trace);
		return;
	}
	/* A file of CSV is one table. */
	if (ctl->output == OUTPUT_TABLE)
		print_head(ctl, run);
	if (ctl->output == OUTPUT_TABLE || !trace)
		shares_table(ctl, run);
	if (trace)
		trace_table(ctl, run);
}

enum ctl_exit
cmd_allocate(const struct ctl *ctl, int argc HUB_UNUSED, char **argv)
{
	struct arena *a = arena_new();
	struct region *region = NULL;
	struct db *db = NULL;
	struct cost_run run;
	struct asked asked;
	int64_t bundle;
	enum ctl_exit code = cost_period(ctl->period, &asked);

	if (code == CTL_OK)
		code = ctl_db(ctl, &db);
	if (code == CTL_OK)
		code = costs_in_force(db, a, &region, &bundle);
	if (code == CTL_OK)
		code = begin_one(region, argv[0], &asked, a, &run);
	if (code == CTL_OK)
		code = cost_share(db, &run, a);
	if (code == CTL_OK) {
		warn_untaxed(ctl, region, run.period);
		print_shares(ctl, &run);
	}
	db_close(db);
	region_free(region);
	arena_free(a);
	return (code);
}

/* ---- statement */

int
run_member(const struct cost_run *run, const struct tenant *tenant)
{
	const struct region_model *m = run->in.model;

	for (unsigned i = 0; i < m->nmembers; i++)
		if (m->members[i].tenant == tenant)
			return ((int)i);
	return (-1);
}

const struct tenant *
cost_tenant(const struct region *region, const char *name)
{
	const struct tenant_set *set;
	const struct tenant *t;

	assert(region != NULL);
	set = &region->tenants;
	t = tenant_find(set, str_of(name));
	for (unsigned i = 0; t == NULL && i < set->ntenants; i++)
		if (str_eq(set->tenants[i].ags, str_of(name)))
			t = &set->tenants[i];
	if (t == NULL)
		ctl_warn("no tenant %s in the bundle in force", name);
	return (t);
}

/* All costs that touch the period, are not closed in it, and that the tenant
 * bears a part of. */
static enum ctl_exit
share_all(struct db *db, const struct region *region,
    const struct tenant *tenant, const struct asked *asked,
    const struct closed *closed, struct arena *a, struct cost_run *runs,
    unsigned *n_r)
{
	enum ctl_exit code = CTL_OK;

	*n_r = 0;
	for (unsigned i = 0; i < region->ncosts && code == CTL_OK; i++) {
		struct cost_run *run = &runs[*n_r];
		int member;

		if (closed_has(closed, region->costs[i].name) ||
		    !cost_run_begin(&region->costs[i], asked, a, run) ||
		    (member = run_member(run, tenant)) < 0)
			continue;
		code = cost_share(db, run, a);
		if (code == CTL_OK && run->result.lines[member].days > 0)
			(*n_r)++;
	}
	return (code);
}

static enum ctl_exit
statement(const struct ctl *ctl, struct db *db, const struct region *region,
    const char *name, const struct asked *asked, struct arena *a)
{
	const struct tenant *tenant = cost_tenant(region, name);
	struct closed closed;
	struct cost_run *runs;
	enum ctl_exit code;
	enum hub_err err;
	unsigned n = 0;

	assert(region != NULL);
	runs = arena_array(a, region->ncosts + (size_t)1, sizeof(*runs));
	if (tenant == NULL)
		return (CTL_FAILED);
	if (asked->kind != ASKED_WHOLE)
		warn_untaxed(ctl, region, asked->days);
	err = closed_read(db, asked, tenant, &closed);
	code = err == HUB_OK ? share_all(db, region, tenant, asked, &closed, a,
				   runs, &n) :
			       ctl_db_failed(db, err);
	if (code == CTL_OK && ctl->output == OUTPUT_JSON)
		statement_json(&closed, runs, n, tenant);
	else if (code == CTL_OK)
		statement_table(ctl, &closed, runs, n, tenant);
	closed_clear(&closed);
	return (code);
}

/* The page that hubd shows to who may see it. */
static enum ctl_exit
statement_page(const struct ctl *ctl, struct db *db,
    const struct region *region, char **argv, struct arena *a)
{
	const struct tenant *tenant = cost_tenant(region, argv[0]);
	struct notice n;
	struct buf page;
	enum hub_err err;
	bool failed;

	if (tenant == NULL)
		return (CTL_FAILED);
	err = notice_read(db, region, tenant, str_of(argv[1]), a, &n);
	if (err == HUB_ECONFLICT) {
		ctl_warn("there are no shares of a cost; without --html it is "
			 "said why");
		return (CTL_CONFIG);
	}
	if (err != HUB_OK)
		return (ctl_db_failed(db, err));
	buf_init(&page, HTML_MAX);
	notice_html(&n, ctl->lang == LANG_DE, &page);
	failed = page.failed;
	progress_end();
	if (failed)
		ctl_warn("larger than %zu bytes", page.max);
	else
		(void)fwrite(page.p, 1, page.len, stdout);
	buf_clear(&page);
	return (failed ? CTL_FAILED : CTL_OK);
}

enum ctl_exit
cmd_statement(const struct ctl *ctl, int argc HUB_UNUSED, char **argv)
{
	struct arena *a = arena_new();
	struct region *region = NULL;
	struct db *db = NULL;
	struct asked asked;
	int64_t bundle;
	enum ctl_exit code = cost_period(argv[1], &asked);

	if (code == CTL_OK)
		code = ctl_db(ctl, &db);
	if (code == CTL_OK)
		code = costs_in_force(db, a, &region, &bundle);
	if (code == CTL_OK)
		code = (ctl->given & OPT_HTML) != 0 ?
		    statement_page(ctl, db, region, argv, a) :
		    statement(ctl, db, region, argv[0], &asked, a);
	db_close(db);
	region_free(region);
	arena_free(a);
	return (code);
}

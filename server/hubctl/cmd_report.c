/* server/hubctl/cmd_report.c - tables that hubctl and GET /hub/v1 share:
 * hubctl indicators, and hubctl usage --by flow. */
#include "server/base/arena.h"
#include "server/hubctl/cost.h"
#include "server/ledger/report.h"

static const enum cell_kind kinds[] = {
	[REPORT_TEXT] = CELL_TEXT,
	[REPORT_INT] = CELL_INT,
	[REPORT_MILLI] = CELL_MILLI,
	[REPORT_CENTS] = CELL_CENTS,
	[REPORT_DATE] = CELL_DATE,
	[REPORT_BOOL] = CELL_BOOL,
};

static void
print(const struct ctl *ctl, const struct report *r, const char *en,
    const char *de, const char *of)
{
	struct column columns[REPORT_COLUMNS_MAX];
	struct table *t;

	for (unsigned i = 0; i < r->ncolumns; i++)
		columns[i] = (struct column){ r->columns[i].key,
			r->columns[i].en, r->columns[i].de,
			kinds[r->columns[i].kind] };
	t = table_new(columns, r->ncolumns);
	table_add_result(t, r->rows);
	table_report_take(t, ctl, en, de, of);
}

enum ctl_exit
report_flow(const struct ctl *ctl, struct db *db, const char *period,
    const char *from, const char *before, const char *ags)
{
	const struct report_ask ask = { .from = from, .before = before,
		.ags = ags };
	struct report r;
	enum hub_err err = report_usage(db, &ask, STR("flow"), &r);

	if (err == HUB_OK)
		print(ctl, &r, "Usage", "Nutzung", period);
	report_clear(&r);
	return (err == HUB_OK ? CTL_OK : ctl_db_failed(db, err));
}

enum ctl_exit
cmd_indicators(const struct ctl *ctl, int argc HUB_UNUSED, char **argv)
{
	char from[WALL_STR_MAX], before[WALL_STR_MAX];
	struct report_ask ask = { .from = from, .before = before };
	struct arena *a = arena_new();
	struct report r = { 0 };
	struct db *db = NULL;
	struct asked asked;
	enum hub_err err;
	enum ctl_exit code = cost_period(argv[0], &asked);

	if (code == CTL_OK)
		code = ctl_db(ctl, &db);
	if (code == CTL_OK && ctl->tenant != NULL &&
	    (ask.ags = ctl_tenant_ags(db, ctl->tenant, a)) == NULL)
		code = CTL_FAILED;
	if (code == CTL_OK) {
		wall_format(asked.days.from, from);
		wall_format((struct wall_us){ asked.days.to.us + WALL_DAY_US },
		    before);
		from[10] = before[10] = '\0';
		err = report_indicators(db, &ask, &r);
		if (err == HUB_OK)
			print(ctl, &r, "Indicators", "Kennzahlen", argv[0]);
		else
			code = ctl_db_failed(db, err);
	}
	report_clear(&r);
	db_close(db);
	arena_free(a);
	return (code);
}

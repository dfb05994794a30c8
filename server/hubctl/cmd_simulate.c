/* server/hubctl/cmd_simulate.c - hubctl simulate --log FROM..TO PATH...: the
 * requests of the decision log once more, under other region files. */
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/decision_file.h"
#include "server/hubctl/bundle.h"
#include "server/hubctl/progress.h"
#include "server/hubctl/replay.h"

#define BUNDLES_MAX 256	 /* that were in force in that time */
#define ROWS_MAX    5000 /* that are told apart */

/* A bundle that was in force when a request came. */
struct past {
	int64_t number;
	struct bundle b;
	struct policy_set *set; /* NULL: it cannot be had */
};

/* A change for one tenant and purpose, and how many requests met it. */
struct row {
	struct str tenant, purpose;
	struct replay_change change;
	uint64_t requests;
	struct str example; /* the id of one */
};

struct simulation {
	const struct ctl *ctl;
	struct arena *arena; /* of rows */
	struct arena *line;  /* of one request */
	struct wall_us from, until;
	int dir;
	struct db *db;
	struct bundle candidate;
	struct policy_set *set;
	unsigned npasts;
	struct past pasts[BUNDLES_MAX];
	unsigned nrows;
	struct row rows[ROWS_MAX];
	uint64_t replayed, differ, passed_over, unreadable;
};

/* ---- the time */

/* A day, or an instant; a day ends behind its last instant. */
static bool
read_time(struct str s, bool end, struct wall_us *at_r)
{
	if (wall_parse(s, at_r) == HUB_OK)
		return (true);
	if (wall_parse_date(s, at_r) != HUB_OK)
		return (false);
	at_r->us += end ? WALL_DAY_US : 0;
	return (true);
}

/* FROM..TO, or so long up to now. */
static bool
read_period(struct str s, struct simulation *m)
{
	int64_t length;
	size_t at = 0;

	while (at + 1 < s.len && (s.p[at] != '.' || s.p[at + 1] != '.'))
		at++;
	if (at + 1 < s.len)
		return (read_time((struct str){ s.p, at }, false, &m->from) &&
		    read_time(str_from(s, at + 2), true, &m->until) &&
		    m->from.us < m->until.us);
	if (duration_parse(s, &length) != HUB_OK || length <= 0)
		return (false);
	m->until = clock_wall();
	m->from.us = m->until.us - length;
	return (true);
}

/* ---- rows */

static bool
is_row(const struct row *r, const struct decision *d,
    const struct replay_change *c)
{
	return (r->change.kind == c->kind && str_eq(r->tenant, d->tenant) &&
	    str_eq(r->purpose, d->purpose) &&
	    str_eq(r->change.dataset, c->dataset) &&
	    str_eq(r->change.before, c->before) &&
	    str_eq(r->change.after, c->after));
}

static void
count(struct simulation *m, const struct decision *d,
    const struct replay_change *c)
{
	struct row *r;
	unsigned i;

	for (i = 0; i < m->nrows && !is_row(&m->rows[i], d, c);)
		i++;
	if (i < m->nrows) {
		m->rows[i].requests++;
		return;
	}
	if (i == ROWS_MAX)
		return; /* the sum has it */
	r = &m->rows[m->nrows++];
	*r = (struct row){ .tenant = arena_str(m->arena, d->tenant),
		.purpose = arena_str(m->arena, d->purpose),
		.change = { c->kind, arena_str(m->arena, c->dataset),
		    arena_str(m->arena, c->before),
		    arena_str(m->arena, c->after) },
		.requests = 1,
		.example = arena_str(m->arena, d->request_id) };
}

/* ---- one request */

static struct past *
past_of(struct simulation *m, const struct decision *d)
{
	char hex[2 * SHA256_LEN + 1];
	struct past *p;

	for (unsigned i = 0; i < m->npasts; i++)
		if (m->pasts[i].number == d->bundle)
			return (&m->pasts[i]);
	if (m->npasts == BUNDLES_MAX)
		return (NULL);
	p = &m->pasts[m->npasts++];
	p->number = d->bundle;
	if (bundle_fetch(m->ctl, m->db, d->bundle, &p->b) != CTL_OK)
		return (p);
	hex_encode(p->b.hash, sizeof(p->b.hash), hex);
	if (p->b.region != NULL && str_eq(d->bundle_hash, str_of(hex)))
		p->set = policy_compile(p->b.region);
	else
		ctl_warn("bundle %" PRId64 " is not the one that the log "
			 "means", d->bundle);
	return (p);
}

static void
replay_one(struct simulation *m, const struct decision *d)
{
	struct replay before, after;
	struct replay_change *changes;
	struct logged question;
	const struct past *p;
	unsigned n;

	p = logged_planned(d) && d->bundle > 0 ? past_of(m, d) : NULL;
	if (p == NULL || p->set == NULL ||
	    !logged_question(d, p->b.region, m->line, &question)) {
		m->passed_over++;
		return;
	}
	replay_run(d, p->b.region, p->set, m->line, &before);
	replay_run(d, m->candidate.region, m->set, m->line, &after);
	replay_compare(d, &before, &after, m->line, &changes, &n);
	for (unsigned i = 0; i < n; i++)
		count(m, d, &changes[i]);
	m->replayed++;
	m->differ += n > 0;
}

static void
take_line(struct simulation *m, struct str line)
{
	struct decision d;
	enum hub_err err;

	arena_reset(m->line);
	err = decision_read(line, m->line, &d);
	if (err == HUB_ENOENT) /* a mark */
		return;
	if (err != HUB_OK)
		m->unreadable++;
	else if (d.at.us >= m->from.us && d.at.us < m->until.us)
		replay_one(m, &d);
}

/* Days are files; a request that began before midnight may be in the next. */
static enum ctl_exit
take_files(struct simulation *m)
{
	char day[DECISION_DAY_MAX];
	struct decision_reader r;
	enum ctl_exit code = CTL_OK;
	struct str line;
	enum hub_err err;

	for (int64_t at = m->from.us;
	     code == CTL_OK && at < m->until.us + WALL_DAY_US;
	     at += WALL_DAY_US) {
		decision_day((struct wall_us){ at }, day);
		err = decision_reader_open(&r, m->dir, day);
		if (err == HUB_ENOENT)
			continue;
		if (err != HUB_OK) {
			ctl_warn("the decision log of %s cannot be read", day);
			code = CTL_FAILED;
			continue;
		}
		while (decision_reader_next(&r, &line)) {
			take_line(m, line);
			progress_at(m->replayed + m->passed_over, 0);
		}
		decision_reader_close(&r);
	}
	return (code);
}

/* ---- output */

static int
by_tenant(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int order = str_cmp(x->tenant, y->tenant);

	if (order == 0)
		order = str_cmp(x->purpose, y->purpose);
	if (order == 0)
		order = (int)x->change.kind - (int)y->change.kind;
	if (order == 0)
		order = str_cmp(x->change.dataset, y->change.dataset);
	return (order != 0 ? order :
			     str_cmp(x->change.before, y->change.before));
}

static void
print(struct simulation *m)
{
	static const struct column columns[] = {
		{ "tenant", "TENANT", "MANDANT", CELL_TEXT },
		{ "purpose", "PURPOSE", "ZWECK", CELL_TEXT },
		{ "change", "CHANGE", "ÄNDERUNG", CELL_TEXT },
		{ "dataset", "DATASET", "DATENSATZ", CELL_TEXT },
		{ "before", "BEFORE", "VORHER", CELL_TEXT },
		{ "after", "AFTER", "NACHHER", CELL_TEXT },
		{ "requests", "REQUESTS", "ANFRAGEN", CELL_INT },
		{ "example", "EXAMPLE", "BEISPIEL", CELL_TEXT },
	};
	struct table *t = table_new(columns, 8);

	qsort(m->rows, m->nrows, sizeof(m->rows[0]), by_tenant);
	for (unsigned i = 0; i < m->nrows; i++) {
		const struct row *r = &m->rows[i];

		table_add(t, (const char *[]){ r->tenant.p,
		    r->purpose.len > 0 ? r->purpose.p : NULL,
		    replay_words[r->change.kind], r->change.dataset.p,
		    r->change.before.len > 0 ? r->change.before.p : NULL,
		    r->change.after.len > 0 ? r->change.after.p : NULL,
		    arena_printf(m->arena, "%" PRIu64, r->requests),
		    r->example.p });
	}
	table_print_take(t, m->ctl);
	ctl_warn(m->ctl->lang == LANG_DE ?
	    "%" PRIu64 " Anfragen wiederholt, %" PRIu64 " davon anders "
	    "entschieden; %" PRIu64 " nicht wiederholbar, %" PRIu64
	    " Zeilen unlesbar" :
	    "%" PRIu64 " requests replayed, %" PRIu64 " of them decided "
	    "otherwise; %" PRIu64 " not to be replayed, %" PRIu64
	    " lines unreadable",
	    m->replayed, m->differ, m->passed_over, m->unreadable);
}

static enum ctl_exit
open_all(struct simulation *m, int argc, char **argv)
{
	enum ctl_exit code;

	if (m->ctl->log == NULL || !read_period(str_of(m->ctl->log), m)) {
		ctl_warn("simulate needs --log FROM..TO (2026-11-01..2026-11-14"
			 ", or instants), or --log 14d");
		return (CTL_USAGE);
	}
	code = ctl_decisions(m->ctl, m->ctl->directory, &m->dir);
	if (code == CTL_OK)
		code = bundle_read(m->ctl, &m->candidate, argc, argv);
	if (code == CTL_OK)
		code = ctl_db(m->ctl, &m->db);
	if (code == CTL_OK)
		code = bundle_complete(m->ctl, m->db, &m->candidate);
	if (code == CTL_OK)
		m->set = policy_compile(m->candidate.region);
	return (code);
}

enum ctl_exit
cmd_simulate(const struct ctl *ctl, int argc, char **argv)
{
	struct simulation *m = xcalloc(1, sizeof(*m));
	enum ctl_exit code;

	m->ctl = ctl;
	m->dir = -1;
	m->arena = arena_new();
	m->line = arena_new();
	code = open_all(m, argc, argv);
	if (code == CTL_OK)
		code = take_files(m);
	if (code == CTL_OK) {
		print(m);
		code = m->differ > 0 ? CTL_DIFFERS : CTL_OK;
	}
	for (unsigned i = 0; i < m->npasts; i++) {
		policy_free(m->pasts[i].set);
		bundle_clear(&m->pasts[i].b);
	}
	policy_free(m->set);
	bundle_clear(&m->candidate);
	db_close(m->db);
	if (m->dir >= 0)
		(void)close(m->dir);
	arena_free(m->line);
	arena_free(m->arena);
	free(m);
	return (code);
}

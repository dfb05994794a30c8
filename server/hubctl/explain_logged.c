/* server/hubctl/explain_logged.c - hubctl explain REQUEST-ID: what the log has
 * of it, and the rules of then that made it so. */
#include "server/hubctl/explain_logged.h"

#include <unistd.h>

#include "server/decision_file.h"
#include "server/decision_words.h"
#include "server/hubctl/bundle.h"

struct case_file {
	const struct ctl *ctl;
	struct arena *arena;
	struct decision d;
	const char *place, *broken; /* in the log */
	const struct decision_words *words;
	struct bundle b; /* region NULL: it could not be had */
	struct policy_set *set;
	struct logged question;
	struct explain x;
	struct table *rows; /* NULL: lines for people */
	struct str shown;   /* the dataset whose lines come last */
};

bool
explain_is_id(const char *text)
{
	struct uuid id;

	return (uuid_parse(str_of(text), &id) == HUB_OK);
}

static bool
german(const struct case_file *c)
{
	return (c->ctl->lang == LANG_DE);
}

/* ---- the line */

static enum ctl_exit
find_line(struct case_file *c, const char *text)
{
	struct str line = STR_NONE;
	struct uuid id;
	int dir = -1;
	enum ctl_exit code = ctl_decisions(c->ctl, c->ctl->log, &dir);
	enum hub_err err;

	if (code != CTL_OK)
		return (code);
	if (uuid_parse(str_of(text), &id) != HUB_OK)
		return (CTL_USAGE);
	err = decision_find(dir, &id, false, c->arena, &line, &c->place,
	    &c->broken);
	(void)close(dir);
	if (err == HUB_OK &&
	    decision_read(line, c->arena, &c->d) == HUB_OK)
		return (CTL_OK);
	if (err == HUB_OK)
		ctl_warn(german(c) ? "%s: die Zeile ist nicht lesbar" :
				     "%s: the line cannot be read", c->place);
	else if (err == HUB_ENOENT)
		ctl_warn(german(c) ?
		    "im Entscheidungsprotokoll steht keine Anfrage %s (zu alt, "
		    "oder von einem anderen Hub?)" :
		    "the decision log has no request %s (too old, or of "
		    "another hub?)", text);
	else
		ctl_warn(german(c) ?
		    "das Entscheidungsprotokoll ist nicht lesbar" :
		    "the decision log cannot be read");
	return (CTL_FAILED);
}

/* ---- the rules of then */

static enum ctl_exit
fetch_bundle(struct case_file *c)
{
	char hex[2 * SHA256_LEN + 1];
	struct db *db = NULL;
	enum ctl_exit code;

	if (c->d.bundle == 0)
		return (CTL_OK); /* none was in force yet */
	code = ctl_db(c->ctl, &db);
	if (code == CTL_OK)
		code = bundle_fetch(c->ctl, db, c->d.bundle, &c->b);
	db_close(db);
	if (code != CTL_OK)
		return (code);
	hex_encode(c->b.hash, sizeof(c->b.hash), hex);
	if (str_eq(c->d.bundle_hash, str_of(hex)))
		return (CTL_OK);
	ctl_warn(german(c) ?
	    "Paket %lld hat einen anderen Hashwert als im Protokoll: es ist "
	    "das einer anderen Datenbank, oder eines ist verändert" :
	    "bundle %lld has another hash than the log says: it is that of "
	    "another database, or one of both was changed",
	    (long long)c->d.bundle);
	bundle_clear(&c->b);
	return (CTL_FAILED);
}

static void
plan(struct case_file *c)
{
	if (c->b.region == NULL ||
	    !logged_question(&c->d, c->b.region, c->b.arena, &c->question))
		return;
	c->set = policy_compile(c->b.region);
	c->x = (struct explain){ .region = c->b.region, .set = c->set,
		.pq = c->question.pq, .query = &c->question.query,
		.uri = &c->question.uri,
		.npredicates = c->question.npredicates,
		.predicates = c->question.predicates, .arena = c->b.arena };
	explain_run(&c->x);
}

/* ---- output */

struct row {
	struct str dataset, provider, title;
	const char *code, *place;
	const struct region_agreement *agreement;
	struct both text;
};

static const char *
cell(struct case_file *c, struct str s)
{
	return (s.len > 0 ? arena_str(c->arena, s).p : NULL);
}

static void
put_line(struct case_file *c, const struct row *r)
{
	struct str text = german(c) ? r->text.de : r->text.en;

	if (r->dataset.len > 0 && !str_eq(r->dataset, c->shown)) {
		printf("\n%.*s", STR_FMT(r->dataset));
		if (r->title.len > 0)
			printf(" (%.*s)", STR_FMT(r->title));
		putchar('\n');
	}
	c->shown = r->dataset;
	printf("  %-16s %.*s", r->code != NULL ? r->code : "", STR_FMT(text));
	if (r->place != NULL)
		printf(" [%s]", r->place);
	putchar('\n');
}

static void
put(struct case_file *c, const struct row *r)
{
	const struct region_agreement *ag = r->agreement;

	if (c->rows == NULL) {
		put_line(c, r);
		return;
	}
	table_add(c->rows, (const char *[]){ cell(c, r->dataset),
	    cell(c, r->provider), r->code, ag != NULL ? ag->name.p : NULL,
	    ag != NULL ? arena_printf(c->arena, "%u", ag->version) : NULL,
	    r->place, cell(c, german(c) ? r->text.de : r->text.en) });
}

static const struct region_dataset *
dataset_of(const struct case_file *c, struct str name)
{
	const struct region *r = c->b.region;

	for (unsigned i = 0; r != NULL && i < r->ndatasets; i++)
		if (str_eq(r->datasets[i].name, name))
			return (&r->datasets[i]);
	return (NULL);
}

/* Of what the operator alone may know. */
static void
put_traffic(struct case_file *c, const struct decision_source *s,
    const struct row *like)
{
	static const struct sentence traffic = {
		"The source sent $x entities in $y ms.",
		"Die Quelle sandte $x Entitäten in $y ms."
	}, status = { "Its answer had the status $x.",
		"Ihre Antwort hatte den Status $x." };
	struct row r = *like;
	struct word_of words[2] = { { 'x', both_plain(STR_NONE) },
		{ 'y', both_plain(str_of(arena_printf(c->arena, "%lld",
			(long long)s->ms))) } };

	words[0].text = both_plain(str_of(arena_printf(c->arena, "%lld",
	    (long long)s->entities_in)));
	r.code = NULL;
	r.text = words_fill(traffic, words, 2, c->arena);
	put(c, &r);
	words[0].text = both_plain(str_of(arena_printf(c->arena, "%lld",
	    (long long)s->upstream_status)));
	r.text = words_fill(status, words, 2, c->arena);
	if (s->upstream_status > 0)
		put(c, &r);
}

static void
put_source(struct case_file *c, const struct decision_source *s)
{
	const struct region_dataset *ds = dataset_of(c, s->dataset);
	struct row r = { .dataset = s->dataset };

	if (ds != NULL) {
		r.provider = ds->source->owner->name;
		r.title = ds->source->owner->title;
	}
	for (unsigned i = 0; i < c->words->n; i++) {
		const struct decision_sentence *v = &c->words->v[i];

		if (v->source != s)
			continue;
		r.code = cell(c, v->code);
		r.text = v->text;
		put(c, &r);
	}
	put_traffic(c, s, &r);
}

static void
put_rule(struct case_file *c, const struct explain_line *l)
{
	put(c, &(struct row){ .dataset = l->dataset->name,
	    .provider = l->dataset->source->owner->name,
	    .title = l->dataset->source->owner->title,
	    .code = l->code, .agreement = l->agreement,
	    .place = explain_place(l, c->arena), .text = l->text });
}

/* The log does not have the ids that were asked for: a dataset that would be
 * asked without them, and was not, holds none of them. */
static bool
is_by_id(const struct case_file *c, const struct region_dataset *ds,
    const char *code)
{
	return (c->d.ids > 0 && code != NULL &&
	    (strcmp(code, "FULL") == 0 || strcmp(code, "CONDITIONAL") == 0) &&
	    logged_source(&c->d, ds->name) == NULL);
}

/* What the rules say of one dataset, behind what came from it. */
static void
put_dataset(struct case_file *c, const struct region_dataset *ds)
{
	static const struct sentence other = {
		"Not asked: its ids are other ones than those of the request.",
		"Nicht gefragt: seine Kennungen sind andere als die der "
		"Anfrage."
	};
	const struct decision_source *s = logged_source(&c->d, ds->name);
	bool first = true;

	if (s != NULL)
		put_source(c, s);
	for (unsigned i = 0; i < c->x.n; i++) {
		const struct explain_line *l = &c->x.v[i];
		struct explain_line by_id = *l;

		if (l->dataset != ds)
			continue;
		if (first && is_by_id(c, ds, l->code)) {
			by_id.code = "ID_PREFIX";
			by_id.text = words_fill(other, NULL, 0, c->arena);
			put_rule(c, &by_id);
			return;
		}
		/* The verdict is the log's own. */
		if (!first || s == NULL)
			put_rule(c, l);
		first = false;
	}
}

static void
put_all(struct case_file *c)
{
	const struct region *r = c->b.region;
	struct row row = { .code = NULL };

	for (unsigned i = 0; i < c->words->n; i++)
		if (c->words->v[i].source == NULL) {
			row.code = cell(c, c->words->v[i].code);
			row.text = c->words->v[i].text;
			put(c, &row);
		}
	/* Datasets that the bundle of then does not have: registrations. */
	for (unsigned i = 0; i < c->d.nsources; i++)
		if (dataset_of(c, c->d.sources[i].dataset) == NULL)
			put_source(c, &c->d.sources[i]);
	for (unsigned i = 0; c->set != NULL && i < r->ndatasets; i++)
		put_dataset(c, &r->datasets[i]);
	for (unsigned i = 0; c->set == NULL && i < c->d.nsources; i++)
		if (dataset_of(c, c->d.sources[i].dataset) != NULL)
			put_source(c, &c->d.sources[i]);
}

static void
print_head(const struct case_file *c)
{
	char at[WALL_STR_MAX];

	wall_format(c->d.at, at);
	printf("%.*s, %s", STR_FMT(c->d.request_id), at);
	if (c->d.bundle > 0)
		printf(german(c) ? ", Paket %lld" : ", bundle %lld",
		    (long long)c->d.bundle);
	printf(" [%s]\n", c->place);
}

struct table *
explain_table(void)
{
	static const struct column columns[] = {
		{ "dataset", "DATASET", "DATENSATZ", CELL_TEXT },
		{ "provider", "PROVIDER", "ANBIETER", CELL_TEXT },
		{ "code", "CODE", "CODE", CELL_TEXT },
		{ "agreement", "AGREEMENT", "VEREINBARUNG", CELL_TEXT },
		{ "version", "VERSION", "FASSUNG", CELL_INT },
		{ "at", "AT", "STELLE", CELL_TEXT },
		{ "sentence", "SENTENCE", "SATZ", CELL_TEXT },
	};

	return (table_new(columns, sizeof(columns) / sizeof(columns[0])));
}

static void
print(struct case_file *c)
{
	if (c->ctl->output == OUTPUT_TABLE)
		print_head(c);
	else
		c->rows = explain_table();
	put_all(c);
	if (c->rows != NULL)
		table_print_take(c->rows, c->ctl);
	if (c->broken != NULL)
		ctl_warn(german(c) ?
		    "%s: die Kette der Hashwerte ist unterbrochen: hier oder "
		    "davor ist das Protokoll verändert" :
		    "%s: the chain of hashes is broken: here or before it the "
		    "log was changed", c->broken);
}

enum ctl_exit
explain_logged(const struct ctl *ctl, const char *id)
{
	struct case_file c = { .ctl = ctl, .arena = arena_new() };
	enum ctl_exit code = find_line(&c, id);

	if (code == CTL_OK) {
		code = fetch_bundle(&c);
		plan(&c);
		c.words = decision_words(&c.d, c.arena);
		print(&c);
		if (code == CTL_OK && c.broken != NULL)
			code = CTL_FAILED;
	}
	policy_free(c.set);
	bundle_clear(&c.b);
	arena_free(c.arena);
	return (code);
}

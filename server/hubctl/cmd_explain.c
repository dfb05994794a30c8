/* server/hubctl/cmd_explain.c - hubctl explain --as TENANT --purpose P
 * 'GET /ngsi-ld/v1/...'; of a request that was: explain_logged.c. */
#include <inttypes.h>

#include "server/hubctl/bundle.h"
#include "server/hubctl/explain_logged.h"
#include "server/net/http_chars.h"
#include "server/ngsild/temporal.h"

#define TARGET_MAX ((size_t)65536)

struct trial {
	const struct ctl *ctl;
	struct bundle b;
	struct policy_set *set;
	struct names names;
	struct http_uri uri;
	struct buf decoded; /* the URI and the query look into it */
	const struct context *context;
	struct query query;
	struct temporal time;
	bool retrieve, temporal;
	struct explain x;
};

static enum ctl_exit
open_region(struct trial *t)
{
	char *path = (char *)(uintptr_t)t->ctl->region;
	struct db *db = NULL;
	enum ctl_exit code;

	if (path != NULL)
		code = bundle_read(t->ctl, &t->b, 1, &path);
	else {
		code = ctl_db(t->ctl, &db);
		if (code == CTL_OK)
			code = bundle_need_head(t->ctl, db, &t->b);
		db_close(db);
	}
	if (code == CTL_OK)
		t->set = policy_compile(t->b.region);
	return (code);
}

/* "GET /path?query" in one word or two; what a URL cannot hold is escaped. */
static enum ctl_exit
read_target(struct trial *t, int argc, char **argv)
{
	struct str text = str_of(argv[argc - 1]), target, dup = STR_NONE;
	struct buf b;
	enum hub_err err;

	if (argc == 1 && str_prefix(text, STR("GET ")))
		text = str_trim(str_from(text, 4));
	else if (argc == 2 && strcmp(argv[0], "GET") != 0)
		text = STR_NONE;
	if (text.len == 0 || text.p[0] != '/') {
		ctl_warn("what is explained is 'GET /ngsi-ld/v1/...'");
		return (CTL_USAGE);
	}
	buf_init(&b, TARGET_MAX);
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] == '%' || text.p[i] == '?' ||
		    http_char_is(text.p[i], HC_QUERY))
			buf_addc(&b, text.p[i]);
		else
			buf_addf(&b, "%%%02X", (unsigned char)text.p[i]);
	target = arena_str(t->b.arena, buf_str(&b));
	err = b.failed ? HUB_EFULL :
			 http_uri_parse(target, &t->decoded, &t->uri, &dup);
	buf_clear(&b);
	if (err == HUB_OK)
		return (CTL_OK);
	ctl_warn("400 BadRequestData: %s", dup.p != NULL ?
		"a parameter is there twice" : "the hub refuses this URL");
	return (CTL_FAILED);
}

static enum ctl_exit
find_resource(struct trial *t)
{
	const struct http_uri *u = &t->uri;
	unsigned at = 2;

	t->temporal = u->nsegments > 2 &&
	    str_eq(u->segments[2], STR("temporal"));
	at += t->temporal;
	t->retrieve = u->nsegments == at + 2;
	if (u->nsegments > at && u->nsegments <= at + 2 &&
	    str_eq(u->segments[0], STR("ngsi-ld")) &&
	    str_eq(u->segments[1], STR("v1")) &&
	    str_eq(u->segments[at], STR("entities")))
		return (CTL_OK);
	ctl_warn("explained are /ngsi-ld/v1/entities, /temporal/entities and "
		 "single entities below them");
	return (CTL_FAILED);
}

static enum hub_err
parse_query(struct trial *t, const struct context *c, struct query_error *e)
{
	t->context = c;
	return (t->temporal ?
		temporal_parse(&t->uri, t->retrieve, c, &t->names, t->b.arena,
		    &t->query, &t->time, e) :
		query_parse(&t->uri, t->retrieve, c, &t->names, t->b.arena,
		    &t->query, e));
}

/* How many of the types that the query names has a dataset? */
static unsigned
types_known(const struct trial *t)
{
	const struct region *r = t->b.region;
	unsigned known = 0;

	for (unsigned i = 0; i < t->query.ntypes; i++)
		for (unsigned d = 0; d < r->ndatasets; d++)
			for (unsigned k = 0; k < r->datasets[d].ntypes; k++)
				known += r->datasets[d].types[k].type ==
				    t->query.types[i];
	return (known);
}

/* Under the @context named; else the one under which the types mean most, for
 * a person means them so. */
static enum ctl_exit
read_query(struct trial *t)
{
	const struct vocab *vocab = t->b.region->vocab;
	const struct context *best = vocab_core(vocab), *c;
	struct query_error e = { 0 };
	unsigned most = 0;

	if (t->ctl->context != NULL) {
		best = vocab_context(vocab, str_of(t->ctl->context));
		if (best == NULL) {
			ctl_warn("503 LdContextNotAvailable: the region has no "
				 "context %s", t->ctl->context);
			return (CTL_FAILED);
		}
	} else if (parse_query(t, best, &e) == HUB_OK) {
		most = types_known(t);
		for (unsigned i = 0; i < t->b.region->ncontexts; i++) {
			c = vocab_context(vocab, t->b.region->contexts[i].url);
			if (c != NULL && parse_query(t, c, &e) == HUB_OK &&
			    types_known(t) > most) {
				most = types_known(t);
				best = c;
			}
		}
	}
	if (parse_query(t, best, &e) == HUB_OK)
		return (CTL_OK);
	ctl_warn("%d %s: %s", e.status, e.type != NULL ? e.type : "",
	    e.detail != NULL ? e.detail : "");
	return (CTL_FAILED);
}

/* Facts that the client knows, too: then nothing is planned. */
static void
refuse(struct trial *t, const char *code, const char *en, const char *de)
{
	explain_say(&t->x, (struct explain_line){ .code = code,
	    .text = { str_of(en), str_of(de) } });
}

static bool
find_purpose(struct trial *t, const struct region_purpose **purpose_r)
{
	bool several = false;

	if (t->ctl->purpose != NULL) {
		*purpose_r = region_purpose_find(t->b.region,
		    str_of(t->ctl->purpose));
		if (*purpose_r == NULL)
			refuse(t, "NO_PURPOSE",
			    "403: the region has no such purpose.",
			    "403: diesen Zweck hat die Region nicht.");
		return (*purpose_r != NULL);
	}
	*purpose_r = policy_only_purpose(t->set, t->x.pq.consumer,
	    t->x.pq.at, &several);
	if (several)
		refuse(t, "NO_PURPOSE",
		    "400 purpose-required: there are agreements for several "
		    "purposes.",
		    "400 purpose-required: es gibt Vereinbarungen zu mehreren "
		    "Zwecken.");
	return (!several);
}

static void
run(struct trial *t)
{
	struct policy_query *pq = &t->x.pq;

	t->x.region = t->b.region;
	t->x.set = t->set;
	t->x.query = &t->query;
	t->x.uri = &t->uri;
	pq->action = t->temporal ? ACTION_TEMPORAL :
	    t->retrieve		 ? ACTION_RETRIEVE :
				   ACTION_QUERY;
	pq->at = clock_wall();
	pq->ntypes = t->query.ntypes;
	pq->types = t->query.types;
	pq->nids = t->query.nids;
	pq->ids = t->query.ids;
	if (t->retrieve)
		pq->id = t->uri.segments[t->uri.nsegments - 1];
	if (pq->consumer->suspended)
		refuse(t, "TENANT_SUSPENDED", "403: the tenant is suspended.",
		    "403: der Mandant ist gesperrt.");
	else if (find_purpose(t, &pq->purpose))
		explain_run(&t->x);
}

/* ---- output */

static const char *
text_of(struct trial *t, const struct explain_line *l)
{
	return (arena_str(t->b.arena, t->ctl->lang == LANG_DE ? l->text.de :
								l->text.en).p);
}

static void
print_rows(struct trial *t)
{
	struct arena *a = t->b.arena;
	struct table *table = explain_table();

	for (unsigned i = 0; i < t->x.n; i++) {
		const struct explain_line *l = &t->x.v[i];
		const struct region_dataset *ds = l->dataset;
		const struct region_agreement *ag = l->agreement;

		table_add(table, (const char *[]){
		    ds != NULL ? arena_str(a, ds->name).p : NULL,
		    ds != NULL ? ds->source->owner->name.p : NULL, l->code,
		    ag != NULL ? ag->name.p : NULL,
		    ag != NULL ? arena_printf(a, "%u", ag->version) : NULL,
		    explain_place(l, a), text_of(t, l) });
	}
	table_print_take(table, t->ctl);
}

static void
print_lines(struct trial *t)
{
	const struct region_dataset *shown = NULL;
	bool german = t->ctl->lang == LANG_DE;
	const char *at;

	printf("%s %.*s, %s: %.*s\n", german ? "als" : "as",
	    STR_FMT(t->x.pq.consumer->title), german ? "Zweck" : "purpose",
	    STR_FMT(t->x.pq.purpose != NULL ? t->x.pq.purpose->title :
					      STR("-")));
	if (t->context != NULL)
		printf("@context: %.*s\n", STR_FMT(context_url(t->context)));
	for (unsigned i = 0; i < t->x.n; i++) {
		const struct explain_line *l = &t->x.v[i];

		if (l->dataset != NULL && l->dataset != shown)
			printf("\n%.*s (%.*s)\n", STR_FMT(l->dataset->name),
			    STR_FMT(l->dataset->source->owner->title));
		else if (l->dataset == NULL && shown != NULL)
			putchar('\n');
		shown = l->dataset;
		at = explain_place(l, t->b.arena);
		printf("  %-16s %s%s%s%s\n", l->code != NULL ? l->code : "",
		    text_of(t, l), at != NULL ? " [" : "",
		    at != NULL ? at : "", at != NULL ? "]" : "");
	}
}

enum ctl_exit
cmd_explain(const struct ctl *ctl, int argc, char **argv)
{
	struct trial t = { .ctl = ctl };
	enum ctl_exit code;

	if (argc == 1 && explain_is_id(argv[0]))
		return (explain_logged(ctl, argv[0]));
	if (ctl->as == NULL || ctl->log != NULL) {
		ctl_warn(ctl->log != NULL ?
			"--log goes with the id of a request" :
			"explain needs --as TENANT, or the id of a request");
		return (CTL_USAGE);
	}
	buf_init(&t.decoded, 2 * TARGET_MAX);
	code = open_region(&t);
	if (code == CTL_OK) {
		t.x.arena = t.b.arena;
		names_init(&t.names, t.b.region->vocab, t.b.arena);
		t.x.pq.consumer = tenant_find(&t.b.region->tenants,
		    str_of(ctl->as));
		if (t.x.pq.consumer == NULL) {
			ctl_warn("no tenant %s", ctl->as);
			code = CTL_FAILED;
		}
	}
	if (code == CTL_OK)
		code = read_target(&t, argc, argv);
	if (code == CTL_OK)
		code = find_resource(&t);
	if (code == CTL_OK)
		code = read_query(&t);
	if (code == CTL_OK) {
		run(&t);
		if (ctl->output == OUTPUT_TABLE)
			print_lines(&t);
		else
			print_rows(&t);
	}
	policy_free(t.set);
	bundle_clear(&t.b);
	buf_clear(&t.decoded);
	return (code);
}

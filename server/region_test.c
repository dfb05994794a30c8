/* server/region_test.c - region files testing themselves; region_test.h says
 * what is promised. */
#include "server/region_test_priv.h"

#include "policies/redact.h"
#include "server/federation/merge.h"
#include "server/net/http_chars.h"

#define TEXT_MAX    ((size_t)1 << 20)
#define SHOWN_MAX   160 /* bytes of a value in a message */
#define SAYINGS_MAX 10	/* of one test */

/* In English and German. $1: which entity, $2: which member, $3: what came,
 * $4: what was expected. */
static const char *const sayings[][2] = {
	[SAY_PURPOSE] = { "the tenant has agreements for several purposes: "
			  "the test needs purpose",
	    "der Mandant hat Vereinbarungen zu mehreren Zwecken: der Test "
	    "braucht purpose" },
	[SAY_REQUEST] = { "the hub refuses the request: $3",
	    "die Drehscheibe weist die Anfrage ab: $3" },
	[SAY_ENTITY] = { "entity is no NGSI-LD entity in normalized form",
	    "entity ist keine NGSI-LD-Entität in der Form normalized" },
	[SAY_LARGE] = { "the answer is too large",
	    "die Antwort ist zu groß" },
	[SAY_NO_ENTITY] = { "$1 is not in the answer",
	    "$1 fehlt in der Antwort" },
	[SAY_MORE_ENTITY] = { "$1 is in the answer and was not expected",
	    "$1 steht in der Antwort und war nicht erwartet" },
	[SAY_MISSING] = { "$1: $2 is not in the answer, expected was $4",
	    "$1: $2 fehlt in der Antwort, erwartet war $4" },
	[SAY_MORE] = { "$1: $2 is in the answer and was not expected: $3",
	    "$1: $2 steht in der Antwort und war nicht erwartet: $3" },
	[SAY_DIFFERS] = { "$1: $2 is $3, expected was $4",
	    "$1: $2 ist $3, erwartet war $4" },
	[SAY_ABSENT] = { "$1: $2 is in the answer and must be absent: $3",
	    "$1: $2 steht in der Antwort und muss fehlen: $3" },
};

/* ---- messages */

/* One line; a long text is cut between two characters. */
static void
add_text(struct str s, struct buf *b)
{
	size_t n = s.len < SHOWN_MAX ? s.len : SHOWN_MAX;

	while (n < s.len && n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n--;
	for (size_t i = 0; i < n; i++)
		buf_addc(b, (unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f ?
			' ' : s.p[i]);
	if (n < s.len)
		BUF_LIT(b, "...");
}

void
trial_say(struct trial *tr, enum saying what, struct str entity,
    struct str member, struct str got, struct str want)
{
	const struct str texts[4] = { entity, member, got, want };
	const char *p = sayings[what][tr->german];
	struct buf b;

	if (tr->said++ >= SAYINGS_MAX)
		return;
	buf_init(&b, 65536);
	BUF_LIT(&b, "test \"");
	add_text(tr->t->title, &b);
	BUF_LIT(&b, "\": ");
	for (; *p != '\0'; p++)
		if (p[0] == '$' && p[1] >= '1' && p[1] <= '4')
			add_text(texts[*++p - '1'], &b);
		else
			buf_addc(&b, *p);
	tr->say(tr->t->file, tr->t->line, buf_str(&b), tr->arg);
	buf_clear(&b);
}

static void
say_plain(struct trial *tr, enum saying what, const char *got)
{
	trial_say(tr, what, STR_NONE, STR_NONE, str_of(got), STR_NONE);
}

/* ---- the answer */

/* As a person writes it: what a URL cannot hold is escaped. */
static void
add_target(struct str request, struct buf *b)
{
	BUF_LIT(b, "/ngsi-ld/v1/entities?");
	for (size_t i = 0; i < request.len; i++)
		if (request.p[i] == '%' ||
		    http_char_is(request.p[i], HC_QUERY))
			buf_addc(b, request.p[i]);
		else
			buf_addf(b, "%%%02X", (unsigned char)request.p[i]);
}

static bool
read_request(struct trial *tr)
{
	struct query_error e = { 0 };
	struct str target, dup = STR_NONE;
	struct http_uri uri;
	struct buf text;
	enum hub_err err;

	tr->query = (struct query){ .limit = QUERY_LIMIT_DEFAULT };
	if (tr->t->request.len == 0)
		return (true); /* whatever there is to see */
	buf_init(&text, TEXT_MAX);
	add_target(tr->t->request, &text);
	target = arena_str(tr->arena, buf_str(&text));
	buf_clear(&text);
	err = http_uri_parse(target, &tr->decoded, &uri, &dup);
	if (err != HUB_OK)
		e.detail = dup.p != NULL ? "a parameter is there twice" :
					   "no parameters of a URL";
	else
		err = query_parse(&uri, false, tr->t->context, &tr->names,
		    tr->arena, &tr->query, &e);
	if (err != HUB_OK)
		say_plain(tr, SAY_REQUEST, e.detail != NULL ? e.detail : "");
	return (err == HUB_OK);
}

static bool
find_purpose(struct trial *tr, const struct region_purpose **purpose_r)
{
	bool several = false;

	*purpose_r = tr->t->purpose;
	if (tr->t->purpose == NULL)
		*purpose_r = policy_only_purpose(tr->set, tr->t->as, tr->t->at,
		    &several);
	if (several)
		say_plain(tr, SAY_PURPOSE, "");
	return (!several);
}

/* The test's entities as one source holds them, redacted for its leg. */
static bool
take_leg(struct trial *tr, const struct policy_leg *leg, const struct json *j,
    struct merge *m)
{
	const struct region_dataset *ds = leg->dataset;
	struct document *doc = arena_alloc(tr->arena, sizeof(*doc));
	uint32_t first = j->nodes[0].kind == JSON_ARRAY ? 1 : 0;

	*doc = (struct document){ .json = *j,
		.context = tr->t->context,
		.priority = ds->priority,
		.dataset = ds->name,
		.auxiliary = ds->mode == MODE_AUXILIARY };
	for (uint32_t n = first; n < j->nodes[0].next; n = j->nodes[n].next) {
		struct entity *e = arena_alloc(tr->arena, sizeof(*e));

		if (entity_read(doc, n, &tr->names, tr->arena, e) != HUB_OK)
			return (false);
		if (redact_entity(leg, e, tr->t->at, &tr->names, tr->arena) &&
		    query_asked(&tr->query, e))
			merge_add(m, e);
	}
	return (true);
}

/* Every entity is read once at least, agreement or not. */
static bool
entities_readable(struct trial *tr, const struct json *j)
{
	struct document doc = { .json = *j, .context = tr->t->context };
	uint32_t first = j->nodes[0].kind == JSON_ARRAY ? 1 : 0;
	struct entity e;

	for (uint32_t n = first; n < j->nodes[0].next; n = j->nodes[n].next)
		if (entity_read(&doc, n, &tr->names, tr->arena, &e) != HUB_OK)
			return (false);
	return (true);
}

static bool
collect(struct trial *tr, const struct region_purpose *purpose,
    const struct json *j, struct merge *m)
{
	struct policy_query pq = { .consumer = tr->t->as,
		.purpose = purpose,
		.action = ACTION_QUERY,
		.at = tr->t->at,
		.ntypes = tr->query.ntypes,
		.types = tr->query.types,
		.nids = tr->query.nids,
		.ids = tr->query.ids };
	const struct policy_leg *legs = NULL;
	unsigned n = 0;

	if (!entities_readable(tr, j))
		return (false);
	/* As with the hub itself, which holds nothing. */
	if (!tr->query.any_type && !tr->query.local)
		policy_plan(tr->set, &pq, tr->arena, &legs, &n);
	for (unsigned i = 0; i < n; i++)
		if (!take_leg(tr, &legs[i], j, m))
			return (false);
	return (true);
}

/* The page that the request is about, as the client gets it. */
static void
write_answer(struct trial *tr, struct merge *m, struct buf *b)
{
	struct query *q = &tr->query;
	struct entity_out out = { .format = q->format,
		.sys_attrs = q->sys_attrs,
		.lang = q->lang,
		.hide_id = q->hide_id,
		.hide_type = q->hide_type,
		.context = tr->t->context,
		.names = &tr->names,
		.nattrs = q->nattrs,
		.attrs = q->nattrs > 0 ? q->attrs : NULL };
	struct entity **found;
	size_t n, at = 0;

	merge_run(m, &found, &n);
	buf_addc(b, '[');
	for (size_t i = 0; i < n; i++) {
		if (!query_match(q, found[i], &tr->names))
			continue;
		if (at++ < q->offset || at - q->offset > q->limit)
			continue;
		query_project(q, found[i]);
		if (b->p[b->len - 1] == '}')
			buf_addc(b, ',');
		entity_write(found[i], &out, b);
	}
	buf_addc(b, ']');
}

/* ---- a test */

/* Text that region_parse or the writer has made sure of; one entity becomes
 * a list of one. */
static bool
read_list(struct trial *tr, struct str text, struct json *j)
{
	static const struct json_limits limits = { 33, 1024, 400000 };
	struct buf b;
	bool ok;

	buf_init(&b, 2 * TEXT_MAX);
	buf_addc(&b, '[');
	buf_adds(&b, text);
	buf_addc(&b, ']');
	if (str_trim(text).len > 0 && str_trim(text).p[0] == '[')
		text = arena_str(tr->arena, text);
	else
		text = arena_str(tr->arena, buf_str(&b));
	ok = !b.failed && json_parse(j, text, &limits, tr->arena) == HUB_OK &&
	    j->nodes[0].kind == JSON_ARRAY;
	buf_clear(&b);
	return (ok);
}

static void
judge(struct trial *tr, struct merge *m)
{
	struct json got, want;
	struct buf b;

	buf_init(&b, TEXT_MAX);
	write_answer(tr, m, &b);
	if (b.failed || !read_list(tr, buf_str(&b), &got))
		say_plain(tr, SAY_LARGE, "");
	else {
		if (tr->t->expect.len > 0 &&
		    read_list(tr, tr->t->expect, &want))
			trial_compare(tr, &want, &got);
		trial_absent(tr, &got);
	}
	buf_clear(&b);
}

static void
run(struct trial *tr)
{
	const struct region_purpose *purpose;
	struct merge m;
	struct json j;

	if (!read_request(tr) || !find_purpose(tr, &purpose))
		return;
	merge_init(&m, tr->arena);
	if (!read_list(tr, tr->t->entity, &j) ||
	    !collect(tr, purpose, &j, &m))
		say_plain(tr, SAY_ENTITY, "");
	else
		judge(tr, &m);
}

unsigned
region_tests_run(const struct region *region, bool german,
    void (*say_fn)(struct str, unsigned, struct str, void *), void *arg)
{
	struct policy_set *set;
	unsigned failed = 0;

	if (region->ntests == 0)
		return (0);
	set = policy_compile(region);
	policy_pseudonym_key(set, STR(REGION_TEST_KEY));
	for (unsigned i = 0; i < region->ntests; i++) {
		struct trial tr = { .t = &region->tests[i],
			.region = region,
			.set = set,
			.arena = arena_new(),
			.german = german,
			.say = say_fn,
			.arg = arg };

		names_init(&tr.names, region->vocab, tr.arena);
		buf_init(&tr.decoded, TEXT_MAX);
		run(&tr);
		failed += tr.said > 0;
		buf_clear(&tr.decoded);
		arena_free(tr.arena);
	}
	policy_free(set);
	return (failed);
}

/* server/ngsild/temporal_write.c - evolutions as clients get them, made of the
 * same released members as entities; see temporal.h. */
#include "server/ngsild/entity_priv.h"
#include "server/ngsild/temporal_priv.h"

/* 0001-01-01 and the last microsecond of 9999: what can be written. */
#define TIME_MIN INT64_C(-62135596800000000)
#define TIME_MAX INT64_C(253402300799999999)

void
temporal_write_time(struct wall_us at, struct buf *b)
{
	char text[WALL_STR_MAX];
	size_t len;

	at.us = at.us < TIME_MIN ? TIME_MIN : at.us > TIME_MAX ? TIME_MAX :
								 at.us;
	wall_format(at, text);
	len = strlen(text);
	if (at.us % 1000000 == 0) {
		text[len - 8] = 'Z'; /* ".000000Z" */
		len -= 7;
	}
	buf_add(b, text, len);
}

/* ---- values */

/* What the member is called that holds many values (4.5.8). */
static struct str
values_member(enum attr_kind kind)
{
	static const struct str table[] = {
		[ATTR_NONE] = { "", 0 },
		[ATTR_PROPERTY] = { "values", 6 },
		[ATTR_RELATIONSHIP] = { "objects", 7 },
		[ATTR_GEO] = { "values", 6 },
		[ATTR_LANGUAGE] = { "languageMaps", 12 },
		[ATTR_JSON] = { "jsons", 5 },
		[ATTR_VOCAB] = { "vocabs", 6 },
		[ATTR_LIST] = { "valueLists", 10 },
		[ATTR_LIST_RELATIONSHIP] = { "objectLists", 11 },
	};

	return (table[kind]);
}

/* A LanguageProperty in one language is a Property. */
static enum attr_kind
shown_kind(enum attr_kind kind, const struct entity_out *o)
{
	return (kind == ATTR_LANGUAGE && o->lang.p != NULL ? ATTR_PROPERTY :
							     kind);
}

static void
write_pair(const struct instance *in, const struct temporal *t,
    const struct entity_out *o, struct buf *b)
{
	const struct json *j = &in->doc->json;
	struct entity_out simple = *o;

	buf_addc(b, '[');
	simple.format = ENTITY_KEY_VALUES;
	if (shown_kind(in->kind, o) != in->kind)
		entity_write_form(in, true, &simple, b);
	else
		entity_write_value(in->doc, in->value, in->kind, o, b);
	buf_addc(b, ',');
	buf_adds(b, json_span(j, member_text(j, temporal_time_node(t, in))));
	buf_addc(b, ']');
}

static void
write_pairs(const struct series *s, const struct temporal *t,
    const struct entity_out *o, struct buf *b)
{
	enum attr_kind kind = shown_kind(s->v[0]->kind, o);

	BUF_LIT(b, ",\"");
	buf_adds(b, values_member(kind));
	BUF_LIT(b, "\":[");
	for (size_t i = 0; i < s->n; i++) {
		if (i > 0)
			buf_addc(b, ',');
		write_pair(s->v[i], t, o, b);
	}
	buf_addc(b, ']');
}

/* ---- one attribute */

static void
write_series(const struct series *s, const struct temporal *t,
    const struct entity_out *o, struct buf *b)
{
	BUF_LIT(b, "{\"type\":\"");
	buf_adds(b, attr_kind_type(shown_kind(s->v[0]->kind, o)));
	buf_addc(b, '"');
	if (s->v[0]->dataset_id.p != NULL) {
		BUF_LIT(b, ",\"datasetId\":");
		buf_add_json(b, s->v[0]->dataset_id);
	}
	if (t->form == TEMPORAL_VALUES)
		write_pairs(s, t, o, b);
	else
		temporal_write_aggregates(s, t, o, b);
	buf_addc(b, '}');
}

/* Instances of one kind and dataset, from among first..end, into s; the place
 * behind that dataset is returned. */
static const struct instance *
collect(const struct instance *first, const struct instance *end,
    enum attr_kind kind, const struct instance **v, struct series *s)
{
	const struct instance *in = first;

	*s = (struct series){ v, 0 };
	for (; in < end && str_eq(in->dataset_id, first->dataset_id) &&
	     (in->dataset_id.p == NULL) == (first->dataset_id.p == NULL);
	     in++)
		if (in->kind == kind)
			v[s->n++] = in;
	return (in);
}

/* first..end have one name: an object for each dataset and, where a source
 * changed its mind, each kind. */
static void
write_all_series(const struct instance *first, const struct instance *end,
    const struct temporal *t, const struct entity_out *o, struct buf *b)
{
	const struct instance **v = arena_raw(o->names->arena,
	    (size_t)(end - first) * sizeof(*v));
	const struct instance *in = first, *next = first;
	size_t start = b->len;
	struct series s;
	unsigned n = 0;

	buf_addc(b, '[');
	for (; in < end; in = next)
		for (enum attr_kind k = ATTR_PROPERTY;
		     k <= ATTR_LIST_RELATIONSHIP; k++) {
			next = collect(in, end, k, v, &s);
			if (s.n == 0)
				continue;
			if (n++ > 0)
				buf_addc(b, ',');
			write_series(&s, t, o, b);
		}
	if (n == 1 && !b->failed) { /* alone it needs no array */
		memmove(b->p + start, b->p + start + 1, b->len - start - 1);
		b->len--;
	} else
		buf_addc(b, ']');
}

static void
write_instances(const struct instance *first, const struct instance *end,
    const struct entity_out *o, struct buf *b)
{
	struct entity_out full = *o;

	full.format = ENTITY_NORMALIZED;
	buf_addc(b, '[');
	for (const struct instance *in = first; in < end; in++) {
		if (in > first)
			buf_addc(b, ',');
		entity_write_form(in, true, &full, b);
	}
	buf_addc(b, ']');
}

void
temporal_write(const struct entity *e, const struct temporal *t,
    const struct entity_out *o, struct buf *b)
{
	const struct instance *in = e->instances,
			      *end = in + e->ninstances, *next;
	struct entity bare = *e;
	struct entity_out head = *o;

	/* All that is no attribute, as entities have it. */
	bare.ninstances = 0;
	head.ld = false;
	entity_write(&bare, &head, b);
	if (b->failed)
		return;
	b->len--; /* its brace comes at the end */
	for (; in < end; in = next) {
		for (next = in + 1; next < end && next->name == in->name;)
			next++;
		if (!entity_wanted(o, in->name))
			continue;
		if (b->p[b->len - 1] != '{')
			buf_addc(b, ',');
		context_write(o->context, in->name, o->names->arena, b);
		buf_addc(b, ':');
		if (t->form == TEMPORAL_FULL)
			write_instances(in, next, o, b);
		else
			write_all_series(in, next, t, o, b);
	}
	if (o->ld) {
		if (b->p[b->len - 1] != '{')
			buf_addc(b, ',');
		BUF_LIT(b, "\"@context\":");
		buf_add_json(b, context_url(o->context));
	}
	buf_addc(b, '}');
}

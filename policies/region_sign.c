/* policies/region_sign.c - what a signature binds; region_sign.h says what is
 * promised. */
#include "policies/region_sign.h"

#include <inttypes.h>
#include <stdlib.h>

#include "server/base/hash.h"

#define CONTENT_MAX ((size_t)256 << 20)

/* Pieces of content; a piece stands with its length before it. */
static void
put(struct buf *b, struct str s)
{
	buf_addf(b, "%zu:", s.len);
	buf_adds(b, s);
}

static void
put_int(struct buf *b, int64_t n)
{
	buf_addf(b, "%" PRId64 ";", n);
}

static int
str_order(const void *a, const void *b)
{
	return (str_cmp(*(const struct str *)a, *(const struct str *)b));
}

/* A list whose order says nothing. The texts are freed. */
static void
put_sorted(struct buf *b, struct str *v, unsigned n)
{
	qsort(v, n, sizeof(*v), str_order);
	put_int(b, n);
	for (unsigned i = 0; i < n; i++) {
		put(b, v[i]);
		free((void *)(uintptr_t)v[i].p);
	}
	free(v);
}

static struct str *
list_new(unsigned n)
{
	return (xcalloc((size_t)n + 1, sizeof(struct str)));
}

/* The bytes of a buf, to be freed with the list. */
static struct str
taken(struct buf *b)
{
	assert(!b->failed);
	return (buf_str(b));
}

static void
put_geometry(struct buf *b, const struct geometry *g)
{
	put_int(b, g->kind);
	put_int(b, g->npolygons);
	for (unsigned i = 0; i < g->npolygons; i++) {
		put_int(b, g->polygons[i].nrings);
		for (unsigned k = 0; k < g->polygons[i].nrings; k++)
			put_int(b, g->polygons[i].rings[k].n);
	}
	put_int(b, g->nlines);
	for (unsigned i = 0; i < g->nlines; i++)
		put_int(b, g->lines[i].n);
	put_int(b, g->npoints);
	for (unsigned i = 0; i < g->npoints; i++)
		buf_addf(b, "%a,%a;", g->points[i].lon, g->points[i].lat);
}

static void
put_areas(struct buf *b, const struct region_area *const *areas, unsigned n)
{
	struct str *v = list_new(n);
	struct buf one;

	for (unsigned i = 0; i < n; i++) {
		buf_init(&one, CONTENT_MAX);
		put(&one, areas[i]->name);
		put_geometry(&one, &areas[i]->geometry);
		v[i] = taken(&one);
	}
	put_sorted(b, v, n);
}

static void
put_allow(struct buf *b, const struct region_share *s)
{
	struct str *v = list_new(s->nallow);
	struct buf one;

	for (unsigned i = 0; i < s->nallow; i++) {
		buf_init(&one, CONTENT_MAX);
		put(&one, s->allow[i].attr->iri);
		if (s->allow[i].sub != NULL)
			put(&one, s->allow[i].sub->iri);
		v[i] = taken(&one);
	}
	put_sorted(b, v, s->nallow);
}

static void
put_filterable(struct buf *b, const struct region_share *s)
{
	struct str *v = list_new(s->nfilterable);
	struct buf one;

	for (unsigned i = 0; i < s->nfilterable; i++) {
		buf_init(&one, CONTENT_MAX);
		buf_adds(&one, s->filterable[i]->iri);
		v[i] = taken(&one);
	}
	put_sorted(b, v, s->nfilterable);
}

static void
put_transforms(struct buf *b, const struct region_share *s)
{
	struct str *v = list_new(s->ntransforms);
	struct buf one;

	for (unsigned i = 0; i < s->ntransforms; i++) {
		const struct transform *t = &s->transforms[i].t;

		buf_init(&one, CONTENT_MAX);
		put(&one, s->transforms[i].attr->iri);
		put_int(&one, t->kind);
		buf_addu(&one, t->step);
		buf_addc(&one, ';');
		put_int(&one, t->places);
		buf_addf(&one, "%a;", t->metres);
		put_int(&one, t->us);
		put_int(&one, t->below);
		put(&one, t->text);
		v[i] = taken(&one);
	}
	put_sorted(b, v, s->ntransforms);
}

static void
put_share(struct buf *b, const struct region_share *s)
{
	put(b, s->type->iri);
	put_areas(b, s->inside, s->ninside);
	put_areas(b, s->outside, s->noutside);
	buf_addf(b, "%a;", s->buffer_m);
	put_int(b, s->keep_without_location);
	put_int(b, s->history_us);
	put_int(b, s->delay_us);
	put_allow(b, s);
	put_filterable(b, s);
	put_transforms(b, s);
	put_int(b, s->system_scope);
	put_int(b, s->system_created_at);
	put_int(b, s->system_modified_at);
}

static void
put_shares(struct buf *b, const struct region_agreement *ag)
{
	struct str *v = list_new(ag->nshares);
	struct buf one;

	for (unsigned i = 0; i < ag->nshares; i++) {
		buf_init(&one, CONTENT_MAX);
		put_share(&one, &ag->shares[i]);
		v[i] = taken(&one);
	}
	put_sorted(b, v, ag->nshares);
}

static void
put_crises(struct buf *b, const struct region_agreement *ag)
{
	struct str *v = list_new(ag->ncrises);
	struct buf one;

	for (unsigned i = 0; i < ag->ncrises; i++) {
		const struct region_crisis *c = &ag->crises[i];

		buf_init(&one, CONTENT_MAX);
		put(&one, c->name);
		put(&one, c->authority->name);
		put_int(&one, c->history_us);
		put_int(&one, c->max_us);
		put_int(&one, c->report_us);
		put(&one, c->quota);
		v[i] = taken(&one);
	}
	put_sorted(b, v, ag->ncrises);
}

void
region_agreement_hash(const struct region_agreement *ag, unsigned char out[32])
{
	struct buf b;

	buf_init(&b, CONTENT_MAX);
	put(&b, STR("drehscheibe agreement 1"));
	put(&b, ag->name);
	put_int(&b, ag->version);
	put(&b, ag->provider->name);
	put(&b, ag->consumer->name);
	put(&b, ag->dataset->name);
	put(&b, ag->purpose->name);
	put_int(&b, ag->actions);
	put_int(&b, ag->from.us);
	put_int(&b, ag->until.us);
	put(&b, ag->document);
	put(&b, ag->price);
	put(&b, ag->quota);
	/* Later than the first signatures: absent where it says nothing. */
	if (ag->full_estimate)
		put(&b, STR("on-ledger-full=estimate"));
	if (ag->bill_aborted)
		put(&b, STR("bill-aborted=true"));
	put_shares(&b, ag);
	put_crises(&b, ag);
	assert(!b.failed);
	sha256(buf_str(&b), out);
	buf_clear(&b);
}

/* ---- which of them count */

static void
sign(struct region_agreement *ag, const struct region_signature *s)
{
	if (str_eq(s->tenant, ag->provider->name) && !ag->signed_by_provider &&
	    !str_eq(s->person, ag->consumer_signer)) {
		ag->signed_by_provider = true;
		ag->provider_signer = s->person;
	} else if (str_eq(s->tenant, ag->consumer->name) &&
	    !ag->signed_by_consumer &&
	    !str_eq(s->person, ag->provider_signer)) {
		ag->signed_by_consumer = true;
		ag->consumer_signer = s->person;
	}
}

static void
sign_one(struct arena *a, struct region_agreement *ag,
    const struct region_signature *v, unsigned n)
{
	unsigned char hash[32];
	bool hashed = false;

	for (unsigned i = 0; i < n; i++) {
		struct region_signature s = v[i];

		if (!str_eq(s.agreement, ag->name))
			continue;
		if (!hashed)
			region_agreement_hash(ag, hash);
		hashed = true;
		if (memcmp(s.hash, hash, sizeof(hash)) != 0)
			continue;
		s.person = arena_str(a, s.person);
		sign(ag, &s);
	}
}

void
region_signatures_apply(struct region *region,
    const struct region_signature *v, unsigned n)
{
	struct region_agreement *copy;

	if (n == 0 || region->nagreements == 0)
		return;
	copy = arena_array(region->arena, region->nagreements, sizeof(*copy));
	memcpy(copy, region->agreements, region->nagreements * sizeof(*copy));
	for (unsigned i = 0; i < region->nagreements; i++)
		sign_one(region->arena, &copy[i], v, n);
	region->agreements = copy;
}

/* policies/region_transform.c - the transforms of share blocks, and that no
 * two of them have different ideas of one attribute. */
#include <stdlib.h>

#include "policies/region_priv.h"

/* As the file has it, before it is one transform. */
struct spec {
	struct str decimal, value;
	double metres;
	int64_t us;
	unsigned below;
};
#define AT(member) offsetof(struct spec, member)
static const struct field round_fields[] = {
	{ "to", F_DECIMAL, true, AT(decimal), 0, 0, 0, NULL }, FIELDS_END };
static const struct field grid_fields[] = {
	{ "to", F_METRES, true, AT(metres), 1, 100000, 0, NULL }, FIELDS_END };
static const struct field bucket_fields[] = {
	{ "by", F_DECIMAL, true, AT(decimal), 0, 0, 0, NULL }, FIELDS_END };
static const struct field trunc_fields[] = {
	{ "to", F_US, true, AT(us), 1000000, 366 * WALL_DAY_US, 0, NULL },
	FIELDS_END };
static const struct field suppress_fields[] = {
	{ "below", F_UINT, true, AT(below), 2, 1000000, 0, NULL }, FIELDS_END };
static const struct field pseudonym_fields[] = { FIELDS_END };
static const struct field constant_fields[] = {
	{ "value", F_TEXT, true, AT(value), 0, 0, 0, NULL }, FIELDS_END };

static const struct {
	const char *name;
	const struct field *fields;
} kinds[TRANSFORM_KINDS] = {
	[TRANSFORM_ROUND] = { "round", round_fields },
	[TRANSFORM_GRID] = { "grid", grid_fields },
	[TRANSFORM_BUCKET] = { "bucket", bucket_fields },
	[TRANSFORM_TRUNC_TIME] = { "trunc-time", trunc_fields },
	[TRANSFORM_SUPPRESS] = { "suppress", suppress_fields },
	[TRANSFORM_PSEUDONYM] = { "pseudonym", pseudonym_fields },
	[TRANSFORM_CONSTANT] = { "constant", constant_fields },
};

/* ---- one share block */

static void
transform_set(struct transform *t, enum transform_kind kind,
    const struct spec *spec)
{
	*t = (struct transform){ .kind = kind,
		.metres = spec->metres,
		.us = spec->us,
		.below = spec->below,
		.text = spec->value };
	if (spec->decimal.len > 0)
		transform_step(t, spec->decimal);
}

static void
warn_of(const struct sec *sub, const struct region_share *share,
    const struct region_transform *rt)
{
	struct str title = nearest_to(sec_title(sub)).wrong;
	const char *kind = kinds[rt->t.kind].name;

	if (share_allows(share, rt->attr, NULL))
		sec_warn(sub, NULL,
		    "%s %.*s: the attribute is also allowed, and allow wins",
		    kind, STR_FMT(title));
	else if (rt->t.kind == TRANSFORM_TRUNC_TIME &&
	    (share->system_created_at || share->system_modified_at))
		sec_warn(sub, NULL,
		    "%s %.*s: createdAt or modifiedAt, which system releases, "
		    "tell the time more exactly",
		    kind, STR_FMT(title));
}

static const struct region_transform *
transform_of(const struct region_share *share, const struct name *attr)
{
	for (unsigned i = 0; i < share->ntransforms; i++)
		if (share->transforms[i].attr == attr)
			return (&share->transforms[i]);
	return (NULL);
}

static void
read_one(const struct sec *sub, enum transform_kind kind,
    const struct region_dataset *ds, const struct region_type *type,
    struct region_share *share, struct region_transform *rt)
{
	struct spec spec = { .us = 0 };
	unsigned before = sub->b->nerrors;

	*rt = (struct region_transform){ .line = sub->node->line,
		.column = sub->node->column };
	rt->attr = share_attr(sub, NULL, ds, type, sec_title(sub));
	fields_read(sub, kinds[kind].fields, &spec);
	if (rt->attr == NULL || sub->b->nerrors > before)
		return;
	if (transform_of(share, rt->attr) != NULL) {
		sec_error(sub, NULL, "a second transform of %.*s",
		    STR_FMT(sec_title(sub)));
		return;
	}
	transform_set(&rt->t, kind, &spec);
	warn_of(sub, share, rt);
	share->ntransforms++;
}

void
share_transforms(const struct sec *s, const struct region_dataset *ds,
    const struct region_type *type, struct region_share *share)
{
	struct region_transform *all;
	unsigned n = 0;

	for (unsigned k = 0; k < TRANSFORM_KINDS; k++)
		n += sec_nblocks(s, kinds[k].name);
	if (n > REGION_ITEMS_MAX) {
		sec_error(s, NULL, "over %d transforms", REGION_ITEMS_MAX);
		return;
	}
	all = arena_array(s->b->arena, (size_t)n + 1, sizeof(*all));
	share->transforms = all;
	for (unsigned k = 0; k < TRANSFORM_KINDS; k++)
		for (unsigned i = 0; i < sec_nblocks(s, kinds[k].name); i++) {
			struct sec sub = sec_block(s, kinds[k].name, i);

			read_one(&sub, (enum transform_kind)k, ds, type, share,
			    &all[share->ntransforms]);
		}
}

/* ---- all agreements */

struct item {
	const struct region_agreement *agreement;
	const struct name *type;
	const struct region_transform *rt;
};

/* Zero: one attribute of one type for one consumer and purpose out of one
 * dataset. */
static int
cell_cmp(const struct item *x, const struct item *y)
{
	const struct region_agreement *a = x->agreement, *b = y->agreement;
	uint32_t kx[5] = { a->consumer->index, a->purpose->index,
		a->dataset->index, x->type->id, x->rt->attr->id };
	uint32_t ky[5] = { b->consumer->index, b->purpose->index,
		b->dataset->index, y->type->id, y->rt->attr->id };

	for (int i = 0; i < 5; i++)
		if (kx[i] != ky[i])
			return (kx[i] < ky[i] ? -1 : 1);
	return (0);
}

static int
item_cmp(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int c = cell_cmp(x, y);

	if (c != 0)
		return (c);
	return (x->agreement->index < y->agreement->index ? -1 :
		x->agreement->index > y->agreement->index);
}

static unsigned
collect(struct build *b, struct item **items_r)
{
	const struct region *r = b->region;
	struct item *items;
	unsigned n = 0;

	for (unsigned i = 0; i < r->nagreements; i++)
		for (unsigned s = 0; s < r->agreements[i].nshares; s++)
			n += r->agreements[i].shares[s].ntransforms;
	*items_r = items = arena_array(b->scratch, (size_t)n + 1,
	    sizeof(*items));
	n = 0;
	for (unsigned i = 0; i < r->nagreements; i++)
		for (unsigned s = 0; s < r->agreements[i].nshares; s++) {
			const struct region_share *sh =
			    &r->agreements[i].shares[s];

			for (unsigned t = 0; t < sh->ntransforms; t++)
				items[n++] = (struct item){ &r->agreements[i],
					sh->type, &sh->transforms[t] };
		}
	return (n);
}

/* Both in force at once for one action? */
static bool
meet(const struct region_agreement *a, const struct region_agreement *b)
{
	return ((a->actions & b->actions) != 0 && a->from.us < b->until.us &&
	    b->from.us < a->until.us);
}

static void
complain(struct build *b, const struct item *x, const struct item *y)
{
	const struct sec *block = b->blocks[BLOCK_AGREEMENT];

	build_say(b, block[y->agreement->index].doc->path, y->rt->line,
	    y->rt->column, false,
	    "%s of <%.*s>: %.*s:%u, agreement %.*s, makes something else of it "
	    "for the same consumer, purpose, dataset, type and action",
	    kinds[y->rt->t.kind].name, STR_FMT(y->rt->attr->iri),
	    STR_FMT(block[x->agreement->index].doc->path), x->rt->line,
	    STR_FMT(x->agreement->name));
}

/* At most REGION_GRANTS_MAX agreements have the same consumer, purpose and
 * dataset (check_crowds): that bounds the pairs. */
void
check_transforms(struct build *b)
{
	struct item *v;
	unsigned n = collect(b, &v);

	qsort(v, n, sizeof(*v), item_cmp);
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = i + 1; k < n && cell_cmp(&v[i], &v[k]) == 0;
		     k++)
			if (meet(v[i].agreement, v[k].agreement) &&
			    !transform_same(&v[i].rt->t, &v[k].rt->t)) {
				complain(b, &v[i], &v[k]);
				break;
			}
}

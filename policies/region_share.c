/* policies/region_share.c - what an agreement shares of one type, and what no
 * agreement may share. */
#include "policies/region_priv.h"

static void share_type(const struct sec *, const struct region_dataset *,
    struct region_share *, const struct region_type **type_r);
static void share_areas(const struct sec *, struct region_share *);
static const struct region_area *const *share_area_list(const struct sec *,
    const char *key, unsigned *n_r);
static void share_allow(const struct sec *, const struct region_dataset *,
    const struct region_type *, struct region_share *);
static void share_filterable(const struct sec *, const struct region_dataset *,
    const struct region_type *, struct region_share *);

static const struct word location_words[] = { { "drop", 0 }, { "keep", 1 },
	{ NULL, 0 } };
enum { SYSTEM_SCOPE = 1, SYSTEM_CREATED = 2, SYSTEM_MODIFIED = 4 };
static const struct word system_words[] = { { "scope", SYSTEM_SCOPE },
	{ "createdAt", SYSTEM_CREATED }, { "modifiedAt", SYSTEM_MODIFIED },
	{ NULL, 0 } };

static const struct field share_fields[] = {
	{ "buffer", F_METRES, false, offsetof(struct region_share, buffer_m), 0,
	    0, 0, NULL },
	{ "history", F_US, false, offsetof(struct region_share, history_us), 0,
	    0, 0, NULL },
	{ "delay", F_US, false, offsetof(struct region_share, delay_us), 0, 0,
	    0, NULL },
	FIELDS_END
};
struct share_extra {
	unsigned keep;
};
static const struct field share_extra_fields[] = {
	{ "without-location", F_WORD, false, offsetof(struct share_extra, keep),
	    0, 0, 0, location_words },
	FIELDS_END
};

void
share_read(const struct sec *s, const struct region_dataset *ds,
    struct region_share *share)
{
	struct share_extra extra = { 0 };
	const struct region_type *type = NULL;
	unsigned system;

	fields_read(s, share_fields, share);
	fields_read(s, share_extra_fields, &extra);
	share->keep_without_location = extra.keep != 0;
	/* 0 would mean "no limit" to those who apply it */
	if (sec_has(s, "history") && share->history_us == 0)
		sec_error(s, "history", "history = 0 shares nothing; without "
					"the key there is no limit");
	if (share->history_us > 0 && share->delay_us >= share->history_us)
		sec_error(s, "delay", "delay reaches beyond history");
	system = sec_flags(s, "system", system_words);
	share->system_scope = (system & SYSTEM_SCOPE) != 0;
	share->system_created_at = (system & SYSTEM_CREATED) != 0;
	share->system_modified_at = (system & SYSTEM_MODIFIED) != 0;
	share_areas(s, share);
	share_type(s, ds, share, &type);
	if (type == NULL)
		return;
	share_allow(s, ds, type, share);
	share_filterable(s, ds, type, share);
	share_transforms(s, ds, type, share);
	if (share->nallow + share->ntransforms == 0)
		sec_warn(s, "allow", "this share releases no attribute");
}

static void
share_type(const struct sec *s, const struct region_dataset *ds,
    struct region_share *share, const struct region_type **type_r)
{
	const struct name *name = sec_name(s, NULL, ds->source, sec_title(s));
	struct nearest near = nearest_to(sec_title(s));
	unsigned i;

	if (name == NULL)
		return;
	for (i = 0; i < ds->ntypes; i++) {
		if (ds->types[i].type == name) {
			share->type = name;
			*type_r = &ds->types[i];
			return;
		}
		if (ds->types[i].type != NULL)
			nearest_try(&near,
			    context_compact(ds->source->context,
				ds->types[i].type, s->b->scratch));
	}
	sec_error(s, NULL, "dataset %.*s has no type '%.*s'%s",
	    STR_FMT(ds->name), STR_FMT(near.wrong),
	    nearest_text(&near, s->b->scratch));
}

static void
share_areas(const struct sec *s, struct region_share *share)
{
	share->inside = share_area_list(s, "inside", &share->ninside);
	share->outside = share_area_list(s, "outside", &share->noutside);
	if (share->ninside + share->noutside == 0 &&
	    (sec_has(s, "inside") || sec_has(s, "outside")))
		sec_error(s, sec_has(s, "inside") ? "inside" : "outside",
		    "an empty list of areas; without the key there is no "
		    "limit");
	if (share->ninside + share->noutside == 0 &&
	    (sec_has(s, "buffer") || sec_has(s, "without-location")))
		sec_warn(s, sec_has(s, "buffer") ? "buffer"
						 : "without-location",
		    "without inside or outside this has no effect");
}

static const struct region_area *const *
share_area_list(const struct sec *s, const char *key, unsigned *n_r)
{
	unsigned i, n = sec_nitems(s, key);
	const struct region_area **areas = arena_array(s->b->arena, n + 1,
	    sizeof(*areas));

	for (i = 0; i < n; i++) {
		int area = build_find(s, key, sec_item(s, key, i), BLOCK_AREA);

		if (area >= 0)
			areas[i] = &s->b->areas[area];
	}
	*n_r = n;
	return (areas);
}

const struct name *
share_attr(const struct sec *s, const char *key,
    const struct region_dataset *ds, const struct region_type *type,
    struct str term)
{
	struct nearest near = nearest_to(term);
	const struct name *name;
	unsigned i;

	if (type->nattributes == 0)
		return (sec_term(s, key, ds->source, term));
	if ((name = sec_name(s, key, ds->source, term)) == NULL)
		return (NULL);
	for (i = 0; i < type->nattributes; i++) {
		if (type->attributes[i] == name)
			return (name);
		if (type->attributes[i] != NULL)
			nearest_try(&near,
			    context_compact(ds->source->context,
				type->attributes[i], s->b->scratch));
	}
	sec_error(s, key, "dataset %.*s has no attribute '%.*s'%s",
	    STR_FMT(ds->name), STR_FMT(near.wrong),
	    nearest_text(&near, s->b->scratch));
	return (NULL);
}

/* "a" or "a.b"; an IRI or prefixed name (with ":") is never taken apart. */
static void
share_path(const struct sec *s, const struct region_dataset *ds,
    const struct region_type *type, struct str text, struct region_path *path)
{
	size_t dot = str_chr(text, '.');
	struct str attr = text, sub;

	if (dot < text.len && memchr(text.p, ':', text.len) == NULL) {
		attr = arena_str(s->b->scratch, (struct str){ text.p, dot });
		sub = str_from(text, dot + 1);
		if (memchr(sub.p, '.', sub.len) != NULL) {
			sec_error(s, "allow",
			    "'%.*s': one level of sub-attributes at most",
			    STR_FMT(nearest_to(text).wrong));
			return;
		}
		path->sub = sec_term(s, "allow", ds->source, sub);
	}
	path->attr = share_attr(s, "allow", ds, type, attr);
}

bool
share_allows(const struct region_share *share, const struct name *attr,
    const struct name *sub)
{
	unsigned i;

	for (i = 0; i < share->nallow; i++)
		if (share->allow[i].attr == attr && share->allow[i].sub == sub)
			return (true);
	return (false);
}

static void
share_allow(const struct sec *s, const struct region_dataset *ds,
    const struct region_type *type, struct region_share *share)
{
	unsigned i, n = sec_nitems(s, "allow");
	struct region_path *allow = arena_array(s->b->arena, n + 1,
	    sizeof(*allow));

	share->allow = allow;
	for (i = 0; i < n; i++) {
		struct region_path *path = &allow[share->nallow];
		struct str text = sec_item(s, "allow", i);

		*path = (struct region_path){ NULL, NULL };
		share_path(s, ds, type, text, path);
		if (path->attr == NULL)
			continue;
		if (share_allows(share, path->attr, path->sub))
			sec_error(s, "allow", "'%.*s' is there twice",
			    STR_FMT(nearest_to(text).wrong));
		share->nallow++;
	}
	for (i = 0; i < share->nallow; i++)
		if (allow[i].sub != NULL && !share_allows(share, allow[i].attr, NULL))
			sec_error(s, "allow",
			    "a sub-attribute of <%.*s> is allowed, the "
			    "attribute is not: allow it as well",
			    STR_FMT(allow[i].attr->iri));
}

static void
share_filterable(const struct sec *s, const struct region_dataset *ds,
    const struct region_type *type, struct region_share *share)
{
	unsigned i, n = sec_nitems(s, "filterable");
	const struct name **names = arena_array(s->b->arena, n + 1,
	    sizeof(*names));

	for (i = 0; i < n; i++) {
		struct str term = sec_item(s, "filterable", i);
		const struct name *name = share_attr(s, "filterable", ds, type,
		    term);

		if (name == NULL)
			continue;
		if (share_allows(share, name, NULL))
			names[share->nfilterable++] = name;
		else
			sec_error(s, "filterable",
			    "'%.*s' is filterable but not allowed",
			    STR_FMT(nearest_to(term).wrong));
	}
	share->filterable = names;
}

/* ---- forbid */

static const struct field forbid_fields[] = {
	{ "reason", F_TEXT, true, offsetof(struct region_forbid, reason), 0, 0,
	    0, NULL },
	FIELDS_END
};
struct forbid_extra {
	bool crisis_override;
};
static const struct field forbid_extra_fields[] = {
	{ "crisis-override", F_BOOL, false,
	    offsetof(struct forbid_extra, crisis_override), 0, 0, 0, NULL },
	FIELDS_END
};

/* What a name of a forbid can mean: what the core or any context of the
 * region makes of it, so that none is a way around it. n 0: key absent. */
struct meanings {
	unsigned n;
	const struct name *names[REGION_CONTEXTS_MAX + 1];
};

static void
meaning_add(struct build *b, struct meanings *m, const struct context *context,
    struct str term)
{
	const struct name *name;
	unsigned i;

	if (context == NULL)
		return;
	name = context_expand_build(context, b->region->vocab, term);
	for (i = 0; i < m->n; i++)
		if (m->names[i] == name)
			return;
	if (name != NULL)
		m->names[m->n++] = name;
}

static void
forbid_meanings(const struct sec *s, const char *key, struct meanings *m)
{
	struct build *b = s->b;
	struct str term;
	unsigned i, known = 0;

	m->n = 0;
	if (!sec_has(s, key) || (term = sec_need(s, key)).p == NULL)
		return;
	if (term.len > REGION_TEXT_MAX) {
		sec_error(s, key, "over 1024 bytes");
		return;
	}
	for (i = 0; i < b->nblocks[BLOCK_CONTEXT]; i++)
		meaning_add(b, m,
		    vocab_context(b->region->vocab,
			b->blocks[BLOCK_CONTEXT][i].node->title),
		    term);
	meaning_add(b, m, vocab_core(b->region->vocab), term);
	for (i = 0; i < m->n; i++)
		known += !str_prefix(m->names[i]->iri, STR(NGSILD_DEFAULT));
	if (m->n == 0)
		sec_error(s, key, "'%.*s' is no type or attribute name",
		    STR_FMT(nearest_to(term).wrong));
	else if (known == 0 && b->nblocks[BLOCK_CONTEXT] > 0)
		sec_warn(s, key, "'%.*s' is a term of no context",
		    STR_FMT(nearest_to(term).wrong));
}

static void
forbid_scope(const struct sec *s, struct region_forbid *f)
{
	struct build *b = s->b;
	int i;

	if (sec_has(s, "dataset") &&
	    (i = sec_ref(s, "dataset", BLOCK_DATASET)) >= 0)
		f->dataset = &b->datasets[i];
	if (sec_has(s, "consumer") &&
	    (i = sec_ref(s, "consumer", BLOCK_TENANT)) >= 0)
		f->consumer = &b->tenants[i];
	if (sec_has(s, "purpose") &&
	    (i = sec_ref(s, "purpose", BLOCK_PURPOSE)) >= 0)
		f->purpose = &b->purposes[i];
}

/* One rule per pair of meanings; at least one. */
static unsigned
forbid_read(const struct sec *s, struct region_forbid *out, unsigned room)
{
	struct forbid_extra extra = { false };
	struct region_forbid f = { .name = sec_slug(s),
		.file = s->doc->path,
		.line = s->node->line };
	struct meanings types, attrs;
	unsigned t, a, n = 0;

	forbid_scope(s, &f);
	fields_read(s, forbid_fields, &f);
	fields_read(s, forbid_extra_fields, &extra);
	f.crisis_override = extra.crisis_override;
	f.file = sec_keep(s, f.file);
	forbid_meanings(s, "type", &types);
	forbid_meanings(s, "attribute", &attrs);
	for (t = 0; t < (types.n > 0 ? types.n : 1); t++)
		for (a = 0; a < (attrs.n > 0 ? attrs.n : 1); a++) {
			if (n == room) {
				sec_error(s, NULL,
				    "over %d forbid rules, counting what each "
				    "name means in each context",
				    REGION_FORBIDS_MAX);
				return (n);
			}
			f.type = types.n > 0 ? types.names[t] : NULL;
			f.attribute = attrs.n > 0 ? attrs.names[a] : NULL;
			out[n++] = f;
		}
	return (n);
}

void
build_forbids(struct build *b)
{
	struct region_forbid *forbids = arena_array(b->arena,
	    REGION_FORBIDS_MAX, sizeof(*forbids));
	unsigned i, n = 0;

	for (i = 0; i < b->nblocks[BLOCK_FORBID] && n < REGION_FORBIDS_MAX;
	     i++)
		n += forbid_read(&b->blocks[BLOCK_FORBID][i], forbids + n,
		    REGION_FORBIDS_MAX - n);
	if (i < b->nblocks[BLOCK_FORBID])
		sec_error(&b->blocks[BLOCK_FORBID][i], NULL,
		    "over %d forbid rules", REGION_FORBIDS_MAX);
	b->region->forbids = forbids;
	b->region->nforbids = n;
}

/* policies/registration.c - reading a registration; registration.h says what
 * it promises.
 *
 * A member is read into one field of the struct, which is how an update takes
 * it away again. What the standard does not have is the owner's own. */
#include "policies/registration_priv.h"

#define OWN_MAX 8192 /* bytes of one own member */

static bool
takes_away(const struct reader *r, uint32_t node)
{
	return (kind_of(r, node) == JSON_NULL ||
	    (kind_of(r, node) == JSON_STRING &&
		json_is(r->j, node, STR("urn:ngsi-ld:null"))));
}

static struct registration_property *
own_find(struct registration_property *v, unsigned n, const struct name *name)
{
	for (unsigned i = 0; i < n; i++)
		if (v[i].name == name)
			return (&v[i]);
	return (NULL);
}

/* v has room for one more. */
static bool
read_own(struct reader *r, uint32_t key, bool update,
    struct registration_property *v, unsigned *n)
{
	const struct name *name = reader_name(r, key);
	struct registration_property *p;

	if (name == NULL)
		return (reader_bad(r, "a member has a name that is none"));
	p = own_find(v, *n, name);
	if (takes_away(r, key + 1)) {
		if (!update)
			return (reader_bad(r, "null is no value of a member"));
		if (p != NULL)
			*p = v[--*n];
		return (true);
	}
	if (r->j->nodes[key + 1].len > OWN_MAX)
		return (reader_bad(r, "a member of the owner's own is larger than "
			       "8192 bytes"));
	if (p != NULL && !update)
		return (reader_bad(r, "a member is there under two spellings"));
	if (p == NULL)
		p = &v[(*n)++];
	*p = (struct registration_property){ name, json_span(r->j, key + 1) };
	return (true);
}

static bool
read_member(struct reader *r, uint32_t key, const struct reader_member *m,
    bool update, struct registration *reg)
{
	if (m->passed_over)
		return (true);
	if (!takes_away(r, key + 1)) {
		if (m->size > 0)
			memset((char *)reg + m->offset, 0, m->size);
		return (m->read(r, key + 1, reg));
	}
	if (!update || m->size == 0)
		return (reader_bad(r, arena_printf(r->how->arena,
		    "%.*s can not be taken away", STR_FMT(m->name))));
	memset((char *)reg + m->offset, 0, m->size);
	return (true);
}

static bool
read_all(struct reader *r, bool update, struct registration *reg)
{
	const struct json_node *n = r->j->nodes;
	struct registration_property *own;

	own = arena_array(r->how->arena,
	    (size_t)reg->nproperties + n[0].count + 1, sizeof(*own));
	if (reg->nproperties > 0)
		memcpy(own, reg->properties, reg->nproperties * sizeof(*own));
	reg->properties = own;
	for (uint32_t k = 1; k < n[0].next; k = n[k + 1].next) {
		const struct reader_member *m = reader_member_find(r->j, k);

		if (m != NULL ? !read_member(r, k, m, update, reg) :
			!read_own(r, k, update, own, &reg->nproperties))
			return (reader_bad(r, "a member has a bad value"));
	}
	if (reg->nproperties > REGISTRATION_LIST_MAX)
		return (reader_bad(r, "more than 100 members of the owner's own"));
	return (true);
}

/* ---- judged together */

/* 4.3.6.3: of one entity, and of attributes that are named. */
static bool
check_exclusive(struct reader *r, const struct registration *reg)
{
	struct str id = STR_NONE;

	for (unsigned i = 0; i < reg->information.n; i++) {
		const struct registration_info *info =
		    &reg->information.v[i];

		if (info->nentities == 0 ||
		    info->properties.n + info->relationships.n == 0)
			return (reader_bad(r, "mode exclusive needs one entity with "
				       "its id, and the names of its "
				       "attributes"));
		for (unsigned k = 0; k < info->nentities; k++) {
			if (info->entities[k].id.p == NULL ||
			    (id.p != NULL &&
				!str_eq(id, info->entities[k].id)))
				return (reader_bad(r, "mode exclusive is of one "
					       "entity id, without a "
					       "pattern"));
			id = info->entities[k].id;
		}
	}
	return (true);
}

static bool
check(struct reader *r, struct registration *reg)
{
	if (reg->endpoint.text.p == NULL)
		return (reader_bad(r, "a registration needs an endpoint"));
	if (reg->information.n == 0)
		return (reader_bad(r, "a registration needs information"));
	if (reg->operations.list.n == 0) /* federationOps (4.20) */
		reg->operations.bits = OP_QUERY | OP_RETRIEVE | OP_QUERY_BATCH;
	return (reg->mode.value != MODE_EXCLUSIVE || check_exclusive(r, reg));
}

enum hub_err
registration_read(const struct json *j, const struct registration_reader *how,
    bool update, struct registration *reg_r, const char **why_r)
{
	struct reader r = { .j = j, .how = how };
	struct registration reg = { .id = STR_NONE };
	struct str id = STR_NONE;

	if (update) {
		reg = *reg_r;
		id = reg.id;
	}
	if (j->nodes[0].kind != JSON_OBJECT)
		(void)reader_bad(&r, "the body is no registration");
	else if (!update && json_member(j, 0, STR("type")) == 0)
		(void)reader_bad(&r, "type is ContextSourceRegistration");
	else if (read_all(&r, update, &reg) && update &&
	    !str_eq(reg.id, id))
		(void)reader_bad(&r, "the id of a registration does not change");
	else if (r.why == NULL)
		(void)check(&r, &reg);
	if (r.why != NULL) {
		*why_r = r.why;
		return (HUB_ESYNTAX);
	}
	*reg_r = reg;
	return (HUB_OK);
}

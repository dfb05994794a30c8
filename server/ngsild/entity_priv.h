/* server/ngsild/entity_priv.h - what the files of entity.h share. Reading:
 * entity.c (one), entity_kind.c (an instance's kind), entity_like.c (others
 * like it); writing: entity_write.c (the whole, and normalized attributes),
 * entity_form.c (the other representations of an attribute),
 * entity_geojson.c. */
#ifndef HUB_NGSILD_ENTITY_PRIV_H
#define HUB_NGSILD_ENTITY_PRIV_H

#include "server/ngsild/entity.h"

/* An id: a URI (RFC 3986, 3) of at most 1024 bytes. */
bool entity_is_uri(struct str);

/* After reading the entity at node: keeps what holds for the one behind it too,
 * if that is alike. */
void entity_like_keep(const struct document *, uint32_t node,
    const struct entity *, struct names *);
/* Reads the entity at node by what was kept. False: it must be read for itself;
 * *e may have been written to. */
bool entity_like_read(const struct document *, uint32_t node, struct arena *,
    struct names *, struct entity *e);

/* A key as text; only keys with escapes are copied. */
static inline struct str
key_text(const struct json *j, uint32_t key, struct arena *a)
{
	return (
	    j->nodes[key].escaped ? json_text(j, key, a) : json_raw(j, key));
}

/* By its looks: an object with "type" and "coordinates". */
static inline bool
looks_like_geometry(const struct json *j, uint32_t node)
{
	return (j->nodes[node].kind == JSON_OBJECT &&
	    json_member(j, node, STR("coordinates")) != 0 &&
	    json_member(j, node, STR("type")) != 0);
}

/* Is the attribute in the projection? */
static inline bool
entity_wanted(const struct entity_out *o, const struct name *name)
{
	if (o->attrs == NULL)
		return (true);
	for (unsigned i = 0; i < o->nattrs; i++)
		if (o->attrs[i] == name)
			return (true);
	return (false);
}

/* Do attributes leave as they are kept? */
static inline bool
entity_plain(const struct entity_out *o)
{
	return (o->format == ENTITY_NORMALIZED && o->lang.p == NULL);
}

/* Is that member of an attribute's object a sub-attribute? Not what has a
 * meaning of its own, but for its owner what tells of the value. */
bool entity_is_sub(struct str key, const struct release *);
/* Is it none that is broken, nor an array that holds such? */
bool entity_sub_sound(const struct document *, uint32_t node, struct arena *);

/* The value; a vocabulary's words under the client's names. */
void entity_write_value(const struct document *, uint32_t value,
    enum attr_kind, const struct entity_out *, struct buf *);
/* What is released beside type and value, each member behind a comma. */
void entity_write_members(const struct instance *, const struct entity_out *,
    struct buf *);

/* An attribute, first..end, that is not plain. */
void entity_write_forms(const struct instance *first,
    const struct instance *end, const struct entity_out *, struct buf *);
/* One instance; many: it stands in an array with others. */
void entity_write_form(const struct instance *, bool many,
    const struct entity_out *, struct buf *);

#endif

/* policies/registration_priv.h - reading a registration: values
 * (registration_value.c), its information (registration_info.c), the other
 * members (registration_member.c), and the whole (registration.c); and what
 * registration_match.c and registration_conflict.c share. Private to
 * policies/registration*.c. */
#ifndef HUB_POLICIES_REGISTRATION_PRIV_H
#define HUB_POLICIES_REGISTRATION_PRIV_H

#include "policies/registration.h"

struct reader {
	const struct json *j;
	const struct registration_reader *how;
	unsigned nentities, nnames, npatterns; /* so far */
	const char *why; /* the first thing that is wrong */
};

static inline enum json_kind
kind_of(const struct reader *r, uint32_t node)
{
	return ((enum json_kind)r->j->nodes[node].kind);
}

/* Says what is wrong, unless something was before; false. */
bool reader_bad(struct reader *, const char *why);

/* Each: false when the value is none of these. */
/* A string of 1 to 1024 bytes without control characters; a NUL is behind
 * it. */
bool reader_text(struct reader *, uint32_t node, struct str *);
bool reader_uri(struct reader *, uint32_t node, struct str *);
bool reader_bool(const struct reader *, uint32_t node, bool *);
/* Milliseconds, up to a day. */
bool reader_ms(const struct reader *, uint32_t node, int64_t *);
/* NULL: none, or too many in all. */
const struct name *reader_name(struct reader *, uint32_t node);
/* A list of names, or (single_ok) one. Not empty, none twice. */
bool reader_names(struct reader *, uint32_t node, bool single_ok,
    struct registration_names *);
/* A list of texts, or one of them. Not empty. */
bool reader_texts(struct reader *, uint32_t node, struct registration_texts *);

/* An object each of whose members is in the table. */
struct reader_part {
	struct str name;
	bool (*read)(struct reader *, uint32_t node, void *to);
};

bool reader_parts(struct reader *, uint32_t obj, const struct reader_part *,
    size_t n, void *to);
#define READER_PARTS(r, node, parts, to)                                      \
	reader_parts(r, node, parts, sizeof(parts) / sizeof((parts)[0]), to)

/* A member of the standard. */
struct reader_member {
	struct str name;
	bool (*read)(struct reader *, uint32_t node, struct registration *);
	size_t offset, size; /* what an update takes away; size 0: nothing */
	bool passed_over;    /* only the hub says it, or the caller read it */
};
/* NULL: it is the owner's own. */
const struct reader_member *reader_member_find(const struct json *,
    uint32_t key);
/* Is that how a member of the standard is written? */
bool reader_is_member(struct str);
/* The member information (5.2.10): what the source may have. */
bool read_information(struct reader *, uint32_t node, struct registration *);

static inline bool
has_name(const struct registration_names *names, const struct name *name)
{
	for (unsigned i = 0; i < names->n; i++)
		if (names->v[i] == name)
			return (true);
	return (false);
}

static inline bool
info_has_attr(const struct registration_info *info, const struct name *attr)
{
	return (info->properties.n + info->relationships.n == 0 ||
	    has_name(&info->properties, attr) ||
	    has_name(&info->relationships, attr));
}

static inline bool
entity_has_id(const struct registration_entity *e, struct str id)
{
	if (e->id.p != NULL)
		return (str_eq(e->id, id));
	return (e->pattern == NULL || pattern_match(e->pattern, id));
}

#endif

/* policies/jsonld.h - documents that the hub exports, as trees of JSON-LD: the
 * same tree gives the same bytes, members stand in the order they were set.
 *
 * Beside server/ngsild/json.h, which reads and names its kinds as jansson
 * does; that library is seen in jsonld.c alone. Values that are passed are
 * taken over. */
#ifndef HUB_POLICIES_JSONLD_H
#define HUB_POLICIES_JSONLD_H

#include "server/base/buf.h"

struct json_t; /* a value of jansson's */

struct json_t *ld_object(void) HUB_MUST_CHECK;
struct json_t *ld_list(void) HUB_MUST_CHECK;
struct json_t *ld_text(struct str) HUB_MUST_CHECK;
struct json_t *ld_word(const char *) HUB_MUST_CHECK;
struct json_t *ld_integer(int64_t) HUB_MUST_CHECK;
/* {"@id": iri} */
struct json_t *ld_reference(const char *iri) HUB_MUST_CHECK;
/* {"@value": text, key: what}; key is @type or @language */
struct json_t *ld_value(struct str text, const char *key, const char *what)
    HUB_MUST_CHECK;
void ld_set(struct json_t *object, const char *key, struct json_t *);
void ld_add(struct json_t *list, struct json_t *);
size_t ld_count(const struct json_t *list);
void ld_drop(struct json_t *);
/* Indented, with a line end. */
void ld_write_take(struct json_t *, struct buf *);

#endif

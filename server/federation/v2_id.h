/* server/federation/v2_id.h - the ids of an NGSI-v2 source and how the region
 * knows them: an id that is a URI is itself, any other is
 *
 *	urn:ngsi-ld:TYPE:ID
 *
 * with the type and the id percent-encoded (all but the unreserved characters
 * of RFC 3986, 2.3). So the way back is unique: but for an id that the source
 * may also hold as it is, since it is a URI itself. Pure. */
#ifndef HUB_FEDERATION_V2_ID_H
#define HUB_FEDERATION_V2_ID_H

#include "server/base/arena.h"
#include "server/base/buf.h"

/* Does it stand for itself? A scheme, a colon, something (RFC 3986, 3), no
 * blanks, quotes, controls or brackets, at most 1024 bytes. */
bool v2_id_is_uri(struct str);
/* Appends the id as the region knows it, without quotes. */
void v2_id_write(struct str id, struct str type, struct buf *);
/* Of an id that v2_id_write could have made from a type and an id that is no
 * URI: both; the texts are in the arena. */
bool v2_id_read(struct str, struct arena *, struct str *type_r,
    struct str *id_r);
/* Can NGSI-v2 hold that as an id, a type or an attribute's name? It has
 * neither controls, blanks nor any of < > " ' = ; ( ) & ? / #, and at most 256
 * bytes. Nor is it "." or "..", which are no part of a path. */
bool v2_id_ok(struct str);

#endif

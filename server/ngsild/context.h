/* server/ngsild/context.h - JSON-LD contexts, the part NGSI-LD needs: terms,
 * prefixes, @vocab, arrays of contexts (JSON-LD 1.1; ETSI GS CIM 009, 5.5.7).
 *
 * A vocab holds the core context and the region's contexts; it is built by
 * one thread and immutable afterwards. Every IRI that it knows is one struct
 * name, so names are compared by pointer. Names that only occur in one
 * request (an unknown attribute of a broker) live in that request's struct
 * names. Nothing is ever fetched. */
#ifndef HUB_NGSILD_CONTEXT_H
#define HUB_NGSILD_CONTEXT_H

#include "server/base/arena.h"
#include "server/base/buf.h"
#include "server/ngsild/json.h"

#define NGSILD_CORE_URL                                                       \
	"https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.9.jsonld"
#define NGSILD_DEFAULT "https://uri.etsi.org/ngsi-ld/default-context/"

struct name {
	struct str iri;
	uint32_t id; /* dense from 1 within the vocab; 0: of one request */
};

struct vocab;
struct context; /* opaque; always has the core context underneath */

struct vocab *vocab_new(void) HUB_MUST_CHECK;
void vocab_free(struct vocab *);
/* Adds the document of a context URL: {"@context": string | object | array}.
 * URLs inside must be of the core context (any version v1.3 to v1.9 and the
 * unversioned one) or already added. HUB_ENOTSUP: type-scoped or property-
 * scoped contexts, @import, @propagate, @base, @reverse, @language; HUB_ESYNTAX:
 * not a context; HUB_ENOENT: a URL not known; HUB_EFULL: over 20,000 terms or
 * 1 MiB; HUB_EEXIST (also for a core URL: the core is built in). *why gets an
 * English sentence. Keyword aliases are accepted only for @id and @type. Terms
 * of the core context cannot be redefined (they are protected): what the
 * document says of them is passed over. The core is last (GS CIM 009, 4.4), so
 * the vocabulary of unknown terms is always NGSILD_DEFAULT; a document's own
 * @vocab serves its definitions. After a refusal the vocab is as before. */
enum hub_err vocab_add(struct vocab *, struct str url, struct str document,
    struct buf *why) HUB_MUST_CHECK;
/* The one struct name of an IRI; only while building. */
const struct name *vocab_intern(struct vocab *, struct str iri);
/* Ends the building: prepares, per context, the way from each known name to
 * its spelling and back, so that either costs one probe. Names added later
 * still work, more slowly. */
void vocab_seal(struct vocab *);
/* Names known: ids run from 1 to this. */
uint32_t vocab_size(const struct vocab *);
/* NULL when the region does not know that URL. Any core URL is the core. */
const struct context *vocab_context(const struct vocab *, struct str url);
const struct context *vocab_core(const struct vocab *);
/* The URL to name in a Link header; the core's for the core. Empty for a
 * context that context_of_json put together from several. */
struct str context_url(const struct context *);

/* A spelling and what it was found to mean: entities of one answer have the
 * same members, again and again. The bytes are kept, since a caller's text may
 * go before the request does. */
#define NAMES_RECENT	 32
#define NAMES_RECENT_LEN 32
struct name_recent {
	const struct context *context; /* NULL: free */
	const struct name *name;
	uint32_t len;
	char term[NAMES_RECENT_LEN];
};

/* Names of one request, on top of a vocab. */
struct names {
	const struct vocab *vocab;
	struct arena *arena;
	struct name_slot *slots; /* the module's own, as all that follows */
	uint32_t nslots, used;
	const struct name *location;
	struct name_recent *recent; /* NAMES_RECENT of them, or NULL */
	struct entity_like *like;   /* entity_like.c's: the entity read last */
	struct redacted *redacted;  /* redact_like.c's: what was judged last */
};
void names_init(struct names *, const struct vocab *, struct arena *);
/* The one struct name of an IRI in this request. */
const struct name *names_iri(struct names *, struct str iri);
/* That of location, which is asked for all the time. */
const struct name *names_location(struct names *);

/* Expands a term, prefixed name or IRI as a type or attribute name: term of
 * the context, else prefix:rest when prefix is a term usable as one, else an
 * absolute IRI as it is, else @vocab + term. NULL for "", keywords ("@...")
 * and their aliases ("id", "type"), blank nodes ("_:") and terms mapped to
 * null. Fast for known terms: one probe. */
const struct name *context_expand(const struct context *, struct names *,
    struct str term);
/* The same at build time, interning in the vocab. */
const struct name *context_expand_build(const struct context *, struct vocab *,
    struct str term);
/* The shortest way to write the name under this context: a term, else
 * @vocab-relative, else prefix:rest, else the IRI. Expanding the result under
 * the same context gives the same name, for every name that an expansion gave:
 * where JSON-LD has no spelling (an IRI a:b under a context with another prefix
 * a), the result is <a:b>, and is read back. The result lives as long as the
 * vocab or the arena. Fast for known names: one probe. */
struct str context_compact(const struct context *, const struct name *,
    struct arena *);

/* Appends it as a JSON string. */
void context_write(const struct context *, const struct name *, struct arena *,
    struct buf *);

/* The context an answer carries: node is the value of its "@context" (string,
 * array, object). Of several the later wins; "" in an array means nothing.
 * HUB_ENOENT: a URL that the region does not know (*url_r, borrowed from j or
 * in the arena, names it); HUB_ENOTSUP: an inline object, more than 16 URLs or
 * nonsense. */
enum hub_err context_of_json(struct names *, const struct json *j,
    uint32_t node, const struct context **, struct str *url_r) HUB_MUST_CHECK;
/* The URL of the Link header value with rel
 * "http://www.w3.org/ns/json-ld#context" (RFC 8288); *url_r.p NULL when there
 * is no such link. HUB_ESYNTAX: malformed; HUB_EEXIST: two of them. */
enum hub_err context_link_parse(struct str link_value, struct str *url_r)
    HUB_MUST_CHECK;

#endif

/* policies/region_priv.h - how region files become a region: a scan (where
 * everything stands), libConfuse (what it says), then one pass per kind of
 * block. Private to policies/region*.c. */
#ifndef HUB_POLICIES_REGION_PRIV_H
#define HUB_POLICIES_REGION_PRIV_H

#include <confuse.h>

#include "policies/region.h"
#include "server/base/buf.h"

#define REGION_FILE_MAX	     ((size_t)4 << 20)
#define REGION_FILES_MAX     1000
#define REGION_DEPTH_MAX     16
#define REGION_BLOCKS_MAX    20000 /* of all files, nested ones too */
#define REGION_KEYS_MAX	     200000
#define REGION_ITEMS_MAX     1000 /* of one list */
#define REGION_CONTEXTS_MAX  64
#define REGION_FORBIDS_MAX   512
#define REGION_MESSAGES_MAX  200
#define REGION_VERTICES_MAX  100000
#define REGION_TEXT_MAX	     ((size_t)1024)
#define REGION_LONG_MAX	     ((size_t)65536)
/* Agreements of one consumer and purpose over one dataset; redact.h counts
 * the ones that were used in 64 bits. */
#define REGION_GRANTS_MAX 64

/* ---- what a file looks like (region_scan.c) */

enum node_kind { NODE_BLOCK, NODE_VALUE, NODE_LIST, NODE_CALL };

struct node {
	enum node_kind kind;
	struct str name;
	struct str title; /* of a block, without quotes; p NULL: none */
	struct str value; /* of a value or call, without quotes, escapes kept */
	unsigned line, column; /* of the name; from 1 */
	unsigned nitems;       /* of a list */
	struct node *parent, *child, *last, *next;
};

struct doc {
	struct str path;
	struct str text;  /* comments and CR blanked, for libConfuse */
	struct node root; /* its children are the top-level statements */
	cfg_t *cfg;
};

/* What stops a scan; text is fixed. */
struct scan_fault {
	unsigned line, column;
	const char *text;
};

/* Bounds and shape only: no name is judged. HUB_ESYNTAX fills *fault. */
enum hub_err region_scan(const struct region_file *, struct arena *,
    struct doc *, struct scan_fault *) HUB_MUST_CHECK;
/* The child of that name, or NULL. */
const struct node *node_find(const struct node *, struct str name);

/* libConfuse has one scanner per process, with its buffers in static memory:
 * cfg_init, cfg_parse_fp and cfg_free run in between, on any thread (a region
 * is read by the helper thread, hubd.conf at SIGHUP by the first one). */
void confuse_lock(void);
void confuse_unlock(void);

/* ---- the language (region_lang.c) */

enum block {
	BLOCK_TENANT,
	BLOCK_ISSUER,
	BLOCK_CONTEXT,
	BLOCK_SOURCE,
	BLOCK_DATASET,
	BLOCK_PURPOSE,
	BLOCK_AREA,
	BLOCK_AGREEMENT,
	BLOCK_FORBID,
	BLOCK_PRICE,
	BLOCK_COST,
	BLOCK_MODEL,
	BLOCK_TEST,
	BLOCK_MAX
};
extern const char *const block_names[BLOCK_MAX];
extern cfg_opt_t region_language[];

struct build;

/* A block: where it stands and what it says. */
struct sec {
	struct build *b;
	const struct doc *doc;
	const struct node *node;
	cfg_t *cfg;
};

struct build {
	struct region *region;
	struct arena *arena;   /* the region's */
	struct arena *scratch; /* dies with the parse */
	const struct region_file *files;
	unsigned nfiles;

	const struct registration_row *rows;
	unsigned nrows;
	/* Errors are warnings: of an agreement over a registration. */
	bool lenient;
	unsigned nlenient;

	struct doc *docs;
	unsigned ndocs;
	struct sec *blocks[BLOCK_MAX];
	unsigned nblocks[BLOCK_MAX];
	struct title_slot *titles; /* the parser's own */
	uint32_t title_mask;

	struct arena *message_arena;
	struct region_message *messages;
	unsigned nmessages, nerrors;

	/* Arrays of the region while they may still be written. */
	struct tenant *tenants;
	struct region_source *sources;
	struct region_dataset *datasets;
	struct region_purpose *purposes;
	struct region_area *areas;
	struct region_agreement *agreements;
	struct region_cost *costs;
	struct region_model *models;
};

/* ---- complaints */

void build_say(struct build *, struct str file, unsigned line, unsigned column,
    bool warning, const char *fmt, ...) HUB_PRINTF(6, 7);
/* At a key of the block, or at the block itself when key is NULL or absent. */
void sec_error(const struct sec *, const char *key, const char *fmt, ...)
    HUB_PRINTF(3, 4);
void sec_warn(const struct sec *, const char *key, const char *fmt, ...)
    HUB_PRINTF(3, 4);

/* Collects the known name nearest to a wrong one. */
struct nearest {
	struct str wrong, best;
	unsigned distance, seen;
};
struct nearest nearest_to(struct str wrong);
void nearest_try(struct nearest *, struct str known);
/* "; nearest: allow", or "" when nothing is near; in the arena. */
const char *nearest_text(const struct nearest *, struct arena *);

/* ---- values (region_value.c) */

struct word {
	const char *name;
	unsigned value;
};

enum field_kind {
	F_TEXT,	   /* struct str, one line, at most 1024 bytes */
	F_LONG,	   /* struct str, any text, at most 64 KiB */
	F_UINT,	   /* unsigned */
	F_INT64,   /* int64_t */
	F_BOOL,	   /* bool */
	F_WORD,	   /* unsigned or an enum, from words */
	F_MS,	   /* int, milliseconds */
	F_SECONDS, /* int64_t */
	F_US,	   /* int64_t, microseconds */
	F_METRES,  /* double */
	F_MONEY,   /* struct money */
	F_DECIMAL, /* struct str: a positive decimal number */
	F_DATE,	   /* struct wall_us, midnight UTC */
	F_INSTANT, /* struct wall_us */
	F_AGS,	   /* struct str, eight digits */
	F_QUOTA	   /* struct str: what quota_parse takes */
};

struct field {
	const char *key;
	enum field_kind kind;
	bool needed;
	size_t offset;
	int64_t min, max; /* in the unit of the kind; max 0: the kind's own */
	int64_t dflt;	  /* for absent numbers, durations and words */
	const struct word *words;
};
#define FIELDS_END { NULL, F_TEXT, false, 0, 0, 0, 0, NULL }

/* Reads all fields of the table into *out; what is bad is reported. */
void fields_read(const struct sec *, const struct field *, void *out);
/* The text of a key; p NULL when absent or empty. Borrowed from libConfuse
 * until the parse ends: copy what stays. */
struct str sec_text(const struct sec *, const char *key);
/* The same, reported when absent. */
struct str sec_need(const struct sec *, const char *key);
bool sec_has(const struct sec *, const char *key);
struct str sec_keep(const struct sec *, struct str); /* copied to the region */
unsigned sec_nitems(const struct sec *, const char *key);
struct str sec_item(const struct sec *, const char *key, unsigned i);
/* The words of a list or-ed together. */
unsigned sec_flags(const struct sec *, const char *key, const struct word *);
/* The value of a word, reported when it is none of them. */
bool word_read(const struct sec *, const char *key, struct str text,
    const struct word *, unsigned *value_r);
/* Nested blocks of a name, in order. */
unsigned sec_nblocks(const struct sec *, const char *name);
struct sec sec_block(const struct sec *, const char *name, unsigned i);
struct str sec_title(const struct sec *);

/* ^[a-z][a-z0-9-]{1,40}$ */
bool slug_ok(struct str);
/* "2026-06-01..2027-05-31", both German days included; *until_r exclusive. */
enum hub_err period_parse(struct str, struct wall_us *from_r,
    struct wall_us *until_r) HUB_MUST_CHECK;

/* ---- references (region_parse.c) */

/* The block of that title, or NULL. */
const struct sec *build_peek(const struct build *, enum block,
    struct str title);
/* The index of the block of that title, or -1 and a complaint at key with the
 * nearest title. */
int build_find(const struct sec *, const char *key, struct str title,
    enum block);
/* The same for the value of a key that must be there. */
int sec_ref(const struct sec *, const char *key, enum block);
/* The file of the bundle that the key names, or NULL and a complaint. */
const struct region_file *sec_file(const struct sec *, const char *key);
/* A title that is a slug, copied; else a complaint. */
struct str sec_slug(const struct sec *);

/* ---- URLs (region_issuer.c) */

struct url {
	bool https, loopback;
	struct str host; /* without brackets */
	uint16_t port;
	struct str path; /* empty, or from its "/" on */
};
/* text must end in NUL. Scheme, host, port and a plain path: no user, query,
 * fragment, escapes or dot segments. */
bool url_parse(struct str, struct url *);
/* The same with a complaint at key. */
bool url_read(const struct sec *, const char *key, struct str text,
    struct url *);

/* ---- one function per kind of block; the order is region_parse's */

void build_tenants(struct build *);	/* region_basic.c */
void build_purposes(struct build *);
void build_areas(struct build *);
void build_tests(struct build *);
void build_issuers(struct build *);	/* region_issuer.c */
void build_contexts(struct build *);
void build_sources(struct build *);	/* region_source.c */
void build_datasets(struct build *);
/* What requests to a source begin with, of whichever spelling of its path. */
struct str source_base(struct arena *, enum region_kind, struct str path);
/* The standard's words: operations (value OP_...) and modes (MODE_...). */
extern const struct word operation_words[], mode_words[];
/* What is of NGSI-v2 in a dataset whose fields are read. */
void dataset_v2(const struct sec *, struct region_dataset *); /* region_v2.c */
void build_exclusive(struct build *);	/* region_exclusive.c */
void build_registrations(struct build *); /* region_registration.c */
void build_agreements(struct build *);	/* region_agreement.c */
void build_forbids(struct build *);	/* region_share.c */
void build_costs(struct build *);	/* region_cost.c */
void model_read(const struct sec *, struct region_model *);
/* The index of a member, or -1. */
int model_member(const struct region_model *, struct str name);
void component_read(const struct sec *model, const struct sec *,
    const struct region_model *, struct region_component *);

/* What an agreement's share blocks and crisis blocks say. */
void share_read(const struct sec *, const struct region_dataset *,
    struct region_share *);
/* An attribute of the dataset's type, or NULL and a complaint. */
const struct name *share_attr(const struct sec *, const char *key,
    const struct region_dataset *, const struct region_type *,
    struct str term);
bool share_allows(const struct region_share *, const struct name *attr,
    const struct name *sub);
/* region_transform.c: of a share block, once its allow was read; and across
 * all agreements. */
void share_transforms(const struct sec *, const struct region_dataset *,
    const struct region_type *, struct region_share *);
void check_transforms(struct build *);

/* A name of a dataset or share block under its source's context, reported
 * when it is none. sec_term also warns when the context does not have it. */
const struct name *sec_name(const struct sec *, const char *key,
    const struct region_source *, struct str term);
const struct name *sec_term(const struct sec *, const char *key,
    const struct region_source *, struct str term);

#endif

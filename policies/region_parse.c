/* policies/region_parse.c - from files to a region: scan, check against the
 * language, let libConfuse read, index the titles, then build each kind of
 * block. All errors are collected; a region with one is thrown away. */
#include <pthread.h>
#include <stdlib.h>

#include "policies/region_priv.h"
#include "server/base/hash.h"

struct title_slot {
	const struct sec *sec; /* NULL: empty */
	enum block kind;
	unsigned index;
};

/* Keys already seen in one file, to find what is written twice. */
struct seen {
	const struct node **slots;
	uint32_t mask;
};

static void read_docs(struct build *);
static void read_doc(struct build *, const struct region_file *);
static unsigned count_nodes(const struct node *);
static void check_body(struct build *, const struct doc *, struct seen *,
    const struct node *parent, const cfg_opt_t *opts);
static void check_node(struct build *, const struct doc *, struct seen *,
    const struct node *, const cfg_opt_t *opts);
static void check_include(struct build *, const struct doc *,
    const struct node *);
static const struct node *seen_before(struct seen *, const struct node *);
static void read_confuse(struct build *, struct doc *);
static void collect_blocks(struct build *);
static void index_titles(struct build *);

/* libConfuse hands no argument to its error function. region_parse is not
 * for two callers at once, as its header says. */
static struct build *parsing;

enum hub_err
region_parse(const struct region_file *files, unsigned n,
    struct region **region_r, struct arena *message_arena,
    struct region_message **messages_r, unsigned *nmessages_r)
{
	return (region_parse_registered(files, n, NULL, 0, region_r,
	    message_arena, messages_r, nmessages_r));
}

enum hub_err
region_parse_registered(const struct region_file *files, unsigned n,
    const struct registration_row *rows, unsigned nrows,
    struct region **region_r, struct arena *message_arena,
    struct region_message **messages_r, unsigned *nmessages_r)
{
	struct arena *arena = arena_new();
	struct build b = { .arena = arena, .scratch = arena_new(),
		.files = files, .nfiles = n, .rows = rows, .nrows = nrows,
		.message_arena = message_arena };
	unsigned i;

	b.region = arena_alloc(arena, sizeof(*b.region));
	b.region->arena = arena;
	b.region->vocab = vocab_new();
	b.messages = arena_array(message_arena, REGION_MESSAGES_MAX,
	    sizeof(*b.messages));
	read_docs(&b);
	if (b.nerrors == 0) {
		collect_blocks(&b);
		index_titles(&b);
		build_tenants(&b);
		build_purposes(&b);
		build_issuers(&b);
		build_contexts(&b);
		build_sources(&b);
		build_datasets(&b);
		build_exclusive(&b);
		build_registrations(&b);
		build_areas(&b);
		build_agreements(&b);
		build_forbids(&b);
		build_costs(&b);
		build_tests(&b);
		vocab_seal(b.region->vocab);
	}
	confuse_lock();
	for (i = 0; i < b.ndocs; i++)
		if (b.docs[i].cfg != NULL)
			cfg_free(b.docs[i].cfg);
	confuse_unlock();
	arena_free(b.scratch);
	if (b.nerrors > 0) {
		region_free(b.region);
		b.region = NULL;
	}
	*region_r = b.region;
	*messages_r = b.messages;
	*nmessages_r = b.nmessages;
	return (b.nerrors > 0 ? HUB_ESYNTAX : HUB_OK);
}

/* ---- reading */

static int
path_cmp(const void *a, const void *b)
{
	const struct region_file *const *fa = a, *const *fb = b;

	return (str_cmp((*fa)->path, (*fb)->path));
}

/* In order of path: the same files make the same region. */
static void
read_docs(struct build *b)
{
	const struct region_file **hub;
	unsigned i, n = 0;

	if (b->nfiles > REGION_FILES_MAX) {
		build_say(b, STR_NONE, 0, 0, false, "over %d files",
		    REGION_FILES_MAX);
		return;
	}
	hub = arena_array(b->scratch, b->nfiles + 1, sizeof(*hub));
	for (i = 0; i < b->nfiles; i++)
		if (str_suffix(b->files[i].path, STR(".hub")))
			hub[n++] = &b->files[i];
	if (n == 0)
		build_say(b, STR_NONE, 0, 0, false,
		    "no region file: none of the files ends in .hub");
	qsort(hub, n, sizeof(*hub), path_cmp);
	b->docs = arena_array(b->scratch, n + 1, sizeof(*b->docs));
	for (i = 0; i < n; i++)
		read_doc(b, hub[i]);
}

static void
read_doc(struct build *b, const struct region_file *file)
{
	struct doc *doc = &b->docs[b->ndocs++];
	struct scan_fault fault;
	struct seen seen;
	unsigned before = b->nerrors;

	if (region_scan(file, b->scratch, doc, &fault) != HUB_OK) {
		build_say(b, file->path, fault.line, fault.column, false, "%s",
		    fault.text);
		return;
	}
	seen.mask = 15;
	while (seen.mask < 2 * count_nodes(&doc->root))
		seen.mask = seen.mask * 2 + 1;
	seen.slots = arena_array(b->scratch, (size_t)seen.mask + 1,
	    sizeof(*seen.slots));
	check_body(b, doc, &seen, &doc->root, region_language);
	if (b->nerrors == before)
		read_confuse(b, doc);
}

static unsigned
count_nodes(const struct node *parent)
{
	const struct node *n;
	unsigned total = 0;

	for (n = parent->child; n != NULL; n = n->next)
		total += 1 + count_nodes(n);
	return (total);
}

static const cfg_opt_t *
opt_find(const cfg_opt_t *opts, struct str name)
{
	for (; opts->name != NULL; opts++)
		if (str_eq(str_of(opts->name), name))
			return (opts);
	return (NULL);
}

static void
check_body(struct build *b, const struct doc *doc, struct seen *seen,
    const struct node *parent, const cfg_opt_t *opts)
{
	const struct node *n;

	for (n = parent->child; n != NULL; n = n->next)
		check_node(b, doc, seen, n, opts);
}

/* What a node of that option must look like, or NULL when it does. */
static const char *
shape_fault(const struct node *n, const cfg_opt_t *opt)
{
	if (opt->type == CFGT_FUNC)
		return (n->kind == NODE_CALL ? NULL : "(\"file\") is expected");
	if (opt->type != CFGT_SEC) {
		if (opt->flags & CFGF_LIST)
			return (n->kind == NODE_LIST
				? NULL
				: "= {a, b} is expected");
		return (n->kind == NODE_VALUE ? NULL : "= value is expected");
	}
	if (n->kind != NODE_BLOCK)
		return ("{ ... } is expected");
	if (!(opt->flags & CFGF_TITLE))
		return (n->title.p == NULL ? NULL : "takes no title");
	if (n->title.p == NULL || n->title.len == 0)
		return ("needs a title before \"{\"");
	if (n->title.len > REGION_TEXT_MAX ||
	    memchr(n->title.p, '\\', n->title.len) != NULL ||
	    memchr(n->title.p, '\n', n->title.len) != NULL)
		return ("has a title with a backslash or line end, or over "
			"1024 bytes");
	return (NULL);
}

static void
check_node(struct build *b, const struct doc *doc, struct seen *seen,
    const struct node *n, const cfg_opt_t *opts)
{
	const cfg_opt_t *o, *opt = opt_find(opts, n->name);
	struct nearest near = nearest_to(n->name);
	const char *where = n->parent == &doc->root ? "at the top of a file"
						    : NULL;
	const struct node *first;
	const char *fault;

	if (opt == NULL) {
		for (o = opts; o->name != NULL; o++)
			nearest_try(&near, str_of(o->name));
		if (where == NULL)
			where = arena_printf(b->scratch, "in %.*s",
			    STR_FMT(n->parent->name));
		build_say(b, doc->path, n->line, n->column, false,
		    "unknown key '%.*s' %s%s", STR_FMT(near.wrong), where,
		    nearest_text(&near, b->scratch));
		return;
	}
	if ((fault = shape_fault(n, opt)) != NULL)
		build_say(b, doc->path, n->line, n->column, false, "%s %s",
		    opt->name, fault);
	else if (opt->type == CFGT_FUNC)
		check_include(b, doc, n);
	else if ((first = seen_before(seen, n)) != NULL)
		build_say(b, doc->path, n->line, n->column, false,
		    "%s%s%.*s is there twice: also at %.*s:%u", opt->name,
		    n->title.p != NULL ? " " : "", STR_FMT(n->title),
		    STR_FMT(doc->path), first->line);
	else if (opt->type == CFGT_SEC)
		check_body(b, doc, seen, n, opt->subopts);
}

static void
check_include(struct build *b, const struct doc *doc, const struct node *n)
{
	unsigned i;

	for (i = 0; i < b->nfiles; i++)
		if (str_eq(b->files[i].path, n->value) &&
		    str_suffix(n->value, STR(".hub")))
			return;
	build_say(b, doc->path, n->line, n->column, false,
	    "no region file \"%.*s\" to include; its name ends in .hub",
	    STR_FMT(nearest_to(n->value).wrong));
}

/* The one of that name and title in the same block, if there is one. */
static const struct node *
seen_before(struct seen *seen, const struct node *n)
{
	uint64_t h = hash_str(n->name) * 31 + hash_str(n->title) * 7 +
	    (uintptr_t)n->parent / sizeof(*n);
	uint32_t i;

	for (i = (uint32_t)h & seen->mask; seen->slots[i] != NULL;
	     i = (i + 1) & seen->mask) {
		const struct node *o = seen->slots[i];

		if (o->parent == n->parent && str_eq(o->name, n->name) &&
		    str_eq(o->title, n->title))
			return (o);
	}
	seen->slots[i] = n;
	return (NULL);
}

static void on_confuse_error(cfg_t *, const char *, va_list) HUB_PRINTF(2, 0);

static pthread_mutex_t confuse = PTHREAD_MUTEX_INITIALIZER;

void
confuse_lock(void)
{
	(void)pthread_mutex_lock(&confuse);
}

void
confuse_unlock(void)
{
	(void)pthread_mutex_unlock(&confuse);
}

static void
on_confuse_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	struct buf text;

	buf_init(&text, 1024);
	buf_vaddf(&text, fmt, ap);
	build_say(parsing, str_of(cfg->filename),
	    cfg->line > 0 ? (unsigned)cfg->line : 0, 0, false, "%s",
	    buf_cstr(&text));
	buf_clear(&text);
}

static void
read_confuse(struct build *b, struct doc *doc)
{
	FILE *f;
	int rc = CFG_SUCCESS;

	confuse_lock();
	parsing = b;
	doc->cfg = cfg_init(region_language, CFGF_NONE);
	(void)cfg_set_error_function(doc->cfg, on_confuse_error);
	doc->cfg->filename =
	    xstrdup(arena_str(b->scratch, doc->path).p); /* cfg_free's */
	if (doc->text.len > 0) {
		f = fmemopen((void *)(uintptr_t)doc->text.p, doc->text.len,
		    "r");
		assert(f != NULL);
		rc = cfg_parse_fp(doc->cfg, f);
		(void)fclose(f);
	}
	if (rc != CFG_SUCCESS && b->nerrors == 0)
		build_say(b, doc->path, 0, 0, false, "libConfuse refuses it");
	parsing = NULL;
	confuse_unlock();
}

/* ---- titles */

static void
collect_kind(struct build *b, enum block kind)
{
	const char *name = block_names[kind];
	unsigned i, k, n = 0;
	struct sec top;

	for (i = 0; i < b->ndocs; i++)
		n += cfg_size(b->docs[i].cfg, name);
	b->blocks[kind] = arena_array(b->scratch, n + 1,
	    sizeof(*b->blocks[kind]));
	for (i = 0; i < b->ndocs; i++) {
		const struct node *node = b->docs[i].root.child;

		top = (struct sec){ b, &b->docs[i], NULL, NULL };
		for (k = 0; k < cfg_size(b->docs[i].cfg, name);
		     node = node->next) {
			if (!str_eq(node->name, str_of(name)))
				continue;
			top.node = node;
			top.cfg = cfg_getnsec(b->docs[i].cfg, name, k++);
			b->blocks[kind][b->nblocks[kind]++] = top;
		}
	}
}

static void
collect_blocks(struct build *b)
{
	unsigned total = 0, k;

	for (k = 0; k < BLOCK_MAX; k++) {
		collect_kind(b, (enum block)k);
		total += b->nblocks[k];
	}
	if (total > REGION_BLOCKS_MAX)
		build_say(b, STR_NONE, 0, 0, false, "over %d blocks",
		    REGION_BLOCKS_MAX);
	b->title_mask = 15;
	while (b->title_mask < 2 * total)
		b->title_mask = b->title_mask * 2 + 1;
	b->titles = arena_array(b->scratch, (size_t)b->title_mask + 1,
	    sizeof(*b->titles));
}

/* The slot of a title, or the empty one where it belongs. */
static struct title_slot *
title_slot(const struct build *b, enum block kind, struct str title)
{
	uint64_t h = hash_str(title) + kind * UINT64_C(0x9e3779b97f4a7c15);
	uint32_t i;

	for (i = (uint32_t)h & b->title_mask; b->titles[i].sec != NULL;
	     i = (i + 1) & b->title_mask)
		if (b->titles[i].kind == kind &&
		    str_eq(b->titles[i].sec->node->title, title))
			break;
	return (&b->titles[i]);
}

static void
index_titles(struct build *b)
{
	unsigned k, i;

	for (k = 0; k < BLOCK_MAX; k++)
		for (i = 0; i < b->nblocks[k]; i++) {
			const struct sec *s = &b->blocks[k][i];
			struct title_slot *slot =
			    title_slot(b, (enum block)k, s->node->title);

			if (slot->sec == NULL) {
				*slot = (struct title_slot){ s, (enum block)k,
					i };
				continue;
			}
			sec_error(s, NULL,
			    "%s %.*s is there twice: also at %.*s:%u",
			    block_names[k], STR_FMT(s->node->title),
			    STR_FMT(slot->sec->doc->path),
			    slot->sec->node->line);
		}
}

const struct sec *
build_peek(const struct build *b, enum block kind, struct str title)
{
	return (title_slot(b, kind, title)->sec);
}

int
build_find(const struct sec *s, const char *key, struct str title,
    enum block kind)
{
	const struct build *b = s->b;
	const struct title_slot *slot = title_slot(b, kind, title);
	struct nearest near = nearest_to(title);
	unsigned i;

	if (slot->sec != NULL)
		return ((int)slot->index);
	for (i = 0; i < b->nblocks[kind]; i++)
		nearest_try(&near, b->blocks[kind][i].node->title);
	sec_error(s, key, "unknown %s '%.*s'%s", block_names[kind],
	    STR_FMT(near.wrong), nearest_text(&near, b->scratch));
	return (-1);
}

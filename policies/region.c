/* policies/region.c - a region's end and its hash; the complaints and
 * references that every part of the parse shares. */
#include "policies/region_german.h"
#include "policies/region_priv.h"

#include <stdarg.h>
#include <stdlib.h>

#include "server/base/hash.h"

/* Names compared for one suggestion, so that a hostile file costs little. */
#define NEAREST_MAX 500

static void say(struct build *, struct str file, unsigned line,
    unsigned column, bool warning, const char *fmt, va_list) HUB_PRINTF(6, 0);
static void say_sec(const struct sec *, const char *key, bool warning,
    const char *fmt, va_list) HUB_PRINTF(4, 0);

void
region_free(struct region *region)
{
	if (region == NULL)
		return;
	vocab_free(region->vocab);
	arena_free(region->arena); /* holds the region itself */
}

const struct region_purpose *
region_purpose_find(const struct region *region, struct str name)
{
	unsigned i;

	for (i = 0; i < region->npurposes; i++)
		if (str_eq(region->purposes[i].name, name))
			return (&region->purposes[i]);
	return (NULL);
}

static int
file_cmp(const void *a, const void *b)
{
	const struct region_file *const *fa = a, *const *fb = b;

	return (str_cmp((*fa)->path, (*fb)->path));
}

/* A length in eight bytes, big-endian, before what it measures: no two sets
 * of files give the same text. */
static void
hash_part(struct buf *b, struct str part)
{
	uint64_t n = part.len;
	int shift;

	for (shift = 56; shift >= 0; shift -= 8)
		buf_addc(b, (char)(unsigned char)(n >> shift & 0xff));
	buf_adds(b, part);
}

void
region_hash(const struct region_file *files, unsigned n, unsigned char out[32])
{
	const struct region_file **sorted = xcalloc(n + 1, sizeof(*sorted));
	size_t total = 1;
	struct buf b;
	unsigned i;

	for (i = 0; i < n; i++) {
		sorted[i] = &files[i];
		total += files[i].path.len + files[i].bytes.len + 16;
	}
	qsort(sorted, n, sizeof(*sorted), file_cmp);
	buf_init(&b, total);
	for (i = 0; i < n; i++) {
		hash_part(&b, sorted[i]->path);
		hash_part(&b, sorted[i]->bytes);
	}
	assert(!b.failed);
	sha256(buf_str(&b), out);
	buf_clear(&b);
	free(sorted);
}

/* ---- complaints */

static void
say(struct build *b, struct str file, unsigned line, unsigned column,
    bool warning, const char *fmt, va_list ap)
{
	struct region_message *m;
	struct buf text, german;

	if (b->lenient && !warning) {
		b->nlenient++;
		warning = true;
	}
	if (!warning)
		b->nerrors++;
	if (b->nmessages == REGION_MESSAGES_MAX)
		return;
	m = &b->messages[b->nmessages++];
	buf_init(&text, 4096);
	buf_init(&german, 4096);
	if (b->nmessages == REGION_MESSAGES_MAX) {
		BUF_LIT(&text, "more messages are left out");
		BUF_LIT(&german, "weitere Meldungen sind weggelassen");
	} else
		region_german_write(fmt, ap, &text, &german);
	m->file = arena_str(b->message_arena, file);
	m->german = arena_str(b->message_arena, buf_str(&german));
	m->line = line;
	m->column = column;
	m->warning = warning;
	m->text = arena_str(b->message_arena, buf_str(&text));
	buf_clear(&text);
	buf_clear(&german);
}

void
build_say(struct build *b, struct str file, unsigned line, unsigned column,
    bool warning, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(b, file, line, column, warning, fmt, ap);
	va_end(ap);
}

static void
say_sec(const struct sec *s, const char *key, bool warning, const char *fmt,
    va_list ap)
{
	const struct node *n = NULL;

	if (key != NULL)
		n = node_find(s->node, str_of(key));
	if (n == NULL)
		n = s->node;
	say(s->b, s->doc->path, n->line, n->column, warning, fmt, ap);
}

void
sec_error(const struct sec *s, const char *key, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_sec(s, key, false, fmt, ap);
	va_end(ap);
}

void
sec_warn(const struct sec *s, const char *key, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_sec(s, key, true, fmt, ap);
	va_end(ap);
}

struct nearest
nearest_to(struct str wrong)
{
	if (wrong.len > 80)
		wrong.len = 80;
	return ((struct nearest){ wrong, STR_NONE, 0, 0 });
}

void
nearest_try(struct nearest *near, struct str known)
{
	unsigned d;

	if (near->seen++ >= NEAREST_MAX)
		return;
	d = str_distance(near->wrong, known);
	if (near->best.p == NULL || d < near->distance) {
		near->best = known;
		near->distance = d;
	}
}

const char *
nearest_text(const struct nearest *near, struct arena *arena)
{
	size_t len = near->wrong.len;

	if (near->best.p == NULL || near->distance > len / 3 + 2 ||
	    near->distance >= len)
		return ("");
	return (arena_printf(arena, "; nearest: %.*s", STR_FMT(near->best)));
}

/* ---- references */

int
sec_ref(const struct sec *s, const char *key, enum block kind)
{
	struct str title = sec_need(s, key);

	return (title.p != NULL ? build_find(s, key, title, kind) : -1);
}

const struct region_file *
sec_file(const struct sec *s, const char *key)
{
	struct str path = sec_need(s, key);
	struct nearest near = nearest_to(path);
	unsigned i;

	if (path.p == NULL)
		return (NULL);
	for (i = 0; i < s->b->nfiles; i++) {
		if (str_eq(s->b->files[i].path, path))
			return (&s->b->files[i]);
		nearest_try(&near, s->b->files[i].path);
	}
	sec_error(s, key, "no file \"%.*s\" beside the region files%s",
	    STR_FMT(near.wrong), nearest_text(&near, s->b->scratch));
	return (NULL);
}

struct str
sec_slug(const struct sec *s)
{
	if (!slug_ok(s->node->title))
		sec_error(s, NULL,
		    "bad name \"%.*s\" of %s; allowed: a small letter, then 1 "
		    "to 40 of a-z, 0-9 and -",
		    STR_FMT(nearest_to(s->node->title).wrong),
		    cfg_name(s->cfg));
	return (sec_keep(s, s->node->title));
}

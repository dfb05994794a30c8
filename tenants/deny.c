/* tenants/deny.c - what is revoked; deny.h says what it promises. */
#include "tenants/deny.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "server/base/hash.h"

struct deny_set {
	atomic_uint refs;
	struct arena *arena; /* holds the entries; the set is beside it */
	unsigned counts[DENY_KINDS];
	uint32_t mask;
	/* Open addressing by kind and value; kind DENY_KINDS: empty. The same
	 * value of several issuers stands in several slots. */
	struct deny_entry *slots;
};

static const char *const kinds[DENY_KINDS] = { "jti", "client", "subject",
	"certificate", "tenant", "agreement" };

enum hub_err
deny_kind_read(struct str word, enum deny_kind *kind_r)
{
	for (unsigned i = 0; i < DENY_KINDS; i++)
		if (str_eq(word, str_of(kinds[i]))) {
			*kind_r = (enum deny_kind)i;
			return (HUB_OK);
		}
	return (HUB_ESYNTAX);
}

/* ---- values */

static bool
read_hex(struct str s, unsigned char out[SHA256_LEN])
{
	bool colons = s.len == 3 * SHA256_LEN - 1;
	size_t step = colons ? 3 : 2;

	if (!colons && s.len != 2 * SHA256_LEN)
		return (false);
	for (size_t i = 0; i < SHA256_LEN; i++) {
		int hi = hex_digit(s.p[i * step]);
		int lo = hex_digit(s.p[i * step + 1]);

		if (hi < 0 || lo < 0 ||
		    (colons && i > 0 && s.p[i * step - 1] != ':'))
			return (false);
		out[i] = (unsigned char)(hi * 16 + lo);
	}
	return (true);
}

static enum hub_err
read_certificate(struct str text, struct arena *a, struct str *value_r)
{
	unsigned char *hash = arena_raw(a, B64URL_MAX(43));
	size_t n = SHA256_LEN;

	if (!read_hex(text, hash) &&
	    (text.len != 43 || b64url_decode(text, hash, &n) != HUB_OK ||
		n != SHA256_LEN))
		return (HUB_ESYNTAX);
	*value_r = (struct str){ (const char *)hash, SHA256_LEN };
	return (HUB_OK);
}

enum hub_err
deny_value_read(enum deny_kind kind, struct str text, struct arena *a,
    struct str *value_r)
{
	if (kind == DENY_CERTIFICATE)
		return (read_certificate(text, a, value_r));
	if (text.len == 0 || text.len > DENY_VALUE_MAX)
		return (HUB_ESYNTAX);
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
			return (HUB_ESYNTAX);
	*value_r = arena_str(a, text);
	return (HUB_OK);
}

/* ---- the file */

/* The next word of a line; false: there is none before its comment. */
static bool
next_word(struct str *line, struct str *word_r)
{
	size_t n = 0;

	while (line->len > 0 && strchr(" \t\r", line->p[0]) != NULL)
		*line = str_from(*line, 1);
	if (line->len == 0 || line->p[0] == '#')
		return (false);
	while (n < line->len && strchr(" \t\r", line->p[n]) == NULL)
		n++;
	*word_r = (struct str){ line->p, n };
	*line = str_from(*line, n);
	return (true);
}

/* HUB_ENOENT: nothing stands there. */
static enum hub_err
read_line(struct str line, struct arena *a, struct deny_entry *e)
{
	static const struct str prefix = { "issuer=", 7 };
	struct str word, text, more;
	enum hub_err err;

	*e = (struct deny_entry){ .until = WALL_ABSENT };
	if (memchr(line.p, '\0', line.len) != NULL)
		return (HUB_ESYNTAX);
	if (!next_word(&line, &word))
		return (HUB_ENOENT);
	if (deny_kind_read(word, &e->kind) != HUB_OK ||
	    !next_word(&line, &text))
		return (HUB_ESYNTAX);
	err = deny_value_read(e->kind, text, a, &e->value);
	if (err != HUB_OK || !next_word(&line, &more))
		return (err);
	if (e->kind > DENY_SUBJECT || !str_prefix(more, prefix) ||
	    more.len == prefix.len || next_word(&line, &word))
		return (HUB_ESYNTAX);
	e->issuer = arena_str(a, str_from(more, prefix.len));
	return (HUB_OK);
}

enum hub_err
deny_list_read(struct str text, struct arena *a, struct deny_entry **list_r,
    unsigned *n_r, void (*on_bad)(unsigned line, void *), void *arg)
{
	struct deny_entry *list, e;
	unsigned n = 0, number = 0;
	size_t lines = 1;
	struct str line;
	enum hub_err err;

	for (size_t i = 0; i < text.len; i++)
		lines += text.p[i] == '\n';
	if (lines > DENY_ENTRIES_MAX)
		lines = DENY_ENTRIES_MAX;
	list = arena_array(a, lines, sizeof(*list));
	while (text.p != NULL && str_cut(&text, '\n', &line)) {
		number++;
		err = read_line(line, a, &e);
		if (err == HUB_ENOENT)
			continue;
		if (err != HUB_OK) {
			on_bad(number, arg);
			continue;
		}
		if (n == lines)
			return (HUB_EFULL);
		list[n++] = e;
	}
	*list_r = list;
	*n_r = n;
	return (HUB_OK);
}

/* ---- the set */

static uint32_t
slot_of(const struct deny_set *s, enum deny_kind kind, struct str value)
{
	return ((uint32_t)(hash_str(value) + kind) & s->mask);
}

static void
set_add(struct deny_set *s, const struct deny_entry *e)
{
	uint32_t at = slot_of(s, e->kind, e->value);

	while (s->slots[at].kind != DENY_KINDS)
		at = (at + 1) & s->mask;
	s->slots[at] = *e;
	s->slots[at].value = arena_str(s->arena, e->value);
	s->slots[at].issuer = arena_str(s->arena, e->issuer);
	s->counts[e->kind]++;
}

struct deny_set *
deny_set_new(const struct deny_entry *list, unsigned n,
    const struct deny_entry *more, unsigned nmore)
{
	struct deny_set *s = xcalloc(1, sizeof(*s));
	uint32_t size = 16;

	assert(n <= DENY_ENTRIES_MAX && nmore <= DENY_ENTRIES_MAX);
	while (size < 2 * (n + nmore))
		size *= 2;
	atomic_init(&s->refs, 1);
	s->arena = arena_new();
	s->mask = size - 1;
	s->slots = arena_array(s->arena, size, sizeof(*s->slots));
	for (uint32_t i = 0; i < size; i++)
		s->slots[i].kind = DENY_KINDS;
	for (unsigned i = 0; i < n; i++)
		set_add(s, &list[i]);
	for (unsigned i = 0; i < nmore; i++)
		set_add(s, &more[i]);
	return (s);
}

struct deny_set *
deny_set_ref(struct deny_set *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return (s);
}

void
deny_set_unref(struct deny_set **sp)
{
	struct deny_set *s = *sp;

	*sp = NULL;
	if (s == NULL ||
	    atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	arena_free(s->arena);
	free(s);
}

bool
deny_find(const struct deny_set *s, enum deny_kind kind, struct str value,
    struct str issuer, struct wall_us now)
{
	const struct deny_entry *e;

	if (s == NULL || s->counts[kind] == 0 || value.len == 0)
		return (false);
	for (uint32_t at = slot_of(s, kind, value);; at++) {
		e = &s->slots[at & s->mask];
		if (e->kind == DENY_KINDS)
			return (false);
		if (e->kind == kind && str_eq(e->value, value) &&
		    (e->issuer.len == 0 || str_eq(e->issuer, issuer)) &&
		    (e->until.us == WALL_ABSENT.us || now.us < e->until.us))
			return (true);
	}
}

unsigned
deny_count(const struct deny_set *s, enum deny_kind kind)
{
	return (s != NULL ? s->counts[kind] : 0);
}

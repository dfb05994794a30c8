/* policies/region_value.c - the values of region files: what is allowed is
 * in the tables of those who read, and in what an error says. */
#include <limits.h>
#include <stdlib.h>

#include "policies/region_priv.h"

/* Reads one value into *out; false: not of the kind or outside its range. */
typedef bool read_fn(const struct sec *, const struct field *, struct str,
    void *out);

static read_fn read_text, read_long, read_number, read_bool, read_duration,
    read_metres, read_money, read_decimal, read_date, read_instant, read_ags,
    read_quota;

static void field_read(const struct sec *, const struct field *, void *out);
static void field_store(const struct field *, int64_t, void *out);
static const char *field_allowed(const struct sec *, const struct field *);
static bool one_line(struct str);

struct unit {
	struct str name;
	int64_t us;
};
static const struct unit units[] = {
	{ { "ms", 2 }, 1000 },
	{ { "s", 1 }, 1000000 },
	{ { "min", 3 }, INT64_C(60000000) },
	{ { "h", 1 }, INT64_C(3600000000) },
	{ { "d", 1 }, WALL_DAY_US },
};

static const struct kind {
	read_fn *read;
	const char *allowed;
	int64_t min, max; /* when the field gives none */
} kinds[] = {
	[F_TEXT] = { read_text, "one line of at most 1024 bytes", 0, 0 },
	[F_LONG] = { read_long, "at most 64 KiB", 0, 0 },
	[F_UINT] = { read_number, "a whole number", 0, UINT_MAX },
	[F_INT64] = { read_number, "a whole number", 0, INT64_MAX },
	[F_BOOL] = { read_bool, "true or false", 0, 1 },
	[F_WORD] = { NULL, NULL, 0, 0 },
	[F_MS] = { read_duration, "a duration", 0, INT_MAX },
	[F_SECONDS] = { read_duration, "a duration", 0, INT_MAX },
	[F_US] = { read_duration, "a duration", 0, 36525 * WALL_DAY_US },
	[F_METRES] = { read_metres, "a distance such as 500m or 2km, at most "
		"1000km", 0, 1000000 },
	[F_MONEY] = { read_money, "an amount such as 2500.00, two places at "
		"most, up to 10000000000", 0, 0 },
	[F_DECIMAL] = { read_decimal, "a positive decimal number such as 0.05",
	    0, 0 },
	[F_DATE] = { read_date, "a day of the calendar such as 2026-12-31", 0,
	    0 },
	[F_INSTANT] = { read_instant, "a time such as 2026-07-01T12:00:00Z", 0,
	    0 },
	[F_AGS] = { read_ags, "eight digits (Amtlicher Gemeindeschluessel)", 0,
	    0 },
	[F_QUOTA] = { read_quota, "such as \"600/h\" or \"600/h burst 60 daily "
		"5000 strict\" (per s, min, h or d; the burst refills within "
		"a year)", 0, 0 },
};

void
fields_read(const struct sec *s, const struct field *fields, void *out)
{
	const struct field *f;

	for (f = fields; f->key != NULL; f++)
		field_read(s, f, out);
}

static void
field_read(const struct sec *s, const struct field *f, void *out)
{
	struct str text;
	unsigned value;

	if (f->dflt != 0 || f->kind == F_WORD)
		field_store(f, f->dflt, out);
	text = f->needed ? sec_need(s, f->key) : sec_text(s, f->key);
	if (text.p == NULL) {
		if (!f->needed && sec_has(s, f->key) && f->kind > F_LONG)
			sec_error(s, f->key, "%s is empty; allowed: %s", f->key,
			    field_allowed(s, f));
		return;
	}
	if (f->kind == F_WORD) {
		if (word_read(s, f->key, text, f->words, &value))
			field_store(f, value, out);
		return;
	}
	if (!kinds[f->kind].read(s, f, text, (char *)out + f->offset))
		sec_error(s, f->key, "bad value \"%.*s\" of %s; allowed: %s",
		    STR_FMT(((struct str){ text.p,
			text.len < 60 ? text.len : 60 })),
		    f->key, field_allowed(s, f));
}

static void
field_store(const struct field *f, int64_t v, void *out)
{
	void *p = (char *)out + f->offset;

	switch (f->kind) {
	case F_UINT:
	case F_WORD:
		*(unsigned *)p = (unsigned)v;
		break;
	case F_MS:
		*(int *)p = (int)v;
		break;
	case F_INT64:
	case F_SECONDS:
	case F_US:
		*(int64_t *)p = v;
		break;
	case F_BOOL:
		*(bool *)p = v != 0;
		break;
	default:
		assert(!"a field kind without a default");
	}
}

static int64_t
field_min(const struct field *f)
{
	return (f->max != 0 ? f->min : kinds[f->kind].min);
}

static int64_t
field_max(const struct field *f)
{
	return (f->max != 0 ? f->max : kinds[f->kind].max);
}

static const char *
duration_text(const struct field *f, int64_t v, struct arena *arena)
{
	int64_t us = f->kind == F_MS ? v * 1000
	    : f->kind == F_SECONDS   ? v * 1000000
				     : v;
	size_t i;

	for (i = sizeof(units) / sizeof(units[0]); i-- > 1;)
		if (us != 0 && us % units[i].us == 0)
			break;
	return (arena_printf(arena, "%lld%s", (long long)(us / units[i].us),
	    units[i].name.p));
}

static const char *
field_allowed(const struct sec *s, const struct field *f)
{
	struct arena *a = s->b->scratch;
	const char *what = f->kind == F_WORD ? "one word of the list"
					     : kinds[f->kind].allowed;

	switch (f->kind) {
	case F_UINT:
	case F_INT64:
		return (arena_printf(a, "%s from %lld to %lld", what,
		    (long long)field_min(f), (long long)field_max(f)));
	case F_MS:
	case F_SECONDS:
	case F_US:
		return (arena_printf(a,
		    "%s (ms, s, min, h, d) from %s to %s", what,
		    duration_text(f, field_min(f), a),
		    duration_text(f, field_max(f), a)));
	default:
		return (what);
	}
}

/* ---- one reader per kind */

static bool
read_text(const struct sec *s, const struct field *f HUB_UNUSED,
    struct str text, void *out)
{
	if (text.len > REGION_TEXT_MAX || !one_line(text))
		return (false);
	*(struct str *)out = sec_keep(s, text);
	return (true);
}

static bool
read_long(const struct sec *s, const struct field *f HUB_UNUSED,
    struct str text, void *out)
{
	if (text.len > REGION_LONG_MAX)
		return (false);
	*(struct str *)out = sec_keep(s, text);
	return (true);
}

static bool
read_number(const struct sec *s HUB_UNUSED, const struct field *f,
    struct str text, void *out)
{
	int64_t v;

	if (str_int(text, field_min(f), field_max(f), &v) != HUB_OK)
		return (false);
	field_store(f, v, (char *)out - f->offset);
	return (true);
}

static bool
read_bool(const struct sec *s HUB_UNUSED, const struct field *f HUB_UNUSED,
    struct str text, void *out)
{
	if (!str_eq(text, STR("true")) && !str_eq(text, STR("false")))
		return (false);
	*(bool *)out = text.len == 4;
	return (true);
}

static bool
read_duration(const struct sec *s HUB_UNUSED, const struct field *f,
    struct str text, void *out)
{
	int64_t us, scale = f->kind == F_MS ? 1000
	    : f->kind == F_SECONDS	    ? 1000000
					    : 1;

	if (duration_parse(text, &us) != HUB_OK || us % scale != 0)
		return (false);
	us /= scale;
	if (us < field_min(f) || us > field_max(f))
		return (false);
	field_store(f, us, (char *)out - f->offset);
	return (true);
}

static bool
read_metres(const struct sec *s HUB_UNUSED, const struct field *f,
    struct str text, void *out)
{
	uint64_t v, scale = 1;

	if (str_suffix(text, STR("km")))
		scale = 1000, text.len -= 2;
	else if (str_suffix(text, STR("m")))
		text.len -= 1;
	else
		return (false);
	if (str_uint(text, (uint64_t)field_max(f) / scale, &v) != HUB_OK ||
	    v * scale < (uint64_t)field_min(f))
		return (false);
	*(double *)out = (double)(v * scale);
	return (true);
}

static bool
read_money(const struct sec *s HUB_UNUSED, const struct field *f HUB_UNUSED,
    struct str text, void *out)
{
	return (money_parse(text, out) == HUB_OK);
}

/* Digits with at most one point inside, at most 18 characters, not zero. */
static bool
read_decimal(const struct sec *s, const struct field *f HUB_UNUSED,
    struct str text, void *out)
{
	size_t i, dots = 0, nonzero = 0;

	if (text.len > 18 || text.p[0] == '.' || text.p[text.len - 1] == '.')
		return (false);
	for (i = 0; i < text.len; i++) {
		dots += text.p[i] == '.';
		nonzero += text.p[i] >= '1' && text.p[i] <= '9';
		if (text.p[i] != '.' && (text.p[i] < '0' || text.p[i] > '9'))
			return (false);
	}
	if (dots > 1 || nonzero == 0)
		return (false);
	*(struct str *)out = sec_keep(s, text);
	return (true);
}

static bool
read_date(const struct sec *s HUB_UNUSED, const struct field *f HUB_UNUSED,
    struct str text, void *out)
{
	return (wall_parse_date(text, out) == HUB_OK);
}

static bool
read_instant(const struct sec *s HUB_UNUSED, const struct field *f HUB_UNUSED,
    struct str text, void *out)
{
	return (wall_parse(text, out) == HUB_OK);
}

static bool
read_ags(const struct sec *s, const struct field *f HUB_UNUSED,
    struct str text, void *out)
{
	uint64_t v;

	if (text.len != 8 || str_uint(text, 99999999, &v) != HUB_OK)
		return (false);
	*(struct str *)out = sec_keep(s, text);
	return (true);
}

static bool
read_quota(const struct sec *s, const struct field *f HUB_UNUSED,
    struct str text, void *out)
{
	struct quota_rate rate;

	if (quota_parse(text, &rate) != HUB_OK)
		return (false);
	*(struct str *)out = sec_keep(s, text);
	return (true);
}

/* No control characters: such text travels in headers, logs and tables. */
static bool
one_line(struct str s)
{
	size_t i;

	for (i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x20 || c == 0x7f)
			return (false);
		/* U+0080..U+009F, then U+2028 and U+2029 */
		if (c == 0xc2 && (unsigned char)s.p[i + 1] < 0xa0)
			return (false);
		if (c == 0xe2 && s.len - i >= 3 &&
		    (memcmp(s.p + i, "\xe2\x80\xa8", 3) == 0 ||
			memcmp(s.p + i, "\xe2\x80\xa9", 3) == 0))
			return (false);
	}
	return (true);
}

enum hub_err
duration_parse(struct str text, int64_t *us_r)
{
	size_t i, digits = 0;
	uint64_t v;

	while (digits < text.len && text.p[digits] >= '0' &&
	    text.p[digits] <= '9')
		digits++;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (str_eq(str_from(text, digits), units[i].name))
			break;
	if (i == sizeof(units) / sizeof(units[0]))
		return (HUB_ESYNTAX);
	if (str_uint((struct str){ text.p, digits },
		(uint64_t)(INT64_MAX / units[i].us), &v) != HUB_OK)
		return (HUB_ERANGE);
	*us_r = (int64_t)v * units[i].us;
	return (HUB_OK);
}

enum hub_err
period_parse(struct str text, struct wall_us *from_r, struct wall_us *until_r)
{
	struct wall_us from, to;

	if (text.len != 22 || memcmp(text.p + 10, "..", 2) != 0 ||
	    wall_parse_date((struct str){ text.p, 10 }, &from) != HUB_OK ||
	    wall_parse_date((struct str){ text.p + 12, 10 }, &to) != HUB_OK)
		return (HUB_ESYNTAX);
	if (to.us < from.us)
		return (HUB_ERANGE);
	to.us += WALL_DAY_US;
	*from_r = wall_berlin_day(from);
	*until_r = wall_berlin_day(to);
	return (HUB_OK);
}

bool
slug_ok(struct str s)
{
	size_t i;

	if (s.len < 2 || s.len > 41 || s.p[0] < 'a' || s.p[0] > 'z')
		return (false);
	for (i = 1; i < s.len; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			c == '-'))
			return (false);
	}
	return (true);
}

/* ---- access to a block */

bool
sec_has(const struct sec *s, const char *key)
{
	return (node_find(s->node, str_of(key)) != NULL);
}

struct str
sec_text(const struct sec *s, const char *key)
{
	struct str text = str_of(cfg_getstr(s->cfg, key));

	return (text.len > 0 ? text : STR_NONE);
}

struct str
sec_need(const struct sec *s, const char *key)
{
	struct str text = sec_text(s, key);

	if (text.p == NULL)
		sec_error(s, key, "%s%s%.*s needs %s", cfg_name(s->cfg),
		    s->node->title.p != NULL ? " " : "",
		    STR_FMT(s->node->title), key);
	return (text);
}

struct str
sec_keep(const struct sec *s, struct str text)
{
	return (arena_str(s->b->arena, text));
}

struct str
sec_title(const struct sec *s)
{
	return (s->node->title);
}

unsigned
sec_nitems(const struct sec *s, const char *key)
{
	return (cfg_size(s->cfg, key));
}

struct str
sec_item(const struct sec *s, const char *key, unsigned i)
{
	return (str_of(cfg_getnstr(s->cfg, key, i)));
}

bool
word_read(const struct sec *s, const char *key, struct str text,
    const struct word *words, unsigned *value_r)
{
	struct nearest near = nearest_to(text);
	const struct word *w;
	struct buf all;

	for (w = words; w->name != NULL; w++) {
		if (str_eq(text, str_of(w->name))) {
			*value_r = w->value;
			return (true);
		}
		nearest_try(&near, str_of(w->name));
	}
	buf_init(&all, 2048);
	for (w = words; w->name != NULL; w++)
		buf_addf(&all, "%s%s", w == words ? "" : ", ", w->name);
	sec_error(s, key, "bad value \"%.*s\" of %s; allowed: %s%s",
	    STR_FMT(near.wrong), key, buf_cstr(&all),
	    nearest_text(&near, s->b->scratch));
	buf_clear(&all);
	return (false);
}

unsigned
sec_flags(const struct sec *s, const char *key, const struct word *words)
{
	unsigned i, value, flags = 0;

	for (i = 0; i < sec_nitems(s, key); i++)
		if (word_read(s, key, sec_item(s, key, i), words, &value))
			flags |= value;
	return (flags);
}

unsigned
sec_nblocks(const struct sec *s, const char *name)
{
	return (sec_has(s, name) ? cfg_size(s->cfg, name) : 0);
}

/* The i-th block of a name: libConfuse keeps them in the order of the file,
 * and the scan refused titles that are written twice. */
struct sec
sec_block(const struct sec *s, const char *name, unsigned i)
{
	struct sec sub = *s;
	const struct node *n;
	unsigned seen = 0;

	for (n = s->node->child; n != NULL; n = n->next)
		if (str_eq(n->name, str_of(name)) && seen++ == i)
			break;
	assert(n != NULL);
	sub.node = n;
	sub.cfg = cfg_getnsec(s->cfg, name, i);
	return (sub);
}

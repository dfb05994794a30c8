/* policies/region_words.c - a region in words; region_words.h says which. */
#include "policies/region_words.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define TEXT_MAX ((size_t)1 << 20)

static void
add_clean(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		buf_addc(b, (unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f ?
			' ' : s.p[i]);
}

static struct str
fill(const char *p, bool german, const struct word_of *words, unsigned n,
    struct arena *a)
{
	struct str text;
	struct buf b;

	buf_init(&b, TEXT_MAX);
	for (; *p != '\0'; p++) {
		if (*p != '$' || p[1] == '\0') {
			buf_addc(&b, *p);
			continue;
		}
		p++;
		for (unsigned i = 0; i < n; i++)
			if (words[i].letter == *p)
				add_clean(&b, german ? words[i].text.de :
						       words[i].text.en);
		if (*p == '$')
			buf_addc(&b, '$');
	}
	text = arena_str(a, buf_str(&b));
	buf_clear(&b);
	return (text);
}

struct both
words_fill(struct sentence s, const struct word_of *words, unsigned n,
    struct arena *a)
{
	return ((struct both){ fill(s.en, false, words, n, a),
	    fill(s.de, true, words, n, a) });
}

struct both
words_duration(int64_t us, struct arena *a)
{
	static const struct {
		int64_t us;
		struct sentence one, more;
	} units[] = {
		{ WALL_DAY_US, { "day", "Tag" }, { "days", "Tage" } },
		{ INT64_C(3600000000), { "hour", "Stunde" },
		    { "hours", "Stunden" } },
		{ 60000000, { "minute", "Minute" }, { "minutes", "Minuten" } },
		{ 1000000, { "second", "Sekunde" }, { "seconds", "Sekunden" } },
		{ 1000, { "ms", "ms" }, { "ms", "ms" } },
		{ 1, { "us", "us" }, { "us", "us" } },
	};
	size_t i = 0;
	const struct sentence *unit;

	if (us == 0)
		return (BOTH("none", "keine"));
	while (us % units[i].us != 0)
		i++;
	unit = us == units[i].us ? &units[i].one : &units[i].more;
	return ((struct both){
	    str_of(arena_printf(a, "%" PRId64 " %s", us / units[i].us,
		unit->en)),
	    str_of(arena_printf(a, "%" PRId64 " %s", us / units[i].us,
		unit->de)) });
}

static struct str
decimal(uint64_t step, unsigned places, char mark, struct arena *a)
{
	char digits[24], text[48];
	int len = snprintf(digits, sizeof(digits), "%0*" PRIu64,
	    (int)(places < 20 ? places : 20) + 1, step);
	int whole = len - (int)places;

	if (places == 0)
		return (arena_str(a, str_of(digits)));
	(void)snprintf(text, sizeof(text), "%.*s%c%s", whole, digits, mark,
	    digits + whole);
	return (arena_str(a, str_of(text)));
}

struct both
words_decimal(uint64_t step, unsigned places, struct arena *a)
{
	return ((struct both){ decimal(step, places, '.', a),
	    decimal(step, places, ',', a) });
}

struct both
words_metres(double m, struct arena *a)
{
	int64_t mm = (int64_t)llround(m * 1000);
	bool km = mm != 0 && mm % 1000000 == 0;
	struct both n;

	if (km)
		mm /= 1000;
	n = mm % 1000 == 0 ? words_decimal((uint64_t)(mm / 1000), 0, a) :
			     words_decimal((uint64_t)mm, 3, a);
	return ((struct both){
	    str_of(arena_printf(a, "%.*s %s", STR_FMT(n.en), km ? "km" : "m")),
	    str_of(arena_printf(a, "%.*s %s", STR_FMT(n.de),
		km ? "km" : "m")) });
}

struct both
words_day(struct wall_us at, struct arena *a)
{
	int y, m, d;

	wall_berlin_date(at, &y, &m, &d);
	return ((struct both){
	    str_of(arena_printf(a, "%04d-%02d-%02d", y, m, d)),
	    str_of(arena_printf(a, "%02d.%02d.%04d", d, m, y)) });
}

struct both
words_period(struct wall_us from, struct wall_us until, struct arena *a)
{
	struct both first = words_day(from, a),
		    last = words_day((struct wall_us){ until.us - 1 }, a);

	return ((struct both){
	    str_of(arena_printf(a, "from %.*s to %.*s", STR_FMT(first.en),
		STR_FMT(last.en))),
	    str_of(arena_printf(a, "vom %.*s bis %.*s", STR_FMT(first.de),
		STR_FMT(last.de))) });
}

/* Comma-separated. */
static void
add_item(struct buf *b, struct str s)
{
	if (b->len > 0)
		BUF_LIT(b, ", ");
	buf_adds(b, s);
}

static struct both
both_take(struct buf *en, struct buf *de, struct arena *a)
{
	struct both text = { arena_str(a, buf_str(en)),
		arena_str(a, buf_str(de)) };

	buf_clear(en);
	buf_clear(de);
	return (text);
}

struct both
words_actions(unsigned actions, struct arena *a)
{
	static const struct {
		unsigned action;
		struct sentence name;
	} names[] = {
		{ ACTION_QUERY, { "query", "Abfrage" } },
		{ ACTION_RETRIEVE, { "retrieve", "Einzelabruf" } },
		{ ACTION_TEMPORAL, { "temporal", "Zeitreihen" } },
		{ ACTION_SUBSCRIBE, { "subscribe", "Abonnement" } },
	};
	struct buf en, de;

	buf_init(&en, 256);
	buf_init(&de, 256);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if ((actions & names[i].action) != 0) {
			add_item(&en, str_of(names[i].name.en));
			add_item(&de, str_of(names[i].name.de));
		}
	return (both_take(&en, &de, a));
}

struct both
words_transform(const struct transform *t, struct arena *a)
{
	static const struct sentence kinds[TRANSFORM_KINDS] = {
		[TRANSFORM_ROUND] = { "rounded to $x", "gerundet auf $x" },
		[TRANSFORM_GRID] = { "on a grid of $x", "im Raster von $x" },
		[TRANSFORM_BUCKET] = { "in steps of $x",
		    "in Stufen zu $x" },
		[TRANSFORM_TRUNC_TIME] = { "times truncated to $x",
		    "Zeiten abgeschnitten auf $x" },
		[TRANSFORM_SUPPRESS] = { "only values from $x on",
		    "nur Werte ab $x" },
		[TRANSFORM_PSEUDONYM] = { "as a pseudonym", "als Pseudonym" },
		[TRANSFORM_CONSTANT] = { "replaced by \"$x\"",
		    "ersetzt durch \"$x\"" },
	};
	struct word_of x = { 'x', { STR_NONE, STR_NONE } };

	if (t->kind == TRANSFORM_ROUND || t->kind == TRANSFORM_BUCKET)
		x.text = words_decimal(t->step, t->places, a);
	else if (t->kind == TRANSFORM_GRID)
		x.text = words_metres(t->metres, a);
	else if (t->kind == TRANSFORM_TRUNC_TIME)
		x.text = words_duration(t->us, a);
	else if (t->kind == TRANSFORM_SUPPRESS)
		x.text = words_decimal(t->below, 0, a);
	else if (t->kind == TRANSFORM_CONSTANT)
		x.text = both_plain(t->text);
	return (words_fill(kinds[t->kind], &x, 1, a));
}

struct str
words_name(const struct region_dataset *ds, const struct name *name,
    struct arena *a)
{
	return (context_compact(ds->source->context, name, a));
}

bool
share_allows_iri(const struct region_share *s, struct str attr, struct str sub)
{
	for (unsigned i = 0; i < s->nallow; i++) {
		const struct region_path *p = &s->allow[i];

		if (str_eq(p->attr->iri, attr) &&
		    (sub.p == NULL ? p->sub == NULL :
		    p->sub != NULL && str_eq(p->sub->iri, sub)))
			return (true);
	}
	return (false);
}

const struct region_transform *
share_transform_find(const struct region_share *s, struct str attr)
{
	if (share_allows_iri(s, attr, STR_NONE))
		return (NULL);
	for (unsigned i = 0; i < s->ntransforms; i++)
		if (str_eq(s->transforms[i].attr->iri, attr))
			return (&s->transforms[i]);
	return (NULL);
}

struct both
words_share(const struct region_dataset *ds, const struct region_share *s,
    struct arena *a)
{
	struct buf en, de;

	buf_init(&en, TEXT_MAX);
	buf_init(&de, TEXT_MAX);
	for (unsigned i = 0; i < s->nallow; i++) {
		struct str name = words_name(ds, s->allow[i].attr, a);

		if (s->allow[i].sub != NULL)
			continue;
		add_item(&en, name);
		add_item(&de, name);
	}
	for (unsigned i = 0; i < s->ntransforms; i++) {
		const struct region_transform *rt = &s->transforms[i];
		struct str name = words_name(ds, rt->attr, a);
		struct both how = words_transform(&rt->t, a);

		if (share_transform_find(s, rt->attr->iri) != rt)
			continue;
		add_item(&en, name);
		add_item(&de, name);
		buf_addf(&en, " (%.*s)", STR_FMT(how.en));
		buf_addf(&de, " (%.*s)", STR_FMT(how.de));
	}
	return (both_take(&en, &de, a));
}

struct str
words_areas(const struct region_area *const *areas, unsigned n,
    struct arena *a)
{
	struct str text;
	struct buf b;

	buf_init(&b, TEXT_MAX);
	for (unsigned i = 0; i < n; i++)
		add_item(&b, areas[i]->name);
	text = arena_str(a, buf_str(&b));
	buf_clear(&b);
	return (text);
}

struct both
words_limits(const struct region_share *s, struct arena *a)
{
	static const struct sentence words[] = {
		{ "inside $x", "innerhalb $x" },
		{ "outside $x", "außerhalb $x" },
		{ "buffer $x", "Puffer $x" },
		{ "history $x", "Rückschau $x" },
		{ "delay $x", "Verzögerung $x" },
	};
	const struct {
		bool there;
		struct both x;
	} values[] = {
		{ s->ninside > 0,
		    both_plain(words_areas(s->inside, s->ninside, a)) },
		{ s->noutside > 0,
		    both_plain(words_areas(s->outside, s->noutside, a)) },
		{ s->ninside + s->noutside > 0 && s->buffer_m > 0,
		    words_metres(s->buffer_m, a) },
		{ s->history_us > 0, words_duration(s->history_us, a) },
		{ s->delay_us > 0, words_duration(s->delay_us, a) },
	};
	struct buf en, de;
	struct both text;

	buf_init(&en, TEXT_MAX);
	buf_init(&de, TEXT_MAX);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		if (!values[i].there)
			continue;
		text = words_fill(words[i],
		    &(struct word_of){ 'x', values[i].x }, 1, a);
		add_item(&en, text.en);
		add_item(&de, text.de);
	}
	return (both_take(&en, &de, a));
}

/* policies/region_diff.c - comparing two regions; region_diff.h says what is
 * promised. What all kinds of blocks share. */
#include "policies/region_diff_priv.h"

#include <inttypes.h>

#include "server/base/hash.h"

const char *const region_change_words[CHANGE_KINDS] = {
	[CHANGE_NEUTRAL] = "NEUTRAL",
	[CHANGE_NARROWS] = "NARROWS",
	[CHANGE_WIDENS] = "WIDENS",
};

static const struct sentence NEW = { "$s is new.", "Neu: $s." };
static const struct sentence GONE = { "$s is gone.", "Entfallen: $s." };
static const struct sentence FIELD = { "$s: $x is now $n, was $o.",
	"$s: $x ist jetzt $n, war $o." };
static const struct sentence BYTES = { "$s: $x changed.",
	"$s: $x wurde geändert." };
static const struct sentence MORE = { "$s: $x now includes $n.",
	"$s: $x umfasst zusätzlich $n." };
static const struct sentence LESS = { "$s: $x no longer includes $o.",
	"$s: $x umfasst nicht mehr $o." };

/* What widens first; within a kind in order of the blocks. */
static void
sort(struct diff *d, const struct region_change **changes_r, unsigned *n_r)
{
	struct region_change *sorted = arena_array(d->arena, (size_t)d->n + 1,
	    sizeof(*sorted));
	unsigned n = 0;

	for (int kind = CHANGE_KINDS - 1; kind >= 0; kind--)
		for (unsigned i = 0; i < d->n; i++)
			if (d->v[i].kind == (enum change_kind)kind)
				sorted[n++] = d->v[i];
	*changes_r = sorted;
	*n_r = n;
}

void
region_diff(const struct region *before, const struct region *after,
    struct arena *arena, const struct region_change **changes_r, unsigned *n_r)
{
	static const struct region nothing;
	struct diff d = { .before = before != NULL ? before : &nothing,
		.after = after,
		.arena = arena };

	diff_parties(&d);
	diff_issuers(&d);
	diff_contexts(&d);
	diff_sources(&d);
	diff_datasets(&d);
	diff_purposes(&d);
	diff_areas(&d);
	diff_agreements(&d);
	diff_forbids(&d);
	diff_costs(&d);
	sort(&d, changes_r, n_r);
}

bool
region_widens(const struct region_change *changes, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (changes[i].kind == CHANGE_WIDENS)
			return (true);
	return (false);
}

/* A length before what it measures: no two lists give the same text. */
static void
hash_part(struct buf *b, struct str s)
{
	buf_addf(b, "%zu:", s.len);
	buf_adds(b, s);
}

void
region_diff_hash(const unsigned char before[32], const unsigned char after[32],
    const struct region_change *changes, unsigned n, unsigned char out[32])
{
	size_t total = 256;
	struct buf b;

	for (unsigned i = 0; i < n; i++)
		total += changes[i].en.len + 32;
	buf_init(&b, total);
	hash_part(&b, (struct str){ (const char *)before, 32 });
	hash_part(&b, (struct str){ (const char *)after, 32 });
	for (unsigned i = 0; i < n; i++)
		if (changes[i].kind == CHANGE_WIDENS)
			hash_part(&b, changes[i].en);
	assert(!b.failed);
	sha256(buf_str(&b), out);
	buf_clear(&b);
}

void
diff_say(struct diff *d, enum change_kind kind, struct sentence s,
    const struct about *a)
{
	const struct word_of words[] = { { 's', a->s }, { 'p', a->p },
		{ 'c', a->c }, { 'z', a->z }, { 't', a->t }, { 'x', a->x },
		{ 'o', a->o }, { 'n', a->n } };
	struct both text = words_fill(s, words,
	    sizeof(words) / sizeof(words[0]), d->arena);
	struct region_change *bigger;

	if (d->n == d->cap) {
		d->cap = d->cap * 2 + 32;
		bigger = arena_array(d->arena, d->cap, sizeof(*bigger));
		if (d->n > 0)
			memcpy(bigger, d->v, d->n * sizeof(*bigger));
		d->v = bigger;
	}
	d->v[d->n++] = (struct region_change){ kind, a->s.en, text.en,
		text.de };
}

void
diff_new(struct diff *d, enum change_kind kind, struct about *a)
{
	diff_say(d, kind, NEW, a);
}

void
diff_gone(struct diff *d, enum change_kind kind, struct about *a)
{
	diff_say(d, kind, GONE, a);
}

struct both
diff_subject(struct diff *d, struct sentence kind, struct str name)
{
	const struct word_of n = { 'n', both_plain(name) };

	return (words_fill(kind, &n, 1, d->arena));
}

static struct both
or_none(struct both text)
{
	return (text.en.len > 0 ? text : BOTH("not given", "ohne Angabe"));
}

void
diff_text(struct diff *d, enum change_kind kind, struct sentence name,
    struct str before, struct str after, struct about *a)
{
	if (str_eq(before, after))
		return;
	a->x = (struct both){ str_of(name.en), str_of(name.de) };
	a->o = or_none(both_plain(before));
	a->n = or_none(both_plain(after));
	diff_say(d, kind, FIELD, a);
}

/* ---- fields */

struct value {
	int64_t number;
	struct str text; /* FT_STR, FT_BYTES */
};

static struct value
value_of(const struct diff_field *f, const void *block)
{
	const char *p = (const char *)block + f->offset;
	struct value v = { 0, STR_NONE };
	bool b;
	int i;

	switch (f->type) {
	case FT_STR:
	case FT_BYTES:
		memcpy(&v.text, p, sizeof(v.text));
		break;
	case FT_BOOL:
		memcpy(&b, p, sizeof(b));
		v.number = b;
		break;
	case FT_INT:
	case FT_MS:
	case FT_WORD:
		memcpy(&i, p, sizeof(i));
		v.number = i;
		break;
	case FT_I64:
	case FT_SECONDS:
	case FT_US:
	case FT_WALL:
	default:
		memcpy(&v.number, p, sizeof(v.number));
		break;
	}
	return (v);
}

static struct both
show(struct diff *d, const struct diff_field *f, struct value v)
{
	char at[WALL_STR_MAX];

	switch (f->type) {
	case FT_STR:
		return (or_none(both_plain(v.text)));
	case FT_BOOL:
		return (v.number != 0 ? BOTH("yes", "ja") :
					BOTH("no", "nein"));
	case FT_MS:
		return (words_duration(v.number * 1000, d->arena));
	case FT_SECONDS:
		return (words_duration(v.number * 1000000, d->arena));
	case FT_US:
		return (words_duration(v.number, d->arena));
	case FT_WORD:
		return ((struct both){ str_of(f->words[v.number].en),
		    str_of(f->words[v.number].de) });
	case FT_WALL:
		if (v.number == WALL_ABSENT.us)
			return (or_none(both_plain(STR_NONE)));
		wall_format((struct wall_us){ v.number }, at);
		return (both_plain(arena_str(d->arena, str_of(at))));
	case FT_INT:
	case FT_I64:
	case FT_BYTES:
	default:
		return (both_plain(str_of(
		    arena_printf(d->arena, "%" PRId64, v.number))));
	}
}

static enum change_kind
judge(enum field_rule rule, bool more)
{
	switch (rule) {
	case RULE_NEUTRAL:
		return (CHANGE_NEUTRAL);
	case RULE_MORE:
		return (more ? CHANGE_WIDENS : CHANGE_NARROWS);
	case RULE_LESS:
		return (more ? CHANGE_NARROWS : CHANGE_WIDENS);
	case RULE_WIDENS:
	default:
		return (CHANGE_WIDENS);
	}
}

void
diff_fields(struct diff *d, const struct diff_field *fields, unsigned n,
    const void *before, const void *after, struct about *a)
{
	for (unsigned i = 0; i < n; i++) {
		const struct diff_field *f = &fields[i];
		struct value was = value_of(f, before), is = value_of(f, after);

		if (was.number == is.number && str_eq(was.text, is.text))
			continue;
		a->x = (struct both){ str_of(f->name.en),
			str_of(f->name.de) };
		a->o = show(d, f, was);
		a->n = show(d, f, is);
		diff_say(d, judge(f->rule, is.number > was.number),
		    f->type == FT_BYTES ? BYTES : FIELD, a);
	}
}

/* ---- lists */

static bool
has(const struct diff_item *list, unsigned n, struct str key)
{
	for (unsigned i = 0; i < n; i++)
		if (str_eq(list[i].key, key))
			return (true);
	return (false);
}

/* Those that are in the one list and not in the other, each once. */
static void
list_side(struct diff *d, enum change_kind kind, struct sentence s,
    const struct diff_item *list, unsigned n, const struct diff_item *other,
    unsigned nother, struct about *a)
{
	for (unsigned i = 0; i < n; i++) {
		a->n = a->o = both_plain(list[i].text);
		if (!has(other, nother, list[i].key) &&
		    !has(list, i, list[i].key))
			diff_say(d, kind, s, a);
	}
}

void
diff_items(struct diff *d, struct sentence name,
    const struct diff_item *before, unsigned nbefore,
    const struct diff_item *after, unsigned nafter, bool neutral,
    struct about *a)
{
	a->x = (struct both){ str_of(name.en), str_of(name.de) };
	list_side(d, neutral ? CHANGE_NEUTRAL : CHANGE_WIDENS, MORE, after,
	    nafter, before, nbefore, a);
	list_side(d, neutral ? CHANGE_NEUTRAL : CHANGE_NARROWS, LESS, before,
	    nbefore, after, nafter, a);
}

static struct diff_item *
items_of(struct diff *d, const struct str *texts, unsigned n)
{
	struct diff_item *v = arena_array(d->arena, (size_t)n + 1, sizeof(*v));

	for (unsigned i = 0; i < n; i++)
		v[i] = (struct diff_item){ texts[i], texts[i] };
	return (v);
}

void
diff_list(struct diff *d, struct sentence name, const struct str *before,
    unsigned nbefore, const struct str *after, unsigned nafter, bool neutral,
    struct about *a)
{
	diff_items(d, name, items_of(d, before, nbefore), nbefore,
	    items_of(d, after, nafter), nafter, neutral, a);
}

void
diff_bits(struct diff *d, struct sentence name, const struct sentence *words,
    unsigned before, unsigned after, bool neutral, struct about *a)
{
	a->x = (struct both){ str_of(name.en), str_of(name.de) };
	for (unsigned i = 0; words[i].en != NULL; i++) {
		unsigned bit = 1U << i;

		a->o = a->n = (struct both){ str_of(words[i].en),
			str_of(words[i].de) };
		if ((after & ~before & bit) != 0)
			diff_say(d, neutral ? CHANGE_NEUTRAL : CHANGE_WIDENS,
			    MORE, a);
		if ((before & ~after & bit) != 0)
			diff_say(d, neutral ? CHANGE_NEUTRAL : CHANGE_NARROWS,
			    LESS, a);
	}
}

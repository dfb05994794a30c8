/* server/net/trace.c - traceparent and tracestate; trace.h says what is
 * promised. */
#include "server/net/trace.h"

#include "server/base/hash.h"

/* Of version 00: version, id, parent and flags, with dashes between them. */
#define ID_AT	  3
#define PARENT_AT 36
#define FLAGS_AT  53

#define MEMBERS_MAX 32
#define KEY_MAX	    256
#define TENANT_MAX  241 /* of a key with "@", before it */
#define SYSTEM_MAX  14	/* and behind it */
#define VALUE_MAX   256

/* ---- traceparent */

/* 3.2: HEXDIGLC, so capitals are none. */
static inline bool
is_hex_lower(char c)
{
	return ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'));
}

/* *zero_r: they are all zeros. */
static bool
is_hex(struct str s, bool *zero_r)
{
	char other = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (!is_hex_lower(s.p[i]))
			return (false);
		other |= s.p[i] ^ '0';
	}
	*zero_r = other == 0;
	return (true);
}

static bool
is_id(struct str s)
{
	bool zero = true;

	return (is_hex(s, &zero) && !zero);
}

static bool
has_shape(struct str s)
{
	return (s.len >= TRACE_PARENT_LEN && s.p[ID_AT - 1] == '-' &&
	    s.p[PARENT_AT - 1] == '-' && s.p[FLAGS_AT - 1] == '-');
}

/* What a later version has more stands behind another dash. */
static bool
version_ok(struct str s)
{
	bool zero;

	if (!is_hex((struct str){ s.p, 2 }, &zero) ||
	    str_prefix(s, STR("ff")))
		return (false);
	return (s.len == TRACE_PARENT_LEN ||
	    (!zero && s.p[TRACE_PARENT_LEN] == '-'));
}

static void
set_text(char *to, struct str from)
{
	memcpy(to, from.p, from.len);
	to[from.len] = '\0';
}

bool
trace_read_parent(struct str s, struct trace *t)
{
	struct str id, parent;
	bool zero;

	if (!has_shape(s) || !version_ok(s))
		return (false);
	id = (struct str){ s.p + ID_AT, TRACE_ID_LEN };
	parent = (struct str){ s.p + PARENT_AT, TRACE_SPAN_LEN };
	if (!is_id(id) || !is_id(parent) ||
	    !is_hex((struct str){ s.p + FLAGS_AT, 2 }, &zero))
		return (false);
	set_text(t->id, id);
	set_text(t->parent, parent);
	t->sampled = (hex_digit(s.p[FLAGS_AT + 1]) & 1) != 0;
	return (true);
}

/* Version 00 has one flag, the others are sent as zeros (3.2.2.5). */
void
trace_write_parent(const struct trace *t, struct buf *b)
{
	BUF_LIT(b, "00-");
	buf_add(b, t->id, TRACE_ID_LEN);
	buf_addc(b, '-');
	buf_add(b, t->span, TRACE_SPAN_LEN);
	buf_adds(b, t->sampled ? STR("-01") : STR("-00"));
}

/* ---- tracestate */

static bool
is_lower(char c)
{
	return (c >= 'a' && c <= 'z');
}

static bool
is_digit(char c)
{
	return (c >= '0' && c <= '9');
}

static bool
is_key_part(struct str s, size_t max, bool digit_first)
{
	if (s.len == 0 || s.len > max ||
	    (!is_lower(s.p[0]) && !(digit_first && is_digit(s.p[0]))))
		return (false);
	for (size_t i = 1; i < s.len; i++)
		if (!is_lower(s.p[i]) && !is_digit(s.p[i]) &&
		    (s.p[i] == '\0' || strchr("_-*/", s.p[i]) == NULL))
			return (false);
	return (true);
}

/* 3.3.1.3.1 */
static bool
is_key(struct str s)
{
	size_t at = str_chr(s, '@');

	if (at == s.len)
		return (is_key_part(s, KEY_MAX, false));
	return (is_key_part((struct str){ s.p, at }, TENANT_MAX, true) &&
	    is_key_part(str_from(s, at + 1), SYSTEM_MAX, false));
}

/* 3.3.1.3.2; commas ended it, blanks around it are gone. */
static bool
is_value(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e || s.p[i] == '=')
			return (false);
	return (s.len > 0 && s.len <= VALUE_MAX);
}

bool
trace_state_ok(struct str s)
{
	struct str part, key, keys[MEMBERS_MAX];
	unsigned n = 0;

	while (s.p != NULL && str_cut(&s, ',', &part)) {
		part = str_trim(part);
		if (part.len == 0)
			continue;
		key = (struct str){ part.p, str_chr(part, '=') };
		if (n == MEMBERS_MAX || key.len == part.len || !is_key(key) ||
		    !is_value(str_from(part, key.len + 1)))
			return (false);
		for (unsigned i = 0; i < n; i++)
			if (str_eq(keys[i], key))
				return (false);
		keys[n++] = key;
	}
	return (n > 0);
}

/* ---- of a request */

/* Several fields are one list (3.3.1). */
static struct str
read_state(const struct http_head *h, struct arena *a)
{
	struct str state;
	struct buf b;

	buf_init(&b, TRACE_STATE_MAX);
	for (unsigned i = 0; i < h->nfields; i++) {
		if (!str_caseeq(h->fields[i].name, STR("tracestate")))
			continue;
		if (b.len > 0)
			buf_addc(&b, ',');
		buf_adds(&b, h->fields[i].value);
	}
	state = !b.failed && b.len > 0 && trace_state_ok(buf_str(&b)) ?
	    arena_str(a, buf_str(&b)) : STR_NONE;
	buf_clear(&b);
	return (state);
}

static bool
is_zero(const unsigned char *p, size_t n)
{
	while (n > 0 && *p == 0)
		p++, n--;
	return (n == 0);
}

/* Ids need not be secret: a call of the kernel for many of them. */
static void
new_id(char *to, size_t digits)
{
	static _Thread_local unsigned char pool[480];
	static _Thread_local size_t left;
	size_t n = digits / 2;

	do {
		if (left < n) {
			random_bytes(pool, sizeof(pool));
			left = sizeof(pool);
		}
		left -= n;
	} while (is_zero(pool + left, n));
	hex_encode(pool + left, n, to);
}

void
trace_begin(struct trace *t, const struct http_head *h, struct arena *a)
{
	struct str parent = http_field_find(h, STR("traceparent"), NULL);

	*t = (struct trace){ .state = STR_NONE };
	if (parent.p != NULL && trace_read_parent(parent, t))
		t->state = read_state(h, a);
	else
		new_id(t->id, TRACE_ID_LEN);
	new_id(t->span, TRACE_SPAN_LEN);
}

/* server/base/log_line.c - see log_line.h. */
#include "server/base/log_line.h"

#include <stdio.h>

#include "server/base/clock.h"

#define KEYS_MAX 16

/* sd-daemon(3), and the words of both formats. */
static const struct {
	const char *name, *priority;
} levels[] = { { "err", "<3>" }, { "warn", "<4>" }, { "info", "<6>" },
	{ "debug", "<7>" } };

/* ---- characters */

/* The bytes of the character that a byte begins; 1 for those that begin none. */
static size_t
utf8_width(unsigned char c)
{
	return (c < 0xc2 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 1);
}

/* The bytes of the character at s; *bad_r: it is a control character, or no
 * UTF-8. */
static size_t
next(struct str s, bool *bad_r)
{
	unsigned char c = (unsigned char)s.p[0];
	size_t n = utf8_width(c);

	*bad_r = c < 0x20 || c == 0x7f;
	if (c < 0x80)
		return (1);
	if (n > s.len || !str_utf8((struct str){ s.p, n })) {
		*bad_r = true;
		return (1);
	}
	/* U+0080 to U+009F are control characters, too. */
	*bad_r = c == 0xc2 && (unsigned char)s.p[1] < 0xa0;
	return (n);
}

/* ---- adding */

/* Kept for what ends a line: a quote, a brace and the line's end. */
#define END_ROOM 3
/* Of a number in decimal. */
#define NUMBER_MAX 20

static bool
add(struct log_line *l, const char *p, size_t n)
{
	if (l->len + n > sizeof(l->text) - END_ROOM)
		return (false);
	memcpy(l->text + l->len, p, n);
	l->len += n;
	return (true);
}

/* One character in a JSON string. */
static bool
add_json(struct log_line *l, const char *p, size_t n, bool bad)
{
	char text[8];

	if (bad) {
		unsigned c = n == 2 ? (unsigned char)p[1] :
				      (unsigned char)p[0];

		(void)snprintf(text, sizeof(text), "\\u%04x",
		    n == 1 && c >= 0x80 ? 0xfffd : c);
		return (add(l, text, 6));
	}
	if (*p == '"' || *p == '\\') {
		text[0] = '\\';
		text[1] = *p;
		return (add(l, text, 2));
	}
	return (add(l, p, n));
}

static bool
add_logfmt(struct log_line *l, const char *p, size_t n, bool bad)
{
	if (bad)
		return (add(l, "?", 1));
	return (*p == '"' ? add(l, "'", 1) : add(l, p, n));
}

/* How many bytes are themselves in either format. */
static size_t
plain(struct str s)
{
	size_t n = 0;

	while (n < s.len && s.p[n] >= ' ' && s.p[n] < 0x7f && s.p[n] != '"' &&
	    s.p[n] != '\\')
		n++;
	return (n);
}

static void
add_text(struct log_line *l, struct str s)
{
	bool bad, room = true;
	size_t n;

	for (; room && s.len > 0; s = str_from(s, n)) {
		n = plain(s);
		if (n > 0 && add(l, s.p, n))
			continue;
		n = next(s, &bad);
		room = l->json ? add_json(l, s.p, n, bad) :
				 add_logfmt(l, s.p, n, bad);
	}
}

/* Is it a value of logfmt as it stands? */
static bool
is_bare(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == '"' ||
		    s.p[i] == '=')
			return (false);
	return (true);
}

/* false: there is no room for a value behind it. */
static bool
add_key(struct log_line *l, const char *key)
{
	size_t n = strlen(key);

	if (l->len + n + 4 + NUMBER_MAX > sizeof(l->text) - END_ROOM)
		return (false);
	return (l->json ?
		add(l, ",\"", 2) && add(l, key, n) && add(l, "\":", 2) :
		add(l, " ", 1) && add(l, key, n) && add(l, "=", 1));
}

/* ---- a line */

void
log_line_begin(struct log_line *l, enum log_level level, const char *phrase)
{
	char when[WALL_STR_MAX];
	int n;

	l->json = log_get_format() == LOG_JSON;
	wall_format(clock_wall(), when);
	n = snprintf(l->text, sizeof(l->text), l->json ?
		"%s{\"ts\":\"%s\",\"level\":\"%s\",\"msg\":\"" :
		"%sts=%s level=%s msg=\"",
	    log_is_journal() ? levels[level].priority : "", when,
	    levels[level].name);
	l->len = (size_t)n;
	add_text(l, str_of(phrase));
	l->text[l->len++] = '"';
}

void
log_line_text(struct log_line *l, const char *key, struct str s)
{
	bool quoted = l->json || !is_bare(s);

	if (s.len == 0 || !add_key(l, key))
		return;
	if (quoted)
		(void)add(l, "\"", 1);
	add_text(l, s);
	if (quoted)
		l->text[l->len++] = '"'; /* what END_ROOM is for */
}

void
log_line_number(struct log_line *l, const char *key, int64_t n)
{
	uint64_t left = n < 0 ? -(uint64_t)n : (uint64_t)n;
	char text[NUMBER_MAX];
	size_t at = sizeof(text);

	if (!add_key(l, key))
		return;
	do
		text[--at] = (char)('0' + left % 10);
	while ((left /= 10) > 0);
	if (n < 0)
		text[--at] = '-';
	(void)add(l, text + at, sizeof(text) - at);
}

struct str
log_line_end(struct log_line *l)
{
	if (l->json)
		l->text[l->len++] = '}';
	l->text[l->len++] = '\n';
	return ((struct str){ l->text, l->len });
}

/* ---- lines of log_kv */

/* The key that s begins with; empty: it begins with none. */
static struct str
key_of(struct str s)
{
	size_t n = 0;

	while (n < s.len && ((s.p[n] >= 'a' && s.p[n] <= 'z') ||
				s.p[n] == '_'))
		n++;
	return (n > 0 && n < 32 && n < s.len && s.p[n] == '=' ?
		(struct str){ s.p, n } : STR_NONE);
}

/* Up to the quote that closes it, or to the next key. *used_r: with what ends
 * it. */
static struct str
value_of(struct str s, size_t *used_r)
{
	bool quoted = s.len > 0 && s.p[0] == '"';
	size_t i = quoted;

	for (; i < s.len; i++)
		if (quoted ? s.p[i] == '"' :
			     s.p[i] == ' ' && key_of(str_from(s, i + 1)).len > 0)
			break;
	*used_r = i + (quoted && i < s.len);
	return ((struct str){ s.p + quoted, i - quoted });
}

static bool
is_new(const struct str *keys, unsigned n, struct str key)
{
	static const struct str ours[] = { STR("ts"), STR("level"),
		STR("msg"), STR("rest") };

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (str_eq(ours[i], key))
			return (false);
	for (unsigned i = 0; i < n; i++)
		if (str_eq(keys[i], key))
			return (false);
	return (n < KEYS_MAX);
}

static void
add_split(struct log_line *l, struct str s)
{
	struct str keys[KEYS_MAX], key, value;
	char name[32];
	unsigned n = 0;
	size_t used;

	while ((key = key_of(s)).len > 0 && is_new(keys, n, key)) {
		keys[n++] = key;
		memcpy(name, key.p, key.len);
		name[key.len] = '\0';
		value = value_of(str_from(s, key.len + 1), &used);
		log_line_text(l, name, value);
		s = str_from(s, key.len + 1 + used);
		if (s.len > 0 && s.p[0] == ' ')
			s = str_from(s, 1);
	}
	log_line_text(l, "rest", s);
}

/* As it stands: quotes are where they belong. */
static void
add_whole(struct log_line *l, struct str s)
{
	bool bad, room = add(l, " ", 1);
	size_t n;

	for (; room && s.len > 0; s = str_from(s, n)) {
		n = next(s, &bad);
		room = bad ? add(l, "?", 1) : add(l, s.p, n);
	}
}

void
log_line_fields(struct log_line *l, struct str s)
{
	if (l->json)
		add_split(l, s);
	else
		add_whole(l, s);
}

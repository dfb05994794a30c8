/* server/ngsild/json_read.c - reading a tape: strings, members, numbers; see
 * json.h. */
#include "server/ngsild/json.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "server/ngsild/json_priv.h"

int
json_hex4(const char *p)
{
	int v = 0, d;

	for (int i = 0; i < 4; i++) {
		if (p[i] >= '0' && p[i] <= '9')
			d = p[i] - '0';
		else if ((p[i] | 0x20) >= 'a' && (p[i] | 0x20) <= 'f')
			d = (p[i] | 0x20) - 'a' + 10;
		else
			return (-1);
		v = v * 16 + d;
	}
	return (v);
}

size_t
json_unescape(const char **pp, char out[4])
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	const char *p = *pp, *at;
	uint32_t c;

	if (p[1] != 'u') {
		at = strchr(from, p[1]);
		out[0] = at != NULL ? to[at - from] : p[1];
		*pp = p + 2;
		return (1);
	}
	c = (uint32_t)json_hex4(p + 2);
	*pp = p + 6;
	if (c >= 0xd800 && c <= 0xdfff) {
		c = 0x10000 + ((c - 0xd800) << 10) +
		    ((uint32_t)json_hex4(p + 8) - 0xdc00);
		*pp = p + 12;
		out[0] = (char)(0xf0 | c >> 18);
		out[1] = (char)(0x80 | (c >> 12 & 0x3f));
		out[2] = (char)(0x80 | (c >> 6 & 0x3f));
		out[3] = (char)(0x80 | (c & 0x3f));
		return (4);
	}
	if (c < 0x80) {
		out[0] = (char)c;
		return (1);
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return (2);
	}
	out[0] = (char)(0xe0 | c >> 12);
	out[1] = (char)(0x80 | (c >> 6 & 0x3f));
	out[2] = (char)(0x80 | (c & 0x3f));
	return (3);
}

struct str
json_decode(struct str raw, struct arena *arena)
{
	char *out = arena_raw(arena, raw.len), *to = out;
	const char *p = raw.p, *end = raw.p + raw.len, *at;
	size_t n;

	while (p < end) {
		at = memchr(p, '\\', (size_t)(end - p));
		n = (size_t)((at != NULL ? at : end) - p);
		memcpy(to, p, n);
		to += n;
		p += n;
		if (at != NULL)
			to += json_unescape(&p, to);
	}
	return ((struct str){ out, (size_t)(to - out) });
}

struct str
json_text(const struct json *j, uint32_t node, struct arena *arena)
{
	assert(j->nodes[node].kind == JSON_STRING);
	if (!j->nodes[node].escaped)
		return (json_raw(j, node));
	return (json_decode(json_raw(j, node), arena));
}

bool
json_is(const struct json *j, uint32_t node, struct str s)
{
	const char *p, *end;
	struct str raw;
	char out[4];
	size_t n;

	if (j->nodes[node].kind != JSON_STRING)
		return (false);
	raw = json_raw(j, node);
	if (!j->nodes[node].escaped)
		return (str_eq(raw, s));
	for (p = raw.p, end = raw.p + raw.len; p < end;) {
		if (*p == '\\')
			n = json_unescape(&p, out);
		else {
			out[0] = *p++;
			n = 1;
		}
		if (s.len < n || memcmp(s.p, out, n) != 0)
			return (false);
		s = str_from(s, n);
	}
	return (s.len == 0);
}

uint32_t
json_member(const struct json *j, uint32_t obj, struct str name)
{
	uint32_t k, end = j->nodes[obj].next;

	if (j->nodes[obj].kind != JSON_OBJECT)
		return (0);
	for (k = obj + 1; k < end; k = j->nodes[k + 1].next)
		if (json_is(j, k, name))
			return (k + 1);
	return (0);
}

/* ---- numbers */

/* A number is 0.DDD * 10^(point + exponent), its first D not 0. The exponent
 * stays text, since it may be longer than any integer. */
struct decimal {
	int sign;            /* -1, 0, 1 */
	const char *d, *end; /* from the first significant digit; may hold
			      * the point */
	int64_t point;
	int exp_sign;
	struct str exp; /* digits */
};

static struct decimal
decimal_of(struct str s)
{
	const char *p = s.p, *end = s.p + s.len;
	struct decimal n = { .sign = 1, .exp_sign = 1 };
	bool fraction = false;

	if (p < end && *p == '-') {
		n.sign = -1;
		p++;
	}
	for (; p < end && *p != 'e' && *p != 'E'; p++) {
		if (*p == '.') {
			fraction = true;
			continue;
		}
		if (n.d == NULL && *p == '0') {
			n.point -= fraction; /* 0.001 is 0.1 * 10^-2 */
			continue;
		}
		if (n.d == NULL)
			n.d = p;
		n.point += !fraction;
	}
	n.end = p;
	if (n.d == NULL)
		n.sign = 0;
	if (p < end && ++p < end && (*p == '+' || *p == '-'))
		n.exp_sign = *p++ == '-' ? -1 : 1;
	n.exp = (struct str){ p, (size_t)(end - p) };
	return (n);
}

/* The digit i places left of the end, 0 beyond the first. */
static int
exp_digit(const struct decimal *n, size_t i)
{
	return (i < n->exp.len
		    ? n->exp_sign * (n->exp.p[n->exp.len - 1 - i] - '0')
		    : 0);
}

/* a's exponent less b's, exact while small. A difference that has grown to
 * 2^40 stays on its side whatever digits follow, and outweighs any point. */
static int64_t
exp_difference(const struct decimal *a, const struct decimal *b)
{
	size_t i = a->exp.len > b->exp.len ? a->exp.len : b->exp.len;
	int64_t diff = 0;

	while (i-- > 0) {
		diff = diff * 10 + exp_digit(a, i) - exp_digit(b, i);
		if (diff > INT64_C(1) << 40 || diff < -(INT64_C(1) << 40))
			break;
	}
	return (diff);
}

/* The next significant digit; 0 when there are no more. */
static int
next_digit(const char **pp, const char *end)
{
	if (*pp < end && **pp == '.')
		(*pp)++;
	return (*pp < end ? *(*pp)++ - '0' : 0);
}

int
json_number_cmp(struct str sa, struct str sb)
{
	struct decimal a = decimal_of(sa), b = decimal_of(sb);
	int64_t diff;
	int c = 0;

	if (a.sign != b.sign || a.sign == 0)
		return ((a.sign > b.sign) - (a.sign < b.sign));
	diff = exp_difference(&a, &b) + (a.point - b.point);
	if (diff != 0)
		return (diff > 0 ? a.sign : -a.sign);
	while (c == 0 && (a.d < a.end || b.d < b.end))
		c = next_digit(&a.d, a.end) - next_digit(&b.d, b.end);
	return (c > 0 ? a.sign : c < 0 ? -a.sign : 0);
}

static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void
c_locale_open(void)
{
	c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	assert(c_locale != (locale_t)0);
}

bool
json_double(const struct json *j, uint32_t node, double *value_r)
{
	struct str s = json_span(j, node);
	char text[512]; /* no coordinate is longer */
	double v;

	if (j->nodes[node].kind != JSON_NUMBER || s.len >= sizeof(text))
		return (false);
	memcpy(text, s.p, s.len);
	text[s.len] = '\0';
	(void)pthread_once(&c_locale_once, c_locale_open);
	v = strtod_l(text, NULL, c_locale); /* a point, not a comma */
	if (!isfinite(v))
		return (false);
	*value_r = v;
	return (true);
}

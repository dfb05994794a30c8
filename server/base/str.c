/* server/base/str.c - byte views; str.h says what they promise. */
#include "server/base/str.h"

int
str_cmp(struct str a, struct str b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int c = n > 0 ? memcmp(a.p, b.p, n) : 0;

	if (c != 0)
		return (c);
	return ((a.len > b.len) - (a.len < b.len));
}

static unsigned char
lower(char c)
{
	return ((unsigned char)(c >= 'A' && c <= 'Z' ? c + 32 : c));
}

bool
str_caseeq_bytes(const char *a, const char *b, size_t n)
{
	if (n > 0 && memcmp(a, b, n) == 0) /* mostly */
		return (true);
	for (size_t i = 0; i < n; i++)
		if (lower(a[i]) != lower(b[i]))
			return (false);
	return (true);
}

bool
str_prefix(struct str s, struct str prefix)
{
	return (s.len >= prefix.len &&
	    (prefix.len == 0 || memcmp(s.p, prefix.p, prefix.len) == 0));
}

bool
str_suffix(struct str s, struct str suffix)
{
	return (s.len >= suffix.len &&
	    (suffix.len == 0 ||
		memcmp(s.p + s.len - suffix.len, suffix.p, suffix.len) == 0));
}

struct str
str_from(struct str s, size_t n)
{
	assert(n <= s.len);
	return ((struct str){ s.p != NULL ? s.p + n : NULL, s.len - n });
}

struct str
str_trim(struct str s)
{
	while (s.len > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = str_from(s, 1);
	while (s.len > 0 &&
	    (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
		s.len--;
	return (s);
}

size_t
str_chr(struct str s, char c)
{
	const char *at = s.len > 0 ? memchr(s.p, c, s.len) : NULL;

	return (at != NULL ? (size_t)(at - s.p) : s.len);
}

bool
str_cut(struct str *rest, char sep, struct str *part_r)
{
	size_t n;

	if (rest->p == NULL)
		return (false);
	n = str_chr(*rest, sep);
	*part_r = (struct str){ rest->p, n };
	*rest = n < rest->len ? str_from(*rest, n + 1) : STR_NONE;
	return (true);
}

char *
str_dup(struct str s)
{
	char *text = xcalloc(1, s.len + 1);

	if (s.len > 0)
		memcpy(text, s.p, s.len);
	return (text);
}

struct str
str_put(char **to, struct str s)
{
	struct str copy = { *to, s.len };

	if (s.len > 0)
		memcpy(*to, s.p, s.len);
	*to += s.len;
	return (copy);
}

bool
str_glob(struct str pattern, struct str s)
{
	size_t p = 0, i = 0, star = SIZE_MAX, mark = 0;

	/* most patterns are a prefix */
	if (pattern.len > 0 && str_chr(pattern, '*') == pattern.len - 1)
		return (str_prefix(s, (struct str){ pattern.p,
					  pattern.len - 1 }));
	while (i < s.len) {
		if (p < pattern.len && pattern.p[p] == '*') {
			star = p++;
			mark = i;
		} else if (p < pattern.len && pattern.p[p] == s.p[i]) {
			p++;
			i++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			i = ++mark;
		} else
			return (false);
	}
	while (p < pattern.len && pattern.p[p] == '*')
		p++;
	return (p == pattern.len);
}

enum hub_err
str_uint(struct str s, uint64_t max, uint64_t *value_r)
{
	uint64_t v = 0;

	if (s.len == 0)
		return (HUB_ESYNTAX);
	assert(s.p != NULL);
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return (HUB_ESYNTAX);
		if (__builtin_mul_overflow(v, 10U, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
			return (HUB_ERANGE);
	}
	if (v > max)
		return (HUB_ERANGE);
	*value_r = v;
	return (HUB_OK);
}

enum hub_err
str_int(struct str s, int64_t min, int64_t max, int64_t *value_r)
{
	bool neg = s.len > 0 && s.p[0] == '-';
	uint64_t u;
	int64_t v;
	enum hub_err err;

	err = str_uint(neg ? str_from(s, 1) : s, (uint64_t)INT64_MAX + neg, &u);
	if (err != HUB_OK)
		return (err);
	v = neg && u > 0 ? -(int64_t)(u - 1) - 1 : (int64_t)u;
	if (v < min || v > max)
		return (HUB_ERANGE);
	*value_r = v;
	return (HUB_OK);
}

/* Length of the UTF-8 sequence at p, at most left bytes; 0 if malformed. */
static size_t
utf8_len(const unsigned char *p, size_t left)
{
	if (p[0] < 0x80)
		return (1);
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return (0);
	if (left < 2 || (p[1] & 0xc0) != 0x80)
		return (0);
	if (p[0] < 0xe0)
		return (2);
	if (left < 3 || (p[2] & 0xc0) != 0x80)
		return (0);
	if (p[0] < 0xf0) {
		if ((p[0] == 0xe0 && p[1] < 0xa0) ||
		    (p[0] == 0xed && p[1] > 0x9f))
			return (0);
		return (3);
	}
	if (left < 4 || (p[3] & 0xc0) != 0x80)
		return (0);
	if ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return (0);
	return (4);
}

bool
str_utf8(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t i = 0, n;
	uint64_t w;

	while (i < s.len) {
		if (s.len - i >= 8) {
			memcpy(&w, p + i, 8);
			if ((w & 0x8080808080808080ULL) == 0) {
				i += 8;
				continue;
			}
		}
		n = utf8_len(p + i, s.len - i);
		if (n == 0)
			return (false);
		i += n;
	}
	return (true);
}

unsigned
str_distance(struct str a, struct str b)
{
	unsigned row[65], diag, up;

	if (a.len > 64)
		a.len = 64;
	if (b.len > 64)
		b.len = 64;
	for (unsigned j = 0; j <= b.len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		diag = row[0];
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b.len; j++) {
			up = row[j];
			diag += a.p[i - 1] != b.p[j - 1];
			if (up + 1 < diag)
				diag = up + 1;
			if (row[j - 1] + 1 < diag)
				diag = row[j - 1] + 1;
			row[j] = diag;
			diag = up;
		}
	}
	return (row[b.len]);
}

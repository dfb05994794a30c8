/* server/federation/v2_id.c - ids there and back; see v2_id.h. */
#include "server/federation/v2_id.h"

#define URN    "urn:ngsi-ld:"
#define ID_MAX 256
#define URI_MAX 1024

static bool
is_alpha(char c)
{
	return ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
}

static bool
scheme_ok(struct str s)
{
	if (s.len == 0 || !is_alpha(s.p[0]))
		return (false);
	for (size_t i = 1; i < s.len; i++)
		if (!is_alpha(s.p[i]) && !(s.p[i] >= '0' && s.p[i] <= '9') &&
		    s.p[i] != '+' && s.p[i] != '-' && s.p[i] != '.')
			return (false);
	return (true);
}

/* No control, blank or DEL, and none of those listed. */
static bool
is_free_of(struct str s, const char *listed)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] <= 0x20 || s.p[i] == 0x7f ||
		    strchr(listed, s.p[i]) != NULL)
			return (false);
	return (true);
}

bool
v2_id_is_uri(struct str s)
{
	size_t colon = str_chr(s, ':');

	return (s.len <= URI_MAX && colon + 1 < s.len &&
	    scheme_ok((struct str){ s.p, colon }) &&
	    is_free_of(s, "\"<>\\^`{|}"));
}

bool
v2_id_ok(struct str s)
{
	return (s.len > 0 && s.len <= ID_MAX && str_utf8(s) &&
	    is_free_of(s, "<>\"'=;()&?/#") && !str_eq(s, STR(".")) &&
	    !str_eq(s, STR("..")));
}

void
v2_id_write(struct str id, struct str type, struct buf *b)
{
	if (v2_id_is_uri(id)) {
		buf_adds(b, id);
		return;
	}
	BUF_LIT(b, URN);
	buf_add_url(b, type, "");
	buf_addc(b, ':');
	buf_add_url(b, id, "");
}

static int
hex_digit(char c)
{
	return (c >= '0' && c <= '9' ? c - '0' :
		c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1);
}

/* Only what buf_add_url writes is read: what encodes to the same text. */
static bool
decode(struct str s, struct arena *a, struct str *out_r)
{
	char *out = arena_raw(a, s.len + 1);
	size_t n = 0;
	struct buf again;
	bool same;

	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] != '%') {
			out[n++] = s.p[i];
			continue;
		}
		if (s.len - i < 3 || hex_digit(s.p[i + 1]) < 0 ||
		    hex_digit(s.p[i + 2]) < 0)
			return (false);
		out[n++] = (char)(hex_digit(s.p[i + 1]) << 4 |
		    hex_digit(s.p[i + 2]));
		i += 2;
	}
	*out_r = (struct str){ out, n };
	buf_init(&again, 3 * s.len + 1);
	buf_add_url(&again, *out_r, "");
	same = n > 0 && !again.failed && str_eq(buf_str(&again), s);
	buf_clear(&again);
	return (same);
}

bool
v2_id_read(struct str s, struct arena *a, struct str *type_r, struct str *id_r)
{
	struct str type, id, rest;
	size_t colon;

	if (s.len > URI_MAX || !str_prefix(s, STR(URN)))
		return (false);
	rest = str_from(s, strlen(URN));
	colon = str_chr(rest, ':');
	if (colon == rest.len ||
	    !decode((struct str){ rest.p, colon }, a, &type) ||
	    !decode(str_from(rest, colon + 1), a, &id) || v2_id_is_uri(id) ||
	    !str_utf8(type) || !str_utf8(id))
		return (false);
	*type_r = type;
	*id_r = id;
	return (true);
}

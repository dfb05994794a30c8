/* h2_head.c - HTTP/2 field sections; h2_head.h says what is promised. */
#include "server/net/h2_head.h"

#include "server/net/http_chars.h"

#define FIELD_OVERHEAD 32             /* RFC 9113, 6.5.2 */
#define TEXT_FIRST     ((size_t)2048) /* most requests need no more */

static const struct str pseudo_names[H2_PSEUDOS] = {
	[H2_METHOD] = { ":method", 7 },
	[H2_SCHEME] = { ":scheme", 7 },
	[H2_AUTHORITY] = { ":authority", 10 },
	[H2_PATH] = { ":path", 5 },
};

void
h2_head_init(struct h2_head *h, size_t max)
{
	memset(h, 0, sizeof(*h));
	h->max = max;
	/* Values of pseudo-fields stand there twice, once on their own. */
	buf_init(&h->text, 2 * max + TEXT_FIRST);
}

void
h2_head_clear(struct h2_head *h)
{
	buf_clear(&h->text);
}

static struct str
pseudo(const struct h2_head *h, enum h2_pseudo which)
{
	if (h->pseudo[which].len == 0)
		return (STR_NONE);
	return ((struct str){
	    h->text.p + h->pseudo[which].at, h->pseudo[which].len });
}

bool
h2_head_is_head(const struct h2_head *h)
{
	return (str_eq(pseudo(h, H2_METHOD), STR("HEAD")));
}

static bool
is_token(struct str s)
{
	return (s.len > 0 && http_skip_token(s.p, s.p + s.len) == s.p + s.len);
}

static bool
has_upper(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] >= 'A' && s.p[i] <= 'Z')
			return (true);
	return (false);
}

/* Without blanks and controls, ASCII only. */
static bool
is_word(struct str s)
{
	return (
	    s.len > 0 && http_skip_text(s.p, s.p + s.len, '!') == s.p + s.len);
}

static bool
is_line(struct str s)
{
	const char *end = s.p + s.len, *p;

	if (s.len == 0)
		return (true);
	/* Most values are text and nothing else. */
	p = http_skip_text(s.p, end, ' ');
	for (; p < end; p++)
		if (*p == '\r' || *p == '\n' || *p == '\0')
			return (false);
	return (str_trim(s).len == s.len);
}

/* The request line and Host, when all pseudo-fields are known. */
static bool
head_begin(struct h2_head *h)
{
	struct str path = pseudo(h, H2_PATH), host = pseudo(h, H2_AUTHORITY);
	struct str method = pseudo(h, H2_METHOD);
	size_t start = h->text.len;
	char *p;

	/* CONNECT has neither scheme nor path: it is not for us. */
	if (!is_token(method) || !is_word(path) ||
	    (path.p[0] != '/' && !str_eq(path, STR("*"))) ||
	    !str_eq(pseudo(h, H2_SCHEME), STR("https")))
		return (false);
	/* One step, since the spans are in what may move. */
	p = buf_room(&h->text, method.len + path.len + host.len + 32);
	if (p == NULL)
		return (false);
	method = pseudo(h, H2_METHOD);
	path = pseudo(h, H2_PATH);
	host = pseudo(h, H2_AUTHORITY);
	buf_adds(&h->text, method);
	buf_addc(&h->text, ' ');
	buf_adds(&h->text, path);
	BUF_LIT(&h->text, " HTTP/1.1\r\n");
	if (h->pseudo[H2_AUTHORITY].seen) {
		if (!is_word(host))
			return (false);
		BUF_LIT(&h->text, "host: ");
		buf_adds(&h->text, host);
		BUF_LIT(&h->text, "\r\n");
		h->nfields++;
	}
	h->start = start;
	return (true);
}

static int
add_pseudo(struct h2_head *h, struct str name, struct str value)
{
	unsigned i = 0;

	while (i < H2_PSEUDOS && !str_eq(name, pseudo_names[i]))
		i++;
	if (i == H2_PSEUDOS || h->pseudo[i].seen || h->start > 0)
		return (400);
	h->pseudo[i].seen = true;
	h->pseudo[i].at = h->text.len;
	h->pseudo[i].len = value.len;
	buf_adds(&h->text, value);
	return (0);
}

/* RFC 9113, 8.2.2: of a connection, not of a request. By their length. */
static bool
is_forbidden(struct str name, struct str value)
{
	static const char *const names[] = {
		[7] = "upgrade",
		[10] = "connection",
		[16] = "proxy-connection",
		[17] = "transfer-encoding",
	};

	if (str_eq(name, STR("keep-alive")))
		return (true);
	if (str_eq(name, STR("te")))
		return (!str_caseeq(value, STR("trailers")));
	return (name.len < sizeof(names) / sizeof(names[0]) &&
		names[name.len] != NULL &&
		str_eq(name, str_of(names[name.len])));
}

static int
add_regular(struct h2_head *h, struct str name, struct str value)
{
	if (h->start == 0 && !head_begin(h))
		return (400);
	if (!is_token(name) || has_upper(name) || !is_line(value) ||
	    is_forbidden(name, value))
		return (400);
	if (h->pseudo[H2_AUTHORITY].seen && str_eq(name, STR("host")))
		return (str_caseeq(value, pseudo(h, H2_AUTHORITY)) ? 0 : 400);
	h->nfields++;
	if (h->nfields > HTTP_FIELDS_MAX)
		return (431);
	buf_adds(&h->text, name);
	BUF_LIT(&h->text, ": ");
	buf_adds(&h->text, value);
	BUF_LIT(&h->text, "\r\n");
	return (0);
}

void
h2_head_field(struct h2_head *h, struct str name, struct str value)
{
	if (h->status != 0)
		return;
	if (h->text.p == NULL)
		buf_reserve(&h->text, TEXT_FIRST);
	h->list += name.len + value.len + FIELD_OVERHEAD;
	if (h->list > h->max) {
		h->status = str_eq(name, pseudo_names[H2_PATH]) ? 414 : 431;
		return;
	}
	if (name.len > 0 && name.p[0] == ':')
		h->status = add_pseudo(h, name, value);
	else
		h->status = add_regular(h, name, value);
}

int
h2_head_finish(struct h2_head *h, bool ended, struct http_head *head_r)
{
	size_t scanned = 0;
	struct str text;
	int status = 400;

	if (h->status == 0 && h->start == 0 && !head_begin(h))
		h->status = 400;
	if (h->status != 0)
		return (h->status);
	BUF_LIT(&h->text, "\r\n");
	if (h->text.failed)
		return (h->status = 431);
	text = str_from(buf_str(&h->text), h->start);
	/* One byte above its length: what is not complete is never so. */
	switch (
	    http_parse_request(text, &scanned, text.len + 1, head_r, &status)) {
	case HTTP_DONE:
		break;
	case HTTP_MORE:
		return (h->status = 400);
	case HTTP_BAD:
	default:
		return (h->status = status);
	}
	if (head_r->size != text.len || head_r->nfields != h->nfields)
		return (h->status = 400);
	if (!ended && head_r->framing == HTTP_BODY_NONE)
		head_r->framing = HTTP_BODY_CHUNKED;
	return (0);
}

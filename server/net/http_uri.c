/* server/net/http_uri.c - request targets (RFC 3986); http_parse.h says what is
 * promised. */
#include "server/net/http_chars.h"
#include "server/net/http_parse.h"

static enum hub_err parse_path(struct http_uri *, char **);
static enum hub_err parse_query(struct http_uri *, char **, struct str *);

enum hub_err
http_uri_parse(struct str target, struct buf *scratch, struct http_uri *uri_r,
    struct str *dup_r)
{
	struct http_uri uri;
	size_t n = str_chr(target, '?');
	enum hub_err err;
	char *to, *from;

	if (target.len == 0 || target.p[0] != '/')
		return (HUB_ESYNTAX);
	uri.path = (struct str){ target.p, n };
	uri.query = str_from(target, n < target.len ? n + 1 : n);
	uri.nsegments = uri.nparams = 0;
	/* Nothing grows by decoding, so one reservation keeps spans valid. */
	from = to = buf_room(scratch, target.len);
	if (to == NULL)
		return (HUB_EFULL);
	err = parse_path(&uri, &to);
	if (err == HUB_OK)
		err = parse_query(&uri, &to, dup_r);
	scratch->len += (size_t)(to - from);
	if (err == HUB_OK)
		*uri_r = uri;
	return (err);
}

const struct str *
http_uri_param(const struct http_uri *uri, struct str name)
{
	for (unsigned i = 0; i < uri->nparams; i++)
		if (str_eq(uri->params[i].name, name))
			return (&uri->params[i].value);
	return (NULL);
}

/* Decodes in to *to and moves it; raw bytes must be ok or, if blank_plus, a
 * '+' that means a blank. */
static enum hub_err
decode(struct str in, enum http_char ok, bool blank_plus, char **to,
    struct str *out_r)
{
	struct str out = { *to, 0 };
	char *w = *to;
	unsigned v, seen = 0;

	for (size_t i = 0; i < in.len; i++) {
		if (http_char_is(in.p[i], ok)) {
			*w++ = blank_plus && in.p[i] == '+' ? ' ' : in.p[i];
			continue;
		}
		if (in.p[i] != '%' || in.len - i < 3 ||
		    !http_char_is(in.p[i + 1], HC_HEX) ||
		    !http_char_is(in.p[i + 2], HC_HEX))
			return (HUB_ESYNTAX);
		v = http_hex(in.p[i + 1]) << 4 | http_hex(in.p[i + 2]);
		if (v == 0)
			return (HUB_ESYNTAX);
		seen |= v;
		*w++ = (char)v;
		i += 2;
	}
	out.len = (size_t)(w - *to);
	if ((seen & 0x80) != 0 && !str_utf8(out))
		return (HUB_ESYNTAX);
	*to = w;
	*out_r = out;
	return (HUB_OK);
}

/* What a segment above the last one must not hide in escapes: anything that
 * another program could take for structure. An id at the end may. */
static bool
has_structure(struct str segment)
{
	return (str_chr(segment, '/') < segment.len ||
	    str_chr(segment, ';') < segment.len ||
	    str_chr(segment, '\\') < segment.len);
}

static enum hub_err
parse_path(struct http_uri *uri, char **to)
{
	struct str rest = str_from(uri->path, 1), raw, *segment;
	enum hub_err err;

	if (rest.len == 0)
		return (HUB_OK);
	if (rest.p[rest.len - 1] == '/')
		rest.len--;
	while (str_cut(&rest, '/', &raw)) {
		if (uri->nsegments == HTTP_SEGMENTS_MAX)
			return (HUB_EFULL);
		segment = &uri->segments[uri->nsegments++];
		err = decode(raw, HC_SEGMENT, false, to, segment);
		if (err != HUB_OK)
			return (err);
		if (segment->len == 0 || str_eq(*segment, STR(".")) ||
		    str_eq(*segment, STR("..")))
			return (HUB_ESYNTAX);
		if (rest.p != NULL && has_structure(*segment))
			return (HUB_ESYNTAX);
	}
	return (HUB_OK);
}

static enum hub_err
parse_param(struct http_uri *uri, struct str raw, char **to, struct str *dup_r)
{
	size_t n = str_chr(raw, '=');
	struct str value = str_from(raw, n < raw.len ? n + 1 : n);
	struct http_param param;
	enum hub_err err;

	if (n == 0)
		return (HUB_ESYNTAX);
	raw.len = n;
	err = decode(raw, HC_QUERY, true, to, &param.name);
	if (err == HUB_OK)
		err = decode(value, HC_QUERY, true, to, &param.value);
	if (err != HUB_OK)
		return (err);
	if (http_uri_param(uri, param.name) != NULL) {
		*dup_r = param.name;
		return (HUB_EEXIST);
	}
	if (uri->nparams == HTTP_PARAMS_MAX)
		return (HUB_EFULL);
	uri->params[uri->nparams++] = param;
	return (HUB_OK);
}

static enum hub_err
parse_query(struct http_uri *uri, char **to, struct str *dup_r)
{
	struct str rest = uri->query, raw;
	enum hub_err err;

	while (str_cut(&rest, '&', &raw)) {
		if (raw.len == 0)
			continue;
		err = parse_param(uri, raw, to, dup_r);
		if (err != HUB_OK)
			return (err);
	}
	return (HUB_OK);
}

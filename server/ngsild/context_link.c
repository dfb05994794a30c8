/* server/ngsild/context_link.c - the context in a Link header (RFC 8288). */
#include "server/ngsild/context.h"

#include "server/net/http_chars.h"

#define REL_CONTEXT "http://www.w3.org/ns/json-ld#context"

/* What of one link's parameters matters. */
struct link {
	struct str url;
	bool is_context;
	bool other_anchor; /* it speaks of something else than this message */
	bool seen_rel;     /* RFC 8288, 3.3: only the first rel counts */
};

static void
skip_blanks(struct str *s)
{
	while (s->len > 0 && (s->p[0] == ' ' || s->p[0] == '\t'))
		*s = str_from(*s, 1);
}

static bool
take(struct str *s, char c)
{
	skip_blanks(s);
	if (s->len == 0 || s->p[0] != c)
		return (false);
	*s = str_from(*s, 1);
	return (true);
}

/* A quoted string without its quotes; escapes stay, no rel of ours has one. */
static enum hub_err
take_quoted(struct str *s, struct str *value_r)
{
	for (size_t i = 0; i < s->len; i++) {
		if (s->p[i] == '\\')
			i++;
		else if (s->p[i] == '"') {
			*value_r = (struct str){ s->p, i };
			*s = str_from(*s, i + 1);
			return (HUB_OK);
		}
	}
	return (HUB_ESYNTAX);
}

static bool
is_delimiter(char c)
{
	return (c == ';' || c == ',' || c == ' ' || c == '\t' || c == '"' ||
	    c == '<' || c == '>');
}

/* Up to a delimiter, or an equals sign where it is one. RFC 8288 asks for a
 * token; clients write URLs bare. */
static struct str
take_bare(struct str *s, bool to_equals)
{
	struct str v = { s->p, 0 };

	while (v.len < s->len && !is_delimiter(s->p[v.len]) &&
	    !(to_equals && s->p[v.len] == '='))
		v.len++;
	*s = str_from(*s, v.len);
	return (v);
}

static bool
has_rel(struct str types)
{
	struct str one;

	while (str_cut(&types, ' ', &one))
		if (str_caseeq(one, STR(REL_CONTEXT)))
			return (true);
	return (false);
}

static enum hub_err
take_param(struct str *s, struct link *link)
{
	struct str name, value = STR_NONE;
	enum hub_err err;

	skip_blanks(s);
	name = take_bare(s, true);
	if (take(s, '=')) {
		skip_blanks(s);
		if (take(s, '"')) {
			err = take_quoted(s, &value);
			if (err != HUB_OK)
				return (err);
		} else
			value = take_bare(s, false);
	}
	if (name.len == 0)
		return (value.p == NULL ? HUB_OK : HUB_ESYNTAX);
	if (str_caseeq(name, STR("rel")) && !link->seen_rel) {
		link->seen_rel = true;
		link->is_context = has_rel(value);
	} else if (str_caseeq(name, STR("anchor")))
		link->other_anchor = true;
	return (HUB_OK);
}

static enum hub_err
take_link(struct str *s, struct link *link)
{
	enum hub_err err;
	size_t n;

	if (!take(s, '<'))
		return (HUB_ESYNTAX);
	n = str_chr(*s, '>');
	if (n == s->len)
		return (HUB_ESYNTAX);
	*link = (struct link){ .url = { s->p, n } };
	*s = str_from(*s, n + 1);
	while (take(s, ';')) {
		err = take_param(s, link);
		if (err != HUB_OK)
			return (err);
	}
	skip_blanks(s);
	return (s->len == 0 || s->p[0] == ',' ? HUB_OK : HUB_ESYNTAX);
}

static bool
has_control(struct str s)
{
	const char *p, *end;

	if (s.len == 0)
		return (false);
	end = s.p + s.len;
	for (p = http_skip_text(s.p, end, ' '); p < end;
	     p = http_skip_text(p + 1, end, ' '))
		if (*p != '\t' && (unsigned char)*p < 0x80)
			return (true);
	return (false);
}

enum hub_err
context_link_parse(struct str s, struct str *url_r)
{
	struct str found = STR_NONE;
	struct link link;
	enum hub_err err;

	if (has_control(s))
		return (HUB_ESYNTAX);
	for (;;) {
		while (take(&s, ',')) /* RFC 9110, 5.6.1: empty elements */
			;
		if (s.len == 0)
			break;
		err = take_link(&s, &link);
		if (err != HUB_OK)
			return (err);
		if (!link.is_context || link.other_anchor)
			continue;
		if (found.p != NULL)
			return (HUB_EEXIST);
		if (link.url.len == 0)
			return (HUB_ESYNTAX);
		found = link.url;
	}
	*url_r = found;
	return (HUB_OK);
}

/* server/ngsild/query_read.c - the members of a query one by one;
 * query_priv.h says what they take, query.h what they mean. */
#include "server/ngsild/boolexpr.h"
#include "server/ngsild/query_priv.h"
#include "server/ngsild/temporal.h"

#define URI_MAX    1024
#define LANG_MAX   256
#define SHOWN_MAX  64 /* bytes of a client's name in a refusal */
#define SUBTAG_MAX 8  /* RFC 4647, 2.1 */

enum hub_err
query_refuse(struct query_reader *r, enum hub_err err, const char *detail)
{
	static const struct query_error bad = { 400, "BadRequestData", NULL },
					many = { 403, "TooManyResults", NULL },
					later = { 501, "OperationNotSupported",
						NULL };

	*r->error = err == HUB_ENOTSUP ? later : err == HUB_ERANGE ? many : bad;
	r->error->detail = detail;
	return (err);
}

enum hub_err
query_bad(struct query_reader *r, const char *detail)
{
	return (query_refuse(r, HUB_ESYNTAX, detail));
}

/* Of a parser one layer down: its limits are the client's mistakes too. */
static enum hub_err
refuse_inner(struct query_reader *r, enum hub_err err, const char *why)
{
	return (query_refuse(r, err == HUB_ENOTSUP ? err : HUB_ESYNTAX, why));
}

/* The name is the client's: cut, and nothing of it that is not visible. */
enum hub_err
query_unknown(struct query_reader *r, const char *what, struct str name)
{
	char shown[SHOWN_MAX + 1];
	size_t n = name.len < SHOWN_MAX ? name.len : SHOWN_MAX;

	for (size_t i = 0; i < n; i++)
		shown[i] =
		    (char)(name.p[i] > ' ' && name.p[i] <= '~' ? name.p[i]
							       : '?');
	shown[n] = '\0';
	return (query_bad(
	    r, arena_printf(r->arena, "unknown %s: %s", what, shown)));
}

enum hub_err
query_refuse_known(struct query_reader *r, enum hub_err err, struct str name)
{
	return (query_refuse(r, err,
	    arena_printf(r->arena,
		err == HUB_ENOTSUP
		    ? "this version does not do the parameter %.*s"
		    : "a distributed query of the present does not take %.*s",
		STR_FMT(name))));
}

static bool
is_alpha(char c)
{
	return ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
}

static bool
is_digit(char c)
{
	return (c >= '0' && c <= '9');
}

/* Controls, blanks and what RFC 3986 allows nowhere. */
static bool
is_clean(struct str s, const char *refused)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] <= 0x20 || s.p[i] == 0x7f ||
		    strchr(refused, s.p[i]) != NULL)
			return (false);
	return (true);
}

bool
query_is_uri(struct str s)
{
	size_t colon = str_chr(s, ':');

	if (s.len > URI_MAX || colon == 0 || colon + 1 >= s.len ||
	    !is_alpha(s.p[0]))
		return (false);
	for (size_t i = 1; i < colon; i++)
		if (!is_alpha(s.p[i]) && !is_digit(s.p[i]) &&
		    strchr("+-.", s.p[i]) == NULL)
			return (false);
	return (is_clean(s, "\"<>\\^`{|}"));
}

/* ---- names */

/* A term or an IRI. In a term a percent sign is a second encoding, and the
 * other signs would be structure that a list of names does not have. */
static bool
is_name(struct str s)
{
	return (s.len > 0 && s.len <= URI_MAX &&
		is_clean(s, "\"<>\\^`{|}=;()*,") &&
		(str_chr(s, ':') < s.len || is_clean(s, "%[]/?#&")));
}

static const struct name *
read_name(struct query_reader *r, struct str text)
{
	return (
	    is_name(text) ? context_expand(r->context, r->names, text) : NULL);
}

/* Each name once. */
static enum hub_err
add_name(struct query_reader *r, struct str text, const struct name ***list,
    unsigned *n, const char *why)
{
	const struct name *name = read_name(r, text);

	if (name == NULL)
		return (query_bad(r, why));
	if (*list == NULL)
		*list = arena_array(r->arena, QUERY_NAMES_MAX, sizeof(**list));
	for (unsigned i = 0; i < *n; i++)
		if ((*list)[i] == name)
			return (HUB_OK);
	if (*n == QUERY_NAMES_MAX)
		return (query_bad(r, "more than 200 names in one parameter"));
	(*list)[(*n)++] = name;
	return (HUB_OK);
}

enum hub_err
query_add_attr(struct query_reader *r, struct str text)
{
	return (add_name(r, text, &r->query->attrs, &r->query->nattrs,
	    "attrs holds something that is no attribute name"));
}

/* One name of pick or omit; id, type and scope are no attributes. */
static enum hub_err
add_projected(struct query_reader *r, struct str text, struct projection *p,
    const struct name ***list, unsigned *n)
{
	const struct {
		struct str name;
		bool *flag;
	} members[] = {
		{ { "id", 2 }, &p->id },
		{ { "type", 4 }, &p->type },
		{ { "scope", 5 }, &p->scope },
	};

	p->given = true;
	if (*list == NULL) /* there may be no attribute at all */
		*list = arena_array(r->arena, QUERY_NAMES_MAX, sizeof(**list));
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (str_eq(text, members[i].name)) {
			*members[i].flag = true;
			return (HUB_OK);
		}
	if (str_chr(text, '{') < text.len)
		return (query_refuse(r, HUB_ENOTSUP,
		    "this version does not do a nested pick or omit: a{b}"));
	return (add_name(r, text, list, n,
	    "pick or omit holds something that is no member of an entity"));
}

enum hub_err
query_add_pick(struct query_reader *r, struct str text)
{
	return (add_projected(
	    r, text, &r->pick, &r->query->pick, &r->query->npick));
}

enum hub_err
query_add_omit(struct query_reader *r, struct str text)
{
	return (add_projected(
	    r, text, &r->omit, &r->query->omit, &r->query->nomit));
}

static enum hub_err
read_type_name(
    struct str text, void *arg, const void **atom_r, const char **why_r)
{
	struct query_reader *r = arg;
	enum hub_err err = add_name(r, text, &r->query->types,
	    &r->query->ntypes, "type holds something that is no name");

	if (err != HUB_OK) {
		*why_r = r->error->detail;
		return (err);
	}
	*atom_r = read_name(r, text);
	return (HUB_OK);
}

/* Fills the flat list on the way. */
enum hub_err
query_read_type(
    struct query_reader *r, struct str text, struct boolexpr **expr_r)
{
	const char *why;
	enum hub_err err;

	if (str_eq(text, STR("*"))) {
		r->query->any_type = true;
		return (HUB_OK);
	}
	err = boolexpr_parse(text, read_type_name, r, r->arena, expr_r, &why);
	return (err == HUB_OK ? HUB_OK : refuse_inner(r, err, why));
}

enum hub_err
query_read_geometry_property(struct query_reader *r, struct str text)
{
	r->query->geometry_property = read_name(r, text);
	return (r->query->geometry_property != NULL
		    ? HUB_OK
		    : query_bad(r, "geometryProperty is no attribute name"));
}

/* ---- expressions */

enum hub_err
query_read_pattern(
    struct query_reader *r, struct str text, struct pattern **pattern_r)
{
	const char *why;
	enum hub_err err = pattern_new(text, r->arena, pattern_r, &why);

	return (err == HUB_OK ? HUB_OK : refuse_inner(r, err, why));
}

static enum hub_err
read_expression(struct query_reader *r, struct str text, struct q **q_r)
{
	const char *why;
	enum hub_err err =
	    q_parse(text, r->context, r->names, r->arena, q_r, &why);

	return (err == HUB_OK ? HUB_OK : refuse_inner(r, err, why));
}

enum hub_err
query_read_q(struct query_reader *r, struct str text)
{
	return (read_expression(r, text, &r->query->q));
}

enum hub_err
query_read_csf(struct query_reader *r, struct str text)
{
	return (read_expression(r, text, &r->query->csf));
}

enum hub_err
query_read_scope_q(struct query_reader *r, struct str text)
{
	const char *why;
	enum hub_err err =
	    scope_q_parse(text, r->arena, &r->query->scope_q, &why);

	return (err == HUB_OK ? HUB_OK : refuse_inner(r, err, why));
}

/* ---- datasets and languages */

enum hub_err
query_add_dataset(struct query_reader *r, struct str text)
{
	struct query *q = r->query;

	if (str_eq(text, STR("@none"))) {
		q->default_instance = true;
		return (HUB_OK);
	}
	if (!query_is_uri(text))
		return (query_bad(r,
		    "datasetId holds something that is neither URI nor @none"));
	if (q->datasets == NULL)
		q->datasets = arena_array(
		    r->arena, QUERY_DATASETS_MAX, sizeof(*q->datasets));
	if (q->ndatasets == QUERY_DATASETS_MAX)
		return (query_bad(r, "more than 100 values in datasetId"));
	q->datasets[q->ndatasets++] = text;
	return (HUB_OK);
}

/* RFC 4647, 2.2: an extended range, "de", "de-*-AT" or "*". */
static bool
is_language_range(struct str s)
{
	struct str tag;
	bool first = true;

	while (str_cut(&s, '-', &tag)) {
		if (tag.len == 0 || tag.len > SUBTAG_MAX)
			return (false);
		for (size_t i = 0; i < tag.len; i++)
			if (!is_alpha(tag.p[i]) &&
			    (first || !is_digit(tag.p[i])) &&
			    !str_eq(tag, STR("*")))
				return (false);
		first = false;
	}
	return (true);
}

/* RFC 9110, 12.4.2: 0 to 1 with at most three decimals. */
static bool
is_weight(struct str s)
{
	bool one = s.len > 0 && s.p[0] == '1';

	if (s.len == 0 || s.len > 5 || (s.p[0] != '0' && !one) ||
	    (s.len > 1 && s.p[1] != '.'))
		return (false);
	for (size_t i = 2; i < s.len; i++)
		if (one ? s.p[i] != '0' : !is_digit(s.p[i]))
			return (false);
	return (true);
}

enum hub_err
query_read_lang(struct query_reader *r, struct str text)
{
	struct str rest = text, part, range;

	if (text.len > LANG_MAX)
		return (query_bad(r, "lang is longer than 256 bytes"));
	while (str_cut(&rest, ',', &part)) {
		part = str_trim(part);
		(void)str_cut(&part, ';', &range);
		if (!is_language_range(range) ||
		    (part.p != NULL && (!str_prefix(part, STR("q=")) ||
					   !is_weight(str_from(part, 2)))))
			return (query_bad(r, "lang is no list of languages"));
	}
	r->query->lang = text;
	return (HUB_OK);
}

/* How long the client wants an entity map; the hub has its own bounds. */
enum hub_err
query_read_map_life(struct query_reader *r, struct str text)
{
	struct duration d;

	if (iso_duration_parse(text, &d) != HUB_OK)
		return (query_bad(r, "entityMapLifetime is no duration"));
	/* A month is longer than any map lives; no time at all is not the
	 * same as none given. */
	r->query->entity_map_us = d.months > 0 ? INT64_MAX :
	    d.us > 0			       ? d.us :
						 1;
	return (HUB_OK);
}

/* ---- judged at the end */

static enum hub_err
finish_geo(struct query_reader *r)
{
	const struct name *property;
	enum hub_err err;
	const char *why;

	if (r->georel.len == 0) {
		if (r->geometry.len + r->coordinates.len + r->geoproperty.len >
		    0)
			return (query_bad(r,
			    "geometry, coordinates and geoproperty need "
			    "georel"));
		return (HUB_OK);
	}
	if (r->geometry.len == 0 || r->coordinates.len == 0)
		return (query_bad(r, "georel needs geometry and coordinates"));
	if (r->geoproperty.len == 0)
		r->geoproperty = STR("location");
	property = read_name(r, r->geoproperty);
	if (property == NULL)
		return (query_bad(r, "geoproperty is no attribute name"));
	err = geo_parse(r->georel, r->geometry, r->coordinates, property,
	    r->arena, &r->query->geo, &why);
	return (err == HUB_OK ? HUB_OK : refuse_inner(r, err, why));
}

static enum hub_err
finish_projection(struct query_reader *r)
{
	struct query *q = r->query;

	if (r->pick.given && q->attrs != NULL)
		return (query_bad(r, "pick and attrs exclude each other"));
	q->hide_id = (r->pick.given && !r->pick.id) || r->omit.id;
	q->hide_type = (r->pick.given && !r->pick.type) || r->omit.type;
	q->hide_scope = (r->pick.given && !r->pick.scope) || r->omit.scope;
	return (HUB_OK);
}

/* ETSI GS CIM 009, 5.7.2.4 */
static enum hub_err
check_width(struct query_reader *r)
{
	const struct query *q = r->query;

	if (!r->type_given && q->nattrs == 0 && q->q == NULL &&
	    q->geo == NULL && !q->local)
		return (query_bad(r,
		    "the query is too wide: it needs type, attrs, q, georel or "
		    "local=true"));
	if (q->limit == 0 && !q->count)
		return (query_bad(r, "limit=0 needs count=true"));
	return (HUB_OK);
}

enum hub_err
query_finish(struct query_reader *r, bool retrieve)
{
	enum hub_err err = finish_geo(r);

	if (err == HUB_OK)
		err = finish_projection(r);
	if (err == HUB_OK && !retrieve)
		err = check_width(r);
	return (err);
}

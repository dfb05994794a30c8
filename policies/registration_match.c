/* policies/registration_match.c - what a registration may hold (ETSI GS CIM
 * 009, 4.3.6.3, 5.12); registration.h says what it promises. */
#include "policies/registration_priv.h"

/* ---- the whole */

static void
list_add(const struct name **v, unsigned *n, const struct name *name)
{
	for (unsigned i = 0; i < *n; i++)
		if (v[i] == name)
			return;
	v[(*n)++] = name;
}

struct registration_names
registration_attrs(const struct registration *reg, bool *all_r,
    struct arena *a)
{
	const struct name **v;
	unsigned n = 0, most = 0;

	*all_r = false;
	for (unsigned i = 0; i < reg->information.n; i++) {
		unsigned own = reg->information.v[i].properties.n +
		    reg->information.v[i].relationships.n;

		*all_r |= own == 0;
		most += own;
	}
	v = arena_array(a, (size_t)most + 1, sizeof(*v));
	for (unsigned i = 0; i < reg->information.n; i++) {
		const struct registration_info *info =
		    &reg->information.v[i];

		for (unsigned k = 0; k < info->properties.n; k++)
			list_add(v, &n, info->properties.v[k]);
		for (unsigned k = 0; k < info->relationships.n; k++)
			list_add(v, &n, info->relationships.v[k]);
	}
	return ((struct registration_names){ n, v });
}

static unsigned
new_names(const struct registration_names *names)
{
	unsigned n = 0;

	for (unsigned i = 0; i < names->n; i++)
		n += names->v[i]->id == 0;
	return (n);
}

unsigned
registration_new_names(const struct registration *reg)
{
	unsigned n = 0;

	for (unsigned i = 0; i < reg->information.n; i++) {
		const struct registration_info *info =
		    &reg->information.v[i];

		n += new_names(&info->properties) +
		    new_names(&info->relationships);
		for (unsigned k = 0; k < info->nentities; k++)
			n += new_names(&info->entities[k].types);
	}
	for (unsigned i = 0; i < reg->nproperties; i++)
		n += reg->properties[i].name->id == 0;
	return (n);
}

bool
registration_has_id(const struct registration *reg, struct str id)
{
	for (unsigned i = 0; i < reg->information.n; i++) {
		const struct registration_info *info =
		    &reg->information.v[i];

		for (unsigned k = 0; k < info->nentities; k++)
			if (entity_has_id(&info->entities[k], id))
				return (true);
		if (info->nentities == 0)
			return (true);
	}
	return (false);
}

bool
registration_any_type(const struct registration *reg)
{
	for (unsigned i = 0; i < reg->information.n; i++)
		if (reg->information.v[i].nentities == 0)
			return (true);
	return (false);
}

struct str
registration_pattern(const struct registration *reg)
{
	struct str pattern = STR_NONE;

	for (unsigned i = 0; i < reg->information.n; i++) {
		const struct registration_info *info =
		    &reg->information.v[i];

		if (info->nentities == 0)
			return (STR_NONE);
		for (unsigned k = 0; k < info->nentities; k++) {
			struct str p = info->entities[k].id_pattern;

			if (p.p == NULL ||
			    (pattern.p != NULL && !str_eq(p, pattern)))
				return (STR_NONE);
			pattern = p;
		}
	}
	return (pattern);
}

/* ---- a request */

static bool
type_asked(const struct registration_query *q,
    const struct registration_entity *e)
{
	for (unsigned i = 0; i < q->query->ntypes; i++)
		if (has_name(&e->types, q->query->types[i]))
			return (true);
	return (q->query->ntypes == 0);
}

/* Two patterns: that cannot be decided. */
static bool
id_asked(const struct registration_query *q,
    const struct registration_entity *e)
{
	const struct query *query = q->query;

	if (q->id.p != NULL)
		return (entity_has_id(e, q->id));
	if (e->id.p != NULL && query->id_pattern_re != NULL &&
	    !pattern_match(query->id_pattern_re, e->id))
		return (false);
	for (unsigned i = 0; i < query->nids; i++)
		if (entity_has_id(e, query->ids[i]))
			return (true);
	return (query->nids == 0);
}

static bool
attr_asked(const struct registration_query *q,
    const struct registration_info *info)
{
	for (unsigned i = 0; i < q->nattrs; i++)
		if (info_has_attr(info, q->attrs[i]))
			return (true);
	return (q->nattrs == 0);
}

static bool
info_match(const struct registration_info *info,
    const struct registration_query *q)
{
	if (!attr_asked(q, info))
		return (false);
	for (unsigned i = 0; i < info->nentities; i++)
		if (type_asked(q, &info->entities[i]) &&
		    id_asked(q, &info->entities[i]))
			return (true);
	return (info->nentities == 0);
}

static bool
dataset_asked(const struct registration *reg, const struct query *q)
{
	if (reg->datasets.n == 0 ||
	    (q->ndatasets == 0 && !q->default_instance))
		return (true);
	for (unsigned i = 0; i < reg->datasets.n; i++) {
		if (q->default_instance &&
		    str_eq(reg->datasets.v[i], STR("@none")))
			return (true);
		for (unsigned k = 0; k < q->ndatasets; k++)
			if (str_eq(q->datasets[k], reg->datasets.v[i]))
				return (true);
	}
	return (false);
}

/* Times were checked when it was read. */
static struct wall_us
instant(struct str text, int64_t open)
{
	struct wall_us at = { open };

	if (text.p != NULL && wall_parse(text, &at) != HUB_OK)
		at.us = open;
	return (at);
}

bool
registration_in_time(const struct registration *reg,
    enum time_property property, struct time_range range, bool absent)
{
	const struct registration_interval *v = property == TIME_OBSERVED ?
	    &reg->observed : &reg->managed;

	if (v->start.p == NULL)
		return (absent);
	return (instant(v->start, INT64_MIN).us < range.until.us &&
	    instant(v->end, INT64_MAX).us >= range.from.us);
}

bool
registration_match(const struct registration *reg,
    const struct registration_query *q, struct arena *a)
{
	bool any = false;

	if (reg->alias.p != NULL && via_has(q->via, reg->alias))
		return (false);
	for (unsigned i = 0; i < reg->information.n && !any; i++)
		any = info_match(&reg->information.v[i], q);
	if (!any || !dataset_asked(reg, q->query) ||
	    (q->temporal != NULL &&
		!registration_in_time(reg, q->temporal->property,
		    q->temporal->range, true)))
		return (false);
	if (!q->places)
		return (true);
	return ((reg->location.raw.p == NULL || q->query->geo == NULL ||
		    geo_may_hold(q->query->geo, &reg->location.geometry, a)) &&
	    (reg->scopes.n == 0 || q->query->scope_q == NULL ||
		scope_q_may_hold(q->query->scope_q, reg->scopes.n,
		    reg->scopes.v)));
}

/* ---- an answer */

static bool
part_has(const struct registration_info *info, const struct entity *e)
{
	for (unsigned i = 0; i < info->nentities; i++) {
		const struct registration_entity *re = &info->entities[i];

		if (!entity_has_id(re, e->id))
			continue;
		for (unsigned t = 0; t < e->ntypes; t++)
			if (has_name(&re->types, e->types[t]))
				return (true);
	}
	return (info->nentities == 0);
}

bool
registration_limit(const struct registration *reg, struct entity *e)
{
	bool mine[REGISTRATION_INFOS_MAX];
	unsigned n = 0, ninfos = reg->information.n;

	assert(ninfos <= REGISTRATION_INFOS_MAX);
	for (unsigned p = 0; p < ninfos; p++)
		mine[p] = part_has(&reg->information.v[p], e);
	for (unsigned i = 0; i < e->ninstances; i++)
		for (unsigned p = 0; p < ninfos; p++)
			if (mine[p] && info_has_attr(&reg->information.v[p],
					   e->instances[i].name)) {
				e->instances[n++] = e->instances[i];
				break;
			}
	e->ninstances = n;
	return (n > 0);
}

/* ---- header fields */

bool
via_has(struct str via, struct str name)
{
	struct str part;

	while (via.p != NULL && str_cut(&via, ',', &part)) {
		part = str_trim(part);
		part = str_from(part, str_chr(part, ' '));
		part = str_trim(part);
		part.len = str_chr(part, ' ');
		if (str_caseeq(part, name))
			return (true);
	}
	return (false);
}

static bool
in_words(const char *const *words, struct str s)
{
	for (; *words != NULL; words++)
		if (str_caseeq(str_of(*words), s))
			return (true);
	return (false);
}

/* What the hub writes itself, what belongs to the connection or changes how
 * an answer is to be read, what says who asks (4.3.6.5), and the standard's
 * own keys. */
static const char *const reserved[] = { "Host", "Content-Length",
	"Content-Type", "Content-Encoding", "Transfer-Encoding", "TE",
	"Trailer", "Connection", "Keep-Alive", "Upgrade", "Expect", "Range",
	"If-Match", "If-None-Match", "If-Modified-Since",
	"If-Unmodified-Since", "If-Range", "Via", "Forwarded",
	"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto",
	"X-Real-IP", "NGSILD-Tenant", "Fiware-Service", "Fiware-ServicePath",
	"Link", "Accept", "Accept-Encoding", "Prefer", "User-Agent",
	"Proxy-Authorization", "Proxy-Connection", "contentType",
	"jsonldContext", "ngsildConformance", "NGSILD-EntityMap", NULL };
/* Of a client: harmless, and of no use to find out who it is. */
static const char *const copied[] = { "Accept-Language", "X-Request-Id",
	"X-Correlation-Id", "traceparent", "tracestate", NULL };

bool
registration_header(const struct registration_pair *p, bool *from_client_r)
{
	if (in_words(reserved, p->key))
		return (false);
	*from_client_r = str_eq(p->value, STR("urn:ngsi-ld:request"));
	return (!*from_client_r || in_words(copied, p->key));
}

struct str
registration_info_value(const struct registration *reg, struct str key)
{
	for (unsigned i = 0; i < reg->source_info.n; i++)
		if (str_eq(reg->source_info.v[i].key, key))
			return (reg->source_info.v[i].value);
	return (STR_NONE);
}

/* policies/registration_write.c - a registration as JSON; registration.h says
 * what it promises. */
#include "policies/registration_priv.h"

struct writer {
	const struct registration_out *out;
	struct buf *b;
};

static void
add_key(struct writer *w, const char *key)
{
	buf_addc(w->b, ',');
	buf_add_json(w->b, str_of(key));
	buf_addc(w->b, ':');
}

static void
add_text(struct writer *w, const char *key, struct str value)
{
	if (value.p == NULL)
		return;
	add_key(w, key);
	buf_add_json(w->b, value);
}

static void
add_raw(struct writer *w, const char *key, struct str value)
{
	if (value.p == NULL)
		return;
	add_key(w, key);
	buf_adds(w->b, value);
}

static void
add_texts(struct writer *w, const char *key,
    const struct registration_texts *texts)
{
	if (texts->n == 0)
		return;
	if (texts->single) {
		add_text(w, key, texts->v[0]);
		return;
	}
	add_key(w, key);
	for (unsigned i = 0; i < texts->n; i++) {
		buf_addc(w->b, i == 0 ? '[' : ',');
		buf_add_json(w->b, texts->v[i]);
	}
	buf_addc(w->b, ']');
}

static void
add_name(struct writer *w, const struct name *name)
{
	buf_add_json(w->b, context_compact(w->out->context, name,
	    w->out->arena));
}

static void
add_list(struct writer *w, const struct registration_names *names)
{
	for (unsigned i = 0; i < names->n; i++) {
		buf_addc(w->b, i == 0 ? '[' : ',');
		add_name(w, names->v[i]);
	}
	buf_addc(w->b, ']');
}

static void
add_entity(struct writer *w, const struct registration_entity *e)
{
	BUF_LIT(w->b, "{\"type\":");
	if (e->types.n == 1)
		add_name(w, e->types.v[0]);
	else
		add_list(w, &e->types);
	add_text(w, "id", e->id);
	add_text(w, "idPattern", e->id_pattern);
	buf_addc(w->b, '}');
}

static void
add_info(struct writer *w, const struct registration_info *info)
{
	const char *sep = "";

	buf_addc(w->b, '{');
	if (info->nentities > 0) {
		BUF_LIT(w->b, "\"entities\":");
		for (unsigned i = 0; i < info->nentities; i++) {
			buf_addc(w->b, i == 0 ? '[' : ',');
			add_entity(w, &info->entities[i]);
		}
		buf_addc(w->b, ']');
		sep = ",";
	}
	if (info->properties.n > 0) {
		buf_addf(w->b, "%s\"propertyNames\":", sep);
		add_list(w, &info->properties);
		sep = ",";
	}
	if (info->relationships.n > 0) {
		buf_addf(w->b, "%s\"relationshipNames\":", sep);
		add_list(w, &info->relationships);
	}
	buf_addc(w->b, '}');
}

static void
add_information(struct writer *w, const struct registration *reg)
{
	add_key(w, "information");
	for (unsigned i = 0; i < reg->information.n; i++) {
		buf_addc(w->b, i == 0 ? '[' : ',');
		add_info(w, &reg->information.v[i]);
	}
	buf_addc(w->b, ']');
}

static void
add_interval(struct writer *w, const char *key,
    const struct registration_interval *v)
{
	if (v->start.p == NULL)
		return;
	add_key(w, key);
	BUF_LIT(w->b, "{\"startAt\":");
	buf_add_json(w->b, v->start);
	add_text(w, "endAt", v->end);
	buf_addc(w->b, '}');
}

static void
add_source_info(struct writer *w, const struct registration *reg)
{
	if (reg->source_info.n == 0)
		return;
	add_key(w, "contextSourceInfo");
	for (unsigned i = 0; i < reg->source_info.n; i++) {
		buf_adds(w->b, i == 0 ? STR("[{\"key\":") : STR(",{\"key\":"));
		buf_add_json(w->b, reg->source_info.v[i].key);
		add_text(w, "value", reg->source_info.v[i].value);
		buf_addc(w->b, '}');
	}
	buf_addc(w->b, ']');
}

static void
add_management(struct writer *w, const struct registration_management *m)
{
	if (!m->given)
		return;
	add_key(w, "management");
	BUF_LIT(w->b, "{\"localOnly\":");
	buf_adds(w->b, m->local_only ? STR("true") : STR("false"));
	if (m->timeout_ms > 0)
		buf_addf(w->b, ",\"timeout\":%lld", (long long)m->timeout_ms);
	if (m->cooldown_ms > 0)
		buf_addf(w->b, ",\"cooldown\":%lld",
		    (long long)m->cooldown_ms);
	add_text(w, "cacheDuration", m->cache_duration);
	buf_addc(w->b, '}');
}

static void
add_time(struct writer *w, const char *key, struct wall_us at)
{
	char text[WALL_STR_MAX];

	if (at.us == WALL_ABSENT.us)
		return;
	wall_format(at, text);
	add_text(w, key, str_of(text));
}

static void
add_state(struct writer *w, const struct registration_state *s)
{
	buf_addf(w->b, ",\"timesSent\":%llu,\"timesFailed\":%llu",
	    (unsigned long long)s->sent, (unsigned long long)s->failed);
	add_time(w, "lastSuccess", s->last_success);
	add_time(w, "lastFailure", s->last_failure);
	if (s->sent > 0)
		add_text(w, "status",
		    s->last_failure.us > s->last_success.us ? STR("failed") :
							      STR("ok"));
	if (!w->out->sys_attrs)
		return;
	add_time(w, "createdAt", s->created);
	add_time(w, "modifiedAt", s->modified);
}

/* Its spelling, unless that is a member of the standard, which it is not. */
static void
add_own_name(struct writer *w, const struct name *name)
{
	struct str text = context_compact(w->out->context, name,
	    w->out->arena);

	buf_add_json(w->b, reader_is_member(text) ? name->iri : text);
}

static void
add_own(struct writer *w, const struct registration *reg)
{
	for (unsigned i = 0; i < reg->nproperties; i++) {
		buf_addc(w->b, ',');
		add_own_name(w, reg->properties[i].name);
		buf_addc(w->b, ':');
		buf_adds(w->b, reg->properties[i].raw);
	}
}

static void
add_terms(struct writer *w, const struct registration *reg)
{
	static const char *const modes[] = { [MODE_INCLUSIVE] = "inclusive",
		[MODE_AUXILIARY] = "auxiliary", [MODE_REDIRECT] = "redirect",
		[MODE_EXCLUSIVE] = "exclusive" };

	add_text(w, "registrationName", reg->title);
	add_text(w, "description", reg->description);
	add_information(w, reg);
	add_text(w, "endpoint", reg->endpoint.text);
	add_text(w, "tenant", reg->tenant);
	if (reg->mode.given)
		add_text(w, "mode", str_of(modes[reg->mode.value]));
	add_texts(w, "operations", &reg->operations.list);
	add_text(w, "expiresAt", reg->expires.text);
	add_text(w, "refreshRate", reg->refresh_rate);
	add_texts(w, "scope", &reg->scopes);
	add_texts(w, "datasetId", &reg->datasets);
	add_raw(w, "location", reg->location.raw);
	add_raw(w, "observationSpace", reg->observation_space.raw);
	add_raw(w, "operationSpace", reg->operation_space.raw);
	add_interval(w, "observationInterval", &reg->observed);
	add_interval(w, "managementInterval", &reg->managed);
	add_text(w, "contextSourceAlias", reg->alias);
	add_source_info(w, reg);
	add_management(w, &reg->management);
	if (reg->local_only.given)
		add_raw(w, "localOnly", reg->local_only.value ?
			STR("true") : STR("false"));
}

void
registration_write(const struct registration *reg,
    const struct registration_out *out, struct buf *b)
{
	struct writer w = { out, b };

	BUF_LIT(b, "{\"id\":");
	buf_add_json(b, reg->id);
	add_text(&w, "type", STR("ContextSourceRegistration"));
	add_terms(&w, reg);
	add_own(&w, reg);
	if (out->state != NULL)
		add_state(&w, out->state);
	if (out->ld)
		add_text(&w, "@context", context_url(out->context));
	buf_addc(b, '}');
}

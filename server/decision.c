/* server/decision.c - writing lines of the decision log; decision.h says what
 * is in them. It runs with every request, so it is written for few steps. */
#include "server/decision.h"

const char *const decision_verdicts[DECISION_VERDICTS] = { "deny", "partial",
	"permit" };
const char *const decision_modes[DECISION_MODES] = { "absent", "local",
	"pushed" };

/* Cut between two characters. */
static void
add_text(struct buf *b, struct str s)
{
	if (s.len > DECISION_TEXT_MAX) {
		s.len = DECISION_TEXT_MAX;
		while (s.len > 0 && ((unsigned char)s.p[s.len] & 0xc0) == 0x80)
			s.len--;
	}
	buf_add_json(b, s);
}

/* ,"name":"text", unless there is none. */
#define ADD_TEXT(b, name, text)                                               \
	do {                                                                  \
		if ((text).len > 0) {                                         \
			BUF_LIT(b, ",\"" name "\":");                         \
			add_text(b, text);                                    \
		}                                                             \
	} while (0)
/* The same of our own words, which need no escape. */
#define ADD_WORD(b, name, text)                                               \
	do {                                                                  \
		if ((text).len > 0) {                                         \
			BUF_LIT(b, ",\"" name "\":\"");                       \
			buf_adds(b, text);                                    \
			buf_addc(b, '"');                                     \
		}                                                             \
	} while (0)
#define ADD_NUMBER(b, name, number)                                           \
	do {                                                                  \
		BUF_LIT(b, ",\"" name "\":");                                 \
		buf_addu(b, (uint64_t)(number));                              \
	} while (0)

static void
add_list(struct buf *b, const struct decision_names *l)
{
	buf_addc(b, '[');
	for (unsigned i = 0; i < l->n; i++) {
		if (i > 0)
			buf_addc(b, ',');
		add_text(b, l->v[i]);
	}
	buf_addc(b, ']');
}

#define ADD_LIST(b, name, list)                                               \
	do {                                                                  \
		if ((list).n > 0) {                                           \
			BUF_LIT(b, ",\"" name "\":");                         \
			add_list(b, &(list));                                 \
		}                                                             \
		if ((list).more > 0)                                          \
			ADD_NUMBER(b, name "_more", (list).more);             \
	} while (0)

static void
add_grants(struct buf *b, const struct decision_source *s)
{
	BUF_LIT(b, ",\"agreements\":[");
	for (unsigned i = 0; i < s->ngrants; i++) {
		const struct decision_grant *g = &s->grants[i];

		if (i > 0)
			buf_addc(b, ',');
		BUF_LIT(b, "{\"agreement\":");
		add_text(b, g->agreement);
		ADD_NUMBER(b, "ver", g->version);
		if (g->crisis > 0)
			ADD_NUMBER(b, "crisis", g->crisis);
		if (g->used)
			BUF_LIT(b, ",\"used\":true");
		buf_addc(b, '}');
	}
	buf_addc(b, ']');
}

static void
add_source(struct buf *b, const struct decision_source *s)
{
	BUF_LIT(b, "{\"source\":");
	add_text(b, s->source);
	ADD_TEXT(b, "dataset", s->dataset);
	if (s->ngrants > 0)
		add_grants(b, s);
	ADD_WORD(b, "kind", s->kind);
	ADD_WORD(b, "reason", s->reason);
	if (s->upstream_status > 0)
		ADD_NUMBER(b, "upstream_status", s->upstream_status);
	ADD_NUMBER(b, "ms", s->ms);
	ADD_NUMBER(b, "entities_in", s->entities_in);
	ADD_NUMBER(b, "entities_out", s->entities_out);
	buf_addc(b, '}');
}

static void
add_sources(struct buf *b, const struct decision *d)
{
	BUF_LIT(b, ",\"per_source\":[");
	for (unsigned i = 0; i < d->nsources; i++) {
		if (i > 0)
			buf_addc(b, ',');
		add_source(b, &d->sources[i]);
	}
	buf_addc(b, ']');
}

static void
add_predicates(struct buf *b, const struct decision *d)
{
	BUF_LIT(b, ",\"predicates\":[");
	for (unsigned i = 0; i < d->npredicates; i++) {
		if (i > 0)
			buf_addc(b, ',');
		BUF_LIT(b, "{\"attr\":");
		add_text(b, d->predicates[i].attr);
		BUF_LIT(b, ",\"mode\":\"");
		buf_adds(b, str_of(decision_modes[d->predicates[i].mode]));
		BUF_LIT(b, "\"}");
	}
	buf_addc(b, ']');
}

void
decision_write_who(const struct decision *d, struct buf *b)
{
	ADD_TEXT(b, "tenant", d->tenant);
	ADD_TEXT(b, "issuer", d->issuer);
	ADD_TEXT(b, "client", d->client);
	ADD_WORD(b, "subject", d->subject);
	ADD_LIST(b, "roles", d->roles);
	ADD_WORD(b, "sender", d->sender);
}

static void
add_outcome(struct buf *b, const struct decision *d)
{
	const char *word = decision_verdicts[d->verdict];

	BUF_LIT(b, ",\"decision\":\"");
	buf_adds(b, str_of(word));
	buf_addc(b, '"');
	ADD_WORD(b, "reason", d->reason);
	ADD_NUMBER(b, "status", d->status);
	ADD_NUMBER(b, "entities", d->entities);
	ADD_NUMBER(b, "bytes", d->bytes);
	ADD_NUMBER(b, "ms", d->ms);
	if (d->ncrises == 0)
		return;
	BUF_LIT(b, ",\"crisis\":[");
	for (unsigned i = 0; i < d->ncrises; i++) {
		if (i > 0)
			buf_addc(b, ',');
		buf_addu(b, (uint64_t)d->crises[i]);
	}
	buf_addc(b, ']');
}

void
decision_write(const struct decision *d, struct buf *b)
{
	char at[WALL_STR_MAX];

	wall_format(d->at, at);
	BUF_LIT(b, "{\"ts\":\"");
	buf_add(b, at, WALL_STR_MAX - 1);
	buf_addc(b, '"');
	ADD_WORD(b, "request_id", d->request_id);
	ADD_TEXT(b, "client_request_id", d->client_request_id);
	ADD_WORD(b, "trace", d->trace);
	if (d->bundle > 0) {
		ADD_NUMBER(b, "bundle", d->bundle);
		ADD_WORD(b, "bundle_hash", d->bundle_hash);
	}
	if (d->registered > 0)
		ADD_NUMBER(b, "registered", d->registered);
	if (d->who.len > 0)
		buf_adds(b, d->who);
	else
		decision_write_who(d, b);
	ADD_TEXT(b, "purpose", d->purpose);
	ADD_WORD(b, "method", d->method);
	ADD_WORD(b, "action", d->action);
	ADD_LIST(b, "types", d->types);
	ADD_LIST(b, "attrs_asked", d->attrs_asked);
	ADD_LIST(b, "attrs_released", d->attrs_released);
	if (d->ids > 0)
		ADD_NUMBER(b, "ids", d->ids);
	if (d->npredicates > 0)
		add_predicates(b, d);
	if (d->nsources > 0)
		add_sources(b, d);
	add_outcome(b, d);
}

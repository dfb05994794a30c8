/* policies/transform.c - changed values; transform.h says what it promises.
 * The arithmetic of round and bucket is in transform_number.c. */
#include "policies/transform.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "server/ngsild/geometry.h"

/* Years 1 to 9999: what wall_parse reads again. */
#define WALL_FIRST INT64_C(-62135596800000000)
#define WALL_LAST  INT64_C(253402300799999999)

#define METRES_OF_DEGREE 111320.0
#define PSEUDONYM_BYTES	 16 /* of the HMAC: no two values will meet */

/* The value's text as it will stand in the new document, and a new observedAt
 * (empty: as it was). */
struct change {
	const struct transform *t;
	const struct instance *in;
	struct arena *arena;
	struct buf value;
	char observed[WALL_STR_MAX];
};

/* ---- one function per kind: writes the value; false: the instance goes */

static const struct json_node *
value_node(const struct change *c)
{
	return (&c->in->doc->json.nodes[c->in->value]);
}

static bool
is_number(const struct change *c)
{
	return (c->in->kind == ATTR_PROPERTY &&
	    value_node(c)->kind == JSON_NUMBER);
}

static bool
change_number(struct change *c)
{
	return (is_number(c) &&
	    transform_number(c->t, json_span(&c->in->doc->json, c->in->value),
		&c->value));
}

static bool
change_suppress(struct change *c)
{
	struct str number = json_span(&c->in->doc->json, c->in->value);
	char limit[16];

	if (!is_number(c))
		return (false);
	(void)snprintf(limit, sizeof(limit), "%u", c->t->below);
	if (json_number_cmp(number, str_of(limit)) < 0)
		return (false);
	buf_adds(&c->value, number);
	return (true);
}

static double
clamp(double x, double limit)
{
	return (x > limit ? limit : x < -limit ? -limit : x);
}

struct point
transform_cell(const struct transform *t, struct point p)
{
	double row = floor(p.lat * METRES_OF_DEGREE / t->metres);
	double mid = clamp((row + 0.5) * t->metres / METRES_OF_DEGREE, 90);
	double width = METRES_OF_DEGREE * cos(mid * (M_PI / 180));
	double column = floor(p.lon * width / t->metres);

	/* A cell at a pole or at the date line ends there. */
	return ((struct point){
	    clamp((column + 0.5) * t->metres / width, 180), mid });
}

/* Six decimals, as text; "-0.000000" is no other place than "0.000000". */
static void
add_degrees(double x, struct buf *b)
{
	buf_addf(b, "%.6f", fabs(x) < 0.0000005 ? 0.0 : x);
}

static bool
change_grid(struct change *c)
{
	struct geometry g;
	struct point p;

	if (c->in->kind != ATTR_GEO ||
	    geometry_parse(&c->in->doc->json, c->in->value, 1, c->arena, &g) !=
		HUB_OK ||
	    g.kind != GEOMETRY_POINT)
		return (false);
	p = transform_cell(c->t, g.points[0]);
	BUF_LIT(&c->value, "{\"type\":\"Point\",\"coordinates\":[");
	add_degrees(p.lon, &c->value);
	buf_addc(&c->value, ',');
	add_degrees(p.lat, &c->value);
	BUF_LIT(&c->value, "]}");
	return (true);
}

/* false: no time that can be written again. */
static bool
truncated(const struct change *c, uint32_t node, char out[WALL_STR_MAX])
{
	struct wall_us at = entity_time(c->in->doc, node);
	int64_t over;

	if (at.us == WALL_ABSENT.us)
		return (false);
	over = at.us % c->t->us;
	at.us -= over < 0 ? over + c->t->us : over;
	if (at.us < WALL_FIRST || at.us > WALL_LAST)
		return (false);
	wall_format(at, out);
	memcpy(out + strlen("2026-11-22T17:45:00"), "Z", 2);
	return (true);
}

static bool
change_time(struct change *c)
{
	const struct json *j = &c->in->doc->json;
	bool object = value_node(c)->kind == JSON_OBJECT;
	char at[WALL_STR_MAX];

	if (c->in->kind != ATTR_PROPERTY ||
	    (object && json_member(j, c->in->value, STR("@value")) == 0) ||
	    !truncated(c, c->in->value, at) ||
	    (c->in->observed_at != 0 &&
		!truncated(c, c->in->observed_at, c->observed)))
		return (false);
	if (object)
		BUF_LIT(&c->value, "{\"@type\":\"DateTime\",\"@value\":");
	buf_add_json(&c->value, str_of(at));
	if (object)
		buf_addc(&c->value, '}');
	return (true);
}

static void
add_pseudonym(struct change *c, uint32_t string, const char *prefix)
{
	unsigned char mac[SHA256_LEN];
	char hex[2 * PSEUDONYM_BYTES + 1];
	struct str text = json_text(&c->in->doc->json, string, c->arena);

	hmac_sha256((struct str){ (const char *)c->t->key, PSEUDONYM_KEY_LEN },
	    text, mac);
	hex_encode(mac, PSEUDONYM_BYTES, hex);
	buf_addf(&c->value, "\"%s%s\"", prefix, hex);
}

/* Targets were found to be strings, or {"object": string} in a list, when the
 * instance was read. */
static void
add_targets(struct change *c)
{
	static const char urn[] = "urn:ngsi-ld:Pseudonym:";
	const struct json *j = &c->in->doc->json;
	const struct json_node *v = value_node(c);
	const char *sep = "";

	if (v->kind == JSON_STRING) {
		add_pseudonym(c, c->in->value, urn);
		return;
	}
	buf_addc(&c->value, '[');
	for (uint32_t e = c->in->value + 1; e < v->next; e = j->nodes[e].next) {
		bool object = j->nodes[e].kind == JSON_OBJECT;

		buf_adds(&c->value, str_of(sep));
		if (object)
			BUF_LIT(&c->value, "{\"object\":");
		add_pseudonym(c, object ? json_member(j, e, STR("object")) : e,
		    urn);
		if (object)
			buf_addc(&c->value, '}');
		sep = ",";
	}
	buf_addc(&c->value, ']');
}

static bool
change_pseudonym(struct change *c)
{
	if (c->t->key == NULL)
		return (false);
	if (c->in->kind == ATTR_RELATIONSHIP ||
	    c->in->kind == ATTR_LIST_RELATIONSHIP) {
		add_targets(c);
		return (true);
	}
	if (c->in->kind != ATTR_PROPERTY ||
	    value_node(c)->kind != JSON_STRING)
		return (false);
	add_pseudonym(c, c->in->value, "");
	return (true);
}

static bool
is_uri(struct str s)
{
	size_t colon = str_chr(s, ':');

	return (colon > 0 && colon + 1 < s.len &&
	    memchr(s.p, ' ', s.len) == NULL);
}

/* What stands around the text where an attribute of that kind has it; kinds
 * that cannot hold a text are not there. */
static bool
change_constant(struct change *c)
{
	static const struct {
		const char *before, *after;
	} forms[] = {
		[ATTR_PROPERTY] = { "", "" },
		[ATTR_RELATIONSHIP] = { "", "" },
		[ATTR_LANGUAGE] = { "{\"@none\":", "}" },
		[ATTR_JSON] = { "", "" },
		[ATTR_VOCAB] = { "", "" },
		[ATTR_LIST] = { "[", "]" },
		[ATTR_LIST_RELATIONSHIP] = { "[", "]" },
	};

	if (forms[c->in->kind].before == NULL ||
	    ((c->in->kind == ATTR_RELATIONSHIP ||
		 c->in->kind == ATTR_LIST_RELATIONSHIP) &&
		!is_uri(c->t->text)))
		return (false);
	buf_adds(&c->value, str_of(forms[c->in->kind].before));
	buf_add_json(&c->value, c->t->text);
	buf_adds(&c->value, str_of(forms[c->in->kind].after));
	return (true);
}

static bool (*const changes[TRANSFORM_KINDS])(struct change *) = {
	[TRANSFORM_ROUND] = change_number,
	[TRANSFORM_GRID] = change_grid,
	[TRANSFORM_BUCKET] = change_number,
	[TRANSFORM_TRUNC_TIME] = change_time,
	[TRANSFORM_SUPPRESS] = change_suppress,
	[TRANSFORM_PSEUDONYM] = change_pseudonym,
	[TRANSFORM_CONSTANT] = change_constant,
};

/* ---- the new instance */

/* A member that travels with the value (interfaces.md, "What travels with a
 * released attribute"); which times are shown is the release's to say. */
static void
add_member(const struct change *c, uint32_t key, struct buf *b)
{
	const struct json *j = &c->in->doc->json;
	uint32_t value = key + 1;

	if (json_is(j, key, STR("observedAt")) ||
	    json_is(j, key, STR("unitCode")))
		value = member_text(j, value);
	else if (json_is(j, key, STR("datasetId")))
		value = j->nodes[value].kind == JSON_STRING ? value : 0;
	else if (!json_is(j, key, STR("createdAt")) &&
	    !json_is(j, key, STR("modifiedAt")))
		value = 0;
	if (value == 0)
		return;
	buf_addc(b, ',');
	buf_adds(b, json_span(j, key));
	buf_addc(b, ':');
	if (c->observed[0] != '\0' && json_is(j, key, STR("observedAt")))
		buf_add_json(b, str_of(c->observed));
	else
		buf_adds(b, json_span(j, value));
}

static void
write_text(const struct change *c, struct buf *b)
{
	const struct instance *in = c->in;
	const struct json *j = &in->doc->json;

	BUF_LIT(b, "{\"type\":");
	buf_add_json(b, attr_kind_type(in->kind));
	buf_addc(b, ',');
	buf_add_json(b, attr_kind_member(in->kind));
	buf_addc(b, ':');
	buf_adds(b, buf_str(&c->value));
	for (uint32_t k = in->node + 1; k < j->nodes[in->node].next;
	     k = j->nodes[k + 1].next)
		add_member(c, k, b);
	buf_addc(b, '}');
}

static bool
put_text(struct instance *in, struct str text, struct arena *a)
{
	const struct json *old = &in->doc->json;
	const struct json_node *node = &old->nodes[in->node];
	/* a target may become an object with a member: three nodes */
	struct json_limits limits = { 32, 1024,
		3 * (node->next - in->node) + 64 };
	struct document *doc = arena_alloc(a, sizeof(*doc));
	enum attr_kind kind = in->kind;

	*doc = *in->doc;
	if (json_parse(&doc->json, text, &limits, a) != HUB_OK)
		return (false);
	*in = (struct instance){ .name = in->name,
		.release = in->release,
		.doc = doc };
	instance_classify(in, a);
	return (in->kind == kind);
}

bool
transform_apply(const struct transform *t, struct instance *in,
    struct arena *a)
{
	struct change c = { .t = t, .in = in, .arena = a };
	struct buf text;
	bool ok = in->kind != ATTR_NONE;

	buf_init(&c.value, UINT32_MAX / 4); /* of texts that were in answers */
	buf_init(&text, UINT32_MAX / 2);
	ok = ok && changes[t->kind](&c);
	if (ok)
		write_text(&c, &text);
	ok = ok && !c.value.failed && !text.failed &&
	    put_text(in, arena_str(a, buf_str(&text)), a);
	buf_clear(&c.value);
	buf_clear(&text);
	return (ok);
}

bool
transform_same(const struct transform *a, const struct transform *b)
{
	if (a == b)
		return (true);
	if (a->kind != b->kind)
		return (false);
	if (a->kind == TRANSFORM_PSEUDONYM)
		return (a->key != NULL && b->key != NULL &&
		    mem_eq_const(a->key, b->key, PSEUDONYM_KEY_LEN));
	return (a->step == b->step && a->places == b->places &&
	    a->metres == b->metres && a->us == b->us &&
	    a->below == b->below && str_eq(a->text, b->text));
}

void
pseudonym_key(struct str master, struct str agreement, struct str attr_iri,
    unsigned char key_r[PSEUDONYM_KEY_LEN])
{
	struct buf b;

	buf_init(&b, agreement.len + attr_iri.len + 32);
	/* the length keeps ("ab", "c") and ("a", "bc") apart */
	buf_addf(&b, "%zu:", agreement.len);
	buf_adds(&b, agreement);
	buf_adds(&b, attr_iri);
	assert(!b.failed);
	hmac_sha256(master, buf_str(&b), key_r);
	buf_clear(&b);
}

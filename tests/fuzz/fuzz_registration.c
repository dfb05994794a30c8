/* tests/fuzz/fuzz_registration.c - any body of a registration.
 *
 * Checked beside memory: a refusal has a reason and leaves nothing behind; what
 * is taken fits into header fields, is written and read again as the same,
 * under whichever context, does not change by an update that says the same,
 * and is in conflict with itself if and only if it is exclusive. */
#include <stdlib.h>

#include "policies/registration.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct vocab *vocab;
static const struct context *terms;

static const struct json_limits limits = { 32, 1024, 20000 };

static const char standing[] =
    "{\"type\":\"ContextSourceRegistration\",\"id\":\"urn:r:1\","
    "\"endpoint\":\"https://a.example\",\"mode\":\"exclusive\","
    "\"information\":[{\"entities\":[{\"id\":\"urn:a:1\",\"type\":\"T\"}],"
    "\"propertyNames\":[\"p\"]}]}";
static const char entity[] =
    "{\"id\":\"urn:a:1\",\"type\":[\"T\",\"U\"],"
    "\"p\":{\"type\":\"Property\",\"value\":1},"
    "\"q\":{\"type\":\"Property\",\"value\":2}}";

static void
set_up(void)
{
	struct buf why;

	if (vocab != NULL)
		return;
	buf_init(&why, 4096);
	vocab = vocab_new();
	if (vocab_add(vocab, STR("https://x.example/c"),
		STR("{\"@context\":{\"T\":\"https://x.example/T\",\"p\":"
		    "\"https://x.example/p\",\"x\":\"https://x.example/\"}}"),
		&why) != HUB_OK)
		abort();
	buf_clear(&why);
	vocab_seal(vocab);
	terms = vocab_context(vocab, STR("https://x.example/c"));
}

static enum hub_err
read_text(struct str text, const struct context *ctx, struct names *names,
    bool update, struct registration *reg)
{
	const struct registration_reader how = { .context = ctx,
		.names = names,
		.arena = names->arena };
	const char *why = NULL;
	struct json j;
	enum hub_err err = json_parse(&j, text, &limits, names->arena);

	if (err != HUB_OK)
		return (err);
	err = registration_read(&j, &how, update, reg, &why);
	assert((err == HUB_OK) == (why == NULL));
	assert(err == HUB_OK || err == HUB_ESYNTAX);
	return (err);
}

static struct str
write_text(const struct registration *reg, const struct context *ctx,
    struct names *names)
{
	const struct registration_out out = { .context = ctx,
		.arena = names->arena };
	struct str text;
	struct buf b;

	buf_init(&b, (size_t)4 << 20);
	registration_write(reg, &out, &b);
	assert(!b.failed);
	text = arena_str(names->arena, buf_str(&b));
	buf_clear(&b);
	return (text);
}

static void
check_fields(const struct registration *reg)
{
	bool from_client;

	for (unsigned i = 0; i < reg->source_info.n; i++) {
		const struct registration_pair *p = &reg->source_info.v[i];

		assert(p->key.len > 0 && p->value.len > 0);
		for (size_t k = 0; k < p->key.len; k++)
			assert(p->key.p[k] > 0x20 && p->key.p[k] < 0x7f &&
			    p->key.p[k] != ':');
		for (size_t k = 0; k < p->value.len; k++)
			assert(p->value.p[k] >= 0x20 && p->value.p[k] < 0x7f);
		assert(!str_caseeq(p->key, STR("Host")) ||
		    !registration_header(p, &from_client));
	}
	for (size_t k = 0; k < reg->tenant.len; k++)
		assert(reg->tenant.p[k] > 0x20 && reg->tenant.p[k] < 0x7f);
	for (size_t k = 0; k < reg->endpoint.host.len; k++)
		assert(reg->endpoint.host.p[k] > 0x20 &&
		    strchr("@/?#\\", reg->endpoint.host.p[k]) == NULL);
	assert(reg->endpoint.host.len > 0 && reg->endpoint.port > 0);
	assert(reg->information.n > 0);
}

static void
check_conflicts(const struct registration *reg, struct names *names)
{
	struct registration other;
	bool exclusive = reg->mode.value == MODE_EXCLUSIVE;

	assert(registration_conflict(reg, reg) == exclusive);
	if (read_text(str_of(standing), vocab_core(vocab), names, false,
		&other) != HUB_OK)
		abort();
	assert(registration_conflict(reg, &other) ==
	    registration_conflict(&other, reg));
}

/* What is left of an entity is registered, and stays when limited again. */
static void
check_limit(const struct registration *reg, struct names *names)
{
	struct document doc = { .context = vocab_core(vocab) };
	struct entity e;
	unsigned n;

	if (json_parse(&doc.json, str_of(entity), &limits, names->arena) !=
		HUB_OK ||
	    entity_read(&doc, 0, names, names->arena, &e) != HUB_OK)
		abort();
	if (!registration_limit(reg, &e))
		return;
	assert(registration_has_id(reg, e.id));
	n = e.ninstances;
	assert(registration_limit(reg, &e) && e.ninstances == n);
}

static void
check(struct str text, struct registration *reg, struct names *names)
{
	const struct context *core = vocab_core(vocab);
	struct registration again = { .id = STR_NONE };
	struct str plain, other;

	check_fields(reg);
	if (reg->id.p == NULL)
		reg->id = STR("urn:r:given");
	plain = write_text(reg, core, names);
	assert(read_text(plain, core, names, false, &again) == HUB_OK);
	assert(str_eq(write_text(&again, core, names), plain));
	other = write_text(reg, terms, names);
	assert(read_text(other, terms, names, false, &again) == HUB_OK);
	assert(str_eq(write_text(&again, core, names), plain));
	if (read_text(text, terms, names, true, reg) == HUB_OK)
		assert(str_eq(write_text(reg, core, names), plain));
	check_conflicts(reg, names);
	check_limit(reg, names);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str text = { (const char *)data, n };
	struct registration reg = { .id = STR("untouched") };
	struct arena *arena = arena_new();
	struct names names;

	set_up();
	names_init(&names, vocab, arena);
	if (n <= REGISTRATION_BYTES_MAX) {
		if (read_text(text, terms, &names, false, &reg) == HUB_OK)
			check(text, &reg, &names);
		else
			assert(str_eq(reg.id, STR("untouched")) &&
			    reg.information.n == 0);
	}
	arena_free(arena);
	return (0);
}

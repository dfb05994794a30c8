/* tests/fuzz/fuzz_region.c - region files of any bytes: no crash, bounded
 * memory, and what is accepted holds together. */
#include <stdlib.h>

#include "policies/policy.h"
#include "policies/region_fmt.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char context[] = "{\"@context\": {\"T\": \"https://ex/T\"}}";
static const char square[] = "{\"type\":\"Polygon\",\"coordinates\":"
			     "[[[7,51],[8,51],[8,52],[7,51]]]}";

static void
check_agreement(const struct region_agreement *ag)
{
	unsigned i, k;

	assert(ag->provider != NULL && ag->consumer != NULL);
	assert(ag->provider != ag->consumer);
	assert(ag->dataset->source->owner == ag->provider);
	assert(ag->purpose != NULL && ag->actions != 0);
	assert(ag->from.us < ag->until.us);
	assert(ag->nshares > 0);
	for (i = 0; i < ag->nshares; i++) {
		const struct region_share *share = &ag->shares[i];

		assert(share->type != NULL);
		assert(share->history_us >= 0 && share->delay_us >= 0);
		for (k = 0; k < share->nallow; k++)
			assert(share->allow[k].attr != NULL);
		for (k = 0; k < share->ninside; k++)
			assert(share->inside[k]->geometry.npolygons > 0);
		for (k = 0; k < share->nfilterable; k++)
			assert(share->filterable[k] != NULL);
	}
}

static void
check_region(const struct region *r)
{
	unsigned i;

	for (i = 0; i < r->nsources; i++) {
		assert(r->sources[i].owner != NULL && r->sources[i].port != 0);
		assert(r->sources[i].context != NULL);
		assert(r->sources[i].timeout_ms >= 50);
		assert(r->sources[i].page >= 1 && r->sources[i].page <= 1000);
	}
	for (i = 0; i < r->ndatasets; i++) {
		assert(r->datasets[i].nids > 0 && r->datasets[i].ntypes > 0);
		assert(r->datasets[i].index == i);
	}
	for (i = 0; i < r->nagreements; i++)
		check_agreement(&r->agreements[i]);
	for (i = 0; i < r->ntests; i++)
		assert(r->tests[i].as != NULL && r->tests[i].context != NULL);
}

/* No plan may name a dataset without an own or a valid, signed grant. */
static void
check_plans(const struct region *r)
{
	struct policy_set *set = policy_compile(r);
	struct arena *arena = arena_new();
	const struct policy_leg *legs;
	unsigned t, i, n;

	for (t = 0; t < r->tenants.ntenants && t < 8; t++) {
		struct policy_query q = { .consumer = &r->tenants.tenants[t],
			.purpose = r->npurposes > 0 ? &r->purposes[0] : NULL,
			.action = ACTION_QUERY,
			.at = { INT64_C(1780000000000000) } };

		policy_plan(set, &q, arena, &legs, &n);
		for (i = 0; i < n; i++) {
			assert(i == 0 ||
			    legs[i - 1].dataset->index <
				legs[i].dataset->index);
			if (legs[i].own) {
				assert(legs[i].dataset->source->owner ==
				    q.consumer);
				continue;
			}
			assert(legs[i].ngrants > 0);
			assert(legs[i].grants[0]->agreement->consumer ==
			    q.consumer);
			assert(legs[i].grants[0]->agreement
				   ->signed_by_provider);
		}
	}
	arena_free(arena);
	policy_free(set);
}

/* What can be read has a usual form, which has that form itself. */
static void
check_fmt(const struct region_file *file)
{
	struct region_message fault = { .line = 0 };
	struct region_file again = { .path = file->path };
	struct buf once, twice;

	buf_init(&once, (size_t)64 << 20);
	buf_init(&twice, (size_t)64 << 20);
	if (region_fmt(file, &once, &fault) == HUB_OK) {
		again.bytes = buf_str(&once);
		assert(region_fmt(&again, &twice, &fault) == HUB_OK);
		assert(str_eq(buf_str(&once), buf_str(&twice)));
	} else
		assert(fault.text.len > 0 && fault.german.len > 0);
	buf_clear(&once);
	buf_clear(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct region_file files[] = {
		{ STR("a.hub"), { (const char *)data, size } },
		{ STR("c.jsonld"), STR_NONE },
		{ STR("g.json"), STR_NONE },
	};
	struct arena *arena = arena_new();
	struct region_message *messages;
	struct region *region;
	enum hub_err err;
	unsigned i, n;

	files[1].bytes = str_of(context);
	files[2].bytes = str_of(square);
	err = region_parse(files, 3, &region, arena, &messages, &n);
	assert((err == HUB_OK) == (region != NULL));
	assert(err == HUB_OK || n > 0);
	for (i = 0; i < n; i++)
		assert(messages[i].text.len > 0 && messages[i].german.len > 0);
	check_fmt(&files[0]);
	if (region != NULL) {
		check_region(region);
		check_plans(region);
	}
	region_free(region);
	arena_free(arena);
	return (0);
}

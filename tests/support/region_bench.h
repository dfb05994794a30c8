/* tests/support/region_bench.h - what tests of region files share: a region with
 * every block and key, of which a case replaces one piece. */
#ifndef HUB_TESTS_REGION_BENCH_H
#define HUB_TESTS_REGION_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "policies/region.h"

#define FILES_MAX 12
#define ASSERT_STR(s, lit) assert_true(str_eq((s), STR(lit)))

struct parsed {
	struct region_file files[FILES_MAX];
	unsigned nfiles;
	struct arena *arena;
	enum hub_err err;
	struct region *region;
	struct region_message *messages;
	unsigned nmessages;
};

struct edit {
	const char *find, *replace;
	const char *text; /* part of the complaint */
};

void add_file(struct parsed *p, const char *path, struct str bytes);
void parsed_init(struct parsed *p);
void parsed_run(struct parsed *p);
void parsed_clear(struct parsed *p);
const struct region_message *find_message(const struct parsed *p,
    const char *text);
void print_messages(const struct parsed *p);
void parse_edited(struct parsed *p, const char *find, const char *replace);
void check_edits(const struct edit *edits, size_t n, bool warning);
#define CHECK(edits, warning)                                                 \
	check_edits(edits, sizeof(edits) / sizeof((edits)[0]), warning)

#endif

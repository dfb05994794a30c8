/* server/region_test.h - the test blocks of region files: what must hold is
 * asked of the same parser, policy, merge and writer that answer requests.
 * Pure: no sockets, no clock but the test's own. */
#ifndef HUB_SERVER_REGION_TEST_H
#define HUB_SERVER_REGION_TEST_H

#include "policies/policy.h"

/* Pseudonyms in tests are made with this, so that they are the same with
 * every hub. */
#define REGION_TEST_KEY                                                        \
	"0000000000000000000000000000000000000000000000000000000000000000"

/* Runs all tests: the entity stands in every dataset that may hold it. Calls
 * say for each thing that does not hold, in one line without control
 * characters; how many tests failed. */
unsigned region_tests_run(const struct region *, bool german,
    void (*say)(struct str file, unsigned line, struct str text, void *arg),
    void *arg);

#endif

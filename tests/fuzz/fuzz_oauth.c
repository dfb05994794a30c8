/* tests/fuzz/fuzz_oauth.c - the answer of a token endpoint: whatever comes, a
 * token that is taken is fit for a header field, and a refusal leaves nothing.
 * The first byte chooses the status. */
#include <stdlib.h>

#include "server/oauth_token.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct oauth_answer a = { STR_NONE, 0 };
	const char *why = NULL;
	enum hub_err err;
	int64_t ms;

	if (n == 0)
		return (0);
	err = oauth_answer_parse(data[0] == 'e' ? 401 : 200,
	    (struct str){ (const char *)data + 1, n - 1 }, &a, &why);
	if (err != HUB_OK) {
		assert(a.token.p == NULL && a.life_s == 0 && why != NULL);
		return (0);
	}
	assert(data[0] != 'e' && a.token.len > 0 && a.token.len <= 16384);
	assert(a.token.len < n && a.life_s >= 1 && a.life_s <= 86400);
	for (size_t i = 0; i < a.token.len; i++)
		assert(a.token.p[i] > 0x20 && a.token.p[i] < 0x7f);
	ms = oauth_refresh_ms(a.life_s);
	assert(ms > 0 && ms < a.life_s * 1000);
	oauth_answer_clear(&a);
	return (0);
}

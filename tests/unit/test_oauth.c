/* tests/unit/test_oauth.c - what a token endpoint is asked, what it may
 * answer, when it is asked again; the URLs of endpoints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/oauth_token.h"
#include "server/snapshot.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
takes_urls_apart(void **state)
{
	static const struct {
		const char *url;
		bool ok, https;
		const char *host;
		unsigned port;
		const char *authority, *target;
	} cases[] = {
		{ "https://idm.example/auth/realms/r/token", true, true,
		    "idm.example", 443, "idm.example", "/auth/realms/r/token" },
		{ "https://idm.example", true, true, "idm.example", 443,
		    "idm.example", "/" },
		{ "http://127.0.0.1:81/t", true, false, "127.0.0.1", 81,
		    "127.0.0.1:81", "/t" },
		{ "http://[::1]:81/t", true, false, "::1", 81, "[::1]:81",
		    "/t" },
		{ "https://[::1]/t", true, true, "::1", 443, "[::1]", "/t" },
		{ .url = "ftp://idm.example/t" },
		{ .url = "https://" },
		{ .url = "https:///t" },
		{ .url = "https://:443/t" },
		{ .url = "https://[::1/t" },
		{ .url = "https://[]/t" },
		{ .url = "https://[::1]x/t" },
		{ .url = "https://a:/t" },
		{ .url = "https://a:0/t" },
		{ .url = "https://a:65536/t" },
		{ .url = "https://a:4x/t" },
		{ .url = "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct url_parts u = { 0 };

		if (url_split(str_of(cases[i].url), &u) != cases[i].ok)
			fail_msg("%s", cases[i].url);
		if (!cases[i].ok)
			continue;
		assert_int_equal(u.https, cases[i].https);
		assert_true(str_eq(u.host, str_of(cases[i].host)));
		assert_int_equal(u.port, cases[i].port);
		assert_true(str_eq(u.authority, str_of(cases[i].authority)));
		assert_true(str_eq(u.target, str_of(cases[i].target)));
	}
}

static void
asks_with_id_and_secret_encoded_twice(void **state)
{
	/* printf 'hub%%3Aa:s%%3A%%20%%25%%2B' | base64 */
	static const char want[] =
	    "POST /t HTTP/1.1\r\nHost: idm.example\r\n"
	    "Authorization: Basic aHViJTNBYTpzJTNBJTIwJTI1JTJC\r\n"
	    "Content-Type: application/x-www-form-urlencoded\r\n"
	    "Accept: application/json\r\nUser-Agent: drehscheibe\r\n"
	    "Content-Length: %s\r\n\r\ngrant_type=client_credentials%s";
	struct oauth_client c = { STR("hub:a"), STR("s: %+"), STR_NONE };
	struct url_parts url;
	char text[1024];
	struct buf b;

	(void)state;
	assert_true(url_split(STR("https://idm.example/t"), &url));
	buf_init(&b, 65536);
	oauth_request(&c, &url, &b);
	(void)snprintf(text, sizeof(text), want, "29", "");
	assert_string_equal(buf_cstr(&b), text);
	buf_reset(&b);
	c.scope = STR("api:read api&x=1");
	oauth_request(&c, &url, &b);
	(void)snprintf(
	    text, sizeof(text), want, "60", "&scope=api%3Aread%20api%26x%3D1");
	assert_string_equal(buf_cstr(&b), text);
	assert_false(b.failed);
	buf_clear(&b);
}

static void
fails_rather_than_cut_a_request(void **state)
{
	struct oauth_client c = { STR("hub"), STR("secret"), STR_NONE };
	struct url_parts url;

	(void)state;
	assert_true(url_split(STR("https://idm.example/t"), &url));
	for (size_t max = 1; max < 270; max++) {
		struct buf b;

		buf_init(&b, max);
		oauth_request(&c, &url, &b);
		if (!b.failed)
			assert_non_null(strstr(buf_cstr(&b),
			    "\r\n\r\ngrant_type=client_credentials"));
		buf_clear(&b);
	}
}

#define GOOD "\"token_type\":\"Bearer\",\"access_token\":\"abc.d\""

static void
reads_answers_strictly(void **state)
{
	static const struct {
		int status;
		const char *body;
		enum hub_err err;
		int64_t life;
		const char *why;
	} cases[] = {
		{ 200, "{" GOOD "}", HUB_OK, 300, NULL },
		{ 200, "{" GOOD ",\"expires_in\":60,\"x\":[{}]}", HUB_OK, 60,
		    NULL },
		{ 200, "{" GOOD ",\"expires_in\":9000000}", HUB_OK, 86400,
		    NULL },
		{ 200, "{\"token_type\":\"bEaReR\",\"access_token\":\"a\"}",
		    HUB_OK, 300, NULL },
		{ 200, "{" GOOD ",\"expires_in\":0}", HUB_ESYNTAX, 0,
		    "expires_in" },
		{ 200, "{" GOOD ",\"expires_in\":-1}", HUB_ESYNTAX, 0,
		    "expires_in" },
		{ 200, "{" GOOD ",\"expires_in\":60.5}", HUB_ESYNTAX, 0,
		    "expires_in" },
		{ 200, "{" GOOD ",\"expires_in\":\"60\"}", HUB_ESYNTAX, 0,
		    "expires_in" },
		{ 200, "{" GOOD ",\"expires_in\":null}", HUB_ESYNTAX, 0,
		    "expires_in" },
		{ 200, "{" GOOD ",\"expires_in\":99999999999999999999}",
		    HUB_ESYNTAX, 0, "JSON" },
		{ 200, "{" GOOD "," GOOD "}", HUB_ESYNTAX, 0, "JSON" },
		{ 200, "[{" GOOD "}]", HUB_ESYNTAX, 0, "JSON" },
		{ 200, "{" GOOD "} x", HUB_ESYNTAX, 0, "JSON" },
		{ 200, "", HUB_ESYNTAX, 0, "JSON" },
		{ 200, "{\"access_token\":\"a\"}", HUB_ESYNTAX, 0,
		    "token_type" },
		{ 200, "{\"token_type\":\"mac\",\"access_token\":\"a\"}",
		    HUB_ESYNTAX, 0, "token_type" },
		{ 200, "{\"token_type\":\"bearer\"}", HUB_ESYNTAX, 0,
		    "access_token" },
		{ 200, "{\"token_type\":\"bearer\",\"access_token\":1}",
		    HUB_ESYNTAX, 0, "access_token" },
		{ 200, "{\"token_type\":\"bearer\",\"access_token\":\"\"}",
		    HUB_ESYNTAX, 0, "access_token" },
		{ 200, "{\"token_type\":\"bearer\",\"access_token\":\"a b\"}",
		    HUB_ESYNTAX, 0, "access_token" },
		{ 200,
		    "{\"token_type\":\"bearer\",\"access_token\":"
		    "\"a\\r\\nX: y\"}",
		    HUB_ESYNTAX, 0, "access_token" },
		{ 200,
		    "{\"token_type\":\"bearer\",\"access_token\":"
		    "\"a\\u0000b\"}",
		    HUB_ESYNTAX, 0, "JSON" },
		{ 200,
		    "{\"token_type\":\"bearer\",\"access_token\":"
		    "\"\xc3\xa4\"}",
		    HUB_ESYNTAX, 0, "access_token" },
		{ 401, "{\"error\":\"invalid_client\"}", HUB_EDENIED, 0,
		    "invalid_client" },
		{ 400, "{\"error\":\"hello\"}", HUB_EDENIED, 0, "refused" },
		{ 400, "{\"error\":[]}", HUB_EDENIED, 0, "refused" },
		{ 500, "", HUB_EDENIED, 0, "refused" },
		{ 201, "{" GOOD "}", HUB_EDENIED, 0, "refused" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct oauth_answer a = { STR_NONE, 0 };
		const char *why = NULL;

		if (oauth_answer_parse(cases[i].status, str_of(cases[i].body),
			&a, &why) != cases[i].err)
			fail_msg(
			    "%d %s: %s", cases[i].status, cases[i].body, why);
		assert_int_equal(a.life_s, cases[i].life);
		if (cases[i].err == HUB_OK)
			assert_true(a.token.len > 0 && why == NULL);
		else if (a.token.p != NULL || why == NULL ||
			 strstr(why, cases[i].why) == NULL)
			fail_msg("%s: %s", cases[i].body, why);
		oauth_answer_clear(&a);
		assert_null(a.token.p);
	}
}

static void
takes_tokens_up_to_what_a_field_holds(void **state)
{
	static const size_t sizes[] = { 16384, 16385, 65536 };
	char *text = xmalloc(70000);

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct oauth_answer a = { STR_NONE, 0 };
		const char *why = "";
		int head = snprintf(
		    text, 64, "{\"token_type\":\"bearer\",\"access_token\":\"");

		memset(text + head, 'a', sizes[i]);
		memcpy(text + (size_t)head + sizes[i], "\"}", 3);
		assert_int_equal(
		    oauth_answer_parse(200, str_of(text), &a, &why),
		    i == 0 ? HUB_OK : HUB_ESYNTAX);
		assert_int_equal(a.token.len, i == 0 ? sizes[i] : 0);
		oauth_answer_clear(&a);
	}
	free(text);
}

static void
asks_anew_ahead_of_the_end(void **state)
{
	static const struct {
		int64_t life_s, ms;
	} cases[] = { { 1, 500 }, { 4, 2000 }, { 30, 15000 }, { 60, 30000 },
		{ 100, 70000 }, { 150, 120000 }, { 300, 240000 },
		{ 86400, 69120000 } };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(
		    oauth_refresh_ms(cases[i].life_s), cases[i].ms);
}

static void
waits_longer_after_each_failure_up_to_a_minute(void **state)
{
	static const struct {
		unsigned failures;
		int64_t most, least;
	} cases[] = { { 1, 1000, 1000 }, { 2, 2000, 1000 }, { 3, 4000, 2000 },
		{ 6, 32000, 16000 }, { 7, 60000, 30000 }, { 8, 60000, 30000 },
		{ UINT32_MAX, 60000, 30000 } };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int64_t ms = oauth_retry_ms(cases[i].failures, UINT32_MAX);

		assert_int_equal(
		    oauth_retry_ms(cases[i].failures, 0), cases[i].most);
		assert_in_range(ms, cases[i].least, cases[i].least + 10);
	}
}

static void
counts_tokens_and_gives_them_to_their_source_alone(void **state)
{
	struct source_token *one = source_token_new(STR("one"));
	struct source_token *list[3] = { NULL, one, NULL };
	struct source_tokens *all = source_tokens_new(3, list), *again;

	(void)state;
	source_token_unref(&one);
	assert_null(one);
	again = source_tokens_ref(all);
	source_tokens_unref(&all);
	for (unsigned i = 0; i < 5; i++)
		assert_true(str_eq(source_tokens_get(again, i),
		    i == 1 ? STR("one") : STR("")));
	assert_int_equal(source_tokens_get(NULL, 0).len, 0);
	source_tokens_unref(&again);
	source_tokens_unref(&again); /* NULL is fine */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_urls_apart),
		cmocka_unit_test(asks_with_id_and_secret_encoded_twice),
		cmocka_unit_test(fails_rather_than_cut_a_request),
		cmocka_unit_test(reads_answers_strictly),
		cmocka_unit_test(takes_tokens_up_to_what_a_field_holds),
		cmocka_unit_test(asks_anew_ahead_of_the_end),
		cmocka_unit_test(
		    waits_longer_after_each_failure_up_to_a_minute),
		cmocka_unit_test(
		    counts_tokens_and_gives_them_to_their_source_alone),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

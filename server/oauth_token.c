/* server/oauth_token.c - what is said to a token endpoint and what it may
 * answer; oauth_token.h says what it promises. */
#include "server/oauth_token.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <openssl/evp.h>

#define TOKEN_MAX    16384 /* it goes into one header field */
#define LIFE_MAX     INT64_C(86400)
#define LIFE_UNSAID  INT64_C(300) /* expires_in is only RECOMMENDED */
#define MARGIN_MS    INT64_C(30000)
#define RETRY_MAX_MS INT64_C(60000)
#define BASIC_MAX    ((size_t)65536)

/* "Basic" of the form-encoded id and secret: RFC 6749, 2.3.1. */
static void
add_basic(struct buf *b, struct str id, struct str secret)
{
	struct buf pair;
	char *to;

	buf_init(&pair, BASIC_MAX);
	buf_add_url(&pair, id, "");
	buf_addc(&pair, ':');
	buf_add_url(&pair, secret, "");
	to = pair.failed ? NULL : buf_room(b, (pair.len + 2) / 3 * 4 + 1);
	if (to != NULL)
		b->len += (size_t)EVP_EncodeBlock((unsigned char *)to,
		    (const unsigned char *)pair.p, (int)pair.len);
	else
		b->failed = true;
	explicit_bzero(pair.p, pair.len);
	buf_clear(&pair);
}

void
oauth_request(const struct oauth_client *client, const struct url_parts *url,
    struct buf *b)
{
	struct buf form;

	buf_init(&form, BASIC_MAX);
	BUF_LIT(&form, "grant_type=client_credentials");
	if (client->scope.len > 0) {
		BUF_LIT(&form, "&scope=");
		buf_add_url(&form, client->scope, "");
	}
	BUF_LIT(b, "POST ");
	buf_adds(b, url->target);
	BUF_LIT(b, " HTTP/1.1\r\nHost: ");
	buf_adds(b, url->authority);
	BUF_LIT(b, "\r\nAuthorization: Basic ");
	add_basic(b, client->id, client->secret);
	BUF_LIT(b, "\r\nContent-Type: application/x-www-form-urlencoded\r\n"
		   "Accept: application/json\r\nUser-Agent: drehscheibe\r\n"
		   "Content-Length: ");
	buf_addu(b, form.len);
	BUF_LIT(b, "\r\n\r\n");
	buf_adds(b, buf_str(&form));
	b->failed |= form.failed;
	buf_clear(&form);
}

/* RFC 6749, 5.2: only the codes known here are repeated; whatever else an
 * endpoint writes might echo what it was sent. */
static const char *
refusal(const json_t *root)
{
	static const char *const known[] = { "invalid_request",
		"invalid_client", "invalid_grant", "unauthorized_client",
		"unsupported_grant_type", "invalid_scope" };
	const char *code = json_string_value(json_object_get(root, "error"));

	for (size_t i = 0; code != NULL && i < sizeof(known) / sizeof(*known);
	     i++)
		if (strcmp(code, known[i]) == 0)
			return (known[i]);
	return ("the token endpoint refused");
}

/* Visible characters only: it becomes part of a header field. */
static bool
is_token(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] <= 0x20 || p[i] >= 0x7f)
			return (false);
	return (n > 0 && n <= TOKEN_MAX);
}

static const char *
read_answer(const json_t *root, struct str *token_r, int64_t *life_r)
{
	const json_t *token = json_object_get(root, "access_token");
	const json_t *type = json_object_get(root, "token_type");
	const json_t *life = json_object_get(root, "expires_in");

	if (!json_is_string(type) ||
	    !str_caseeq(str_of(json_string_value(type)), STR("bearer")))
		return ("token_type is not bearer");
	if (!json_is_string(token) ||
	    !is_token(json_string_value(token), json_string_length(token)))
		return ("access_token is missing or not fit for a header");
	if (life != NULL &&
	    (!json_is_integer(life) || json_integer_value(life) <= 0))
		return ("expires_in is not a number of seconds to come");
	*token_r =
	    (struct str){ json_string_value(token), json_string_length(token) };
	*life_r = life != NULL ? json_integer_value(life) : LIFE_UNSAID;
	if (*life_r > LIFE_MAX)
		*life_r = LIFE_MAX;
	return (NULL);
}

/* jansson's copies of the token do not outlive the parse. */
static void
wipe(json_t *root)
{
	const json_t *v = json_object_get(root, "access_token");

	if (json_is_string(v))
		explicit_bzero((void *)(uintptr_t)json_string_value(v),
		    json_string_length(v));
	json_decref(root);
}

enum hub_err
oauth_answer_parse(int status, struct str body, struct oauth_answer *answer,
    const char **why_r)
{
	json_t *root = NULL;
	const char *why;
	struct str token;
	int64_t life;
	char *copy;

	if (body.len > 0 && body.len <= OAUTH_ANSWER_MAX)
		root =
		    json_loadb(body.p, body.len, JSON_REJECT_DUPLICATES, NULL);
	if (status != 200) {
		*why_r = refusal(root);
		wipe(root);
		return (HUB_EDENIED);
	}
	why = json_is_object(root) ? read_answer(root, &token, &life)
				   : "the answer is not a JSON object";
	if (why == NULL) {
		copy = xmalloc(token.len);
		memcpy(copy, token.p, token.len);
		*answer = (struct oauth_answer){ { copy, token.len }, life };
	} else {
		*why_r = why;
	}
	wipe(root);
	return (why == NULL ? HUB_OK : HUB_ESYNTAX);
}

void
oauth_answer_clear(struct oauth_answer *answer)
{
	char *p = (char *)(uintptr_t)answer->token.p;

	if (p != NULL)
		explicit_bzero(p, answer->token.len);
	free(p);
	*answer = (struct oauth_answer){ STR_NONE, 0 };
}

int64_t
oauth_refresh_ms(int64_t life_s)
{
	int64_t life = life_s * 1000, at = life / 10 * 8;

	if (at > life - MARGIN_MS)
		at = life - MARGIN_MS;
	return (at > life / 2 ? at : life / 2);
}

int64_t
oauth_retry_ms(unsigned failures, uint32_t random)
{
	int64_t ms = 1000;

	while (failures-- > 1 && ms < RETRY_MAX_MS)
		ms *= 2;
	if (ms > RETRY_MAX_MS)
		ms = RETRY_MAX_MS;
	/* At least 1 s, so that nothing is hammered. */
	ms -= ms / 2 * (int64_t)(random >> 16) / 65536;
	return (ms > 1000 ? ms : 1000);
}

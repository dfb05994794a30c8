/* tests/fuzz/fuzz_verify.c - what hubverify reads of files: rows, digests,
 * proofs, the payloads of blocks, calculations.
 *
 * The first byte chooses ("s": a calculation). Checked beside memory: a row
 * that is taken has these bytes and no others, so that no byte of an export can
 * be changed without another row; an event that is taken has one leaf; a digest
 * is taken only with a signature, which no input here has; a calculation that
 * is right has shares that sum to its cost. */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "server/hubverify/shares.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct input {
	const char *p;
	size_t n;
	bool given;
};

static ptrdiff_t
all_at_once(void *from, const char **p)
{
	struct input *in = from;

	*p = in->p;
	if (in->given)
		return (0);
	in->given = true;
	return ((ptrdiff_t)in->n);
}

/* The row as PostgreSQL writes it; the number of bytes. */
static size_t
write_again(const struct csv *c, char *out)
{
	char *p = out;

	for (unsigned i = 0; i < c->n; i++) {
		const char *s = c->field[i];
		bool quote = s != NULL && (*s == '\0' ||
		    s[strcspn(s, ",\"\n\r")] != '\0');

		if (i > 0)
			*p++ = ',';
		if (quote)
			*p++ = '"';
		for (; s != NULL && *s != '\0'; s++) {
			if (*s == '"')
				*p++ = '"';
			*p++ = *s;
		}
		if (quote)
			*p++ = '"';
	}
	*p++ = '\n';
	return ((size_t)(p - out));
}

static void
rows(const char *text, size_t n)
{
	struct input in = { text, n, false };
	struct csv c = { .more = all_at_once, .from = &in };
	unsigned char leaf[LEAF_LEN], again[LEAF_LEN];
	char *out = malloc(3 * n + 2 * FIELDS_MAX + 2);
	struct event e;
	struct block b;
	size_t at = 0, len;

	if (out == NULL)
		abort();
	while (csv_next(&c) == CSV_ROW) {
		len = write_again(&c, out);
		if (len > n - at || memcmp(text + at, out, len) != 0)
			abort();
		at += len;
		(void)block_read(&c, &b);
		if (event_read(&c, &e) == NULL &&
		    event_leaf(&e, leaf) == NULL &&
		    (event_leaf(&e, again) != NULL ||
			memcmp(leaf, again, LEAF_LEN) != 0))
			abort();
	}
	csv_clear(&c);
	free(out);
}

static void
digests(const char *text, size_t n)
{
	static const unsigned char raw[32] = { 9 };
	static EVP_PKEY *key;
	struct digest d;

	if (key == NULL)
		key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, raw,
		    32);
	if (key == NULL || digest_read(text, n, key, &d) == NULL)
		abort();
}

static void
proofs(const char *text, size_t n)
{
	struct say say = { .out = stdout, .err = stderr, .quiet = true };
	struct chain chain = { 0 };

	proof_check_text(text, n, &chain, &say);
	/* Without a digest nothing is ever proven. */
	if (say_verdict(&say) == INTACT)
		abort();
}

static void
payloads(const char *text, size_t n)
{
	struct chain chain = { .names = names_new() };
	struct names *names = names_new();
	struct block b = { .no = 1 };
	char *copy = calloc(1, n + 1);

	if (copy == NULL)
		abort();
	memcpy(copy, text, n);
	(void)names_add_block(names, copy);
	names_free(names);
	/* Of both versions; one after the other, so that the second is refused
	 * where the first was of a later one. */
	b.payload = copy;
	(void)close_read(&chain, &b);
	b.no++;
	(void)correct_read(&chain, &b);
	chain_clear(&chain);
	free(copy);
}

/* A calculation, and an entry that posts its shares. */
static void
calculations(const char *text, size_t n)
{
	struct say say = { .out = stdout, .err = stderr, .quiet = true };
	struct shares_task task = { .usage = usage_new() };
	struct posted *posted = posted_new(&say);
	struct posting entry = { .id = 1, .run = 1, .type = "ALLOCATION" };
	char *copy = calloc(1, n + 1);
	struct run run;
	int64_t sum = 0;

	if (copy == NULL)
		abort();
	memcpy(copy, text, n);
	if (run_read(&run, 1, copy, &say)) {
		run_check(&run, &task, (struct seen){ .exact = true });
		for (size_t i = 0; i < run.nmembers; i++)
			sum += run.members[i].share;
		if (say_verdict(&say) == INTACT && sum != run.cents)
			abort();
		posted_run(posted, &run);
		entry.from = run.from;
		entry.to = run.to;
	}
	run_clear(&run);
	entry.cost = strdup("x");
	if (entry.cost == NULL)
		abort();
	posted_entry(posted, &entry);
	posted_end(posted);
	posted_free(posted);
	usage_free(task.usage);
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const targets[])(const char *, size_t) = { rows, digests,
		proofs, payloads };

	if (size == 0 || size > 65536)
		return (0);
	if (data[0] == 's')
		calculations((const char *)data + 1, size - 1);
	else
		targets[data[0] % 4]((const char *)data + 1, size - 1);
	return (0);
}

/* server/hubverify/hubverify.c - is the ledger what it was? The command line,
 * the order of the checks, the summary; see verify.h and hubverify(1). */
#include "server/hubverify/verify.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "config.h"

#define USAGE                                                                 \
	"usage: hubverify --db CONNINFO | --export DIR\n"                     \
	"                 [--key PUBKEY [--digest FILE...]]\n"                \
	"                 [--proof REQUEST-ID] [--lang de|en] [--all]\n"      \
	"       hubverify --check-proof FILE [--digest FILE... --key "         \
	"PUBKEY]\n"                                                           \
	"                 [--lang de|en]\n"

struct task {
	const char *db, *dir, *key, *proof, *check_proof;
	const char **digests;
	int ndigests;
	struct say say;
	struct chain chain;
	unsigned char request[16];
	EVP_PKEY *public; /* of key */
};

static bool
german_environment(void)
{
	static const char *const names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = getenv(names[i]);

		if (value != NULL && value[0] != '\0')
			return (strncmp(value, "de", 2) == 0);
	}
	return (false);
}

/* -1: go on; else the exit code. */
static int
options(struct task *t, int argc, char **argv)
{
	static const struct option known[] = {
		{ "db", required_argument, NULL, 'd' },
		{ "export", required_argument, NULL, 'e' },
		{ "digest", required_argument, NULL, 'g' },
		{ "key", required_argument, NULL, 'k' },
		{ "proof", required_argument, NULL, 'p' },
		{ "check-proof", required_argument, NULL, 'c' },
		{ "lang", required_argument, NULL, 'l' },
		{ "all", no_argument, NULL, 'a' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "hV", known, NULL)) != -1)
		switch (c) {
		case 'd':
			t->db = optarg;
			break;
		case 'e':
			t->dir = optarg;
			break;
		case 'g':
			t->digests[t->ndigests++] = optarg;
			break;
		case 'k':
			t->key = optarg;
			break;
		case 'p':
			t->proof = optarg;
			break;
		case 'c':
			t->check_proof = optarg;
			break;
		case 'l':
			t->say.german = strcmp(optarg, "de") == 0;
			if (!t->say.german && strcmp(optarg, "en") != 0)
				return (CANNOT_CHECK);
			break;
		case 'a':
			t->say.all = true;
			break;
		case 'h':
			(void)fputs(USAGE, stdout);
			return (INTACT);
		case 'V':
			(void)puts("hubverify " PACKAGE_VERSION);
			return (INTACT);
		default:
			return (CANNOT_CHECK);
		}
	/* --digest a b c: the rest are digests. */
	if (optind < argc && t->ndigests == 0)
		return (CANNOT_CHECK);
	while (optind < argc)
		t->digests[t->ndigests++] = argv[optind++];
	if ((t->db != NULL) + (t->dir != NULL) + (t->check_proof != NULL) != 1
	    || (t->check_proof != NULL && t->proof != NULL) ||
	    (t->ndigests > 0 && t->key == NULL) ||
	    (t->key != NULL && t->check_proof != NULL && t->ndigests == 0) ||
	    (t->proof != NULL && !read_uuid(t->proof, t->request)))
		return (CANNOT_CHECK);
	return (-1);
}

/* Digests that are not what was signed end nothing: the ledger is looked at
 * all the same. */
static void
digests_load(struct task *t)
{
	if (t->key != NULL)
		t->public = key_read(t->key, &t->say);
	if (t->ndigests == 0)
		return;
	t->chain.digests = calloc((size_t)t->ndigests,
	    sizeof(*t->chain.digests));
	if (t->chain.digests == NULL)
		abort();
	for (int i = 0; t->public != NULL && i < t->ndigests; i++)
		if (digest_load(t->digests[i], t->public,
			&t->chain.digests[t->chain.ndigests], &t->say))
			t->chain.ndigests++;
}

/* A column of numbers, summed up; NULL: only rows are counted. */
static bool
count_rows(struct source *src, enum table which, int column, uint64_t *n_r,
    struct say *s)
{
	enum csv_next got = CSV_BLIND;
	struct csv c = { 0 };
	uint64_t v = 1, n = 0;

	if (source_table(src, which, &c, s))
		while ((got = source_row(src, which, &c, s)) == CSV_ROW) {
			if (column >= 0 && (c.n <= (unsigned)column ||
			    !read_uint(c.field[column], INT64_MAX, &v)))
				break;
			n += v;
		}
	source_done(src, which, &c);
	*n_r = n;
	return (got == CSV_END);
}

static void
notes(struct task *t, struct source *src)
{
	struct say *s = &t->say;
	uint64_t missing, conflicts;

	if (count_rows(src, TABLE_CHECKPOINTS, 4, &missing, s) && missing > 0)
		say_note(s, "Hinweis: %llu Sätze sind nie angekommen "
		    "(Lücken in der Zählung der Knoten).", "Note: %llu records "
		    "never arrived (gaps in the counting of the nodes).",
		    (unsigned long long)missing);
	if (!count_rows(src, TABLE_CONFLICTS, -1, &conflicts, s))
		conflicts = 0;
	else if (source_month(src) == NULL &&
	    conflicts < t->chain.evidence.conflicts)
		say_tampered(s, "conflicts hat %llu Zeilen, bei einem Abschluss "
		    "waren es schon %llu", "conflicts has %llu rows, at a "
		    "close there were %llu", (unsigned long long)conflicts,
		    (unsigned long long)t->chain.evidence.conflicts);
	if (conflicts > 0)
		say_note(s, "Hinweis: %llu Sätze widersprachen geladenen und "
		    "stehen in ledger_conflict.", "Note: %llu records "
		    "contradicted loaded ones and stand in ledger_conflict.",
		    (unsigned long long)conflicts);
	if (t->chain.baseline.there)
		say_note(s, "Hinweis: %llu Zeilen sind von vor der Kette und "
		    "nur ihrer Summe nach geprüft.", "Note: %llu rows are from "
		    "before the chain, only their sum is checked.",
		    (unsigned long long)t->chain.baseline.events);
	if (source_month(src) != NULL)
		say_note(s, "Dieser Export enthält nur die Zeilen von %s.",
		    "This export has the rows of %s only.", source_month(src));
	for (size_t i = 0; i < t->chain.nprunes; i++) {
		unsigned m, d;
		int y;

		date_of_days(t->chain.prunes[i].period, &y, &m, &d);
		say_note(s, "Monat %04d-%02u: Zeilen gelöscht, Wurzeln "
		    "erhalten (%llu Blöcke, Block %llu).", "Month %04d-%02u: "
		    "leaves pruned, roots kept (%llu blocks, block %llu).", y,
		    m, (unsigned long long)t->chain.prunes[i].blocks,
		    (unsigned long long)t->chain.prunes[i].at);
	}
}

static void
summary(struct task *t, const struct rows_seen *seen)
{
	struct say *s = &t->say;
	unsigned long long without = seen->pruned;
	char hex[HEX_LEN];

	without += seen->absent;
	hex_write(t->chain.head, HASH_LEN, hex);
	say_note(s, "%llu Blöcke und %llu Zeilen geprüft, %llu Blöcke ohne "
	    "ihre Zeilen; letzter Block %llu, Hash %s.", "%llu blocks and %llu "
	    "rows checked, %llu blocks without their rows; last block %llu, "
	    "hash %s.", (unsigned long long)seen->blocks,
	    (unsigned long long)seen->rows, without,
	    (unsigned long long)t->chain.blocks, hex);
	if (say_verdict(s) == TAMPERED)
		say_note(s, "Das Ledger ist NICHT unverändert. Befunde: %u.",
		    "The ledger is NOT unchanged. Findings: %u.", s->findings);
	else if (say_verdict(s) == INTACT && t->chain.ndigests > 0)
		say_note(s, "Das Ledger ist unverändert, auch gegenüber den "
		    "Digests (%zu).", "The ledger is unchanged, also against "
		    "the digests (%zu).", t->chain.ndigests);
	else if (say_verdict(s) == INTACT)
		say_note(s, "Das Ledger ist in sich schlüssig. Ob die Kette "
		    "als Ganzes ersetzt wurde, zeigt nur ein Digest "
		    "(%s).", "The ledger is consistent in itself. Only a "
		    "digest tells whether the whole chain was replaced (%s).",
		    "--digest");
}

static void
verify(struct task *t)
{
	struct source *src = source_open(t->db, t->dir, &t->say);
	struct rolls *rolls = rolls_new();
	struct usage *usage = usage_new();
	struct proof *proof = NULL;
	struct say loud = t->say;
	struct rows_seen seen;
	bool read;

	if (src == NULL)
		goto out;
	if (t->proof != NULL) {
		proof = proof_new(t->request, t->chain.digests,
		    t->chain.ndigests);
		/* The proof alone is on standard output. */
		t->say.out = stderr;
	}
	t->chain.kept = kept_read(src, t->public, &t->say);
	if (!chain_check(&t->chain, src, &t->say))
		goto out;
	names_check(t->chain.names, src, &t->say);
	read = rows_check(&t->chain, src, rolls, proof, &seen, &t->say);
	if (read)
		rolls_check(rolls, &t->chain, src, usage, &t->say);
	evidence_check(&t->chain, src, &t->say);
	kept_check(t->chain.kept, &t->chain, src, &t->say);
	books_check(&t->chain, src, read ? usage : NULL, &t->say);
	notes(t, src);
	if (say_verdict(&t->say) == INTACT)
		source_files(src, &t->say);
	summary(t, &seen);
	if (proof != NULL && say_verdict(&t->say) == INTACT &&
	    !proof_write(proof, loud.out))
		say_blind(&t->say, "keine Zeile hat die Anfrage %s",
		    "no row has the request %s", t->proof);
out:
	proof_free(proof);
	usage_free(usage);
	rolls_free(rolls);
	source_close(src);
}

int
main(int argc, char **argv)
{
	struct task t = { .say = { .out = stdout, .err = stderr,
		.german = german_environment() } };
	int done;

	t.digests = calloc((size_t)argc + 1, sizeof(*t.digests));
	if (t.digests == NULL)
		abort();
	done = options(&t, argc, argv);
	if (done >= 0) {
		if (done == CANNOT_CHECK)
			(void)fputs(USAGE, stderr);
		goto out;
	}
	say_progress_begin(&t.say);
	digests_load(&t);
	if (t.check_proof != NULL)
		proof_check(t.check_proof, &t.chain, &t.say);
	else
		verify(&t);
	say_progress_end(&t.say);
	chain_clear(&t.chain);
	EVP_PKEY_free(t.public);
	done = (int)say_verdict(&t.say);
	if ((fflush(stdout) != 0 || ferror(stdout) != 0) && done == INTACT)
		done = CANNOT_CHECK;
out:
	free(t.digests);
	return (done);
}

/* tests/unit/test_decision.c - lines of the decision log and their files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/decision_log.h"
#include "server/decision_file.h"
#include "server/decision_words.h"

#define ID "01890a5d-ac96-774b-bcce-b302099a8057"

static struct str names[] = { STR("https://x.example/a"),
	STR("https://x.example/b\"c\\d\n") };
static struct decision_grant grants[] = { { STR("s-f"), 3, 0, true },
	{ STR("s-f"), 3, 17, false } };
static struct decision_source sources[] = {
	{ STR("broker-s"), STR("data-s"), STR("CONDITIONAL"), STR_NONE, 200, 12,
	    5, 3, 2, grants },
	{ STR("broker-d"), STR("data-d"), STR("FULL"), STR("SOURCE_FAILED"), 0,
	    400, 0, 0, 0, NULL },
};
static struct decision_predicate predicates[] = {
	{ STR("https://x.example/q"), PREDICATE_ABSENT },
	{ STR("https://x.example/r"), PREDICATE_PUSHED },
};
static int64_t crises[] = { 17 };

static struct decision
full(void)
{
	return ((struct decision){ .at = { INT64_C(1767225600123456) },
	    .request_id = STR(ID), .client_request_id = STR("meine 1"),
	    .bundle = 7, .registered = 2, .bundle_hash = STR("00ff"),
	    .tenant = STR("froendenberg"), .issuer = STR("https://idm"),
	    .client = STR("grafana"), .subject = STR("00112233"),
	    .sender = STR("mtls"), .roles = { 1, 0, names },
	    .purpose = STR("hochwasserschutz"), .method = STR("GET"),
	    .action = STR("query"), .types = { 2, 0, names },
	    .attrs_asked = { 2, 40, names }, .attrs_released = { 1, 0, names },
	    .ids = 4, .npredicates = 2, .predicates = predicates,
	    .nsources = 2, .sources = sources, .verdict = DECIDED_PARTIAL,
	    .reason = STR("SOURCE_FAILED"), .status = 200, .entities = 3,
	    .bytes = 4711, .ms = 401, .ncrises = 1, .crises = crises });
}

static struct str
line_of(const struct decision *d, struct arena *a)
{
	struct str s;
	struct buf b;

	buf_init(&b, (size_t)1 << 20);
	decision_write(d, &b);
	buf_addc(&b, '}');
	s = arena_str(a, buf_str(&b));
	buf_clear(&b);
	return (s);
}

static void
reads_what_it_wrote(void **state)
{
	struct arena *a = arena_new();
	struct decision d = full(), back;
	struct str line = line_of(&d, a), again;

	(void)state;
	assert_int_equal(decision_read(line, a, &back), HUB_OK);
	again = line_of(&back, a);
	assert_true(str_eq(line, again));
	assert_int_equal(back.at.us, d.at.us);
	assert_int_equal(back.sources[0].grants[1].crisis, 17);
	assert_true(back.sources[0].grants[0].used);
	assert_int_equal(back.predicates[1].mode, PREDICATE_PUSHED);
	assert_int_equal(back.attrs_asked.more, 40);
	assert_int_equal(back.verdict, DECIDED_PARTIAL);
	assert_true(str_eq(back.types.v[1], names[1]));
	/* The least that a line can be. */
	d = (struct decision){ .at = { 0 }, .request_id = STR("x") };
	line = line_of(&d, a);
	assert_int_equal(decision_read(line, a, &back), HUB_OK);
	assert_int_equal(back.verdict, DECIDED_DENY);
	assert_int_equal(back.tenant.len, 0);
	arena_free(a);
}

#define HEAD "{\"ts\":\"2026-01-01T00:00:00.000000Z\",\"request_id\":\"x\""
#define TAIL                                                                   \
	",\"decision\":\"deny\",\"status\":1,\"entities\":0,\"bytes\":0,"      \
	"\"ms\":0}"
#define SOURCE                                                                 \
	"{\"source\":\"s\",\"dataset\":\"d\",\"kind\":\"FULL\",\"ms\":0,"       \
	"\"entities_in\":0,\"entities_out\":0}"

static void
refuses_what_it_would_not_write(void **state)
{
	static const struct {
		const char *line;
		enum hub_err want;
	} cases[] = {
		{ HEAD TAIL, HUB_OK },
		{ HEAD ",\"per_source\":[" SOURCE "]" TAIL, HUB_OK },
		{ "", HUB_ESYNTAX },
		{ "[]", HUB_ESYNTAX },
		{ HEAD, HUB_ESYNTAX },
		{ HEAD TAIL "x", HUB_ESYNTAX },
		{ HEAD ",\"tenant\":\"a\",\"tenant\":\"b\"" TAIL, HUB_ESYNTAX },
		{ HEAD ",\"tenant\":\"\"" TAIL, HUB_ESYNTAX },
		{ HEAD ",\"tenant\":1" TAIL, HUB_ESYNTAX },
		{ HEAD ",\"what\":1" TAIL, HUB_ESYNTAX },
		{ HEAD ",\"bundle\":-1" TAIL, HUB_ERANGE },
		{ HEAD ",\"bundle\":1.5" TAIL, HUB_ESYNTAX },
		{ HEAD ",\"bundle\":99999999999999999999" TAIL, HUB_ERANGE },
		{ HEAD ",\"types\":[]" TAIL, HUB_ESYNTAX },
		{ HEAD ",\"types\":[1]" TAIL, HUB_ESYNTAX },
		{ HEAD ",\"types\":{}" TAIL, HUB_ESYNTAX },
		{ HEAD ",\"per_source\":[{}]" TAIL, HUB_ESYNTAX },
		{ HEAD ",\"predicates\":[{\"attr\":\"a\",\"mode\":\"x\"}]" TAIL,
		    HUB_ESYNTAX },
		{ "{\"ts\":\"2026-01-01\",\"request_id\":\"x\"" TAIL,
		    HUB_ESYNTAX },
		{ "{\"ts\":\"2026-13-01T00:00:00.000000Z\",\"request_id\":"
		  "\"x\"" TAIL, HUB_ESYNTAX },
		{ "{\"ts\":\"2026-01-01T00:00:60.000000Z\",\"request_id\":"
		  "\"x\"" TAIL, HUB_ESYNTAX },
		{ "{\"ts\":\"2026-01-01T00:00:00.000000Z\"" TAIL,
		    HUB_ESYNTAX },
		{ "{\"ts\":\"2026-01-01T00:00:00.000000Z\",\"mark\":\"begin\"}",
		    HUB_ENOENT },
		{ HEAD ",\"decision\":\"perhaps\",\"status\":1,\"entities\":0,"
		  "\"bytes\":0,\"ms\":0}", HUB_ESYNTAX },
	};
	struct arena *a = arena_new();
	struct decision d;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (decision_read(str_of(cases[i].line), a, &d) !=
		    cases[i].want)
			fail_msg("%s", cases[i].line);
	arena_free(a);
}

static void
cuts_long_texts_between_characters(void **state)
{
	struct arena *a = arena_new();
	struct decision d = full(), back;
	char text[600];

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(text); i += 2)
		memcpy(text + i, "ä", 2);
	d.client = (struct str){ text, 598 };
	assert_int_equal(decision_read(line_of(&d, a), a, &back), HUB_OK);
	assert_int_equal(back.client.len, DECISION_TEXT_MAX);
	memmove(text + 1, text, 590);
	text[0] = 'x';
	d.client.len = 591;
	assert_int_equal(decision_read(line_of(&d, a), a, &back), HUB_OK);
	assert_int_equal(back.client.len, DECISION_TEXT_MAX - 1);
	assert_true(str_utf8(back.client));
	arena_free(a);
}

/* ---- files */

struct folder {
	char path[64];
	int dir;
};

static void
folder_make(struct folder *f)
{
	memcpy(f->path, "/tmp/test_decision.XXXXXX", 26);
	assert_non_null(mkdtemp(f->path));
	f->dir = open(f->path, O_RDONLY | O_DIRECTORY);
	assert_true(f->dir >= 0);
}

static void
folder_drop(struct folder *f)
{
	static const char *const files[] = { "decision-2026-01-01.log",
		"decision-2026-01-02.log" };

	for (size_t i = 0; i < 2; i++)
		(void)unlinkat(f->dir, files[i], 0);
	(void)close(f->dir);
	assert_int_equal(rmdir(f->path), 0);
}

/* Those of uuid7 never go back in time. */
static struct uuid
id_at(int64_t us, unsigned char last)
{
	struct uuid id = { .b = { [6] = 0x70, [8] = 0x80, [15] = last } };

	for (int i = 0; i < 6; i++)
		id.b[i] = (unsigned char)((uint64_t)us / 1000 >> (40 - 8 * i));
	return (id);
}

/* n lines, one a second from midnight on. */
static void
write_lines(struct decision_file *f, int64_t from, unsigned n,
    struct uuid *ids)
{
	char text[UUID_STR_MAX];
	struct decision d = full();
	struct buf b;

	buf_init(&b, (size_t)1 << 20);
	for (unsigned i = 0; i < n; i++) {
		d.at.us = from + (int64_t)i * 1000000;
		ids[i] = id_at(d.at.us, (unsigned char)i);
		uuid_format(&ids[i], text);
		d.request_id = str_of(text);
		buf_reset(&b);
		decision_write(&d, &b);
		if (!decision_file_put(f, buf_str(&b))) {
			assert_int_equal(decision_file_write(f), HUB_OK);
			assert_true(decision_file_put(f, buf_str(&b)));
		}
	}
	assert_int_equal(decision_file_write(f), HUB_OK);
	buf_clear(&b);
}

#define DAY INT64_C(1767225600000000) /* 2026-01-01 */
#define LINES 4000

static void
finds_each_line_and_keeps_the_chain(void **state)
{
	static struct uuid ids[LINES];
	const char *place, *broken;
	struct arena *a = arena_new();
	struct decision_file f;
	struct decision d;
	struct folder dir;
	struct str line;
	struct uuid no;

	(void)state;
	folder_make(&dir);
	decision_file_init(&f, dir.dir);
	for (unsigned part = 0; part < 2; part++) {
		assert_int_equal(decision_file_open(&f, "2026-01-01"), HUB_OK);
		write_lines(&f, DAY + part * INT64_C(2000000000), LINES / 2,
		    ids + part * LINES / 2);
		decision_file_close(&f);
	}
	for (unsigned i = 0; i < LINES; i += 111)
		for (unsigned quick = 0; quick < 2; quick++) {
			assert_int_equal(decision_find(dir.dir, &ids[i],
			    quick, a, &line, &place, &broken), HUB_OK);
			assert_null(broken);
			assert_int_equal(decision_read(line, a, &d), HUB_OK);
			assert_int_equal(d.at.us, DAY + i * INT64_C(1000000));
			arena_reset(a);
		}
	no = id_at(DAY + INT64_C(5000000), 200);
	no.b[14] ^= 1;
	assert_int_equal(decision_find(dir.dir, &no, true, a, &line, NULL,
	    NULL), HUB_ENOENT);
	no = id_at(DAY + 400 * WALL_DAY_US, 1);
	assert_int_equal(decision_find(dir.dir, &no, false, a, &line, NULL,
	    NULL), HUB_ENOENT);
	memset(&no, 0, sizeof(no)); /* no UUIDv7 */
	assert_int_equal(decision_find(dir.dir, &no, false, a, &line, NULL,
	    NULL), HUB_ENOENT);
	arena_free(a);
	folder_drop(&dir);
}

static void
tells_where_the_chain_is_broken(void **state)
{
	static struct uuid ids[9];
	const char *place, *broken;
	struct arena *a = arena_new();
	struct decision_file f;
	struct folder dir;
	struct str line;
	char path[128];
	int fd;

	(void)state;
	folder_make(&dir);
	decision_file_init(&f, dir.dir);
	assert_int_equal(decision_file_open(&f, "2026-01-01"), HUB_OK);
	write_lines(&f, DAY, 9, ids);
	decision_file_close(&f);
	assert_int_equal(decision_find(dir.dir, &ids[8], false, a, &line,
	    &place, &broken), HUB_OK);
	assert_string_equal(place, "decision-2026-01-01.log:9");
	assert_null(broken);
	/* One digit of the fourth line. */
	(void)snprintf(path, sizeof(path), "%s/decision-2026-01-01.log",
	    dir.path);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "9", 1,
	    (off_t)(f.size / 9 * 3 + sizeof("{\"ts\":\"2026-01-01T00:00:0"))),
	    1);
	(void)close(fd);
	assert_int_equal(decision_find(dir.dir, &ids[8], false, a, &line,
	    &place, &broken), HUB_OK);
	assert_string_equal(broken, "decision-2026-01-01.log:4");
	arena_free(a);
	folder_drop(&dir);
}

/* Nothing of a block that did not fit stays, and the chain goes on. */
static void
forgets_a_block_that_was_not_written(void **state)
{
	static struct uuid ids[4];
	const char *place, *broken;
	struct arena *a = arena_new();
	struct decision_file f;
	struct folder dir;
	struct str line;
	int fd;

	(void)state;
	folder_make(&dir);
	decision_file_init(&f, dir.dir);
	assert_int_equal(decision_file_open(&f, "2026-01-01"), HUB_OK);
	write_lines(&f, DAY, 2, ids);
	fd = f.fd;
	f.fd = open("/dev/full", O_WRONLY);
	assert_true(decision_file_put(&f, STR("{\"lost\":1")));
	assert_int_equal(decision_file_write(&f), HUB_EIO);
	if (f.fd >= 0)
		(void)close(f.fd);
	f.fd = fd;
	write_lines(&f, DAY + 2000000, 2, ids + 2);
	decision_file_close(&f);
	assert_int_equal(decision_find(dir.dir, &ids[3], false, a, &line,
	    &place, &broken), HUB_OK);
	assert_null(broken);
	assert_string_equal(place, "decision-2026-01-01.log:4");
	arena_free(a);
	folder_drop(&dir);
}

/* ---- words */

/* All files there are. */
static void
folder_empty(struct folder *f)
{
	DIR *d = opendir(f->path);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			(void)unlinkat(f->dir, e->d_name, 0);
	if (d != NULL)
		(void)closedir(d);
}

static void
keeps_room_for_those_who_are_known(void **state)
{
	struct decision_log_conf conf = { .keep_us = 30 * WALL_DAY_US,
		.size = 1 << 20, .workers = 1 };
	struct decision known = full(), unknown = full();
	struct decision_log_stats before, after;
	struct decision_log *log = NULL;
	struct folder dir;
	struct buf why;

	(void)state;
	folder_make(&dir);
	conf.directory = conf.keys = dir.path;
	buf_init(&why, 1000);
	assert_int_equal(decision_log_open(&conf, &log, &why), HUB_OK);
	unknown.tenant = STR_NONE;
	/* Slowly, so that no second has too many. */
	for (unsigned i = 0; i < 3000; i++) {
		unknown.at.us += 500000;
		decision_log_add(log, 0, &unknown);
		if (i % 50 == 0)
			decision_log_sync(log);
	}
	decision_log_sync(log);
	decision_log_stats(log, &before);
	assert_true(before.lines > 100);
	assert_true(before.skipped > 1000);
	assert_int_equal(before.lost, 0);
	for (unsigned i = 0; i < 100; i++)
		decision_log_add(log, 0, &known);
	decision_log_sync(log);
	decision_log_stats(log, &after);
	assert_int_equal(after.lost, 0);
	assert_int_equal(after.lines, before.lines + 100);
	decision_log_close(log);
	buf_clear(&why);
	folder_empty(&dir);
	folder_drop(&dir);
}

static void
tells_a_policy_not_confirmed_from_a_quota_that_is_spent(void **state)
{
	static const char *const codes[] = { "STALE", "QUOTA" };
	struct decision_source one = sources[1];
	struct arena *a = arena_new();
	const struct decision_words *w;
	struct str said[2][2];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct decision d = full();

		one.reason = d.reason = str_of(codes[i]);
		d.sources = &one;
		d.nsources = 1;
		d.verdict = DECIDED_DENY;
		w = decision_words(&d, a);
		said[i][0] = said[i][1] = STR_NONE;
		for (unsigned k = 0; k < w->n; k++)
			if (str_eq(w->v[k].code, d.reason))
				said[i][w->v[k].source != NULL] =
				    w->v[k].text.de;
		assert_true(said[i][0].len > 0 && said[i][1].len > 0);
	}
	assert_false(str_eq(said[0][0], said[1][0]));
	assert_false(str_eq(said[0][1], said[1][1]));
	arena_free(a);
}

static void
says_it_in_two_languages_and_nothing_hidden(void **state)
{
	struct arena *a = arena_new();
	struct decision d = full();
	const struct decision_words *w = decision_words(&d, a);
	bool failed = false, asked = false;

	(void)state;
	for (unsigned i = 0; i < w->n; i++) {
		const struct decision_sentence *s = &w->v[i];

		assert_true(s->text.en.len > 0 && s->text.de.len > 0);
		assert_false(str_eq(s->text.en, s->text.de));
		failed |= s->source == &sources[1] &&
		    str_eq(s->code, STR("SOURCE_FAILED"));
		asked |= str_eq(s->text.de,
		    STR("Gefragt nach der Vereinbarung s-f;v=3, "
			"s-f;v=3;crisis=17."));
		/* Five came, three of them are shown. */
		assert_int_equal(str_chr(s->text.en, '5'), s->text.en.len);
	}
	assert_true(failed && asked);
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_it_wrote),
		cmocka_unit_test(refuses_what_it_would_not_write),
		cmocka_unit_test(cuts_long_texts_between_characters),
		cmocka_unit_test(finds_each_line_and_keeps_the_chain),
		cmocka_unit_test(tells_where_the_chain_is_broken),
		cmocka_unit_test(forgets_a_block_that_was_not_written),
		cmocka_unit_test(keeps_room_for_those_who_are_known),
		cmocka_unit_test(
		    tells_a_policy_not_confirmed_from_a_quota_that_is_spent),
		cmocka_unit_test(says_it_in_two_languages_and_nothing_hidden),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

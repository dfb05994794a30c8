/* The lines of the log: one line whatever comes in, logfmt and JSON alike. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/base/log_line.h"
#include "server/base/log_queue.h"

static char folder[] = "/tmp/test_log.XXXXXX", path[64], text[65536];

static void
begin(enum log_format format)
{
	assert_int_equal(truncate(path, 0), 0);
	log_set_format(format);
}

/* What was written, behind the line's time. */
static const char *
written(void)
{
	FILE *f = fopen(path, "re");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	(void)fclose(f);
	return (strstr(text, "level"));
}

static void
writes_the_same_fields_in_both_formats(void **state)
{
	static const struct {
		const char *value, *logfmt, *json;
	} cases[] = {
		{ "plain", "v=plain", "\"plain\"" },
		{ "a b", "v=\"a b\"", "\"a b\"" },
		{ "a=b", "v=\"a=b\"", "\"a=b\"" },
		{ "say \"hi\"", "v=\"say 'hi'\"", "\"say \\\"hi\\\"\"" },
		{ "a\\b", "v=a\\b", "\"a\\\\b\"" },
		{ "a\nts=forged\r", "v=\"a?ts=forged?\"",
		    "\"a\\u000ats=forged\\u000d\"" },
		{ "\x1b[31m\x7f", "v=\"?[31m?\"", "\"\\u001b[31m\\u007f\"" },
		{ "K\xc3\xb6ln", "v=\"K\xc3\xb6ln\"", "\"K\xc3\xb6ln\"" },
		/* a control character of C1, as terminals take it */
		{ "\xc2\x9b" "31m", "v=\"?31m\"", "\"\\u009b31m\"" },
		/* no UTF-8: alone, cut, overlong, a surrogate, too high */
		{ "\xff", "v=\"?\"", "\"\\ufffd\"" },
		{ "\xc3", "v=\"?\"", "\"\\ufffd\"" },
		{ "\xc0\xaf", "v=\"??\"", "\"\\ufffd\\ufffd\"" },
		{ "\xed\xa0\x80", "v=\"???\"", "\"\\ufffd\\ufffd\\ufffd\"" },
		{ "\xf4\x90\x80\x80", "v=\"????\"",
		    "\"\\ufffd\\ufffd\\ufffd\\ufffd\"" },
		{ "\xf0\x9f\x8c\x8a", "v=\"\xf0\x9f\x8c\x8a\"",
		    "\"\xf0\x9f\x8c\x8a\"" },
	};
	struct log_line l;
	char want[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (int json = 0; json < 2; json++) {
			begin(json ? LOG_JSON : LOG_LOGFMT);
			log_line_begin(&l, LOG_WARN, "request");
			log_line_text(&l, "v", str_of(cases[i].value));
			log_line_text(&l, "none", STR_NONE);
			log_line_number(&l, "n", -12);
			log_write(log_line_end(&l));
			(void)snprintf(want, sizeof(want), json ?
				"level\":\"warn\",\"msg\":\"request\",\"v\":%s"
				",\"n\":-12}\n" :
				"level=warn msg=\"request\" %s n=-12\n",
			    json ? cases[i].json : cases[i].logfmt);
			assert_string_equal(written(), want);
			assert_int_equal(strncmp(text, json ? "{\"ts\":\"2" :
				"ts=2", json ? 8 : 4), 0);
		}
}

static void
splits_the_fields_of_other_lines(void **state)
{
	static const struct {
		const char *detail, *json;
	} cases[] = {
		{ "a=1 b_us=\"x y\" c=z", ",\"a\":\"1\",\"b_us\":\"x y\","
		    "\"c\":\"z\"" },
		{ "a=\"no table \"x\" here\" b=1",
		    ",\"a\":\"no table 'x' here\",\"b\":\"1\"" },
		{ "a=x y b=1", ",\"a\":\"x y\",\"b\":\"1\"" },
		{ "a= b=1", ",\"b\":\"1\"" },
		{ "a=\"not closed", ",\"a\":\"not closed\"" },
		{ "worker 0: 7 answered", ",\"rest\":\"worker 0: 7 answered\"" },
		/* no member comes twice, whatever a text says */
		{ "a=1 a=2 b=3", ",\"a\":\"1\",\"rest\":\"a=2 b=3\"" },
		{ "a=1 level=err", ",\"a\":\"1\",\"rest\":\"level=err\"" },
		{ "why=\"\" msg=\"forged\"", ",\"rest\":\"msg=\\\"forged\\\"\"" },
		{ "rest=1", ",\"rest\":\"rest=1\"" },
		{ "a=\n\x01", ",\"a\":\"\\u000a\\u0001\"" },
	};
	char want[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(LOG_JSON);
		log_info("said", "%s", cases[i].detail);
		(void)snprintf(want, sizeof(want),
		    "level\":\"info\",\"msg\":\"said\"%s}\n", cases[i].json);
		assert_string_equal(written(), want);
	}
}

/* However long its texts are: nothing behind the last quote but the end. */
static void
ends_every_line_whole(void **state)
{
	static char big[3 * LOG_LINE_MAX];
	struct log_line l;
	const char *end;
	size_t n;

	(void)state;
	for (int json = 0; json < 2; json++)
		for (int c = 0; c < 3; c++) {
			memset(big, "x\"\x01"[c], sizeof(big) - 1);
			for (n = LOG_LINE_MAX - 200; n < LOG_LINE_MAX + 20;
			     n++) {
				log_set_format(json ? LOG_JSON : LOG_LOGFMT);
				log_line_begin(&l, LOG_INFO, "m");
				log_line_text(&l, "a", (struct str){ big, n });
				log_line_text(&l, "b", STR("z"));
				log_line_number(&l, "c", INT64_MIN);
				log_line_fields(&l, STR("d=e f=\"g h\""));
				(void)log_line_end(&l);
				assert_true(l.len <= sizeof(l.text));
				end = l.text + l.len;
				assert_int_equal(end[-1], '\n');
				if (json)
					assert_int_equal(end[-2], '}');
				assert_null(memchr(l.text, '\n', l.len - 1));
			}
		}
	begin(LOG_JSON);
	log_info("long", "what=\"%s\" more=1", big);
	(void)written();
	n = strlen(text);
	assert_true(n < 2 * LOG_LINE_MAX && text[n - 2] == '}');
}

static void
tells_the_journal_priorities(void **state)
{
	static const struct {
		int dev, ino; /* what is added to the right ones */
		const char *more;
		bool journal;
	} cases[] = { { 0, 0, "", true }, { 1, 0, "", false },
		{ 0, 1, "", false }, { 0, 0, "x", false },
		{ 0, 0, ":1", false } };
	char env[96];
	struct stat st;

	(void)state;
	assert_int_equal(stat(path, &st), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)snprintf(env, sizeof(env), "%llu:%llu%s",
		    (unsigned long long)st.st_dev + (unsigned)cases[i].dev,
		    (unsigned long long)st.st_ino + (unsigned)cases[i].ino,
		    cases[i].more);
		assert_int_equal(setenv("JOURNAL_STREAM", env, 1), 0);
		assert_int_equal(log_open(path), HUB_OK);
		assert_int_equal(log_is_journal(), cases[i].journal);
		begin(LOG_LOGFMT);
		log_err("a", NULL);
		log_warn("b", NULL);
		log_set_format(LOG_JSON);
		log_info("c", NULL);
		(void)written();
		assert_int_equal(strncmp(text, "<3>ts=", 6) == 0,
		    cases[i].journal);
		assert_int_equal(strstr(text, "\n<4>ts=") != NULL,
		    cases[i].journal);
		assert_int_equal(strstr(text, "\n<6>{\"ts\":") != NULL,
		    cases[i].journal);
		assert_int_equal(strchr(text, '<') != NULL, cases[i].journal);
	}
	assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
	assert_int_equal(log_open(path), HUB_OK);
	assert_false(log_is_journal());
}

/* ---- the queue */

#define LINES 2000

static void *
add_lines(void *arg)
{
	char line[32];
	int n;

	for (int i = 0; i < LINES; i++) {
		n = snprintf(line, sizeof(line), "%s %d\n",
		    (const char *)arg, i);
		log_queue_add((struct str){ line, (size_t)n });
	}
	return (NULL);
}

static void
writes_what_was_queued_in_order(void **state)
{
	pthread_t threads[2];
	int seen[4] = { 0 }, i;
	char who;
	FILE *f;

	(void)state;
	begin(LOG_LOGFMT);
	log_queue_add(STR("b 0\n")); /* not started: at once */
	log_queue_start();
	(void)pthread_create(&threads[0], NULL, add_lines, (void *)"a");
	(void)pthread_join(threads[0], NULL);
	(void)pthread_create(&threads[0], NULL, add_lines, (void *)"c");
	(void)pthread_create(&threads[1], NULL, add_lines, (void *)"d");
	(void)pthread_join(threads[0], NULL);
	(void)pthread_join(threads[1], NULL);
	log_queue_stop();
	log_queue_stop(); /* has no effect */
	log_queue_add(STR("b 1\n"));
	assert_int_equal(log_queue_lost(), 0);
	f = fopen(path, "re");
	assert_non_null(f);
	while (fscanf(f, "%c %d\n", &who, &i) == 2) {
		assert_in_range(who, 'a', 'd');
		assert_int_equal(seen[who - 'a']++, i);
	}
	(void)fclose(f);
	assert_int_equal(seen[0], LINES);
	assert_int_equal(seen[1], 2);
	assert_int_equal(seen[2], LINES);
	assert_int_equal(seen[3], LINES);
}

/* A reader that stands still: nobody waits, and what is missing is said. */
static void
loses_lines_rather_than_time(void **state)
{
	static char line[1024], got[8192];
	char fifo[96];
	uint64_t lost;
	FILE *f;
	int fds[2];
	bool told = false;

	(void)state;
	memset(line, 'y', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	assert_int_equal(pipe(fds), 0);
	(void)snprintf(fifo, sizeof(fifo), "/proc/self/fd/%d", fds[1]);
	assert_int_equal(log_open(fifo), HUB_OK);
	(void)close(fds[1]);
	log_queue_start();
	for (int i = 0; i < 4096; i++)
		log_queue_add((struct str){ line, sizeof(line) });
	lost = log_queue_lost();
	assert_true(lost > 2000 && lost < 4096);
	f = fdopen(fds[0], "re");
	assert_non_null(f);
	while (!told && fgets(got, sizeof(got), f) != NULL)
		told = strstr(got, "lines=") != NULL;
	assert_true(told);
	/* More may be queued, for which nobody reads any longer. */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)fclose(f);
	log_queue_stop();
	assert_int_equal(log_open(path), HUB_OK);
}

static int
open_log(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return (-1);
	(void)snprintf(path, sizeof(path), "%s/log", folder);
	return (log_open(path) == HUB_OK ? 0 : -1);
}

static int
close_log(void **state)
{
	(void)state;
	log_set_format(LOG_LOGFMT);
	(void)unlink(path);
	return (rmdir(folder));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_the_same_fields_in_both_formats),
		cmocka_unit_test(splits_the_fields_of_other_lines),
		cmocka_unit_test(ends_every_line_whole),
		cmocka_unit_test(tells_the_journal_priorities),
		cmocka_unit_test(writes_what_was_queued_in_order),
		cmocka_unit_test(loses_lines_rather_than_time),
	};

	return (cmocka_run_group_tests(tests, open_log, close_log));
}

/* tests/unit/test_decision_log.c - the keys that persons are named by in the
 * decision log, and who waits for lines of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/decision_log_priv.h"

#define NOW INT64_C(1767225600000000) /* 2026-01-01 */

struct folder {
	char path[64];
	int dir;
};

static void
folder_make(struct folder *f)
{
	(void)snprintf(f->path, sizeof(f->path), "/tmp/decision.XXXXXX");
	assert_non_null(mkdtemp(f->path));
	f->dir = open(f->path, O_RDONLY | O_DIRECTORY);
	assert_true(f->dir >= 0);
}

static void
folder_drop(struct folder *f)
{
	DIR *d = opendir(f->path);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			(void)unlinkat(f->dir, e->d_name, 0);
	if (d != NULL)
		(void)closedir(d);
	(void)close(f->dir);
	assert_int_equal(rmdir(f->path), 0);
}

static void
takes_a_key_for_missing_only_where_it_is_short(void **state)
{
	static const struct {
		size_t len;
		int how;
		enum hub_err want;
	} cases[] = {
		{ 0, O_RDWR, HUB_ENOENT },
		{ 1, O_RDWR, HUB_ENOENT },
		{ MONTH_KEY_LEN - 1, O_RDWR, HUB_ENOENT },
		{ MONTH_KEY_LEN, O_RDWR, HUB_OK },
		{ MONTH_KEY_LEN, O_WRONLY, HUB_EIO },
		{ 0, O_WRONLY, HUB_EIO },
	};
	char bytes[MONTH_KEY_LEN];
	struct month_key key;
	struct folder f;
	int fd;

	(void)state;
	folder_make(&f);
	memset(bytes, 'k', sizeof(bytes));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fd = openat(f.dir, "key", O_WRONLY | O_CREAT | O_TRUNC, 0600);
		assert_true(fd >= 0);
		assert_int_equal(write(fd, bytes, cases[i].len),
		    cases[i].len);
		(void)close(fd);
		fd = openat(f.dir, "key", cases[i].how);
		assert_true(fd >= 0);
		assert_int_equal(month_key_read(fd, &key), cases[i].want);
		if (cases[i].want == HUB_OK)
			assert_memory_equal(key.bytes, bytes, sizeof(bytes));
		(void)close(fd);
	}
	folder_drop(&f);
}

static void
subject_at(struct decision_log *log, int64_t us,
    char out[DECISION_SUBJECT_MAX])
{
	decision_log_subject(log, (struct wall_us){ us }, STR("https://idm"),
	    STR("anna"), out);
}

static void
leaves_persons_out_until_the_key_can_be_read(void **state)
{
	struct decision_log log = { 0 };
	char name[DECISION_SUBJECT_MAX], again[DECISION_SUBJECT_MAX];
	struct folder f;

	(void)state;
	folder_make(&f);
	log.conf.keys = f.path;
	log.conf.keep_us = 30 * WALL_DAY_US;
	decision_keys_init(&log);
	assert_int_equal(mkdirat(f.dir, "decision-key-2026-01", 0700), 0);
	decision_keys_turn(&log, (struct wall_us){ NOW });
	subject_at(&log, NOW, name);
	assert_string_equal(name, "");
	assert_int_equal(unlinkat(f.dir, "decision-key-2026-01",
	    AT_REMOVEDIR), 0);
	/* Not with every line. */
	decision_keys_again(&log, (struct wall_us){ NOW + 9000000 });
	subject_at(&log, NOW, name);
	assert_string_equal(name, "");
	decision_keys_again(&log, (struct wall_us){ NOW + 10000000 });
	subject_at(&log, NOW, name);
	assert_int_equal(strlen(name), DECISION_SUBJECT_MAX - 1);
	/* The same key afterwards. */
	decision_keys_turn(&log, (struct wall_us){ NOW + WALL_DAY_US });
	subject_at(&log, NOW + WALL_DAY_US, again);
	assert_string_equal(again, name);
	folder_drop(&f);
}

/* ---- who waits */

static void
on_found(struct str line, void *arg)
{
	(void)line;
	(void)arg;
	fail();
}

static struct decision_job *
find_for(struct decision_log *log, const char *tenant)
{
	struct uuid id = { { 0 } };

	return (decision_log_find(log, &id, str_of(tenant), NULL, on_found,
	    log));
}

static void
lets_four_of_a_tenant_wait_and_sixteen_in_all(void **state)
{
	static const char *const tenants[] = { "a", "b", "c", "d" };
	struct decision_log log = { .lock = PTHREAD_MUTEX_INITIALIZER,
		.jobs_wake = PTHREAD_COND_INITIALIZER };
	struct decision_job *jobs[4][4];

	(void)state;
	for (unsigned t = 0; t < 4; t++) {
		for (unsigned i = 0; i < 4; i++) {
			jobs[t][i] = find_for(&log, tenants[t]);
			assert_non_null(jobs[t][i]);
		}
		assert_null(find_for(&log, tenants[t]));
	}
	assert_null(find_for(&log, "e"));
	/* Who has gone makes room at once. */
	decision_job_give_up(jobs[1][2]);
	assert_null(find_for(&log, "a"));
	jobs[1][2] = find_for(&log, "b");
	assert_non_null(jobs[1][2]);
	assert_null(find_for(&log, "b"));
	decision_job_give_up(jobs[2][0]);
	jobs[2][0] = find_for(&log, "e");
	assert_non_null(jobs[2][0]);
	/* Nobody is told any more, and the thread ends. */
	for (unsigned t = 0; t < 4; t++)
		for (unsigned i = 0; i < 4; i++)
			decision_job_give_up(jobs[t][i]);
	log.jobs_stopping = true;
	assert_null(decision_jobs_main(&log));
	assert_int_equal(log.njobs, 0);
}

static void
ends_a_search_that_nobody_waits_for(void **state)
{
	static const char text[] = "01890a5d-ac96-774b-bcce-b302099a8057";
	struct arena *a = arena_new();
	struct decision d = { .request_id = STR("x") };
	struct decision_file file;
	struct folder f;
	struct wall_us at;
	struct uuid id;
	struct str line;
	struct buf b;
	char day[DECISION_DAY_MAX];
	atomic_bool stop;

	(void)state;
	folder_make(&f);
	assert_int_equal(uuid_parse(str_of(text), &id), HUB_OK);
	assert_true(decision_id_time(&id, &at));
	decision_day(at, day);
	d.at = at;
	d.request_id = str_of(text);
	buf_init(&b, 65536);
	decision_write(&d, &b);
	decision_file_init(&file, f.dir);
	assert_int_equal(decision_file_open(&file, day), HUB_OK);
	assert_true(decision_file_put(&file, buf_str(&b)));
	assert_int_equal(decision_file_write(&file), HUB_OK);
	decision_file_close(&file);
	atomic_init(&stop, false);
	assert_int_equal(decision_find_quick(f.dir, &id, &stop, a, &line),
	    HUB_OK);
	atomic_store(&stop, true);
	assert_int_equal(decision_find_quick(f.dir, &id, &stop, a, &line),
	    HUB_ECLOSED);
	buf_clear(&b);
	arena_free(a);
	folder_drop(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    takes_a_key_for_missing_only_where_it_is_short),
		cmocka_unit_test(leaves_persons_out_until_the_key_can_be_read),
		cmocka_unit_test(
		    lets_four_of_a_tenant_wait_and_sixteen_in_all),
		cmocka_unit_test(ends_a_search_that_nobody_waits_for),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

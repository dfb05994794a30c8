/* tests/unit/test_spool.c - the durable queue, with a disk that can fail. */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/base/hash.h"
#include "server/base/log.h"
#include "tests/support/spool_bench.h"
#include "tests/support/usage_record.h"

static void
gives_back_what_was_written(void **state HUB_UNUSED)
{
	struct spool_pos pos = { 0 };
	struct spool_stats st;
	struct hub h;

	hub_make(&h);
	assert_int_equal(hub_open(&h, 64 * SEGMENT), HUB_OK);
	for (unsigned i = 0; i < 200; i++) {
		assert_int_equal(hub_submit(&h, 3, uuid7(clock_wall())),
		    HUB_OK);
		if (i % 5 == 4)
			hub_wait(&h, i + 1);
	}
	assert_int_equal(h.failed, 0);
	assert_int_equal(hub_read(&h, &pos, NULL), 600);
	spool_stats(h.sp, &st);
	assert_int_equal(st.written, 600);
	assert_int_equal(st.bytes_used, 600 * RECORD_LEN);
	assert_true(st.oldest_unloaded.us > 0);
	spool_loaded(h.sp, &pos);
	spool_stats(h.sp, &st);
	assert_int_equal(st.bytes_used, 0);
	assert_true(st.oldest_unloaded.us == WALL_ABSENT.us);
	hub_remove(&h);
}

static void
keeps_everything_over_restarts_and_raises_the_boot(void **state HUB_UNUSED)
{
	struct spool_pos pos = { 0 }, before = { 0 };
	struct hub h;

	hub_make(&h);
	for (unsigned boot = 0; boot < 5; boot++) {
		assert_int_equal(hub_open(&h, 64 * SEGMENT), HUB_OK);
		hub_write(&h, 40);
		pos = (struct spool_pos){ 0 };
		assert_int_equal(hub_read(&h, &pos, NULL), 40 * (boot + 1));
		if (boot > 0)
			assert_true(pos.boot_epoch > before.boot_epoch);
		assert_int_equal(pos.next_seq, 41);
		before = pos;
		hub_close(&h);
	}
	hub_remove(&h);
}

static uint32_t
boot_after(struct hub *h, const char *file)
{
	struct spool_pos pos = { 0 };
	char path[128];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/boot", h->dir);
	f = fopen(path, "w");
	assert_non_null(f);
	(void)fputs(file, f);
	(void)fclose(f);
	assert_int_equal(hub_open(h, 64 * SEGMENT), HUB_OK);
	hub_write(h, 1);
	while (hub_read(h, &pos, NULL) > 0)
		continue;
	hub_close(h);
	return (pos.boot_epoch);
}

static void
repeats_no_boot_after_a_backup_came_back(void **state HUB_UNUSED)
{
	struct hub h;

	hub_make(&h);
	/* Old enough that others followed, which PostgreSQL knows. */
	assert_true(boot_after(&h, "17") >= clock_wall().us / 1000000 - 60);
	assert_true(boot_after(&h, "rubbish") >=
	    clock_wall().us / 1000000 - 60);
	/* A clock that went back counts less than the file. */
	assert_int_equal(boot_after(&h, "4000000000"), 4000000001);
	assert_int_equal(boot_after(&h, "17"), 4000000002);
	hub_remove(&h);
}

static void
refuses_a_second_process_and_another_node(void **state HUB_UNUSED)
{
	struct spool_conf conf = { NULL, 8 * SEGMENT, SEGMENT, 8, NULL };
	struct spool *other = NULL;
	struct buf why;
	struct hub h;

	hub_make(&h);
	buf_init(&why, 512);
	conf.directory = h.dir;
	assert_int_equal(hub_open(&h, 8 * SEGMENT), HUB_OK);
	assert_int_equal(spool_open(&conf, &other, &why), HUB_EEXIST);
	hub_write(&h, 1);
	hub_close(&h);
	assert_int_equal(spool_open(&conf, &other, &why), HUB_ECONFLICT);
	conf.size = 3 * SEGMENT;
	assert_int_equal(spool_open(&conf, &other, &why), HUB_ERANGE);
	assert_null(other);
	buf_clear(&why);
	hub_remove(&h);
}

/* A file name of the n-th segment in the order of numbers. */
static void
segment_nth(struct hub *h, unsigned n, char name[32])
{
	char best[32], last[32] = "";
	struct dirent *e;
	DIR *d;

	for (unsigned i = 0; i <= n; i++) {
		best[0] = '\0';
		d = opendir(h->dir);
		while ((e = readdir(d)) != NULL)
			if (strlen(e->d_name) == 20 &&
			    strcmp(e->d_name, last) > 0 &&
			    (best[0] == '\0' || strcmp(e->d_name, best) < 0))
				(void)strcpy(best, e->d_name);
		(void)closedir(d);
		assert_true(best[0] != '\0');
		(void)strcpy(last, best);
	}
	(void)strcpy(name, last);
}

static void
T20_cuts_a_torn_tail(void **state HUB_UNUSED)
{
	struct spool_pos pos = { 0 };
	struct spool_stats st;
	char name[32];
	struct hub h;

	hub_make(&h);
	assert_int_equal(hub_open(&h, 8 * SEGMENT), HUB_OK);
	hub_write(&h, 10);
	hub_close(&h);
	segment_nth(&h, 0, name);
	poke(&h, name, 11 * RECORD_LEN, "URL1 half a record", 18);
	assert_int_equal(hub_open(&h, 8 * SEGMENT), HUB_OK);
	hub_write(&h, 2);
	assert_int_equal(hub_read(&h, &pos, NULL), 12);
	spool_stats(h.sp, &st);
	assert_int_equal(st.quarantined, 0);
	hub_remove(&h);
}

static void
T20_steps_over_a_bad_slot_before_a_good_one(void **state HUB_UNUSED)
{
	struct spool_pos pos = { 0 };
	struct spool_stats st;
	unsigned bad = 0;
	char name[32];
	struct hub h;

	hub_make(&h);
	assert_int_equal(hub_open(&h, 8 * SEGMENT), HUB_OK);
	hub_write(&h, 10);
	hub_close(&h);
	segment_nth(&h, 0, name);
	poke(&h, name, 4 * RECORD_LEN + 100, "x", 1);
	poke(&h, name, 5 * RECORD_LEN + 100, "x", 1);
	assert_int_equal(hub_open(&h, 8 * SEGMENT), HUB_OK);
	spool_stats(h.sp, &st);
	assert_int_equal(st.quarantined, 2);
	assert_int_equal(hub_read(&h, &pos, &bad), 8);
	assert_int_equal(bad, 1);
	spool_stats(h.sp, &st);
	assert_int_equal(st.quarantined, 2); /* each once */
	hub_remove(&h);
}

static void
T21_never_syncs_a_file_again_that_failed(void **state HUB_UNUSED)
{
	struct spool_pos pos = { 0 };
	struct spool_stats st;
	struct hub h;

	hub_make(&h);
	assert_int_equal(hub_open(&h, 8 * SEGMENT), HUB_OK);
	hub_write(&h, 5);
	failed_file = 0;
	atomic_store(&synced_failed_again, 0);
	atomic_store(&fail_syncs, 1);
	hub_write(&h, 5);
	spool_stats(h.sp, &st);
	assert_int_equal(st.sync_failures, 1);
	assert_int_equal(atomic_load(&fail_syncs), 0);
	assert_int_equal(atomic_load(&synced_failed_again), 0);
	failed_file = 0;
	assert_int_equal(h.failed, 0);
	assert_int_equal(hub_read(&h, &pos, NULL), 10);
	assert_int_equal(pos.next_seq, 11);
	hub_close(&h);
	/* The first file may hold the rewritten record as well. */
	assert_int_equal(hub_open(&h, 8 * SEGMENT), HUB_OK);
	pos = (struct spool_pos){ 0 };
	assert_int_equal(hub_read(&h, &pos, NULL), 10);
	hub_remove(&h);
}

static void
fails_for_good_when_the_second_file_fails_too(void **state HUB_UNUSED)
{
	struct spool_stats st;
	struct hub h;

	hub_make(&h);
	assert_int_equal(hub_open(&h, 8 * SEGMENT), HUB_OK);
	hub_write(&h, 5);
	atomic_store(&fail_syncs, 1000);
	assert_int_equal(hub_submit(&h, 1, uuid7(clock_wall())), HUB_OK);
	hub_wait(&h, 6);
	atomic_store(&fail_syncs, 0);
	failed_file = 0;
	assert_int_equal(h.failed, 1);
	spool_stats(h.sp, &st);
	assert_true(st.failed);
	assert_int_equal(hub_submit(&h, 1, uuid7(clock_wall())), HUB_EIO);
	hub_remove(&h);
}

/* The disk of one directory fails, first this one, then that one; nothing is
 * lost while one of them is sound. */
static void
T21_leaves_a_disk_that_fails_for_the_second(void **state HUB_UNUSED)
{
	char second[] = "/tmp/hubspool2.XXXXXX";
	struct spool_pos pos = { 0 };
	struct spool_stats st;
	struct hub h;

	for (int turn = 0; turn < 2; turn++) {
		hub_make(&h);
		memcpy(second + sizeof(second) - 7, "XXXXXX", 6);
		h.second = mkdtemp(second);
		assert_int_equal(hub_open(&h, 40 * SEGMENT), HUB_OK);
		hub_write(&h, 40);
		disk_dir = h.dir;
		assert_in_range(files_there(), 1, 2);
		disk_dir = h.second;
		assert_in_range(files_there(), 1, 2);
		atomic_store(&sick_dir, turn == 0 ? h.dir : h.second);
		hub_write(&h, 200);
		spool_stats(h.sp, &st);
		assert_int_equal(st.sync_failures, 1);
		assert_false(st.failed);
		assert_int_equal(h.failed, 0);
		disk_dir = turn == 0 ? h.dir : h.second;
		assert_in_range(files_there(), 1, 2);
		atomic_store(&sick_dir, NULL);
		hub_close(&h);
		assert_int_equal(hub_open(&h, 40 * SEGMENT), HUB_OK);
		pos = (struct spool_pos){ 0 };
		assert_int_equal(hub_read(&h, &pos, NULL), 240);
		disk_dir = NULL;
		hub_remove(&h);
	}
}

static void
takes_the_other_directory_where_one_is_full(void **state HUB_UNUSED)
{
	char second[] = "/tmp/hubspool2.XXXXXX";
	struct spool_pos pos = { 0 };
	struct hub h;

	hub_make(&h);
	h.second = mkdtemp(second);
	assert_int_equal(hub_open(&h, 40 * SEGMENT), HUB_OK);
	/* As a disk without a free inode: no file can be made there. */
	assert_int_equal(chmod(h.second, 0555), 0);
	if (access(h.second, W_OK) == 0)
		atomic_store(&sick_dir, h.second); /* root may all the same */
	hub_write(&h, 200);
	assert_int_equal(h.failed, 0);
	atomic_store(&sick_dir, NULL);
	assert_int_equal(chmod(h.second, 0755), 0);
	assert_int_equal(hub_read(&h, &pos, NULL), 200);
	hub_remove(&h);
}

static void
refuses_a_second_directory_that_is_not_its_own(void **state HUB_UNUSED)
{
	static const char first[] = "0000000000000001.seg";
	char second[] = "/tmp/hubspool2.XXXXXX", from[96], to[96];
	struct hub h, other;

	hub_make(&h);
	hub_make(&other);
	assert_int_equal(hub_open(&other, 8 * SEGMENT), HUB_OK);
	h.second = other.dir;
	assert_int_equal(hub_open(&h, 8 * SEGMENT), HUB_EEXIST);
	h.second = h.dir; /* no second one at all */
	assert_int_equal(hub_open(&h, 8 * SEGMENT), HUB_EEXIST);
	h.second = "/nowhere/at/all";
	assert_int_equal(hub_open(&h, 8 * SEGMENT), HUB_EIO);
	h.second = mkdtemp(second);
	assert_int_equal(hub_open(&h, 8 * SEGMENT), HUB_OK);
	hub_write(&h, 5);
	hub_close(&h);
	(void)snprintf(from, sizeof(from), "%s/%s", h.dir, first);
	(void)snprintf(to, sizeof(to), "%s/%s", second, first);
	assert_int_equal(link(from, to), 0);
	assert_int_equal(hub_open(&h, 8 * SEGMENT), HUB_ECONFLICT);
	hub_remove(&h);
	hub_remove(&other);
}

/* Fills the spool; how many jobs were taken. */
static unsigned
fill(struct hub *h)
{
	unsigned n = 0;

	while (n < 1000 &&
	    hub_submit(h, 1, uuid7(clock_wall())) == HUB_OK) {
		hub_wait(h, h->done + 1);
		n++;
	}
	return (n);
}

static void
T23_is_full_at_its_size_and_goes_on_when_loaded(void **state HUB_UNUSED)
{
	struct spool_pos pos = { 0 };
	struct record denied;
	struct job *j;
	unsigned n, more;
	struct hub h;

	hub_make(&h);
	assert_int_equal(hub_open(&h, 4 * SEGMENT), HUB_OK);
	n = fill(&h);
	assert_in_range(n, 3 * 31, 4 * 31);
	/* A denial still finds room. */
	j = xcalloc(1, sizeof(*j));
	denied = usage(RECORD_ACCESS, 0, uuid7(clock_wall()));
	denied.decision = DECISION_DENY;
	j->records[0] = denied;
	j->hub = &h;
	j->job = (struct spool_job){ .records = j->records, .n = 1,
		.loop = h.loop, .fn = hub_on_done, .arg = j };
	assert_int_equal(spool_submit(h.sp, &j->job), HUB_OK);
	hub_wait(&h, n + 1);
	assert_int_equal(h.failed, 0);
	assert_int_equal(hub_read(&h, &pos, NULL), n + 1);
	spool_loaded(h.sp, &pos);
	for (int i = 0; i < 200 && hub_submit(&h, 1, uuid7(clock_wall())) !=
		HUB_OK; i++)
		(void)usleep(10000);
	hub_wait(&h, n + 2);
	more = fill(&h);
	assert_in_range(more, 31, 4 * 31);
	assert_int_equal(hub_read(&h, &pos, NULL), more + 1);
	hub_remove(&h);
}

/* It would let unloaded segments go. */
static void
ignores_the_checkpoint_of_a_later_boot(void **state HUB_UNUSED)
{
	struct spool_pos pos = { 0 }, later = { UINT32_MAX, 9, 9 };
	struct hub h;
	unsigned n;

	hub_make(&h);
	assert_int_equal(hub_open(&h, 4 * SEGMENT), HUB_OK);
	spool_loaded(h.sp, &later);
	n = fill(&h);
	assert_in_range(n, 3 * 31, 4 * 31);
	assert_int_equal(hub_read(&h, &pos, NULL), n);
	hub_remove(&h);
}

static void
T23_a_full_disk_stops_only_the_next_segment(void **state HUB_UNUSED)
{
	struct spool_pos pos = { 0 };
	unsigned n, more;
	struct hub h;

	hub_make(&h);
	assert_int_equal(hub_open(&h, 64 * SEGMENT), HUB_OK);
	hub_write(&h, 40); /* into the second segment */
	(void)usleep(100000);
	atomic_store(&disk_full, true);
	n = fill(&h);
	assert_in_range(n, 30, 60);
	assert_true(h.failed <= 1);
	assert_int_equal(hub_read(&h, &pos, NULL), 40 + n - h.failed);
	atomic_store(&disk_full, false);
	for (int i = 0; i < 300 && hub_submit(&h, 1, uuid7(clock_wall())) !=
		HUB_OK; i++)
		(void)usleep(10000);
	hub_wait(&h, 41 + n);
	hub_write(&h, 100);
	more = hub_read(&h, &pos, NULL);
	assert_int_equal(more, 101);
	hub_remove(&h);
}

static void
T23_loaded_segments_make_room_on_a_full_disk(void **state HUB_UNUSED)
{
	struct spool_pos pos = { 0 };
	struct hub h;
	unsigned n;

	hub_make(&h);
	disk_dir = h.dir;
	atomic_store(&disk_files, 5);
	assert_int_equal(hub_open(&h, 64 * SEGMENT), HUB_OK);
	n = fill(&h);
	assert_in_range(n, 4 * 31, 5 * 31);
	assert_int_equal(hub_read(&h, &pos, NULL), n);
	spool_loaded(h.sp, &pos);
	for (int i = 0; i < 300 && hub_submit(&h, 1, uuid7(clock_wall())) !=
		HUB_OK; i++)
		(void)usleep(10000);
	hub_wait(&h, n + 1);
	hub_write(&h, 1);
	assert_int_equal(hub_read(&h, &pos, NULL), 2);
	/* the spare may be on its way */
	for (int i = 0; i < 500 && files_there() < 5; i++)
		(void)usleep(10000);
	assert_int_equal(files_there(), 5);
	atomic_store(&disk_files, 0);
	hub_remove(&h);
}

static void
numbers_stay_with_their_texts(void **state HUB_UNUSED)
{
	static const char *const texts[] = { "schwerte-pegel", "umlaut \303\274",
		"https://example.org/FloodMonitoring" };
	uint32_t ids[3][4], again;
	char many[400];
	struct hub h;

	hub_make(&h);
	assert_int_equal(hub_open(&h, 8 * SEGMENT), HUB_OK);
	assert_int_equal(spool_dict_id(h.sp, DICT_TYPE, STR_NONE), 0);
	for (unsigned i = 0; i < 3; i++)
		for (unsigned k = 0; k < 4; k++) {
			ids[i][k] = spool_dict_id(h.sp, (enum spool_dict)k,
			    str_of(texts[i]));
			assert_int_equal(ids[i][k], 4 * i + k + 1);
		}
	hub_write(&h, 1);
	hub_close(&h);
	assert_int_equal(hub_open(&h, 8 * SEGMENT), HUB_OK);
	for (unsigned i = 0; i < 3; i++)
		for (unsigned k = 0; k < 4; k++) {
			again = spool_dict_id(h.sp, (enum spool_dict)k,
			    str_of(texts[i]));
			assert_int_equal(again, ids[i][k]);
		}
	/* Cut between characters, and the same number for the same cut. */
	memset(many, 'a', sizeof(many));
	memcpy(many + 149, "\303\274", 2);
	again = spool_dict_id(h.sp, DICT_TYPE, (struct str){ many, 300 });
	assert_int_equal(again, 13);
	assert_int_equal(spool_dict_id(h.sp, DICT_TYPE,
			     (struct str){ many, 149 }), 13);
	hub_write(&h, 40);
	hub_close(&h);
	/* A torn slot at the end of the dictionary was never used. */
	poke(&h, "dict", 14 * RECORD_LEN, "URL1", 4);
	assert_int_equal(hub_open(&h, 8 * SEGMENT), HUB_OK);
	assert_int_equal(spool_dict_id(h.sp, DICT_TYPE, STR("new")), 14);
	hub_write(&h, 1);
	hub_close(&h);
	/* A bad one between others loses its text and nothing else. */
	poke(&h, "dict", 3 * RECORD_LEN + 100, "\377\377", 2);
	assert_int_equal(hub_open(&h, 8 * SEGMENT), HUB_OK);
	assert_int_equal(spool_dict_id(h.sp, DICT_AGREEMENT, str_of(texts[0])),
	    ids[0][DICT_AGREEMENT]);
	assert_int_equal(spool_dict_id(h.sp, DICT_TYPE, str_of(texts[0])),
	    ids[0][DICT_TYPE]);
	assert_int_equal(spool_dict_id(h.sp, DICT_DATASET, str_of(texts[0])),
	    15);
	hub_remove(&h);
}

#define NAMES 600 /* the table grows some times */

struct namer {
	pthread_t thread;
	struct spool *sp;
	unsigned step; /* prime to NAMES: each in another order */
	uint32_t ids[NAMES];
};

static void *
namer_main(void *arg)
{
	struct namer *n = arg;
	char text[32];

	for (unsigned turn = 0; turn < 4; turn++)
		for (unsigned i = 0; i < NAMES; i++) {
			unsigned k = i * n->step % NAMES;
			uint32_t id;

			(void)snprintf(text, sizeof(text), "name-%u", k);
			id = spool_dict_id(n->sp, DICT_TYPE, str_of(text));
			assert(turn == 0 || id == n->ids[k]);
			n->ids[k] = id;
		}
	return (NULL);
}

static void
threads_agree_on_numbers(void **state HUB_UNUSED)
{
	static const unsigned steps[] = { 1, 7, 311, 599 };
	struct namer *n = xcalloc(4, sizeof(*n));
	bool seen[NAMES + 1] = { false };
	struct hub h;

	hub_make(&h);
	assert_int_equal(hub_open(&h, 8 * SEGMENT), HUB_OK);
	for (unsigned i = 0; i < 4; i++) {
		n[i].sp = h.sp;
		n[i].step = steps[i];
		assert_int_equal(pthread_create(&n[i].thread, NULL, namer_main,
				     &n[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(pthread_join(n[i].thread, NULL), 0);
	for (unsigned k = 0; k < NAMES; k++) {
		uint32_t id = n[0].ids[k];

		assert_in_range(id, 1, NAMES);
		assert_false(seen[id]);
		seen[id] = true;
		for (unsigned i = 1; i < 4; i++)
			assert_int_equal(n[i].ids[k], id);
	}
	free(n);
	hub_remove(&h);
}

static void *
waiter_main(void *arg)
{
	struct spool_pos pos = { 0 };

	spool_wait(arg, &pos, 20, 60000);
	return (NULL);
}

static void
waits_for_enough_and_no_longer(void **state HUB_UNUSED)
{
	struct spool_pos pos = { 0 };
	int64_t begun = clock_mono().us;
	pthread_t thread;
	struct hub h;

	hub_make(&h);
	assert_int_equal(hub_open(&h, 8 * SEGMENT), HUB_OK);
	assert_int_equal(pthread_create(&thread, NULL, waiter_main, h.sp), 0);
	hub_write(&h, 19);
	assert_int_equal(spool_waiting(h.sp, &pos), 19);
	(void)usleep(20000);
	assert_int_equal(pthread_tryjoin_np(thread, NULL), EBUSY);
	hub_write(&h, 1);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(spool_waiting(h.sp, &pos), 20);
	spool_wait(h.sp, &pos, 21, 5); /* ms */
	assert_int_equal(pthread_create(&thread, NULL, waiter_main, h.sp), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	pos.boot_epoch = UINT32_MAX; /* read from the start, as spool_read */
	assert_int_equal(spool_waiting(h.sp, &pos), 20);
	spool_wait_end(h.sp);
	spool_wait(h.sp, &pos, 1000, 60000);
	assert_true(clock_mono().us - begun < 50000000);
	hub_remove(&h);
}

static void
new_numbers_stand_before_their_first_use(void **state HUB_UNUSED)
{
	static unsigned char raw[8 * RECORD_LEN];
	struct spool_pos pos = { 0 };
	struct record r;
	unsigned n;
	struct hub h;

	hub_make(&h);
	assert_int_equal(hub_open(&h, 8 * SEGMENT), HUB_OK);
	assert_int_equal(spool_dict_id(h.sp, DICT_PURPOSE,
			     STR("hochwasserschutz")), 1);
	hub_write(&h, 1);
	assert_int_equal(spool_read(h.sp, &pos, raw, 8, &n), HUB_OK);
	assert_int_equal(n, 2);
	assert_int_equal(record_decode(raw, &r), HUB_OK);
	assert_int_equal(r.kind, RECORD_DICT);
	assert_int_equal(r.dataset, 1);
	assert_int_equal(r.operation, DICT_PURPOSE);
	assert_true(str_eq(r.dict_text, STR("hochwasserschutz")));
	assert_int_equal(record_decode(raw + RECORD_LEN, &r), HUB_OK);
	assert_int_equal(r.kind, RECORD_ACCESS);
	hub_remove(&h);
}

static void
refuses_segments_without_their_dictionary(void **state HUB_UNUSED)
{
	struct hub h;

	hub_make(&h);
	assert_int_equal(hub_open(&h, 8 * SEGMENT), HUB_OK);
	hub_write(&h, 1);
	hub_close(&h);
	file_remove(h.dir, "dict");
	assert_int_equal(hub_open(&h, 8 * SEGMENT), HUB_ESYNTAX);
	hub_remove(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_back_what_was_written),
		cmocka_unit_test(
		    keeps_everything_over_restarts_and_raises_the_boot),
		cmocka_unit_test(repeats_no_boot_after_a_backup_came_back),
		cmocka_unit_test(ignores_the_checkpoint_of_a_later_boot),
		cmocka_unit_test(refuses_a_second_process_and_another_node),
		cmocka_unit_test(T20_cuts_a_torn_tail),
		cmocka_unit_test(T20_steps_over_a_bad_slot_before_a_good_one),
		cmocka_unit_test(T21_never_syncs_a_file_again_that_failed),
		cmocka_unit_test(fails_for_good_when_the_second_file_fails_too),
		cmocka_unit_test(T21_leaves_a_disk_that_fails_for_the_second),
		cmocka_unit_test(takes_the_other_directory_where_one_is_full),
		cmocka_unit_test(
		    refuses_a_second_directory_that_is_not_its_own),
		cmocka_unit_test(T23_is_full_at_its_size_and_goes_on_when_loaded),
		cmocka_unit_test(T23_a_full_disk_stops_only_the_next_segment),
		cmocka_unit_test(T23_loaded_segments_make_room_on_a_full_disk),
		cmocka_unit_test(numbers_stay_with_their_texts),
		cmocka_unit_test(threads_agree_on_numbers),
		cmocka_unit_test(waits_for_enough_and_no_longer),
		cmocka_unit_test(new_numbers_stand_before_their_first_use),
		cmocka_unit_test(refuses_segments_without_their_dictionary),
	};

	log_set_level(LOG_ERR);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}

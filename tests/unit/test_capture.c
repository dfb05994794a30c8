/* tests/unit/test_capture.c - what the spool does beside storing: levels,
 * estimates, long answers that were cut off, a clock in doubt; and the days
 * and months of rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "server/base/hash.h"
#include "server/base/log.h"
#include "server/ledger/estimate.h"
#include "server/ledger/loader_priv.h"
#include "server/ledger/spool.h"

#define SEGMENT (32 * RECORD_LEN) /* 31 records */

/* ---- a clock that can be set */

static atomic_long clock_offset; /* seconds */
/* Threads but the first come no further than to asking for the time. */
static atomic_bool writes_nothing;

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int rc = (int)syscall(SYS_clock_gettime, id, ts);

	while (atomic_load(&writes_nothing) && id == CLOCK_REALTIME &&
	    syscall(SYS_gettid) != getpid())
		(void)pause();
	if (rc == 0 && id == CLOCK_REALTIME)
		ts->tv_sec += atomic_load(&clock_offset);
	return (rc);
}

/* ---- a spool to look at */

struct hub {
	char dir[64];
	struct loop *loop;
	struct spool *sp;
};

static void
hub_make(struct hub *h)
{
	*h = (struct hub){ 0 };
	(void)strcpy(h->dir, "/tmp/hubcapture.XXXXXX");
	assert_non_null(mkdtemp(h->dir));
	h->loop = loop_new();
}

static void
hub_open(struct hub *h, uint64_t segments)
{
	struct spool_conf conf = { h->dir, segments * SEGMENT, SEGMENT, 7, NULL };
	struct buf why;

	buf_init(&why, 512);
	assert_int_equal(spool_open(&conf, &h->sp, &why), HUB_OK);
	buf_clear(&why);
}

static void
hub_close(struct hub *h)
{
	spool_close(h->sp);
	h->sp = NULL;
}

static void
hub_remove(struct hub *h)
{
	char path[512];
	struct dirent *e;
	DIR *d;

	hub_close(h);
	loop_free(h->loop);
	d = opendir(h->dir);
	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		(void)snprintf(path, sizeof(path), "%s/%.255s", h->dir,
		    e->d_name);
		if (e->d_name[0] != '.')
			(void)unlink(path);
	}
	(void)closedir(d);
	assert_int_equal(rmdir(h->dir), 0);
}

static void
on_done(void *arg)
{
	loop_stop(arg);
}

/* One record, durable when this returns, if it is taken. */
static enum hub_err
put(struct hub *h, struct record r)
{
	struct spool_job job = { .records = &r, .n = 1, .loop = h->loop,
		.fn = on_done, .arg = h->loop };
	enum hub_err err = spool_submit(h->sp, &job);

	if (err == HUB_OK) {
		loop_run(h->loop);
		err = job.err;
	}
	return (err);
}

static struct record
usage(uint16_t kind)
{
	struct record r = { .kind = kind, .start = clock_wall(),
		.http_status = 200, .decision = DECISION_PERMIT,
		.operation = OPERATION_QUERY, .entities = 7,
		.bytes_out = 5000 };

	r.event_id = r.request_id = uuid7(r.start);
	memcpy(r.consumer_ags, "05978012", 8);
	return (r);
}

/* Waits out that the next segment is still being made. */
static enum hub_err
put_patiently(struct hub *h, struct record r)
{
	enum hub_err err = put(h, r);

	for (int i = 0; err == HUB_EFULL && i < 300 &&
	     spool_level(h->sp) < SPOOL_FULL; i++) {
		(void)usleep(1000);
		err = put(h, r);
	}
	return (err);
}

/* All usage records from *pos on, at most max. */
static unsigned
read_all(struct hub *h, struct spool_pos *pos, struct record *out,
    unsigned max)
{
	static unsigned char raw[64 * RECORD_LEN];
	unsigned n, found = 0;

	do {
		assert_int_equal(spool_read(h->sp, pos, raw, 64, &n), HUB_OK);
		for (unsigned i = 0; i < n; i++) {
			struct record r;

			assert_int_equal(record_decode(raw + i * RECORD_LEN,
					     &r), HUB_OK);
			if (r.kind == RECORD_TICK || r.kind == RECORD_DICT)
				continue;
			assert_true(found < max);
			out[found++] = r;
		}
	} while (n > 0);
	return (found);
}

static bool
level_becomes(struct hub *h, enum spool_level want)
{
	for (int i = 0; i < 400 && spool_level(h->sp) != want; i++)
		(void)usleep(10000);
	return (spool_level(h->sp) == want);
}

/* ---- levels */

static void
T23_says_how_full_it_is_and_has_room_again(void **state HUB_UNUSED)
{
	/* 20 segments of 32 slots; 70 % are 448 records, 90 % are 576. */
	struct spool_stats st;
	struct spool_pos pos = { 0 };
	static struct record all[700];
	unsigned n = 0, at[4] = { 0 };
	struct hub h;

	hub_make(&h);
	hub_open(&h, 20);
	while (n < 700 && put_patiently(&h, usage(RECORD_ACCESS)) == HUB_OK) {
		n++;
		if (at[spool_level(h.sp)] == 0)
			at[spool_level(h.sp)] = n;
	}
	assert_int_equal(at[SPOOL_ROOM], 1);
	assert_int_equal(at[SPOOL_WARN], 448);
	assert_in_range(at[SPOOL_HIGH], 560, 576);
	assert_in_range(n, 576, 20 * 31);
	assert_int_equal(spool_level(h.sp), SPOOL_FULL);
	spool_stats(h.sp, &st);
	assert_int_equal(st.level, SPOOL_FULL);
	assert_int_equal(st.bytes_used, (uint64_t)n * RECORD_LEN);
	/* The end of what had begun still fits. */
	assert_int_equal(put(&h, usage(RECORD_CLOSE)), HUB_OK);
	assert_int_equal(put(&h, usage(RECORD_OPEN)), HUB_EFULL);
	assert_int_equal(read_all(&h, &pos, all, 700), n + 1);
	spool_loaded(h.sp, &pos);
	assert_true(level_becomes(&h, SPOOL_ROOM));
	assert_int_equal(put_patiently(&h, usage(RECORD_ACCESS)), HUB_OK);
	hub_remove(&h);
}

static void
on_soon(void *arg)
{
	loop_stop(arg);
}

/* Until the loop has heard of all, or for three seconds. */
static void
loop_turns(struct hub *h, struct estimates *e)
{
	for (int i = 0; i < 300 && estimates_under_way(e) > 0; i++) {
		(void)usleep(10000);
		loop_post(h->loop, on_soon, h->loop);
		loop_run(h->loop);
	}
}

static void
estimates_wait_for_room_and_are_exact_in_sum(void **state HUB_UNUSED)
{
	struct estimates *e = estimates_new();
	static struct record all[900];
	struct spool_pos pos = { 0 };
	struct record r = usage(RECORD_ACCESS), other = r;
	uint64_t entities = 0, bytes = 0;
	unsigned n, found = 0;
	struct hub h;

	hub_make(&h);
	hub_open(&h, 20);
	while (put_patiently(&h, usage(RECORD_ACCESS)) == HUB_OK)
		continue;
	memcpy(other.consumer_ags, "05978028", 8);
	for (unsigned i = 0; i < 150; i++) {
		r.event_id = uuid7(r.start);
		r.entities = i;
		r.bytes_out = 1000 + i;
		r.user_pseudonym = i % 3; /* of several persons, and none */
		r.flags = i % 3 != 0 ? RECORD_PROFESSIONAL : 0;
		assert_int_equal(estimates_add(e, &r), HUB_OK);
	}
	assert_int_equal(estimates_add(e, &other), HUB_OK);
	estimates_write(e, h.sp, h.loop, false);
	assert_int_equal(estimates_waiting(e), 151);
	n = read_all(&h, &pos, all, 900);
	spool_loaded(h.sp, &pos);
	assert_true(level_becomes(&h, SPOOL_ROOM));
	for (int i = 0; i < 300 && estimates_waiting(e) > 0; i++) {
		estimates_write(e, h.sp, h.loop, false);
		(void)usleep(10000);
	}
	assert_int_equal(estimates_waiting(e), 0);
	spool_wait(h.sp, &pos, 151, 10000);
	/* What is durable takes no memory. */
	loop_turns(&h, e);
	assert_int_equal(estimates_under_way(e), 0);
	n = read_all(&h, &pos, all, 900);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(all[i].kind, RECORD_ESTIMATE);
		assert_true(all[i].flags & RECORD_ESTIMATED);
		assert_int_equal(all[i].user_pseudonym, 0);
		assert_false(all[i].flags & RECORD_PROFESSIONAL);
		if (memcmp(all[i].consumer_ags, "05978012", 8) != 0)
			continue;
		found++;
		entities += all[i].entities;
		bytes += all[i].bytes_out;
	}
	assert_int_equal(n, 151);
	assert_int_equal(found, 150);
	assert_int_equal(entities, 150 * 149 / 2);
	assert_int_equal(bytes, 150000 + 150 * 149 / 2);
	hub_remove(&h);
	estimates_free(e);
}

static void
shares_of_an_estimate_sum_to_the_whole(void **state HUB_UNUSED)
{
	static const uint64_t totals[] = { 0, 1, 999, 1000003,
		UINT64_C(1) << 50 };

	for (size_t t = 0; t < sizeof(totals) / sizeof(totals[0]); t++) {
		uint64_t sum = 0;

		for (uint64_t i = 0; i < 1000; i++)
			sum += estimate_share(totals[t], i, 1000);
		assert_true(sum == totals[t]);
	}
}

/* ---- long answers */

/* Ends as kill -9 would leave it: nothing is closed in good order, but what
 * was durable is there. */
static void
hub_again(struct hub *h)
{
	hub_close(h);
	hub_open(h, 64);
}

static void
T38_an_open_without_close_becomes_one_abort(void **state HUB_UNUSED)
{
	static struct record all[400];
	struct record kept, ended, cut;
	struct spool_pos pos;
	unsigned n, aborts;
	struct hub h;

	hub_make(&h);
	hub_open(&h, 64);
	kept = usage(RECORD_OPEN);
	assert_int_equal(put_patiently(&h, kept), HUB_OK);
	ended = usage(RECORD_OPEN);
	assert_int_equal(put_patiently(&h, ended), HUB_OK);
	ended.kind = RECORD_CLOSE;
	assert_int_equal(put_patiently(&h, ended), HUB_OK);
	/* Into the fourth segment: the OPEN is far behind. */
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(put_patiently(&h, usage(RECORD_ACCESS)),
		    HUB_OK);
	cut = usage(RECORD_OPEN);
	assert_int_equal(put_patiently(&h, cut), HUB_OK);
	cut.kind = RECORD_ABORT;
	cut.bytes_out = 300;
	assert_int_equal(put_patiently(&h, cut), HUB_OK);
	for (unsigned restart = 0; restart < 3; restart++) {
		struct spool_stats st;

		hub_again(&h);
		spool_stats(h.sp, &st);
		assert_int_equal(st.aborted, restart == 0);
		pos = (struct spool_pos){ 0 };
		assert_int_equal(put_patiently(&h, usage(RECORD_ACCESS)),
		    HUB_OK);
		n = read_all(&h, &pos, all, 400);
		aborts = 0;
		for (unsigned i = 0; i < n; i++) {
			if (all[i].kind != RECORD_ABORT)
				continue;
			aborts++;
			if (all[i].bytes_out == 300)
				continue;
			assert_memory_equal(all[i].request_id.b,
			    kept.request_id.b, 16);
			assert_memory_not_equal(all[i].event_id.b,
			    kept.event_id.b, 16);
			assert_int_equal(all[i].bytes_out, 0);
			assert_int_equal(all[i].entities, 0);
			assert_true(all[i].flags & RECORD_ABORTED);
			assert_true(all[i].start.us == kept.start.us);
		}
		assert_int_equal(aborts, 2);
	}
	hub_remove(&h);
}

/* The end of a process before its first record was written. */
static void
hub_dies_at_once(struct hub *h)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		atomic_store(&writes_nothing, true);
		hub_open(h, 64);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void
T38_an_abort_survives_starts_that_fail(void **state HUB_UNUSED)
{
	static struct record all[100];
	struct record open = usage(RECORD_OPEN);
	struct spool_pos pos = { 0 };
	unsigned n, aborts = 0;
	struct hub h;

	hub_make(&h);
	hub_open(&h, 64);
	assert_int_equal(put_patiently(&h, open), HUB_OK);
	hub_close(&h);
	for (unsigned i = 0; i < 3; i++)
		hub_dies_at_once(&h);
	hub_open(&h, 64);
	assert_int_equal(put_patiently(&h, usage(RECORD_ACCESS)), HUB_OK);
	n = read_all(&h, &pos, all, 100);
	for (unsigned i = 0; i < n; i++)
		aborts += all[i].kind == RECORD_ABORT &&
		    memcmp(all[i].request_id.b, open.request_id.b, 16) == 0;
	assert_int_equal(aborts, 1);
	hub_remove(&h);
}

static void
T38_an_abort_counts_where_agreed(void **state HUB_UNUSED)
{
	struct record r = usage(RECORD_ABORT);

	r.flags = RECORD_ABORTED;
	assert_true(record_units(&r) == 0);
	r.flags |= RECORD_BILLABLE;
	assert_true(record_units(&r) == 1000 + 7 * 10 + 5);
	r.kind = RECORD_CLOSE;
	r.flags = 0;
	assert_true(record_units(&r) == 1000 + 7 * 10 + 5);
}

/* ---- the clock */

static void
T39_marks_records_of_a_clock_in_doubt(void **state HUB_UNUSED)
{
	static const struct {
		long offset; /* of the clock, seconds */
		bool told;   /* the database agrees with it */
		bool odd;
	} steps[] = {
		{ 0, false, false },
		{ 600, false, true },	 /* 10 min ahead */
		{ 0, false, false },	 /* and back where it was */
		{ -60, false, true },	 /* a step back */
		{ 5, false, false },	 /* caught up */
		{ 900, false, true },
		{ 900, true, false },	 /* it had been wrong before */
		{ 300, false, true },
		{ 300, true, false },
	};
	enum { N = sizeof(steps) / sizeof(steps[0]) };
	struct spool_pos pos = { 0 };
	struct record all[N + 1];
	struct hub h;

	atomic_store(&clock_offset, 0);
	hub_make(&h);
	hub_open(&h, 8);
	for (size_t i = 0; i < N; i++) {
		atomic_store(&clock_offset, steps[i].offset);
		if (steps[i].told)
			spool_clock_told(h.sp, clock_wall());
		assert_int_equal(put_patiently(&h, usage(RECORD_ACCESS)),
		    HUB_OK);
		assert_int_equal(spool_clock_odd(h.sp), steps[i].odd);
	}
	spool_clock_told(h.sp, (struct wall_us){ clock_wall().us -
			    600000000 });
	assert_true(spool_clock_odd(h.sp));
	assert_int_equal(read_all(&h, &pos, all, N + 1), N);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal((all[i].flags & RECORD_LATE_CLOCK) != 0,
		    steps[i].odd);
		for (size_t k = 0; k < i; k++) {
			assert_memory_not_equal(all[i].event_id.b,
			    all[k].event_id.b, 16);
			assert_true(all[i].seq > all[k].seq);
		}
	}
	atomic_store(&clock_offset, 0);
	hub_remove(&h);
}

/* ---- days and months of rows */

/* Days since 2000-01-01, as a field of the row at hand. */
static int32_t
field_day(const struct rows *rs, unsigned field)
{
	const unsigned char *p = (const unsigned char *)rs->copy.p + 19 + 2;
	uint32_t len;

	for (unsigned i = 0;; i++) {
		len = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
		    (uint32_t)p[2] << 8 | p[3];
		p += 4;
		if (i == field)
			break;
		p += len;
	}
	assert_int_equal(len, 4);
	return ((int32_t)((uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3]));
}

static int32_t
day(const char *text)
{
	struct wall_us at;

	assert_int_equal(wall_parse_date(str_of(text), &at), HUB_OK);
	return ((int32_t)(at.us / WALL_DAY_US - 10957));
}

struct moment {
	const char *at, *period, *day;
};

static void
check_moments(const struct moment *m, size_t n)
{
	unsigned char raw[RECORD_LEN];
	struct rows rs;

	rows_init(&rs);
	for (size_t i = 0; i < n; i++) {
		struct record r = usage(RECORD_ACCESS);

		assert_int_equal(wall_parse(str_of(m[i].at), &r.start),
		    HUB_OK);
		record_encode(&r, raw);
		rows_begin(&rs);
		rows_add(&rs, &r, raw, 1);
		rows_end(&rs);
		assert_int_equal(field_day(&rs, 0), day(m[i].period));
		assert_int_equal(field_day(&rs, 4), day(m[i].day));
	}
	rows_clear(&rs);
}

static void
T26_a_month_ends_at_midnight_in_germany(void **state HUB_UNUSED)
{
	static const struct moment m[] = {
		{ "2026-10-31T22:59:59.999Z", "2026-10-01", "2026-10-31" },
		{ "2026-10-31T23:00:00.000Z", "2026-11-01", "2026-11-01" },
		{ "2026-06-30T21:59:59.999Z", "2026-06-01", "2026-06-30" },
		{ "2026-06-30T22:00:00.000Z", "2026-07-01", "2026-07-01" },
		{ "2026-12-31T23:00:00.000Z", "2027-01-01", "2027-01-01" },
	};

	check_moments(m, sizeof(m) / sizeof(m[0]));
}

static void
T27_both_half_past_two_are_the_same_day(void **state HUB_UNUSED)
{
	static const struct moment m[] = {
		{ "2026-10-25T00:30:00Z", "2026-10-01", "2026-10-25" },
		{ "2026-10-25T01:30:00Z", "2026-10-01", "2026-10-25" },
		{ "2026-10-24T21:59:59Z", "2026-10-01", "2026-10-24" },
		{ "2026-10-25T22:59:59Z", "2026-10-01", "2026-10-25" },
		{ "2026-10-25T23:00:00Z", "2026-10-01", "2026-10-26" },
		{ "2026-03-29T00:59:59Z", "2026-03-01", "2026-03-29" },
		{ "2026-03-29T21:59:59Z", "2026-03-01", "2026-03-29" },
		{ "2026-03-29T22:00:00Z", "2026-03-01", "2026-03-30" },
	};

	check_moments(m, sizeof(m) / sizeof(m[0]));
}

/* ---- what records say for the indicators */

struct said {
	uint16_t kind;
	uint8_t flags, decision;
	uint16_t status;
	uint64_t person;
	const char *json; /* of it alone, but for the day */
};

static void
add_said(struct rows *rs, const struct said *s)
{
	unsigned char raw[RECORD_LEN];
	struct record r = usage(s->kind);

	assert_int_equal(wall_parse(STR("2026-10-31T23:00:00Z"), &r.start),
	    HUB_OK);
	r.flags = s->flags;
	r.decision = s->decision;
	r.http_status = s->status;
	r.user_pseudonym = s->person;
	r.dataset = 5;
	r.request_id = (struct uuid){ { 0 } };
	memcpy(r.provider_ags, "05978028", 8);
	record_encode(&r, raw);
	rows_add(rs, &r, raw, 3);
}

#define DAY "{\"day\":\"2026-11-01\""
#define GIVEN(n)                                                              \
	DAY ",\"consumer\":\"05978012\",\"provider\":\"05978028\","         \
	"\"node_id\":7,\"dict_born\":3,\"dataset\":5,\"given\":" n "}"
#define PERSON(n) DAY ",\"consumer\":\"05978012\",\"person\":" n "}"
#define CUT	  DAY ",\"cut\":\"00000000-0000-0000-0000-000000000000\"}"

static void
says_what_counts_as_download_and_as_person(void **state HUB_UNUSED)
{
	enum { OPEN = RECORD_OPEN_DATA, USER = RECORD_PROFESSIONAL };
	static const struct said said[] = {
		{ RECORD_LEG, OPEN, DECISION_PERMIT, 200, 0, GIVEN("1") },
		{ RECORD_LEG, 0, DECISION_PERMIT, 200, 0, "" },
		{ RECORD_LEG, OPEN, DECISION_DENY, 200, 0, "" },
		{ RECORD_LEG, OPEN, DECISION_PERMIT, 304, 0, "" },
		{ RECORD_LEG, OPEN | USER, DECISION_PERMIT, 200, 9,
		    GIVEN("1") },
		{ RECORD_ACCESS, OPEN, DECISION_PERMIT, 200, 0, "" },
		{ RECORD_ACCESS, USER, DECISION_PERMIT, 200, 9, PERSON("9") },
		{ RECORD_ACCESS, USER, DECISION_DENY, 200, UINT64_MAX,
		    PERSON("-1") },
		{ RECORD_ACCESS, 0, DECISION_PERMIT, 200, 9, "" },
		{ RECORD_ACCESS, USER, DECISION_PERMIT, 200, 0, "" },
		{ RECORD_CLOSE, OPEN, DECISION_PERMIT, 200, 0, "" },
		{ RECORD_ABORT, OPEN, DECISION_PERMIT, 200, 0, CUT },
		{ RECORD_ABORT, 0, DECISION_PERMIT, 200, 0, "" },
		{ RECORD_OPEN, OPEN | USER, DECISION_PERMIT, 200, 9, "" },
		{ RECORD_ESTIMATE, OPEN | USER, DECISION_PERMIT, 200, 9, "" },
	};
	static const unsigned more[] = { 0, 6, 0, 6, 4 };
	struct rows rs;
	struct buf b;

	rows_init(&rs);
	buf_init(&b, 65536);
	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		char want[512];

		rows_begin(&rs);
		add_said(&rs, &said[i]);
		rows_end(&rs);
		buf_reset(&b);
		uses_json(&rs.uses, 7, 3, &b);
		(void)snprintf(want, sizeof(want), "[%s]", said[i].json);
		assert_string_equal(buf_cstr(&b), want);
	}
	/* The same is said once, and how often. */
	rows_begin(&rs);
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
		add_said(&rs, &said[more[i]]);
	rows_end(&rs);
	buf_reset(&b);
	uses_json(&rs.uses, 7, 3, &b);
	assert_string_equal(buf_cstr(&b), "[" GIVEN("3") "," PERSON("9") "]");
	buf_clear(&b);
	rows_clear(&rs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(T23_says_how_full_it_is_and_has_room_again),
		cmocka_unit_test(estimates_wait_for_room_and_are_exact_in_sum),
		cmocka_unit_test(shares_of_an_estimate_sum_to_the_whole),
		cmocka_unit_test(says_what_counts_as_download_and_as_person),
		cmocka_unit_test(T38_an_open_without_close_becomes_one_abort),
		cmocka_unit_test(T38_an_abort_survives_starts_that_fail),
		cmocka_unit_test(T38_an_abort_counts_where_agreed),
		cmocka_unit_test(T39_marks_records_of_a_clock_in_doubt),
		cmocka_unit_test(T26_a_month_ends_at_midnight_in_germany),
		cmocka_unit_test(T27_both_half_past_two_are_the_same_day),
	};

	log_set_level(LOG_ERR);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}

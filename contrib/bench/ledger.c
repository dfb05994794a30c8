/* contrib/bench/ledger.c - what a usage record costs: from the thread of a
 * worker through spool and loader into PostgreSQL. contrib/bench/ledger.py runs
 * it.
 *
 *	ledger capture SPOOL DSN RATE SECONDS
 *	ledger backlog SPOOL DSN RECORDS
 *	ledger hold    SPOOL USES CONNECTIONS
 *
 * capture: so many records a second, while the loader runs. backlog: so many
 * as fast as they go, and then the loader, as after hours without a database.
 * hold: how long a use waits for the disk, and for how many of its syncs. One
 * use is two records, the access and a leg, as of a query with one source.
 * Prints names and numbers. */
#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "server/base/hash.h"
#include "server/base/log.h"
#include "server/ledger/loader.h"
#include "server/ledger/spool.h"

#define RECORDS	    2
#define AGREEMENTS  110 /* eleven tenants with each other */
#define TENANTS	    11
#define TICK_NS	    2000000
#define IN_FLIGHT   65536
#define SIZE	    (UINT64_C(4) << 30)
#define SYNCS_MAX   (1 << 20)
#define WAIT_S	    600 /* for the loader */

/* ---- the disk, watched */

static atomic_uint syncs_begun;
static int64_t *sync_us; /* hold: how long each took */

int fdatasync(int fd);

int
fdatasync(int fd)
{
	int64_t t = clock_mono().us;
	unsigned n = atomic_fetch_add(&syncs_begun, 1);
	int rc = (int)syscall(SYS_fdatasync, fd);

	if (sync_us != NULL && n < SYNCS_MAX)
		sync_us[n] = clock_mono().us - t;
	return (rc);
}

/* ---- CPU of threads */

static int64_t
thread_ns(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) != 0)
		exit(1);
	return ((int64_t)t.tv_sec * 1000000000 + t.tv_nsec);
}

/* The thread that was started last: the loader's. */
static long
thread_newest(void)
{
	DIR *d = opendir("/proc/self/task");
	struct dirent *e;
	long newest = 0, tid;

	if (d == NULL)
		exit(1);
	while ((e = readdir(d)) != NULL) {
		tid = strtol(e->d_name, NULL, 10);
		newest = tid > newest ? tid : newest;
	}
	(void)closedir(d);
	return (newest);
}

static int64_t
thread_of_ns(long tid)
{
	char path[64];
	int64_t ns = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%ld/schedstat",
	    tid);
	f = fopen(path, "r");
	if (f == NULL || fscanf(f, "%" SCNd64, &ns) != 1)
		exit(1);
	(void)fclose(f);
	return (ns);
}

/* ---- a worker */

struct use {
	struct spool_job job;
	struct record records[RECORDS];
	struct worker *worker;
	struct use *next; /* free */
	int64_t at;
	uint64_t batches;
};

struct worker {
	struct loop *loop;
	struct spool *sp;
	struct watch timer;
	struct use *uses, *free;
	char names[AGREEMENTS][24];
	uint64_t target, given, done, failed; /* uses */
	uint64_t per_second;
	int64_t begun_us, ended_us, capture_ns;
	/* hold */
	int64_t *held_us;
	uint64_t most; /* batches from submission to answer */
	bool closed_loop;
};

/* As run_account does: two texts of the access, two of the leg. */
static void
use_fill(struct worker *w, struct use *u)
{
	uint64_t n = w->given;
	const char *name = w->names[n % AGREEMENTS];
	struct record *r = &u->records[0];
	struct wall_us now = clock_wall();

	*r = (struct record){ .kind = RECORD_ACCESS,
		.event_id = uuid7(now),
		.start = now,
		.duration_us = (uint32_t)(n * 37 % 200000),
		.http_status = 200,
		.decision = DECISION_PERMIT,
		.operation = OPERATION_QUERY,
		.entities = (uint32_t)(n % 50),
		.bytes_out = 400 * (n % 50) };
	r->request_id = r->event_id;
	(void)snprintf(r->consumer_ags, sizeof(r->consumer_ags), "0597800");
	r->consumer_ags[7] = (char)('0' + n % TENANTS % 10);
	memcpy(r->provider_ags, "05913000", 8);
	r->purpose = (uint16_t)spool_dict_id(w->sp, DICT_PURPOSE,
	    STR("hochwasserschutz"));
	r->types[0] = spool_dict_id(w->sp, DICT_TYPE,
	    STR("https://uri.etsi.org/ngsi-ld/default-context/Sensor"));
	r->ntypes = 1;
	u->records[1] = *r;
	r = &u->records[1];
	r->kind = RECORD_LEG;
	r->leg = 1;
	r->upstream_us = r->duration_us;
	r->dataset = spool_dict_id(w->sp, DICT_DATASET, STR("pegel"));
	r->agreement = spool_dict_id(w->sp, DICT_AGREEMENT, str_of(name));
	r->agreement_version = 1;
}

static void on_durable(void *);

/* Synced so far; each with one fdatasync, other files' are not among them. */
static uint64_t
batches(struct worker *w)
{
	struct spool_stats sp;

	spool_stats(w->sp, &sp);
	return (sp.synced);
}

static void
capture(struct worker *w)
{
	struct use *u = w->free;

	assert(u != NULL);
	w->free = u->next;
	use_fill(w, u);
	u->job = (struct spool_job){ .records = u->records, .n = RECORDS,
		.loop = w->loop, .fn = on_durable, .arg = u };
	if (w->held_us != NULL) {
		u->batches = batches(w);
		u->at = clock_mono().us;
	}
	w->given++;
	if (spool_submit(w->sp, &u->job) != HUB_OK) {
		(void)fprintf(stderr, "ledger: the spool refuses\n");
		exit(1);
	}
}

static void
on_durable(void *arg)
{
	struct use *u = arg;
	struct worker *w = u->worker;
	uint64_t n;

	u->next = w->free;
	w->free = u;
	w->failed += u->job.err != HUB_OK;
	if (w->held_us != NULL) {
		w->held_us[w->done] = clock_mono().us - u->at;
		n = batches(w) - u->batches;
		w->most = n > w->most ? n : w->most;
	}
	if (++w->done == w->target) {
		w->ended_us = clock_mono().us;
		loop_stop(w->loop);
	} else if (w->closed_loop && w->given < w->target) {
		capture(w);
	}
}

/* What is due by now. */
static void
on_tick(int fd, int what HUB_UNUSED, void *arg)
{
	struct worker *w = arg;
	uint64_t turns, due;
	int64_t cpu;

	if (read(fd, &turns, sizeof(turns)) != sizeof(turns))
		return;
	due = (uint64_t)(clock_mono().us - w->begun_us) * w->per_second /
	    1000000;
	if (due > w->target)
		due = w->target;
	if (w->per_second == 0)
		due = w->target;
	cpu = thread_ns();
	while (w->given < due && w->free != NULL)
		capture(w); /* without a free one the next tick does */
	w->capture_ns += thread_ns() - cpu;
}

static void
worker_init(struct worker *w, const char *dir)
{
	struct spool_conf conf = { dir, SIZE, 0, 7, NULL };
	struct buf why;

	*w = (struct worker){ .loop = loop_new() };
	buf_init(&why, 512);
	if (spool_open(&conf, &w->sp, &why) != HUB_OK) {
		(void)fprintf(stderr, "ledger: %s\n", buf_cstr(&why));
		exit(1);
	}
	buf_clear(&why);
	for (unsigned i = 0; i < AGREEMENTS; i++)
		(void)snprintf(w->names[i], sizeof(w->names[i]),
		    "vereinbarung-%u", i);
	w->uses = xcalloc(IN_FLIGHT, sizeof(*w->uses));
	for (unsigned i = 0; i < IN_FLIGHT; i++) {
		w->uses[i].worker = w;
		w->uses[i].next = w->free;
		w->free = &w->uses[i];
	}
}

static void
worker_clear(struct worker *w)
{
	spool_close(w->sp);
	loop_free(w->loop);
	free(w->uses);
	free(w->held_us);
}

/* Until all is durable. */
static void
worker_run(struct worker *w)
{
	struct itimerspec every = { { 0, TICK_NS }, { 0, TICK_NS } };
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

	if (fd < 0 || timerfd_settime(fd, 0, &every, NULL) != 0)
		exit(1);
	watch_init(&w->timer, w->loop, fd, on_tick, w);
	watch_set(&w->timer, LOOP_READ);
	w->begun_us = clock_mono().us;
	loop_run(w->loop);
	watch_clear(&w->timer);
	(void)close(fd);
	if (w->failed > 0) {
		(void)fprintf(stderr, "ledger: the disk refuses\n");
		exit(1);
	}
}

/* ---- what is measured */

static uint64_t
number(const char *text, uint64_t max)
{
	uint64_t n;

	if (str_uint(str_of(text), max, &n) != HUB_OK || n == 0) {
		(void)fprintf(stderr, "ledger: %s: 1 to %" PRIu64 "\n", text,
		    max);
		exit(64);
	}
	return (n);
}

/* The loader has all; how long that took from at on. */
static int64_t
loaded_wait(struct worker *w, struct loader *l, int64_t at)
{
	struct loader_stats st = { 0 };
	struct spool_stats sp;

	for (int i = 0; i < WAIT_S * 200; i++) {
		loader_stats(l, &st);
		spool_stats(w->sp, &sp);
		if (st.up && sp.bytes_used == 0)
			return (clock_mono().us - at);
		(void)usleep(5000);
	}
	(void)fprintf(stderr, "ledger: not loaded in time\n");
	exit(1);
}

static void
print_stats(struct worker *w)
{
	struct spool_stats sp;

	spool_stats(w->sp, &sp);
	(void)printf("records=%" PRIu64 " batches=%" PRIu64 "\n",
	    w->done * RECORDS, sp.synced);
}

static double
per_record(const struct worker *w, int64_t ns)
{
	return ((double)ns / 1e3 / (double)(w->done * RECORDS));
}

static int
cmd_capture(char **argv)
{
	struct worker w;
	struct loader *l;
	int64_t mine, lag;
	long loader;
	uint64_t rate = number(argv[4], 1000000), s = number(argv[5], 3600);

	worker_init(&w, argv[2]);
	l = loader_start(w.sp, argv[3]);
	loader = thread_newest();
	w.per_second = rate / RECORDS;
	w.target = w.per_second * s;
	(void)printf("started\n");
	(void)fflush(stdout);
	mine = thread_ns();
	worker_run(&w);
	mine = thread_ns() - mine;
	lag = loaded_wait(&w, l, w.ended_us);
	print_stats(&w);
	(void)printf("seconds=%.3f lag=%.3f\n",
	    (double)(w.ended_us - w.begun_us) / 1e6, (double)lag / 1e6);
	(void)printf("capture_us=%.4f thread_us=%.4f loader_us=%.4f\n",
	    per_record(&w, w.capture_ns), per_record(&w, mine),
	    per_record(&w, thread_of_ns(loader)));
	(void)fflush(stdout);
	loader_stop(l);
	worker_clear(&w);
	return (0);
}

static int
cmd_backlog(char **argv)
{
	struct worker w;
	struct loader *l;
	int64_t took, from;
	long loader;

	worker_init(&w, argv[2]);
	w.target = number(argv[4], 100000000) / RECORDS;
	worker_run(&w);
	(void)printf("started\n");
	(void)fflush(stdout);
	from = clock_mono().us;
	l = loader_start(w.sp, argv[3]);
	loader = thread_newest();
	took = loaded_wait(&w, l, from);
	print_stats(&w);
	(void)printf("seconds=%.3f written=%.3f loader_us=%.4f\n",
	    (double)took / 1e6, (double)(w.ended_us - w.begun_us) / 1e6,
	    per_record(&w, thread_of_ns(loader)));
	(void)fflush(stdout);
	loader_stop(l);
	worker_clear(&w);
	return (0);
}

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x < y ? -1 : x > y);
}

static void
print_spread(const char *name, int64_t *us, size_t n)
{
	qsort(us, n, sizeof(*us), compare);
	(void)printf("%s_p50=%" PRId64 " %s_p99=%" PRId64 " %s_max=%" PRId64
		     "\n", name, us[n / 2], name, us[n * 99 / 100], name,
	    us[n - 1]);
}

/* So many clients, each with its next use when the last is durable. */
static int
cmd_hold(char **argv)
{
	uint64_t uses = number(argv[3], 1000000), before;
	uint64_t clients = number(argv[4], IN_FLIGHT);
	unsigned first, n;
	struct worker w;

	worker_init(&w, argv[2]);
	w.target = 1; /* the dictionary has syncs of its own */
	capture(&w);
	loop_run(w.loop);
	w.target = uses;
	w.done = w.given = 0;
	w.closed_loop = true;
	w.held_us = xcalloc(uses, sizeof(*w.held_us));
	sync_us = xcalloc(SYNCS_MAX, sizeof(*sync_us));
	first = atomic_load(&syncs_begun);
	before = batches(&w);
	for (uint64_t i = 0; i < clients && w.given < w.target; i++)
		capture(&w);
	loop_run(w.loop);
	n = atomic_load(&syncs_begun) - first;
	(void)printf("uses=%" PRIu64 " batches=%" PRIu64 " most=%" PRIu64 "\n",
	    uses, batches(&w) - before, w.most);
	print_spread("held", w.held_us, uses);
	print_spread("sync", sync_us + first, n);
	worker_clear(&w);
	free(sync_us);
	return (0);
}

int
main(int argc, char **argv)
{
	log_set_level(LOG_WARN);
	if (argc == 6 && strcmp(argv[1], "capture") == 0)
		return (cmd_capture(argv));
	if (argc == 5 && strcmp(argv[1], "backlog") == 0)
		return (cmd_backlog(argv));
	if (argc == 5 && strcmp(argv[1], "hold") == 0)
		return (cmd_hold(argv));
	(void)fprintf(stderr,
	    "usage: ledger capture SPOOL DSN RATE SECONDS\n"
	    "       ledger backlog SPOOL DSN RECORDS\n"
	    "       ledger hold SPOOL USES CONNECTIONS\n");
	return (64);
}

/* tests/unit/test_db.c - the database side. The cases that need a server
 * run when HUB_DATABASE names one (tests/flow/sql.t does). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/base/log.h"
#include "sql/db.h"

#define CHANNEL "hub \"test\""

/* What a listener told, and who drives it. */
struct watcher {
	struct loop *loop;
	struct db_listener *listener;
	struct db *db;
	struct timer deadline;
	int states, ups, reads;
	char last[64]; /* the last payload */
	bool late;
};

/* Counts uses of a descriptor that is closed already: with more threads the
 * number would be another's. libevent calls this one. */
static int stale;

int
epoll_ctl(int ep, int op, int fd, struct epoll_event *event)
{
	int rc = (int)syscall(SYS_epoll_ctl, ep, op, fd, event);

	stale += rc != 0 && errno == EBADF;
	return (rc);
}

static const char *
database(void)
{
	const char *conninfo = getenv("HUB_DATABASE");

	if (conninfo == NULL)
		skip();
	return (conninfo);
}

static struct db *
open_db(void)
{
	struct db *db = NULL;
	struct buf why;

	buf_init(&why, 1024);
	if (db_open(database(), &db, &why) != HUB_OK)
		fail_msg("%s", buf_cstr(&why));
	buf_clear(&why);
	return (db);
}

static void
on_late(void *arg)
{
	struct watcher *w = arg;

	w->late = true;
	loop_stop(w->loop);
}

static void
on_state(bool up, void *arg)
{
	struct watcher *w = arg;

	w->states++;
	w->ups += up;
	if (!up)
		loop_stop(w->loop);
}

static void
run_sql(struct watcher *w, const char *sql)
{
	assert_int_equal(db_exec(w->db, sql, 0, NULL, NULL), HUB_OK);
}

/* Reads the state: sends one notification, then has its session killed;
 * after the second connect it stops. */
static void
on_notify(const char *payload, void *arg)
{
	struct watcher *w = arg;

	if (payload != NULL) {
		(void)snprintf(w->last, sizeof(w->last), "%s", payload);
		run_sql(w, "SELECT pg_terminate_backend(pid) FROM "
			   "pg_stat_activity WHERE query LIKE 'LISTEN%'");
		return;
	}
	if (++w->reads == 1)
		run_sql(w, "SELECT pg_notify('" CHANNEL "', '7:3')");
	else
		loop_stop(w->loop);
}

static void
watcher_init(struct watcher *w, const char *conninfo,
    void (*notify)(const char *, void *), int64_t ms)
{
	*w = (struct watcher){ .loop = loop_new() };
	timer_init(&w->deadline, w->loop, on_late, w);
	timer_set(&w->deadline, ms);
	w->listener = db_listener_new(w->loop, conninfo, CHANNEL, notify,
	    on_state, w);
}

static void
watcher_clear(struct watcher *w)
{
	db_listener_free(w->listener);
	timer_clear(&w->deadline);
	loop_free(w->loop);
	db_close(w->db);
}

static void
listener_comes_back_after_its_session_was_killed(void **state HUB_UNUSED)
{
	const char *conninfo = database();
	struct watcher w;

	stale = 0;
	watcher_init(&w, conninfo, on_notify, 20000);
	w.db = open_db();
	loop_run(w.loop); /* up, notified, killed */
	assert_string_equal(w.last, "7:3");
	assert_int_equal(w.states, 2);
	loop_run(w.loop); /* up again */
	assert_false(w.late);
	assert_int_equal(w.reads, 2);
	assert_int_equal(w.ups, 2);
	watcher_clear(&w);
	assert_int_equal(stale, 0);
}

static void
listener_tells_once_that_nobody_answers(void **state HUB_UNUSED)
{
	struct watcher w;

	watcher_init(&w, "host=/nonexistent dbname=x", on_notify, 2000);
	assert_int_equal(w.states, 0); /* never before it returned */
	loop_run(w.loop);
	assert_int_equal(w.states, 1);
	loop_run(w.loop); /* a second attempt tells nothing new */
	assert_true(w.late);
	assert_int_equal(w.states, 1);
	assert_int_equal(w.ups, 0);
	watcher_clear(&w);
}

static void
on_state_free(bool up HUB_UNUSED, void *arg)
{
	struct watcher *w = arg;

	db_listener_free(w->listener);
	w->listener = NULL;
	loop_stop(w->loop);
}

static void
listener_may_be_freed_in_its_callback(void **state HUB_UNUSED)
{
	struct watcher w = { .loop = loop_new() };

	w.listener = db_listener_new(w.loop, "host=/nonexistent", CHANNEL,
	    on_notify, on_state_free, &w);
	loop_run(w.loop);
	assert_null(w.listener);
	loop_free(w.loop);
}

static void
on_notify_nothing(const char *payload HUB_UNUSED, void *arg HUB_UNUSED)
{
}

/* PostgreSQL's protocol 3.0: welcome, LISTEN is done, then a message that is
 * none and says that it is long; stays until the other side has gone. */
static int
talk_nonsense(int fd)
{
	static const char welcome[] = "R\0\0\0\10\0\0\0\0Z\0\0\0\5I";
	static const char rest[] = "C\0\0\0\13LISTEN\0Z\0\0\0\5I"
				   "x\177\377\377\377";
	char in[1024];

	(void)alarm(20);
	if (read(fd, in, sizeof(in)) <= 0 ||
	    write(fd, welcome, sizeof(welcome) - 1) < 0 ||
	    read(fd, in, sizeof(in)) <= 0 ||
	    write(fd, rest, sizeof(rest) - 1) < 0)
		return (1);
	while (read(fd, in, sizeof(in)) > 0)
		continue;
	return (0);
}

static void
listener_leaves_a_server_that_talks_nonsense(void **state HUB_UNUSED)
{
	char folder[] = "/tmp/hubdb.XXXXXX", conninfo[128];
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct watcher w;
	int fd, status = 1;
	pid_t child;

	assert_non_null(mkdtemp(folder));
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s/.s.PGSQL.5432",
	    folder);
	(void)snprintf(conninfo, sizeof(conninfo), "host=%s port=5432 "
	    "dbname=x user=x gssencmode=disable", folder);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 1), 0);
	child = fork();
	if (child == 0)
		_exit(talk_nonsense(accept(fd, NULL, NULL)));
	watcher_init(&w, conninfo, on_notify_nothing, 10000);
	loop_run(w.loop); /* up, then away */
	assert_false(w.late);
	assert_int_equal(w.ups, 1);
	assert_int_equal(w.states, 2);
	watcher_clear(&w);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	(void)close(fd);
	(void)unlink(at.sun_path);
	(void)rmdir(folder);
}

static void
says_why_a_database_cannot_be_reached(void **state HUB_UNUSED)
{
	static const char *const bad[] = { "host=/nonexistent dbname=x",
		"no such=", "postgresql://[" };
	struct db *db = NULL;
	struct buf why;

	buf_init(&why, 1024);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		buf_reset(&why);
		assert_int_equal(db_open(bad[i], &db, &why), HUB_EIO);
		assert_null(db);
		assert_true(why.len > 0);
		assert_null(memchr(why.p, '\n', why.len));
	}
	buf_clear(&why);
}

static void
maps_sqlstates_to_errors(void **state HUB_UNUSED)
{
	static const struct {
		const char *sql;
		enum hub_err err;
	} cases[] = {
		{ "SELECT 1", HUB_OK },
		{ "SELEC 1", HUB_EIO },
		{ "SELECT 1/0", HUB_EIO },
		{ "INSERT INTO t VALUES (1)", HUB_ECONFLICT },
		{ "DO $$BEGIN RAISE SQLSTATE '40001'; END$$", HUB_ECONFLICT },
		{ "DO $$BEGIN RAISE SQLSTATE '40P01'; END$$", HUB_ECONFLICT },
		{ "DO $$BEGIN RAISE SQLSTATE '42501'; END$$", HUB_EDENIED },
		{ "SELECT 1; SELECT 2", HUB_EIO }, /* one statement only */
	};
	struct db *db = open_db();

	assert_int_equal(db_exec(db, "CREATE TEMP TABLE t AS SELECT 1 AS a", 0,
			     NULL, NULL),
	    HUB_OK);
	assert_int_equal(db_exec(db, "CREATE UNIQUE INDEX ON t (a)", 0, NULL,
			     NULL),
	    HUB_OK);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(db_exec(db, cases[i].sql, 0, NULL, NULL),
		    cases[i].err);
		if (cases[i].err != HUB_OK)
			assert_true(strlen(db_why(db)) > 0);
	}
	db_close(db);
}

static void
commit_of_a_failed_transaction_is_no_success(void **state HUB_UNUSED)
{
	struct db *db = open_db();

	assert_int_equal(db_begin(db), HUB_OK);
	assert_int_equal(db_exec(db, "SELECT 1/0", 0, NULL, NULL), HUB_EIO);
	assert_int_not_equal(db_commit(db), HUB_OK);
	assert_int_equal(db_begin(db), HUB_OK);
	assert_int_equal(db_commit(db), HUB_OK);
	db_close(db);
}

static void
reads_whole_numbers(void **state HUB_UNUSED)
{
	static const enum hub_err want[] = { HUB_OK, HUB_OK, HUB_ESYNTAX,
		HUB_ESYNTAX, HUB_ERANGE, HUB_ESYNTAX };
	struct db *db = open_db();
	PGresult *res = NULL;
	int64_t n = 0;

	assert_int_equal(db_exec(db, "SELECT 7, -9223372036854775808, NULL, "
	    "'', 9223372036854775808, 'x'", 0, NULL, &res), HUB_OK);
	for (int col = 0; col < 6; col++)
		assert_int_equal(db_int(res, 0, col, &n), want[col]);
	assert_int_equal(db_int(res, 0, 0, &n), HUB_OK);
	assert_true(n == 7);
	assert_int_equal(db_int(res, 0, 1, &n), HUB_OK);
	assert_true(n == INT64_MIN);
	PQclear(res);
	db_close(db);
}

static void
passes_parameters_and_null(void **state HUB_UNUSED)
{
	const char *params[] = { "it's; \"x\"", NULL };
	struct db *db = open_db();
	PGresult *res = NULL;

	assert_int_equal(db_exec(db, "SELECT $1::text, $2::text", 2, params,
			     &res),
	    HUB_OK);
	assert_string_equal(PQgetvalue(res, 0, 0), params[0]);
	assert_true(PQgetisnull(res, 0, 1));
	PQclear(res);
	db_close(db);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_why_a_database_cannot_be_reached),
		cmocka_unit_test(maps_sqlstates_to_errors),
		cmocka_unit_test(commit_of_a_failed_transaction_is_no_success),
		cmocka_unit_test(reads_whole_numbers),
		cmocka_unit_test(passes_parameters_and_null),
		cmocka_unit_test(listener_tells_once_that_nobody_answers),
		cmocka_unit_test(listener_may_be_freed_in_its_callback),
		cmocka_unit_test(listener_leaves_a_server_that_talks_nonsense),
		cmocka_unit_test(
		    listener_comes_back_after_its_session_was_killed),
	};

	log_set_level(LOG_ERR);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}

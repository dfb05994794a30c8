/* sql/db_listener.c - LISTEN on an event loop; db.h says what it promises. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "sql/db.h"

#include "server/base/hash.h"
#include "server/base/log.h"

#define CONNECT_MS  5000
#define RETRY_MIN_MS 1000
#define RETRY_MAX_MS 30000

enum listener_state {
	LISTENER_AWAY,	     /* the timer starts the next attempt */
	LISTENER_CONNECTING, /* PQconnectPoll; the timer gives up */
	LISTENER_ASKING,     /* LISTEN sent, no answer yet; likewise */
	LISTENER_UP
};

struct db_listener {
	struct loop *loop;
	char *conninfo, *channel;
	void (*on_notify)(const char *, void *);
	void (*on_state)(bool, void *);
	void *arg;
	PGconn *pg;
	enum listener_state state;
	struct watch watch;
	int fd; /* what is watched, our own; -1: nothing */
	struct timer timer;
	int64_t retry_ms; /* what the next wait is made from */
	bool told, up;	  /* what on_state was told last, if anything */
	bool *freed;	  /* set when freed inside a callback */
};

static void on_timer(void *);
static void on_ready(int fd, int what, void *);
static void start(struct db_listener *);
static void proceed(struct db_listener *);
static void ask(struct db_listener *);
static void receive(struct db_listener *);
static bool attend(struct db_listener *, int what);
static void ignore(struct db_listener *);
static void lose(struct db_listener *, const char *phrase);
static void disconnect(struct db_listener *);

struct db_listener *
db_listener_new(struct loop *loop, const char *conninfo, const char *channel,
    void (*on_notify)(const char *, void *), void (*on_state)(bool, void *),
    void *arg)
{
	struct db_listener *l = xcalloc(1, sizeof(*l));

	l->loop = loop;
	l->conninfo = xstrdup(conninfo);
	l->channel = xstrdup(channel);
	l->on_notify = on_notify;
	l->on_state = on_state;
	l->arg = arg;
	l->fd = -1;
	l->retry_ms = RETRY_MIN_MS;
	timer_init(&l->timer, loop, on_timer, l);
	timer_set(&l->timer, 0);
	return (l);
}

void
db_listener_free(struct db_listener *l)
{
	if (l == NULL)
		return;
	if (l->freed != NULL)
		*l->freed = true;
	timer_clear(&l->timer);
	disconnect(l);
	free(l->channel);
	free(l->conninfo);
	free(l);
}

static void
on_timer(void *arg)
{
	struct db_listener *l = arg;

	if (l->state == LISTENER_AWAY)
		start(l);
	else
		lose(l, "database listener: no connection in time");
}

static void
on_ready(int fd HUB_UNUSED, int what HUB_UNUSED, void *arg)
{
	struct db_listener *l = arg;

	if (l->state == LISTENER_CONNECTING)
		proceed(l);
	else
		receive(l);
}

/* true: the callback has freed the listener. */
static bool
tell_state(struct db_listener *l, bool up)
{
	bool freed = false;

	if (l->told && l->up == up)
		return (false);
	l->told = true;
	l->up = up;
	/* Points here during the call only. */
	/* cppcheck-suppress autoVariables */
	l->freed = &freed;
	l->on_state(up, l->arg);
	if (!freed)
		l->freed = NULL;
	return (freed);
}

static bool
tell_notify(struct db_listener *l, const char *payload)
{
	bool freed = false;

	/* Points here during the call only. */
	/* cppcheck-suppress autoVariables */
	l->freed = &freed;
	l->on_notify(payload, l->arg);
	if (!freed)
		l->freed = NULL;
	return (freed);
}

static void
on_notice(void *arg HUB_UNUSED, const char *message)
{
	log_debug("database listener: notice", "text=\"%s\"", message);
}

/* A host name is looked up by libpq itself, and that waits: name a socket
 * or an address (hostaddr), or let the one loop with no requests on it wait. */
static void
start(struct db_listener *l)
{
	/* A silent peer is found by TCP: 30 s idle, then three probes. */
	static const char *const keys[] = { "fallback_application_name",
		"keepalives_idle", "keepalives_interval", "keepalives_count",
		"dbname", "client_encoding", NULL };
	const char *const values[] = { program_invocation_short_name, "30",
		"5", "3", l->conninfo, "UTF8", NULL };

	l->pg = PQconnectStartParams(keys, values, 1);
	if (l->pg == NULL || PQstatus(l->pg) == CONNECTION_BAD ||
	    !attend(l, LOOP_WRITE)) {
		lose(l, "database listener: cannot connect");
		return;
	}
	(void)PQsetNoticeProcessor(l->pg, on_notice, NULL);
	l->state = LISTENER_CONNECTING;
	timer_set(&l->timer, CONNECT_MS);
}

static void
proceed(struct db_listener *l)
{
	PostgresPollingStatusType next;

	/* The poll may close its descriptor and open another. */
	ignore(l);
	next = PQconnectPoll(l->pg);
	if (next == PGRES_POLLING_FAILED ||
	    !attend(l, next == PGRES_POLLING_WRITING ? LOOP_WRITE :
						       LOOP_READ))
		lose(l, "database listener: cannot connect");
	else if (next == PGRES_POLLING_OK)
		ask(l);
}

static void
ask(struct db_listener *l)
{
	struct buf sql;
	char *name = PQescapeIdentifier(l->pg, l->channel, strlen(l->channel));
	bool sent = false;

	buf_init(&sql, 256);
	if (name != NULL && PQsetnonblocking(l->pg, 1) == 0) {
		buf_addf(&sql, "LISTEN %s", name);
		sent = !sql.failed && PQsendQuery(l->pg, buf_cstr(&sql)) == 1;
	}
	buf_clear(&sql);
	PQfreemem(name);
	if (!sent) {
		lose(l, "database listener: cannot listen");
		return;
	}
	l->state = LISTENER_ASKING;
	receive(l);
}

/* The answer to LISTEN; true when the listener is gone or down. */
static bool
answered(struct db_listener *l)
{
	PGresult *res = PQgetResult(l->pg);
	bool ok = PQresultStatus(res) == PGRES_COMMAND_OK;

	PQclear(res);
	if (!ok) {
		lose(l, "database listener: cannot listen");
		return (true);
	}
	l->state = LISTENER_UP;
	l->retry_ms = RETRY_MIN_MS;
	timer_clear(&l->timer);
	log_info("database listener: connected", "channel=%s", l->channel);
	return (tell_state(l, true) || tell_notify(l, NULL));
}

static bool
notified(struct db_listener *l)
{
	PGnotify *note;
	bool freed = false;

	while (!freed && (note = PQnotifies(l->pg)) != NULL) {
		if (strcmp(note->relname, l->channel) == 0)
			freed = tell_notify(l, note->extra);
		PQfreemem(note);
	}
	return (freed);
}

static void
receive(struct db_listener *l)
{
	int left = PQflush(l->pg);

	if (left < 0 || PQconsumeInput(l->pg) == 0) {
		lose(l, "database listener: connection lost");
		return;
	}
	watch_set(&l->watch, left > 0 ? LOOP_READ | LOOP_WRITE : LOOP_READ);
	while (!PQisBusy(l->pg)) {
		if (l->state == LISTENER_ASKING) {
			if (answered(l))
				return;
			continue;
		}
		/* No result is left between statements: then NULL comes. */
		PGresult *res = PQgetResult(l->pg);

		if (res == NULL)
			break;
		PQclear(res);
	}
	/* What it could not read has ended it, too. */
	if (PQstatus(l->pg) == CONNECTION_BAD)
		lose(l, "database listener: connection lost");
	else if (l->state == LISTENER_UP)
		(void)notified(l);
}

/* At least the wait, at most a quarter more, so that many hubs do not come
 * back in one instant; the wait doubles up to half a minute. */
static void
lose(struct db_listener *l, const char *phrase)
{
	uint32_t dice;
	int64_t ms = l->retry_ms;
	const char *why = l->pg != NULL ? PQerrorMessage(l->pg) : "";

	random_bytes(&dice, sizeof(dice));
	ms += (int64_t)dice % (ms / 4 + 1);
	if (ms > RETRY_MAX_MS)
		ms = RETRY_MAX_MS;
	log_warn(phrase, "retry_ms=%d why=\"%.*s\"", (int)ms,
	    (int)strcspn(why, "\r\n"), why);
	disconnect(l);
	l->state = LISTENER_AWAY;
	l->retry_ms *= 2;
	if (l->retry_ms > RETRY_MAX_MS)
		l->retry_ms = RETRY_MAX_MS;
	timer_set(&l->timer, ms);
	(void)tell_state(l, false);
}

/* A descriptor of our own is watched: libpq closes its socket as soon as the
 * connection breaks, and before the watch was taken off another thread could
 * have a file of that number. */
static bool
attend(struct db_listener *l, int what)
{
	l->fd = fcntl(PQsocket(l->pg), F_DUPFD_CLOEXEC, 0);
	if (l->fd < 0)
		return (false);
	watch_init(&l->watch, l->loop, l->fd, on_ready, l);
	watch_set(&l->watch, what);
	return (true);
}

static void
ignore(struct db_listener *l)
{
	watch_clear(&l->watch);
	if (l->fd >= 0)
		(void)close(l->fd);
	l->fd = -1;
}

static void
disconnect(struct db_listener *l)
{
	ignore(l);
	PQfinish(l->pg);
	l->pg = NULL;
}

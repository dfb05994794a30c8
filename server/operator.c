/* server/operator.c - the control socket; operator.h says what it promises. */
#include "server/operator.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <config.h>
#include "server/base/log.h"

#define SESSIONS_MAX 16
#define LINE_BYTES   128
#define GROUPS_MAX   1024
#define PATIENCE_MS  5000
#define PAUSE_MS     250
#define ANSWER_BYTES ((size_t)16 << 20)
#define NO_GROUP     ((gid_t)-1)

struct session {
	struct operator *op; /* NULL: unused */
	struct watch watch;
	struct timer timer;
	int fd;
	size_t len, sent;
	char line[LINE_BYTES];
	bool answered; /* the line is there, and this is the answer: */
	struct buf answer;
};

struct operator {
	struct loop *loop;
	struct control *control;
	const char *name, *path;
	struct operator_calls calls;
	gid_t group;
	int fd;
	struct watch watch;
	struct timer pause;
	struct session sessions[SESSIONS_MAX];
};

/* ---- commands */

static void
fail(struct buf *b, const char *kind, struct str detail)
{
	buf_addf(b, "{\"error\":\"%s\",\"detail\":", kind);
	buf_add_json(b, detail);
	buf_addc(b, '}');
}

static void
tell_sources(struct operator *op, const struct snapshot *s, struct buf *b)
{
	const struct metrics *m = control_metrics(op->control);
	int64_t now = clock_mono().us;

	for (unsigned i = 0; s != NULL && i < s->region->nsources; i++) {
		const struct region_source *src = &s->region->sources[i];
		unsigned slot = s->source_slots[i];

		buf_adds(b, i > 0 ? STR(",{\"name\":") : STR("{\"name\":"));
		buf_add_json(b, src->name);
		buf_addf(b, ",\"paused\":%s}", slot != 0 &&
			metrics_is_open(m, slot, now) ? "true" : "false");
	}
}

static void
tell_workers(const struct metrics *m, struct buf *b)
{
	for (unsigned i = 0; i < m->nworkers; i++)
		buf_addf(b, "%s{\"connections\":%u,\"open\":%lu,"
		    "\"answered\":%lu}", i > 0 ? "," : "",
		    atomic_load(&m->workers[i].connections),
		    atomic_load(&m->workers[i].open),
		    atomic_load(&m->workers[i].requests));
}

static const char *const level_names[] = { "err", "warn", "info", "debug" };

static const char *
truth(bool b)
{
	return (b ? "true" : "false");
}

static void
tell_ledger(const struct control_state *st, struct buf *b)
{
	buf_addf(b, "\"spool\":{\"bytes\":%" PRIu64 ",\"size\":%" PRIu64
	    ",\"level\":\"%s\",\"failed\":%s,\"damaged\":%" PRIu64
	    ",\"sync-failures\":%" PRIu64 ",\"clock-odd\":%s},\"ledger\":{\"up\":%s,\"loaded\":%" PRIu64
	    ",\"conflicts\":%" PRIu64 ",\"lag\":%" PRId64
	    ",\"restored\":%" PRIu64 ",\"estimates\":%" PRIu64
	    ",\"digest\":%" PRId64 ",\"digest-signed\":%s},",
	    st->spool.bytes_used, st->spool.bytes_max,
	    spool_level_name(st->spool.level), truth(st->spool.failed),
	    st->spool.quarantined, st->spool.sync_failures,
	    truth(st->spool.clock_odd),
	    truth(st->loader.up), st->loader.loaded, st->loader.conflicts,
	    st->lag_us / 1000000, st->loader.restored,
	    (uint64_t)st->estimates,
	    st->digest_us < 0 ? st->digest_us : st->digest_us / 1000000,
	    truth(st->loader.digest_signed));
}

static void
run_status(struct operator *op, struct str word HUB_UNUSED,
    bool dry HUB_UNUSED, struct buf *b)
{
	struct control_state st;

	control_state(op->control, &st);
	BUF_LIT(b, "{\"ok\":true,\"version\":\"" PACKAGE_VERSION
	    "\",\"name\":");
	buf_add_json(b, str_of(op->name));
	buf_addf(b, ",\"pid\":%ld,\"uptime\":%" PRId64 ",\"ready\":%s,"
	    "\"draining\":%s,\"database\":%s,\"log-level\":\"%s\","
	    "\"bundle\":%" PRId64 ",\"policy-age\":%" PRId64
	    ",\"keys-missing\":%u,\"tokens-missing\":%u,", (long)getpid(),
	    (clock_wall().us - st.began.us) / 1000000, truth(st.ready),
	    truth(st.draining), truth(st.db_up),
	    level_names[log_get_level()], st.bundle, st.age_ms / 1000,
	    st.keys_missing, st.tokens_missing);
	tell_ledger(&st, b);
	BUF_LIT(b, "\"workers\":[");
	tell_workers(control_metrics(op->control), b);
	BUF_LIT(b, "],\"sources\":[");
	tell_sources(op, st.snapshot, b);
	BUF_LIT(b, "]}");
}

static void
run_reload(struct operator *op, struct str word HUB_UNUSED, bool dry,
    struct buf *b)
{
	struct buf why;

	buf_init(&why, 65536);
	if (op->calls.reload(op->calls.arg, dry, &why)) {
		BUF_LIT(b, "{\"ok\":true,\"detail\":");
		buf_add_json(b, buf_str(&why));
		buf_addc(b, '}');
	} else
		fail(b, "failed", buf_str(&why));
	buf_clear(&why);
}

/* A second one changes nothing: who is in a hurry has signals (hubd(8)). */
static void
run_drain(struct operator *op, struct str word HUB_UNUSED, bool dry,
    struct buf *b)
{
	const struct metrics *m = control_metrics(op->control);
	unsigned long open = 0;
	int ms = 0;
	bool first = op->calls.drain(op->calls.arg, dry, &ms);

	for (unsigned i = 0; i < m->nworkers; i++)
		open += atomic_load(&m->workers[i].open);
	buf_addf(b, "{\"ok\":true,\"already\":%s,\"open\":%lu,\"within\":%d}",
	    truth(!first), open, ms);
}

static void
run_level(struct operator *op HUB_UNUSED, struct str word, bool dry,
    struct buf *b)
{
	for (unsigned i = 0; i < 4; i++)
		if (str_eq(word, str_of(level_names[i]))) {
			buf_addf(b, "{\"ok\":true,\"from\":\"%s\"}",
			    level_names[log_get_level()]);
			if (dry)
				return;
			log_info("log level changed", "to=%s", level_names[i]);
			log_set_level((enum log_level)i);
			return;
		}
	fail(b, "usage", STR("levels are err, warn, info and debug"));
}

static const struct command {
	const char *name;
	bool takes_word, takes_dry;
	void (*run)(struct operator *, struct str word, bool dry, struct buf *);
} commands[] = {
	{ "status", false, false, run_status },
	{ "reload", false, true, run_reload },
	{ "drain", false, true, run_drain },
	{ "log-level", true, true, run_level },
};

static void
run_line(struct operator *op, struct str line, struct buf *b)
{
	bool dry = str_suffix(line, STR(" dry-run")), has_word;
	struct str name;

	if (dry)
		line.len -= sizeof(" dry-run") - 1;
	name = (struct str){ line.p, str_chr(line, ' ') };
	has_word = name.len < line.len;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (str_eq(name, str_of(commands[i].name)) &&
		    commands[i].takes_word == has_word &&
		    (commands[i].takes_dry || !dry)) {
			commands[i].run(op, has_word ?
				str_from(line, name.len + 1) : STR_NONE, dry, b);
			return;
		}
	fail(b, "usage", STR("no such command"));
}

/* ---- who asks */

static bool
in_group(int fd, gid_t group)
{
	gid_t groups[GROUPS_MAX];
	socklen_t len = sizeof(groups);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) != 0)
		return (false);
	for (size_t i = 0; i < len / sizeof(groups[0]); i++)
		if (groups[i] == group)
			return (true);
	return (false);
}

static bool
is_allowed(const struct operator *op, int fd)
{
	struct ucred who = { .uid = (uid_t)-1, .gid = NO_GROUP };
	socklen_t len = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0)
		return (false);
	if (who.uid == 0 || who.uid == geteuid())
		return (true);
	if (op->group != NO_GROUP &&
	    (who.gid == op->group || in_group(fd, op->group)))
		return (true);
	log_warn("control: refused", "uid=%u", (unsigned)who.uid);
	return (false);
}

/* ---- sessions */

static void
session_end(struct session *s)
{
	watch_clear(&s->watch);
	timer_clear(&s->timer);
	(void)close(s->fd);
	buf_clear(&s->answer);
	*s = (struct session){ .fd = -1 };
}

static void
session_write(struct session *s)
{
	ssize_t n = send(s->fd, s->answer.p + s->sent,
	    s->answer.len - s->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		session_end(s);
		return;
	}
	if (n > 0)
		s->sent += (size_t)n;
	if (s->sent == s->answer.len)
		session_end(s);
	else
		watch_set(&s->watch, LOOP_WRITE);
}

/* Begins to send what was put into s->answer. */
static void
session_answer(struct session *s)
{
	s->answered = true;
	if (s->answer.failed)
		session_end(s);
	else
		session_write(s);
}

static void
session_refuse(struct session *s, const char *kind, struct str detail)
{
	fail(&s->answer, kind, detail);
	session_answer(s);
}

static void
session_read(struct session *s)
{
	ssize_t n = recv(s->fd, s->line + s->len, sizeof(s->line) - s->len,
	    MSG_DONTWAIT);
	struct str line;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		session_end(s);
		return;
	}
	s->len += (size_t)n;
	line = (struct str){ s->line, s->len };
	line.len = str_chr(line, '\n');
	/* Nothing follows the one line. */
	if (line.len + 1 == s->len) {
		run_line(s->op, line, &s->answer);
		session_answer(s);
	} else if (line.len < s->len || s->len == sizeof(s->line))
		session_refuse(s, "usage", STR("not one line"));
}

static void
on_session(int fd HUB_UNUSED, int what HUB_UNUSED, void *arg)
{
	struct session *s = arg;

	if (s->answered)
		session_write(s);
	else
		session_read(s);
}

static void
on_late(void *arg)
{
	session_end(arg);
}

static struct session *
session_free_one(struct operator *op)
{
	for (unsigned i = 0; i < SESSIONS_MAX; i++)
		if (op->sessions[i].op == NULL)
			return (&op->sessions[i]);
	return (NULL);
}

static void
on_pause(void *arg)
{
	struct operator *op = arg;

	watch_set(&op->watch, LOOP_READ);
}

static void
on_connect(int fd, int what HUB_UNUSED, void *arg)
{
	struct operator *op = arg;
	int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct session *s = session_free_one(op);

	if (client < 0) {
		/* Without a descriptor to take it who waits goes on waiting:
		 * without a pause the loop would spin. */
		watch_set(&op->watch, 0);
		timer_set(&op->pause, PAUSE_MS);
		return;
	}
	if (s == NULL) {
		(void)close(client);
		return;
	}
	*s = (struct session){ .op = op, .fd = client };
	buf_init(&s->answer, ANSWER_BYTES);
	watch_init(&s->watch, op->loop, client, on_session, s);
	timer_init(&s->timer, op->loop, on_late, s);
	timer_set(&s->timer, PATIENCE_MS);
	if (is_allowed(op, client))
		watch_set(&s->watch, LOOP_READ);
	else
		session_refuse(s, "denied", STR("only root, the hub's own user "
			"and members of control-group may"));
}

/* ---- life */

static enum hub_err
find_group(const struct config *c, gid_t *group_r, struct buf *why)
{
	const struct group *g;

	*group_r = NO_GROUP;
	if (c->control_group == NULL)
		return (HUB_OK);
	g = getgrnam(c->control_group);
	if (g == NULL) {
		buf_addf(why, "control-group: there is no '%s'\n",
		    c->control_group);
		return (HUB_ENOENT);
	}
	*group_r = g->gr_gid;
	return (HUB_OK);
}

/* Its owner is who the process will be, so that it can be taken away. */
static bool
hand_over(const struct config *c, gid_t group)
{
	const struct passwd *pw = c->user != NULL && geteuid() == 0 ?
	    getpwnam(c->user) : NULL;
	uid_t owner = pw != NULL ? pw->pw_uid : (uid_t)-1;

	if (owner == (uid_t)-1 && group == NO_GROUP)
		return (true);
	return (chown(c->control, owner, group) == 0 &&
	    (group == NO_GROUP || chmod(c->control, 0660) == 0));
}

enum hub_err
operator_listen(const struct config *c, int *fd_r, struct buf *why)
{
	enum hub_err err;
	struct buf address;
	uint16_t port;
	mode_t mask;
	gid_t group;

	*fd_r = -1;
	if (c->control == NULL)
		return (HUB_OK);
	err = find_group(c, &group, why);
	if (err != HUB_OK)
		return (err);
	buf_init(&address, 65536);
	buf_addf(&address, "unix:%s", c->control);
	mask = umask(0177);
	err = http_listen(buf_str(&address), fd_r, &port);
	(void)umask(mask);
	buf_clear(&address);
	if (err != HUB_OK || !hand_over(c, group)) {
		buf_addf(why, "control: cannot listen on %s: %s\n", c->control,
		    strerror(errno));
		if (err == HUB_OK)
			(void)close(*fd_r);
		*fd_r = -1;
		return (HUB_EIO);
	}
	return (HUB_OK);
}

struct operator *
operator_new(struct loop *loop, int fd, const struct config *c,
    struct control *control, const struct operator_calls *calls)
{
	struct operator *op;
	struct buf why;

	if (fd < 0)
		return (NULL);
	op = xcalloc(1, sizeof(*op));
	op->loop = loop;
	op->control = control;
	op->calls = *calls;
	op->fd = fd;
	op->name = strndup(c->name.p, c->name.len);
	op->path = xstrdup(c->control);
	buf_init(&why, 4096);
	if (find_group(c, &op->group, &why) != HUB_OK)
		op->group = NO_GROUP; /* it has gone since: nobody's */
	buf_clear(&why);
	watch_init(&op->watch, loop, fd, on_connect, op);
	watch_set(&op->watch, LOOP_READ);
	timer_init(&op->pause, loop, on_pause, op);
	return (op);
}

void
operator_free(struct operator *op)
{
	if (op == NULL)
		return;
	for (unsigned i = 0; i < SESSIONS_MAX; i++)
		if (op->sessions[i].op != NULL)
			session_end(&op->sessions[i]);
	watch_clear(&op->watch);
	timer_clear(&op->pause);
	(void)close(op->fd);
	(void)unlink(op->path);
	free((void *)(uintptr_t)op->name);
	free((void *)(uintptr_t)op->path);
	free(op);
}

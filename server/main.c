/* server/main.c - hubd(8): options, privileges, wiring, signals, the end. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <malloc.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <config.h>
#include "server/admin.h"
#include "server/base/log.h"
#include "server/base/log_queue.h"
#include "server/control.h"
#include "server/decision_log.h"
#include "server/denials.h"
#include "server/persons.h"
#include "server/reports.h"
#include "server/entity_map.h"
#include "server/operator.h"
#include "server/systemd.h"
#include "server/net/crowd.h"
#include "server/ledger/estimate.h"
#include "tenants/replay.h"

/* sysexits(3), as interfaces.md lists them. */
enum {
	EXIT_USAGE = 64,
	EXIT_UNAVAILABLE = 69,
	EXIT_IO = 74,
	EXIT_CONFIG = 78
};

/* Between two looks for entity maps that have expired. */
#define SWEEP_MS 10000

/* Workers beat once a second: a watchdog that is quicker is told that the
 * control loop lives, no more. */
#define WATCHDOG_MIN_MS 4000

/* Proofs of possession kept in mind: some 6,000 a second (replay.h). */
#define PROOFS_MAX (1U << 20)

struct hub_tls {
	struct tls_server *public_, *admin; /* NULL: plain */
};

struct hub {
	struct config *config;
	struct hub_tls tls;
	struct systemd_sockets sockets;
	int control_fd; /* -1: none */
	struct operator *operator;
	struct timer watchdog;
	int watchdog_ms; /* 0: nobody wants to know */
	struct loop *loop;
	struct worker *workers;
	struct spool *spool;
	struct estimates *estimates;
	struct budget memory; /* for what sources send */
	struct loader *loader;
	struct decision_log *decisions; /* NULL: none is kept */
	struct persons *persons; /* NULL: they are not counted */
	struct reports *reports;
	struct control *control;
	struct admin *admin;
	struct entity_maps *maps;
	struct crowd *crowd;
	struct replay *proofs;
	struct timer sweep;
	struct event *signals[5];
	unsigned ended; /* workers */
	bool draining;
};

static void
usage(FILE *to)
{
	(void)fputs("usage: hubd [-c hubd.conf] [-t] [-f]\n"
		    "  -c FILE  the configuration (default " HUB_SYSCONFDIR
		    "/hubd.conf)\n"
		    "  -t       check the configuration and exit (0 or 78)\n"
		    "  -f       stay in the foreground\n"
		    "  --print-config  the settings in force, and where each "
		    "comes from\n"
		    "  --list-settings, --version, --help\n",
	    to);
}

/* ---- before anything runs */

static enum hub_err
load_listener_tls(const struct config *c, const struct config_listen *l,
    const char *title, struct tls_server **tls_r, struct buf *why)
{
	const char *phrase = "";
	enum hub_err err;

	*tls_r = NULL;
	if (l->certificate == NULL)
		return (HUB_OK);
	err = tls_server_new(l->certificate, l->key, l->client_ca, tls_r,
	    &phrase);
	if (err != HUB_OK)
		buf_addf(why, "%s: listen \"%s\": %s\n", c->path, title,
		    phrase);
	else if (l->http2)
		tls_server_offer_h2(*tls_r);
	return (err);
}

/* Of both listeners, or of none. */
static enum hub_err
load_tls(const struct config *c, struct hub_tls *tls, struct buf *why)
{
	enum hub_err err = load_listener_tls(c, &c->public_, "public",
	    &tls->public_, why);

	if (err == HUB_OK)
		err = load_listener_tls(c, &c->admin, "admin", &tls->admin,
		    why);
	if (err != HUB_OK) {
		tls_server_free(tls->public_);
		tls->public_ = NULL;
	}
	return (err);
}

/* Sockets that were handed over, shared by the workers as they come. */
static enum hub_err
take_sockets(const struct hub *h, int *fds, struct buf *why)
{
	const struct systemd_sockets *s = &h->sockets;

	if (s->npublic > h->config->workers) {
		buf_addf(why, "%u sockets handed over as \"public\", and only "
		    "%u workers to serve them\n", s->npublic,
		    h->config->workers);
		return (HUB_ERANGE);
	}
	for (unsigned i = 0; i < h->config->workers; i++) {
		fds[i] = i < s->npublic ? s->public_[i] :
		    fcntl(s->public_[i % s->npublic], F_DUPFD_CLOEXEC, 3);
		if (fds[i] < 0)
			return (HUB_EIO);
	}
	return (HUB_OK);
}

/* One socket per worker on one port (SO_REUSEPORT). */
static enum hub_err
open_sockets(const struct hub *h, int *fds, struct buf *why)
{
	struct str address = h->config->public_.address;
	bool any_port = str_suffix(address, STR(":0"));
	char *text = NULL;
	uint16_t port = 0;
	enum hub_err err = HUB_OK;

	for (unsigned i = 0; i < h->config->workers && err == HUB_OK; i++) {
		if (i == 1 && any_port) { /* the port that worker 0 got */
			if (asprintf(&text, "%.*s%u", (int)address.len - 1,
				address.p, (unsigned)port) < 0)
				abort();
			address = str_of(text);
		}
		err = http_listen(address, &fds[i], &port);
	}
	free(text);
	if (err != HUB_OK)
		buf_addf(why, "listen \"public\": cannot listen on %.*s: %s\n",
		    STR_FMT(h->config->public_.address), strerror(errno));
	return (err);
}

static enum hub_err
bind_all(struct hub *h, int *fds, struct buf *why)
{
	enum hub_err err = systemd_sockets(&h->sockets, h->tls.public_ == NULL,
	    h->tls.admin == NULL, why);
	bool given = h->sockets.npublic > 0;

	if (err == HUB_OK)
		err = given ? take_sockets(h, fds, why) :
			      open_sockets(h, fds, why);
	if (err == HUB_OK)
		err = operator_listen(h->config, &h->control_fd, why);
	if (err == HUB_OK)
		log_info("listening", "port=%u workers=%u tls=%s inherited=%s",
		    (unsigned)http_listen_port(fds[0]), h->config->workers,
		    h->tls.public_ != NULL ? "yes" : "no",
		    given ? "yes" : "no");
	return (err);
}

static enum hub_err
drop_privileges(const char *user, struct buf *why)
{
	const struct passwd *pw;

	if (user == NULL || geteuid() != 0)
		return (HUB_OK);
	pw = getpwnam(user);
	if (pw == NULL) {
		buf_addf(why, "user: there is no '%s'\n", user);
		return (HUB_ENOENT);
	}
	if (setgroups(0, NULL) != 0 || setgid(pw->pw_gid) != 0 ||
	    setuid(pw->pw_uid) != 0 || setuid(0) == 0) {
		buf_addf(why, "user: cannot become '%s'\n", user);
		return (HUB_EDENIED);
	}
	return (HUB_OK);
}

/* A core file would hold tokens, keys and what sources answered (policy.md,
 * L4); a debugger can still be attached. */
static void
forbid_core(void)
{
	struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) != 0)
		log_warn("core files are not forbidden", NULL);
}

static void
raise_files(unsigned connections)
{
	struct rlimit rl;
	rlim_t want = (rlim_t)connections * 2 + 1024;

	if (getrlimit(RLIMIT_NOFILE, &rl) != 0)
		return;
	rl.rlim_cur = want < rl.rlim_max ? want : rl.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &rl);
	if (rl.rlim_cur < want)
		log_warn("fewer descriptors than limits.connections may need",
		    "have=%llu", (unsigned long long)rl.rlim_cur);
}

/* ---- signals */

static void
on_worker_end(void *arg)
{
	struct hub *h = arg;

	if (++h->ended == h->config->workers)
		loop_stop(h->loop);
}

/* The loop goes on while the workers drain: keys may still be waited for, and
 * somebody may ask whether the hub is ready. */
static bool
drain(void *arg, bool dry, int *ms_r)
{
	struct hub *h = arg;

	*ms_r = h->config->drain_ms;
	if (dry || h->draining)
		return (!h->draining);
	for (unsigned i = 0; i < h->config->workers; i++)
		worker_drain(&h->workers[i], h->config->drain_ms);
	h->draining = true;
	if (h->decisions != NULL)
		decision_log_flush(h->decisions);
	control_drain(h->control);
	log_info("draining", NULL);
	systemd_tell("STOPPING=1");
	return (true);
}

/* A second TERM does not wait. */
static void
on_term(void *arg)
{
	struct hub *h = arg;
	int ms;

	if (!drain(h, false, &ms))
		for (unsigned i = 0; i < h->config->workers; i++)
			worker_stop(&h->workers[i]);
}

static void
reopen_logs(struct hub *h)
{
	log_set_format(h->config->log_format);
	if (log_open(h->config->log) != HUB_OK)
		log_err("log file cannot be reopened", NULL);
	if (h->decisions != NULL)
		decision_log_reopen(h->decisions);
}

static void
swap_tls(struct tls_server **at, struct tls_server *fresh)
{
	tls_server_free(*at);
	*at = fresh;
}

static void
say_restart(const struct buf *names, struct buf *why)
{
	if (names->len > 0)
		buf_addf(why, "take effect with a restart only: %.*s\n",
		    (int)names->len, names->p);
}

/* From here on nothing can fail. */
static void
apply(struct hub *h, struct config *fresh, const struct hub_tls *tls,
    struct buf *why)
{
	struct buf names;

	buf_init(&names, 8192);
	config_replace(fresh, h->config, &names);
	h->config = fresh;
	for (unsigned i = 0; i < fresh->workers; i++)
		worker_reload(&h->workers[i], tls->public_, fresh);
	admin_set_tls(h->admin, tls->admin);
	swap_tls(&h->tls.public_, tls->public_);
	swap_tls(&h->tls.admin, tls->admin);
	raise_files(fresh->limits.connections);
	control_reloaded(h->control, fresh);
	if (names.len > 0)
		log_warn("these settings take effect with a restart only",
		    "settings=\"%s\"", buf_cstr(&names));
	say_restart(&names, why);
	buf_clear(&names);
	reopen_logs(h);
	log_info("reloaded", NULL);
}

static void
log_lines(const char *what, struct str why)
{
	struct str line;

	while (why.p != NULL && str_cut(&why, '\n', &line))
		if (line.len > 0)
			log_err(what, "why=\"%.*s\"", STR_FMT(line));
}

/* What a reload would take, or why it would not. Freed by who asked. */
static bool
read_again(const struct hub *h, struct config **fresh, struct hub_tls *tls,
    struct buf *why)
{
	if (config_load(h->config->path, fresh, why) != HUB_OK ||
	    load_tls(*fresh, tls, why) != HUB_OK)
		return (false);
	if ((tls->public_ == NULL) == (h->tls.public_ == NULL) &&
	    (tls->admin == NULL) == (h->tls.admin == NULL))
		return (true);
	buf_addf(why, "%s: a listener gets or loses its certificate with a "
	    "restart only\n", (*fresh)->path);
	return (false);
}

static void
forget(struct config *fresh, const struct hub_tls *tls)
{
	tls_server_free(tls->public_);
	tls_server_free(tls->admin);
	config_free(fresh);
}

static bool
try_reload(const struct hub *h, struct buf *why)
{
	struct config *fresh = NULL;
	struct hub_tls tls = { 0 };
	bool ok = read_again(h, &fresh, &tls, why);
	struct buf names;

	buf_init(&names, 8192);
	if (ok)
		config_compare(fresh, h->config, &names);
	say_restart(&names, why);
	buf_clear(&names);
	forget(fresh, &tls);
	return (ok);
}

/* All or nothing: settings, certificates; then the database is asked for a new
 * bundle, and the files that the region names are read again. */
static bool
reload(void *arg, bool dry, struct buf *why)
{
	struct hub *h = arg;
	struct config *fresh = NULL;
	struct hub_tls tls = { 0 };
	bool ok;

	if (h->draining) {
		BUF_LIT(why, "the hub is about to end\n");
		return (false);
	}
	if (dry)
		return (try_reload(h, why));
	systemd_reloading();
	ok = read_again(h, &fresh, &tls, why);
	if (ok)
		apply(h, fresh, &tls, why);
	else {
		control_reloaded(h->control, NULL);
		log_lines("reload refused, the old configuration stays",
		    buf_str(why));
		forget(fresh, &tls);
	}
	systemd_tell("READY=1");
	return (ok);
}

static void
on_hup(void *arg)
{
	struct buf why;

	buf_init(&why, 65536);
	(void)reload(arg, false, &why);
	buf_clear(&why);
}

static void
on_usr1(void *arg)
{
	reopen_logs(arg);
}

static void
on_usr2(void *arg)
{
	struct hub *h = arg;
	struct str all, line;
	struct buf b;

	buf_init(&b, 65536);
	(void)control_ready(h->control, &b);
	for (unsigned i = 0; i < h->config->workers; i++)
		buf_addf(&b, "worker %u: %lu answered, %lu of them "
			"recalled, %lu open\n", i,
		    atomic_load(&h->workers[i].requests),
		    atomic_load(&h->workers[i].recalled),
		    atomic_load(&h->workers[i].open));
	all = buf_str(&b);
	while (all.p != NULL && str_cut(&all, '\n', &line))
		if (line.len > 0)
			log_info("state", "%.*s", STR_FMT(line));
	buf_clear(&b);
}

/* A loop that hangs ends the process: the manager starts another. A worker that
 * has ended while the hub drains has nothing left to prove. */
static void
on_watchdog(void *arg)
{
	struct hub *h = arg;
	int64_t oldest = loop_now(h->loop).us -
	    (int64_t)h->watchdog_ms * 1000 / 2;
	bool alive = true;

	for (unsigned i = 0; !h->draining && i < h->config->workers; i++)
		alive = alive && (atomic_load(&h->workers[i].beat_us) > oldest ||
		    h->watchdog_ms < WATCHDOG_MIN_MS);
	if (alive)
		systemd_tell("WATCHDOG=1");
	timer_set(&h->watchdog, h->watchdog_ms / 3);
}

/* ---- life */

/* What nobody asks for any more gives its memory back, too. */
static void
on_sweep(void *arg)
{
	struct hub *h = arg;

	entity_maps_sweep(h->maps, loop_wall(h->loop));
	if (h->persons != NULL)
		persons_turn(h->persons, loop_wall(h->loop));
	timer_set(&h->sweep, SWEEP_MS);
}

static enum hub_err
open_decisions(struct hub *h, struct buf *why)
{
	struct decision_log_conf dc = {
		.directory = h->config->decision_directory,
		.keys = h->config->spool_directory,
		.keep_us = h->config->decision_keep_us,
		.size = h->config->decision_size,
		.workers = h->config->workers };
	enum hub_err err;

	if (dc.directory == NULL)
		return (HUB_OK);
	buf_addf(why, "decision-log.directory %s: ", dc.directory);
	err = decision_log_open(&dc, &h->decisions, why);
	buf_addc(why, '\n');
	if (err == HUB_OK)
		buf_reset(why);
	return (err);
}

static void
open_persons(struct hub *h)
{
	const char *folder = h->config->spool_directory;

	if (h->config->count_persons)
		h->persons = persons_open(folder, clock_wall());
	else
		persons_forget(folder);
}

static enum hub_err
start(struct hub *h, int *fds, struct buf *why)
{
	struct spool_conf sc = { .directory = h->config->spool_directory,
		.size = h->config->spool_size,
		.segment = h->config->spool_segment,
		.node_id = (uint16_t)h->config->spool_node,
		.second = h->config->spool_second };
	enum hub_err err;

	buf_addf(why, "spool.directory %s: ", sc.directory);
	err = spool_open(&sc, &h->spool, why);
	buf_addc(why, '\n');
	if (err != HUB_OK)
		return (err);
	buf_reset(why);
	err = open_decisions(h, why);
	if (err != HUB_OK)
		return (err);
	log_queue_start();
	open_persons(h);
	h->memory.max = h->config->memory_max;
	h->loop = loop_new();
	h->estimates = estimates_new();
	h->crowd = crowd_new();
	h->maps = entity_maps_new(h->config->entity_maps_max);
	h->proofs = replay_new(PROOFS_MAX, clock_wall());
	timer_init(&h->sweep, h->loop, on_sweep, h);
	timer_set(&h->sweep, SWEEP_MS);
	h->workers = xcalloc(h->config->workers, sizeof(*h->workers));
	h->loader = loader_start(h->spool, h->config->database);
	h->reports = reports_start(h->config->database);
	/* Workers learn their control before they can be asked anything. */
	for (unsigned i = 0; i < h->config->workers; i++) {
		h->workers[i].index = i;
		h->workers[i].config = h->config;
		h->workers[i].spool = h->spool;
		h->workers[i].estimates = h->estimates;
		h->workers[i].maps = h->maps;
		h->workers[i].proofs = h->proofs;
		h->workers[i].crowd = h->crowd;
		h->workers[i].decisions = h->decisions;
		h->workers[i].persons = h->persons;
		h->workers[i].inherited = h->sockets.npublic > 0;
		h->workers[i].reports = h->reports;
		h->workers[i].memory = &h->memory;
		h->workers[i].tls = tls_server_ref(h->tls.public_);
		h->workers[i].end_loop = h->loop;
		h->workers[i].on_end = on_worker_end;
		h->workers[i].end_arg = h;
	}
	for (unsigned i = 0; i < h->config->workers && err == HUB_OK; i++)
		err = worker_start(&h->workers[i], fds[i]);
	h->control = control_new(h->loop, h->config, h->workers,
	    h->config->workers, h->spool, h->loader);
	if (err == HUB_OK)
		err = admin_new(h->loop, h->config, h->control,
		    h->sockets.admin, h->tls.admin, &h->admin, why);
	h->signals[0] = loop_signal(h->loop, SIGTERM, on_term, h);
	h->signals[1] = loop_signal(h->loop, SIGINT, on_term, h);
	h->signals[2] = loop_signal(h->loop, SIGHUP, on_hup, h);
	h->signals[3] = loop_signal(h->loop, SIGUSR1, on_usr1, h);
	h->signals[4] = loop_signal(h->loop, SIGUSR2, on_usr2, h);
	if (err == HUB_OK)
		h->operator = operator_new(h->loop, h->control_fd, h->config,
		    h->control, &(struct operator_calls){ reload, drain, h });
	h->watchdog_ms = systemd_watchdog_ms();
	timer_init(&h->watchdog, h->loop, on_watchdog, h);
	if (h->watchdog_ms > 0)
		timer_set(&h->watchdog, h->watchdog_ms / 3);
	return (err);
}

/* The order matters: no new work, then the records of the old work to the
 * disk, then into the database as far as it answers. */
static void
stop(struct hub *h)
{
	for (unsigned i = 0; i < h->config->workers; i++)
		worker_join(&h->workers[i]);
	operator_free(h->operator);
	admin_free(h->admin);
	control_free(h->control);
	decision_log_stop_jobs(h->decisions);
	reports_stop(h->reports);
	estimates_write(h->estimates, h->spool, NULL, true);
	loader_stop(h->loader);
	spool_close(h->spool);
	estimates_free(h->estimates);
	for (unsigned i = 0; i < h->config->workers; i++)
		worker_clear(&h->workers[i]);
	decision_log_close(h->decisions);
	persons_free(h->persons);
	log_queue_stop();
	reports_free(h->reports);
	timer_clear(&h->sweep);
	timer_clear(&h->watchdog);
	entity_maps_free(h->maps);
	replay_free(h->proofs);
	crowd_free(h->crowd);
	for (size_t i = 0; i < 5; i++)
		loop_signal_free(h->signals[i]);
	http_client_shutdown(h->loop);
	loop_free(h->loop);
	free(h->workers);
}

static int
fail(const struct buf *why, int code)
{
	(void)fprintf(stderr, "%.*s", (int)why->len,
	    why->p != NULL ? why->p : "");
	return (code);
}

/* Standard error is gone behind daemon(3) where there is a log. */
static int
run(struct hub *h, bool foreground, struct buf *why)
{
	int *fds = xcalloc(h->config->workers, sizeof(*fds)), code = 0;
	struct spool_stats spool = { 0 };

	log_set_format(h->config->log_format);
	if (log_open(h->config->log) != HUB_OK) {
		buf_addf(why, "log: cannot open %s\n", h->config->log);
		code = fail(why, EXIT_CONFIG);
		goto out;
	}
	forbid_core();
	raise_files(h->config->limits.connections);
	if (bind_all(h, fds, why) != HUB_OK ||
	    drop_privileges(h->config->user, why) != HUB_OK) {
		code = fail(why, EXIT_UNAVAILABLE);
		goto out;
	}
	if (h->config->deny_list != NULL &&
	    denials_check(h->config->deny_list, why) != HUB_OK) {
		code = fail(why, EXIT_CONFIG);
		goto out;
	}
	if (!foreground && daemon(1, h->config->log == NULL) != 0) {
		code = EXIT_UNAVAILABLE;
		goto out;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	if (start(h, fds, why) != HUB_OK) {
		/* Threads may run already; the process ends at once. */
		(void)fail(why, EXIT_UNAVAILABLE);
		if (!foreground && h->config->log != NULL)
			log_lines("cannot start", buf_str(why));
		_exit(EXIT_UNAVAILABLE);
	}
	systemd_tell("READY=1");
	loop_run(h->loop);
	spool_stats(h->spool, &spool);
	if (spool.failed)
		code = EXIT_IO;
	stop(h);
	log_info("stopped", NULL);
out:
	free(fds);
	return (code);
}

static int
list_settings(void)
{
	struct buf b;

	buf_init(&b, 65536);
	config_list_settings(&b);
	(void)fwrite(b.p, 1, b.len, stdout);
	buf_clear(&b);
	return (0);
}

static int
print_config(const char *path)
{
	struct buf out, why;
	int code = 0;

	buf_init(&out, 1 << 20);
	buf_init(&why, 65536);
	if (config_print(path, &out, &why) != HUB_OK)
		code = fail(&why, EXIT_CONFIG);
	else if (fwrite(out.p, 1, out.len, stdout) != out.len ||
	    fflush(stdout) != 0)
		code = EXIT_IO;
	buf_clear(&out);
	buf_clear(&why);
	return (code);
}

/* A large answer takes some megabytes and gives them back: glibc would return
 * them to the kernel after each, and fault them in again, page by page, for
 * the next. So each thread keeps some. A block of its own mapping goes back.
 * What is over TRIM_BYTES is returned down to KEEP_BYTES, not all of it: four
 * clients whose answers are merged of 3 x 1000 entities passed the threshold
 * all the time, and 800 page faults doubled what each of them cost. */
#define KEEP_BYTES  (32 << 20)
#define TRIM_BYTES  (48 << 20)
#define MMAP_BYTES  (8 << 20)

static void
keep_memory(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
	(void)mallopt(M_TRIM_THRESHOLD, TRIM_BYTES);
	(void)mallopt(M_TOP_PAD, KEEP_BYTES);
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "list-settings", no_argument, NULL, 'L' },
		{ "print-config", no_argument, NULL, 'P' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
	};
	const char *path = HUB_SYSCONFDIR "/hubd.conf";
	bool test = false, print = false;
	bool foreground = getenv("INVOCATION_ID") != NULL ||
	    getenv("NOTIFY_SOCKET") != NULL;
	struct hub h = { .control_fd = -1, .sockets.admin = -1 };
	struct buf why;
	int opt, code;

	while ((opt = getopt_long(argc, argv, "c:tf", longs, NULL)) != -1)
		switch (opt) {
		case 'c':
			path = optarg;
			break;
		case 't':
			test = true;
			break;
		case 'f':
			foreground = true;
			break;
		case 'P':
			print = true;
			break;
		case 'L':
			return (list_settings());
		case 'V':
			(void)puts(PACKAGE_NAME " " PACKAGE_VERSION);
			return (0);
		case 'h':
			usage(stdout);
			return (0);
		default:
			usage(stderr);
			return (EXIT_USAGE);
		}
	if (optind != argc) {
		usage(stderr);
		return (EXIT_USAGE);
	}
	if (print)
		return (print_config(path));
	keep_memory();
	buf_init(&why, 65536);
	if (config_load(path, &h.config, &why) != HUB_OK ||
	    load_tls(h.config, &h.tls, &why) != HUB_OK)
		code = fail(&why, EXIT_CONFIG);
	else if (test) {
		(void)printf("%s: ok\n", path);
		code = 0;
	} else
		code = run(&h, foreground, &why);
	tls_server_free(h.tls.public_);
	tls_server_free(h.tls.admin);
	config_free(h.config);
	buf_clear(&why);
	return (code);
}

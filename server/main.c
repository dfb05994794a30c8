/* server/main.c - hubd(8): options, privileges, wiring, signals, the end. */
#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <malloc.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <config.h>
#include "server/admin.h"
#include "server/base/log.h"
#include "server/control.h"
#include "server/entity_map.h"
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

/* Proofs of possession kept in mind: some 6,000 a second (replay.h). */
#define PROOFS_MAX (1U << 20)

struct hub {
	struct config *config;
	struct tls_server *tls;
	struct loop *loop;
	struct worker *workers;
	struct spool *spool;
	struct budget memory; /* for what sources send */
	struct loader *loader;
	struct control *control;
	struct admin *admin;
	struct entity_maps *maps;
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
		    "  --list-settings, --version, --help\n",
	    to);
}

/* ---- systemd (sd_notify(3), without its library) */

static void
tell_systemd(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t len = path != NULL ? strlen(path) : 0;
	int fd;

	if (len == 0 || len >= sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, path, len);
	if (to.sun_path[0] == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL,
	    (struct sockaddr *)&to,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	(void)close(fd);
}

/* ---- before anything runs */

static enum hub_err
load_tls(const struct config *c, struct tls_server **tls_r, struct buf *why)
{
	const char *phrase = "";
	enum hub_err err;

	*tls_r = NULL;
	if (c->public_.certificate == NULL)
		return (HUB_OK);
	err = tls_server_new(c->public_.certificate, c->public_.key,
	    c->public_.client_ca, tls_r, &phrase);
	if (err != HUB_OK)
		buf_addf(why, "%s: listen \"public\": %s\n", c->path, phrase);
	return (err);
}

/* One socket per worker on one port (SO_REUSEPORT). */
static enum hub_err
bind_all(struct hub *h, int *fds, struct buf *why)
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
	else
		log_info("listening", "port=%u workers=%u tls=%s",
		    (unsigned)port, h->config->workers,
		    h->tls != NULL ? "yes" : "no");
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

/* The loop goes on while the workers drain: keys may still be waited for,
 * somebody may ask whether the hub is ready, and a second TERM does not wait. */
static void
on_term(void *arg)
{
	struct hub *h = arg;

	for (unsigned i = 0; i < h->config->workers; i++)
		if (h->draining)
			worker_stop(&h->workers[i]);
		else
			worker_drain(&h->workers[i], h->config->drain_ms);
	if (h->draining)
		return;
	h->draining = true;
	control_drain(h->control);
	log_info("draining", NULL);
	tell_systemd("STOPPING=1");
}

/* All or nothing: a new certificate serves new connections, the database is
 * asked for a new bundle; other settings of the file need a restart. */
static void
on_hup(void *arg)
{
	struct hub *h = arg;
	struct config *fresh = NULL;
	struct tls_server *tls = NULL;
	struct buf why;

	if (h->draining)
		return;
	buf_init(&why, 65536);
	if (config_load(h->config->path, &fresh, &why) != HUB_OK ||
	    load_tls(fresh, &tls, &why) != HUB_OK ||
	    (tls == NULL) != (h->tls == NULL)) {
		log_err("reload refused, the old configuration stays",
		    "why=\"%s\"", buf_cstr(&why));
		tls_server_free(tls);
	} else {
		for (unsigned i = 0; tls != NULL && i < h->config->workers;
		     i++)
			worker_set_tls(&h->workers[i], tls);
		tls_server_free(h->tls);
		h->tls = tls;
		control_poke(h->control);
		log_info("reloaded", NULL);
	}
	config_free(fresh);
	buf_clear(&why);
}

static void
on_usr1(void *arg)
{
	struct hub *h = arg;

	if (h->config->log != NULL && log_open(h->config->log) != HUB_OK)
		log_err("log file cannot be reopened", NULL);
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

/* ---- life */

/* What nobody asks for any more gives its memory back, too. */
static void
on_sweep(void *arg)
{
	struct hub *h = arg;

	entity_maps_sweep(h->maps, loop_wall(h->loop));
	timer_set(&h->sweep, SWEEP_MS);
}

static enum hub_err
start(struct hub *h, int *fds, struct buf *why)
{
	struct spool_conf sc = { .directory = h->config->spool_directory,
		.size = h->config->spool_size,
		.segment = h->config->spool_segment,
		.node_id = 1 };
	enum hub_err err;

	buf_addf(why, "spool.directory %s: ", sc.directory);
	err = spool_open(&sc, &h->spool, why);
	buf_addc(why, '\n');
	if (err != HUB_OK)
		return (err);
	buf_reset(why);
	h->memory.max = h->config->memory_max;
	h->loop = loop_new();
	h->maps = entity_maps_new(h->config->entity_maps_max);
	h->proofs = replay_new(PROOFS_MAX, clock_wall());
	timer_init(&h->sweep, h->loop, on_sweep, h);
	timer_set(&h->sweep, SWEEP_MS);
	h->workers = xcalloc(h->config->workers, sizeof(*h->workers));
	h->loader = loader_start(h->spool, h->config->database);
	/* Workers learn their control before they can be asked anything. */
	for (unsigned i = 0; i < h->config->workers; i++) {
		h->workers[i].index = i;
		h->workers[i].config = h->config;
		h->workers[i].spool = h->spool;
		h->workers[i].maps = h->maps;
		h->workers[i].proofs = h->proofs;
		h->workers[i].memory = &h->memory;
		h->workers[i].tls = tls_server_ref(h->tls);
		h->workers[i].end_loop = h->loop;
		h->workers[i].on_end = on_worker_end;
		h->workers[i].end_arg = h;
	}
	for (unsigned i = 0; i < h->config->workers && err == HUB_OK; i++)
		err = worker_start(&h->workers[i], fds[i]);
	h->control = control_new(h->loop, h->config, h->workers,
	    h->config->workers, h->spool, h->loader);
	if (err == HUB_OK)
		err = admin_new(h->loop, h->config, h->control, &h->admin,
		    why);
	h->signals[0] = loop_signal(h->loop, SIGTERM, on_term, h);
	h->signals[1] = loop_signal(h->loop, SIGINT, on_term, h);
	h->signals[2] = loop_signal(h->loop, SIGHUP, on_hup, h);
	h->signals[3] = loop_signal(h->loop, SIGUSR1, on_usr1, h);
	h->signals[4] = loop_signal(h->loop, SIGUSR2, on_usr2, h);
	return (err);
}

/* The order matters: no new work, then the records of the old work to the
 * disk, then into the database as far as it answers. */
static void
stop(struct hub *h)
{
	for (unsigned i = 0; i < h->config->workers; i++)
		worker_join(&h->workers[i]);
	admin_free(h->admin);
	control_free(h->control);
	loader_stop(h->loader);
	spool_close(h->spool);
	for (unsigned i = 0; i < h->config->workers; i++)
		worker_clear(&h->workers[i]);
	timer_clear(&h->sweep);
	entity_maps_free(h->maps);
	replay_free(h->proofs);
	for (size_t i = 0; i < 5; i++)
		loop_signal_free(h->signals[i]);
	http_client_shutdown(h->loop);
	loop_free(h->loop);
	tls_server_free(h->tls);
	free(h->workers);
}

static int
fail(const struct buf *why, int code)
{
	(void)fprintf(stderr, "%.*s", (int)why->len,
	    why->p != NULL ? why->p : "");
	return (code);
}

static int
run(struct hub *h, bool foreground, struct buf *why)
{
	int *fds = xcalloc(h->config->workers, sizeof(*fds)), code = 0;
	struct spool_stats spool = { 0 };

	if (h->config->log != NULL && log_open(h->config->log) != HUB_OK) {
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
	if (!foreground && daemon(1, h->config->log == NULL) != 0) {
		code = EXIT_UNAVAILABLE;
		goto out;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	if (start(h, fds, why) != HUB_OK) {
		/* Threads may run already; the process ends at once. */
		(void)fail(why, EXIT_UNAVAILABLE);
		_exit(EXIT_UNAVAILABLE);
	}
	tell_systemd("READY=1");
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

/* A large answer takes some megabytes and gives them back: glibc would return
 * them to the kernel after each, and fault them in again, page by page, for
 * the next. So each thread keeps some. A block of its own mapping goes back. */
#define KEEP_BYTES  (32 << 20)
#define MMAP_BYTES  (8 << 20)

static void
keep_memory(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
	(void)mallopt(M_TRIM_THRESHOLD, KEEP_BYTES);
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "list-settings", no_argument, NULL, 'L' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
	};
	const char *path = HUB_SYSCONFDIR "/hubd.conf";
	bool test = false;
	bool foreground = getenv("INVOCATION_ID") != NULL ||
	    getenv("NOTIFY_SOCKET") != NULL;
	struct hub h = { 0 };
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
	keep_memory();
	buf_init(&why, 65536);
	if (config_load(path, &h.config, &why) != HUB_OK ||
	    load_tls(h.config, &h.tls, &why) != HUB_OK)
		code = fail(&why, EXIT_CONFIG);
	else if (test) {
		(void)printf("%s: ok\n", path);
		tls_server_free(h.tls);
		code = 0;
	} else
		code = run(&h, foreground, &why);
	config_free(h.config);
	buf_clear(&why);
	return (code);
}

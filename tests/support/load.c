/* tests/support/load.c - hubtool load: requests over keep-alive connections
 * through the hub's own client (server/net), counted and timed.
 *
 * With --connections every connection asks again when it was answered (closed
 * loop); with --rate requests begin on a fixed schedule and their time counts
 * from it, so that a server that stalls cannot hide it (open loop). */
#include "tests/support/hubtool.h"

#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/base/buf.h"
#include "server/base/err.h"
#include "server/net/http_client.h"

#define OPEN_MAX    4096	       /* connections */
#define SAMPLES_MAX ((size_t)1 << 23)  /* later ones are counted, not timed */
#define TOKEN_MAX   ((size_t)16384)
#define REQUEST_MAX ((size_t)65536)
#define ANSWER_MAX  ((size_t)256 << 20)
#define TIMEOUT_MS  15000
#define TICK_MS	    5
#define PAUSE_MS    20 /* before a connection that failed tries again */
#define LINGER_MS   5000

struct load;

/* One request under way, or the place for one. */
struct shot {
	struct load *load;
	struct http_call *call;
	struct mono_us begun;
	struct timer pause;
	struct shot *next_free;
};

struct load {
	/* options */
	const char *url, *ca, *token_file, *ids, *headers[32];
	unsigned nheaders, rate, connections, seconds;
	bool json;

	struct loop *loop;
	struct tls_client *tls;
	struct http_pool *pool;
	struct str host, target;
	uint16_t port;
	bool https;
	struct buf request;
	int ids_fd;

	struct shot *shots, *free_shots;
	unsigned nshots, open;
	struct timer tick, end;
	struct mono_us start;
	uint64_t begun;
	bool over;

	uint64_t answers, refused, errors, missed, bytes;
	uint32_t *samples; /* microseconds */
	size_t nsamples, cap;
};

static void shot_fire(struct shot *, struct mono_us);

/* ---- results */

static void
sample(struct load *l, int64_t us)
{
	if (l->nsamples == SAMPLES_MAX)
		return;
	if (l->nsamples == l->cap) {
		uint32_t *more;

		l->cap = l->cap > 0 ? l->cap * 2 : 4096;
		more = realloc(l->samples, l->cap * sizeof(*more));
		if (more == NULL)
			abort();
		l->samples = more;
	}
	l->samples[l->nsamples++] = us < 0 ? 0 :
	    us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

static int
by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return ((x > y) - (x < y));
}

/* The nearest rank: the smallest sample that per mille of all do not exceed. */
static double
quantile_ms(const struct load *l, unsigned per_mille)
{
	size_t rank = (l->nsamples * per_mille + 999) / 1000;

	if (l->nsamples == 0)
		return (0);
	return (l->samples[rank > 0 ? rank - 1 : 0] / 1000.0);
}

static void
print_result(struct load *l)
{
	double s = (double)(clock_mono().us - l->start.us) / 1e6;
	const char *form = l->json ?
		"{\"count\":%" PRIu64 ",\"refused\":%" PRIu64
		",\"errors\":%" PRIu64 ",\"missed\":%" PRIu64
		",\"bytes\":%" PRIu64 ",\"seconds\":%.3f"
		",\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f}\n" :
		"count %" PRIu64 "  refused %" PRIu64 "  errors %" PRIu64
		"  missed %" PRIu64 "  bytes %" PRIu64 "  seconds %.3f"
		"  p50 %.3f ms  p99 %.3f ms  max %.3f ms\n";

	if (l->nsamples > 0)
		qsort(l->samples, l->nsamples, sizeof(*l->samples), by_size);
	/* Both forms are literals with the same conversions. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	(void)printf(form, l->answers, l->refused, l->errors, l->missed,
	    l->bytes, s, quantile_ms(l, 500), quantile_ms(l, 990),
	    quantile_ms(l, 1000));
#pragma GCC diagnostic pop
	(void)fflush(stdout);
}

/* A line per complete answer that was no refusal, written at once: what it
 * says holds even when this program or the hub is killed in the next moment. */
static void
note_id(const struct load *l, const struct http_head *h)
{
	struct str id = http_field_find(h, STR("Request-Id"), NULL);
	char line[80];
	int n;

	if (l->ids_fd < 0 || h->status != 200 || id.len == 0 || id.len > 64)
		return;
	n = snprintf(line, sizeof(line), "%.*s\n", STR_FMT(id));
	if (write(l->ids_fd, line, (size_t)n) != n) {
		perror("hubtool load: --ids");
		exit(1);
	}
}

/* ---- requests */

static void
maybe_stop(struct load *l)
{
	if (l->over && l->open == 0)
		loop_stop(l->loop);
}

static void
shot_done(struct shot *s, bool ok)
{
	struct load *l = s->load;

	http_call_free(s->call);
	s->call = NULL;
	l->open--;
	if (l->rate > 0) {
		s->next_free = l->free_shots;
		l->free_shots = s;
	} else if (!l->over && ok) {
		shot_fire(s, clock_mono());
	} else if (!l->over) {
		timer_set(&s->pause, PAUSE_MS);
	}
	maybe_stop(l);
}

static void
on_answer(struct http_call *call, enum hub_err err, void *arg)
{
	struct shot *s = arg;
	struct load *l = s->load;

	if (err == HUB_OK) {
		const struct http_head *h = http_call_head(call);

		sample(l, clock_mono().us - s->begun.us);
		note_id(l, h);
		l->answers++;
		l->refused += h->status != 200;
		l->bytes += http_call_body(call).len;
	} else
		l->errors++;
	shot_done(s, err == HUB_OK);
}

static void
shot_fire(struct shot *s, struct mono_us due)
{
	struct load *l = s->load;
	struct http_call_conf conf = { .bytes = buf_str(&l->request),
		.is_safe = true,
		.timeout_ms = TIMEOUT_MS,
		.body_max = ANSWER_MAX };

	s->begun = due;
	l->open++;
	s->call = http_call_start(l->pool, &conf, on_answer, s);
}

static void
on_pause(void *arg)
{
	struct shot *s = arg;

	if (!s->load->over)
		shot_fire(s, clock_mono());
}

/* Open loop: everything that is due by now. */
static void
on_tick(void *arg)
{
	struct load *l = arg;
	int64_t now = clock_mono().us;

	for (;;) {
		int64_t due = l->start.us +
		    (int64_t)(l->begun * 1000000 / l->rate);
		struct shot *s = l->free_shots;

		if (due > now)
			break;
		l->begun++;
		if (s == NULL) { /* the server lags by thousands */
			l->missed++;
			continue;
		}
		l->free_shots = s->next_free;
		shot_fire(s, (struct mono_us){ due });
	}
	timer_set(&l->tick, TICK_MS);
}

/* Time is up, or a signal: nothing new; what is under way may finish. */
static void
on_end(void *arg)
{
	struct load *l = arg;

	if (l->over) {
		loop_stop(l->loop);
		return;
	}
	l->over = true;
	timer_clear(&l->tick);
	for (unsigned i = 0; i < l->nshots; i++)
		timer_clear(&l->shots[i].pause);
	timer_set(&l->end, LINGER_MS);
	maybe_stop(l);
}

/* ---- life */

static bool
split_url(struct load *l)
{
	struct str rest = str_of(l->url), port;
	uint64_t n;
	size_t slash, colon;

	l->https = str_prefix(rest, STR("https://"));
	if (!l->https && !str_prefix(rest, STR("http://")))
		return (false);
	rest = str_from(rest, l->https ? 8 : 7);
	slash = str_chr(rest, '/');
	l->target = slash < rest.len ? str_from(rest, slash) : STR("/");
	rest.len = slash;
	colon = str_chr(rest, ':');
	l->host = (struct str){ rest.p, colon };
	port = str_from(rest, colon);
	n = l->https ? 443 : 80;
	if (port.len > 0 && str_uint(str_from(port, 1), 65535, &n) != HUB_OK)
		return (false);
	l->port = (uint16_t)n;
	return (l->host.len > 0 && n > 0);
}

static bool
add_token(struct load *l)
{
	FILE *f;
	char *text;
	size_t n;
	struct str token;

	if (l->token_file == NULL)
		return (true);
	f = fopen(l->token_file, "re");
	if (f == NULL)
		return (false);
	text = xcalloc(1, TOKEN_MAX);
	n = fread(text, 1, TOKEN_MAX, f);
	(void)fclose(f);
	token = str_trim((struct str){ text,
	    str_chr((struct str){ text, n }, '\n') });
	BUF_LIT(&l->request, "Authorization: Bearer ");
	buf_adds(&l->request, token);
	BUF_LIT(&l->request, "\r\n");
	free(text);
	return (token.len > 0);
}

static bool
make_request(struct load *l)
{
	struct buf *b = &l->request;

	buf_init(b, REQUEST_MAX);
	BUF_LIT(b, "GET ");
	buf_adds(b, l->target);
	BUF_LIT(b, " HTTP/1.1\r\nHost: ");
	buf_adds(b, l->host);
	BUF_LIT(b, "\r\nAccept: application/json\r\n");
	if (!add_token(l))
		return (false);
	for (unsigned i = 0; i < l->nheaders; i++)
		buf_addf(b, "%s\r\n", l->headers[i]);
	BUF_LIT(b, "\r\n");
	return (!b->failed);
}

static bool
connect_to(struct load *l)
{
	struct http_pool_conf conf = { .host = l->host,
		.port = l->port,
		.in_flight = l->connections,
		.queued = OPEN_MAX,
		.queued_each = OPEN_MAX,
		.idle_max = l->connections,
		.idle_ms = 60000,
		.header_max = 65536 };
	const char *why = "";

	if (l->https && tls_client_new(l->ca, NULL, NULL, &l->tls, &why) !=
	    HUB_OK) {
		(void)fprintf(stderr, "hubtool load: --ca: %s\n", why);
		return (false);
	}
	conf.tls = l->tls;
	l->pool = http_pool_new(l->loop, &conf);
	return (true);
}

static void
run(struct load *l)
{
	struct event *term = loop_signal(l->loop, SIGTERM, on_end, l);
	struct event *intr = loop_signal(l->loop, SIGINT, on_end, l);

	l->nshots = l->rate > 0 ? OPEN_MAX : l->connections;
	l->shots = xcalloc(l->nshots, sizeof(*l->shots));
	timer_init(&l->tick, l->loop, on_tick, l);
	timer_init(&l->end, l->loop, on_end, l);
	l->start = clock_mono();
	for (unsigned i = 0; i < l->nshots; i++) {
		struct shot *s = &l->shots[i];

		s->load = l;
		timer_init(&s->pause, l->loop, on_pause, s);
		if (l->rate > 0) {
			s->next_free = l->free_shots;
			l->free_shots = s;
		} else
			shot_fire(s, l->start);
	}
	if (l->rate > 0)
		timer_set(&l->tick, 0);
	timer_set(&l->end, (int64_t)l->seconds * 1000);
	loop_run(l->loop);
	print_result(l);
	for (unsigned i = 0; i < l->nshots; i++) {
		http_call_free(l->shots[i].call);
		timer_clear(&l->shots[i].pause);
	}
	timer_clear(&l->tick);
	timer_clear(&l->end);
	loop_signal_free(term);
	loop_signal_free(intr);
}

static int
usage(void)
{
	(void)fputs("usage: hubtool load --url https://HOST:PORT/PATH --ca FILE"
	    " [--token-file FILE]\n    [--header 'K: V']... --rate R |"
	    " --connections N --seconds S\n    [--ids FILE] [--json]\n",
	    stderr);
	return (64);
}

static bool
number(const char *text, unsigned max, unsigned *value_r)
{
	uint64_t n;

	if (str_uint(str_of(text), max, &n) != HUB_OK || n == 0)
		return (false);
	*value_r = (unsigned)n;
	return (true);
}

static bool
take_option(struct load *l, int opt, const char *value)
{
	switch (opt) {
	case 'u':
		l->url = value;
		return (true);
	case 'c':
		l->ca = value;
		return (true);
	case 't':
		l->token_file = value;
		return (true);
	case 'H':
		if (l->nheaders == sizeof(l->headers) / sizeof(l->headers[0]))
			return (false);
		l->headers[l->nheaders++] = value;
		return (true);
	case 'r':
		return (number(value, 1000000, &l->rate));
	case 'n':
		return (number(value, OPEN_MAX, &l->connections));
	case 's':
		return (number(value, 86400, &l->seconds));
	case 'i':
		l->ids = value;
		return (true);
	case 'j':
		l->json = true;
		return (true);
	default:
		return (false);
	}
}

static bool
take_options(struct load *l, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "url", required_argument, NULL, 'u' },
		{ "ca", required_argument, NULL, 'c' },
		{ "token-file", required_argument, NULL, 't' },
		{ "header", required_argument, NULL, 'H' },
		{ "rate", required_argument, NULL, 'r' },
		{ "connections", required_argument, NULL, 'n' },
		{ "seconds", required_argument, NULL, 's' },
		{ "ids", required_argument, NULL, 'i' },
		{ "json", no_argument, NULL, 'j' }, { NULL, 0, NULL, 0 }
	};
	int opt;

	optind = 1;
	while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1)
		if (!take_option(l, opt, optarg))
			return (false);
	if (optind != argc || l->url == NULL || l->seconds == 0 ||
	    (l->rate == 0 && l->connections == 0))
		return (false);
	if (l->connections == 0)
		l->connections = 64;
	return (true);
}

int
hubtool_load(int argc, char **argv)
{
	struct load l = { .ids_fd = -1 };
	int code = 1;

	if (!take_options(&l, argc, argv) || !split_url(&l))
		return (usage());
	if (!make_request(&l)) {
		(void)fputs("hubtool load: no token, or too many headers\n",
		    stderr);
		goto out;
	}
	if (l.ids != NULL) {
		l.ids_fd = open(l.ids,
		    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
		if (l.ids_fd < 0) {
			perror(l.ids);
			goto out;
		}
	}
	l.loop = loop_new();
	if (connect_to(&l)) {
		run(&l);
		code = 0;
	}
	http_pool_free(l.pool);
	http_client_shutdown(l.loop);
	loop_free(l.loop);
	tls_client_free(l.tls);
out:
	if (l.ids_fd >= 0)
		(void)close(l.ids_fd);
	buf_clear(&l.request);
	free(l.shots);
	free(l.samples);
	return (code);
}

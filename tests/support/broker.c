/* tests/support/broker.c - hubtool broker: an NGSI-LD broker on 127.0.0.1
 * that can misbehave on command.
 *
 *   PUT /_fault   sets the fault; the body is one line:
 *     none | hang | drip | delay MS | status N | garbage | html | truncate |
 *     oversize | reset | duplicate-keys | stale
 *   GET /_log     the heads received since the last DELETE /_log
 *
 * Plain sockets rather than the hub's server, which cannot be made to answer
 * wrongly. */
#include "tests/support/broker_priv.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/net/http_conn.h"

#define FILE_MAX ((size_t)256 << 20)

static const struct {
	const char *name;
	enum fault fault;
	bool number;
} faults[] = {
	{ "none", FAULT_NONE, false },
	{ "hang", FAULT_HANG, false },
	{ "drip", FAULT_DRIP, false },
	{ "delay", FAULT_DELAY, true },
	{ "status", FAULT_STATUS, true },
	{ "garbage", FAULT_GARBAGE, false },
	{ "html", FAULT_HTML, false },
	{ "truncate", FAULT_TRUNCATE, false },
	{ "oversize", FAULT_OVERSIZE, false },
	{ "reset", FAULT_RESET, false },
	{ "duplicate-keys", FAULT_DUPLICATE, false },
	{ "stale", FAULT_STALE, false },
};

bool
broker_set_fault(struct broker *b, struct str line)
{
	struct str word = STR(""), rest;
	uint64_t n = 0;

	while (line.len > 0 && strchr("\r\n", line.p[line.len - 1]) != NULL)
		line.len--;
	rest = line;
	(void)str_cut(&rest, ' ', &word);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		if (!str_eq(word, str_of(faults[i].name)))
			continue;
		if (faults[i].number != (rest.p != NULL) ||
		    (rest.p != NULL && str_uint(rest, 600000, &n) != HUB_OK))
			return (false);
		if (faults[i].fault == FAULT_STATUS && (n < 200 || n > 599))
			return (false);
		b->fault = faults[i].fault;
		b->number = (unsigned)n;
		return (true);
	}
	return (false);
}

/* ---- life */

static void
on_stop(void *arg)
{
	loop_stop(arg);
}

static int
listen_on(struct broker *b, unsigned port)
{
	uint16_t bound = 0;
	char address[32];

	(void)snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	if (http_listen(str_of(address), &b->fd, &bound) != HUB_OK) {
		(void)fprintf(stderr, "hubtool: cannot listen on %s\n",
		    address);
		return (1);
	}
	if (port == 0) {
		(void)printf("port %u\n", (unsigned)bound);
		(void)fflush(stdout);
	}
	return (0);
}

static int
write_pid(const char *path)
{
	FILE *f = fopen(path, "we");

	if (f == NULL || fprintf(f, "%ld\n", (long)getpid()) < 0 ||
	    fclose(f) != 0) {
		(void)fprintf(stderr, "hubtool: cannot write %s\n", path);
		return (1);
	}
	return (0);
}

static int
serve(struct broker *b, unsigned port, const char *pidfile)
{
	struct event *term, *intr;
	int code = listen_on(b, port);

	if (code == 0 && pidfile != NULL)
		code = write_pid(pidfile);
	if (code != 0)
		return (code);
	b->loop = loop_new();
	term = loop_signal(b->loop, SIGTERM, on_stop, b->loop);
	intr = loop_signal(b->loop, SIGINT, on_stop, b->loop);
	watch_init(&b->accept, b->loop, b->fd, broker_accept, b);
	watch_set(&b->accept, LOOP_READ);
	loop_run(b->loop);
	broker_close(b);
	watch_clear(&b->accept);
	(void)close(b->fd);
	loop_signal_free(term);
	loop_signal_free(intr);
	loop_free(b->loop);
	if (pidfile != NULL)
		(void)unlink(pidfile);
	return (0);
}

struct options {
	uint64_t port, cap;
	bool has_port, no_paging;
	const char *data, *name, *fault, *pidfile;
	char *context, *url;
};

static bool
options_read(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "port", required_argument, NULL, 'p' },
		{ "data", required_argument, NULL, 'd' },
		{ "context", required_argument, NULL, 'c' },
		{ "name", required_argument, NULL, 'n' },
		{ "fault", required_argument, NULL, 'f' },
		{ "page-cap", required_argument, NULL, 'l' },
		{ "no-paging", no_argument, NULL, 'N' },
		{ "pidfile", required_argument, NULL, 'P' },
		{ NULL, 0, NULL, 0 }
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1)
		switch (opt) {
		case 'p':
			o->has_port = str_uint(str_of(optarg), 65535,
					  &o->port) == HUB_OK;
			break;
		case 'd':
			o->data = optarg;
			break;
		case 'c':
			o->context = optarg;
			break;
		case 'n':
			o->name = optarg;
			break;
		case 'f':
			o->fault = optarg;
			break;
		case 'l':
			if (str_uint(str_of(optarg), 1000, &o->cap) != HUB_OK)
				return (false);
			break;
		case 'N':
			o->no_paging = true;
			break;
		case 'P':
			o->pidfile = optarg;
			break;
		default:
			return (false);
		}
	o->url = o->context != NULL ? strchr(o->context, '=') : NULL;
	if (o->url == NULL || o->data == NULL || !o->has_port ||
	    optind != argc)
		return (false);
	*o->url++ = '\0';
	return (true);
}

int
hubtool_broker(int argc, char **argv)
{
	struct options o = { .name = "broker" };
	struct broker b = { .fd = -1 };
	struct buf data, context;
	int code = 1;

	if (!options_read(argc, argv, &o) ||
	    (o.fault != NULL && !broker_set_fault(&b, str_of(o.fault))))
		return (64);
	b.name = o.name;
	buf_init(&context, FILE_MAX);
	buf_init(&b.log, BROKER_LOG_MAX);
	if (hubtool_read(o.data, FILE_MAX, &data) != 0)
		return (1);
	if (hubtool_read(o.context, FILE_MAX, &context) == 0)
		b.data = broker_data_new(buf_str(&data), buf_str(&context),
		    str_of(o.url),
		    (struct broker_paging){ (unsigned)o.cap, o.no_paging });
	if (b.data != NULL)
		code = serve(&b, (unsigned)o.port, o.pidfile);
	broker_data_free(b.data);
	buf_clear(&b.log);
	buf_clear(&context);
	buf_clear(&data);
	return (code);
}

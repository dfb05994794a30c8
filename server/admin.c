/* server/admin.c - health for people and load balancers; see admin.h. */
#include "server/admin.h"

#include <stdlib.h>

#include <config.h>
#include "server/base/log.h"
#include "server/health.h"

struct admin {
	struct http_server *server;
	struct control *control;
};

#define PLAIN	    "Content-Type: text/plain; charset=utf-8\r\n"
#define METRICS	    "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
#define OPENMETRICS                                                           \
	"Content-Type: application/openmetrics-text; version=1.0.0; "         \
	"charset=utf-8\r\n"

static int
tell_ready(struct admin *a, const struct http_head *h, struct str query,
    struct buf *b)
{
	struct str language = str_trim(
	    http_field_find(h, STR("Accept-Language"), NULL));
	bool ready;

	if (str_eq(query, STR("verbose")))
		ready = health_tell(a->control, language.len >= 2 &&
			str_caseeq_bytes(language.p, "de", 2), b);
	else {
		ready = control_ready(a->control, b);
		buf_adds(b, ready ? STR("ready\n") : STR("not ready\n"));
	}
	return (ready ? 200 : 503);
}

static struct str
tell_metrics(struct admin *a, const struct http_head *h, struct buf *b)
{
	bool open = metrics_wants_open(
	    http_field_find(h, STR("Accept"), NULL));

	metrics_write(a->control, open, b);
	return (open ? STR(OPENMETRICS) : STR(METRICS));
}

static void
on_request(struct http_exchange *x, void *arg)
{
	struct admin *a = arg;
	const struct http_head *h = http_exchange_head(x);
	struct str path = { h->target.p, str_chr(h->target, '?') };
	struct str fields = STR(PLAIN), query = STR_NONE;
	int status = 200;
	struct buf b;

	if (path.len < h->target.len)
		query = str_from(h->target, path.len + 1);
	buf_init(&b, METRICS_BYTES_MAX);
	if (h->method != HTTP_GET && h->method != HTTP_HEAD) {
		status = 405;
		fields = STR(PLAIN "Allow: GET, HEAD\r\n");
		BUF_LIT(&b, "GET or HEAD only\n");
	} else if (str_eq(path, STR("/livez"))) {
		BUF_LIT(&b, "alive\n");
	} else if (str_eq(path, STR("/readyz"))) {
		status = tell_ready(a, h, query, &b);
	} else if (str_eq(path, STR("/metrics"))) {
		fields = tell_metrics(a, h, &b);
	} else if (str_eq(path, STR("/version"))) {
		BUF_LIT(&b, PACKAGE_NAME " " PACKAGE_VERSION "\n");
	} else {
		status = 404;
		BUF_LIT(&b, "here are /livez, /readyz, /metrics and "
			    "/version\n");
	}
	if (b.failed) { /* a page that ends in the middle tells lies */
		buf_reset(&b);
		status = 500;
		fields = STR(PLAIN);
	}
	http_reply(x, status, fields, &b);
	buf_clear(&b);
}

enum hub_err
admin_new(struct loop *loop, const struct config *config,
    struct control *control, int fd, struct tls_server *tls,
    struct admin **admin_r, struct buf *why)
{
	struct http_limits limits = config->limits;
	const struct config_listen *l = &config->admin;
	struct admin *a;
	uint16_t port = 0;

	*admin_r = NULL;
	if (l->address.len == 0 && fd < 0)
		return (HUB_OK);
	if (fd < 0 && http_listen(l->address, &fd, &port) != HUB_OK) {
		buf_addf(why, "listen \"admin\": cannot listen on %.*s\n",
		    STR_FMT(l->address));
		return (HUB_EIO);
	}
	a = xcalloc(1, sizeof(*a));
	limits.connections = 64;
	limits.body = 0;
	a->control = control;
	a->server = http_server_new(loop, fd, tls, &limits, on_request, a);
	log_info("admin listening", "port=%u", (unsigned)http_listen_port(fd));
	*admin_r = a;
	return (HUB_OK);
}

void
admin_set_tls(struct admin *a, struct tls_server *tls)
{
	if (a != NULL)
		http_server_set_tls(a->server, tls);
}

void
admin_free(struct admin *a)
{
	if (a == NULL)
		return;
	http_server_free(a->server);
	free(a);
}

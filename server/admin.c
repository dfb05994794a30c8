/* server/admin.c - health for people and load balancers; see admin.h. */
#include "server/admin.h"

#include <stdlib.h>
#include <unistd.h>

#include <config.h>
#include "server/base/log.h"

struct admin {
	struct http_server *server;
	struct tls_server *tls;
	struct control *control;
};

static void
on_request(struct http_exchange *x, void *arg)
{
	struct admin *a = arg;
	const struct http_head *h = http_exchange_head(x);
	struct str path = { h->target.p, str_chr(h->target, '?') };
	int status = 200;
	struct buf b;

	buf_init(&b, 65536);
	if (h->method != HTTP_GET && h->method != HTTP_HEAD) {
		status = 405;
		BUF_LIT(&b, "GET or HEAD only\n");
	} else if (str_eq(path, STR("/livez"))) {
		BUF_LIT(&b, "alive\n");
	} else if (str_eq(path, STR("/readyz"))) {
		if (!control_ready(a->control, &b))
			status = 503;
		buf_adds(&b, status == 200 ? STR("ready\n") :
					     STR("not ready\n"));
	} else if (str_eq(path, STR("/version"))) {
		BUF_LIT(&b, PACKAGE_NAME " " PACKAGE_VERSION "\n");
	} else {
		status = 404;
		BUF_LIT(&b, "here are /livez, /readyz and /version\n");
	}
	http_reply(x, status, status == 405 ?
		STR("Content-Type: text/plain; charset=utf-8\r\n"
		    "Allow: GET, HEAD\r\n") :
		STR("Content-Type: text/plain; charset=utf-8\r\n"), &b);
	buf_clear(&b);
}

enum hub_err
admin_new(struct loop *loop, const struct config *config,
    struct control *control, struct admin **admin_r, struct buf *why)
{
	struct http_limits limits = config->limits;
	const struct config_listen *l = &config->admin;
	const char *phrase = "";
	struct admin *a;
	uint16_t port = 0;
	int fd = -1;

	*admin_r = NULL;
	if (l->address.len == 0)
		return (HUB_OK);
	if (http_listen(l->address, &fd, &port) != HUB_OK) {
		buf_addf(why, "listen \"admin\": cannot listen on %.*s\n",
		    STR_FMT(l->address));
		return (HUB_EIO);
	}
	a = xcalloc(1, sizeof(*a));
	if (l->certificate != NULL && tls_server_new(l->certificate, l->key,
		l->client_ca, &a->tls, &phrase) != HUB_OK) {
		buf_addf(why, "listen \"admin\": %s\n", phrase);
		(void)close(fd);
		free(a);
		return (HUB_EIO);
	}
	limits.connections = 64;
	limits.body = 0;
	a->control = control;
	a->server = http_server_new(loop, fd, a->tls, &limits, on_request, a);
	log_info("admin listening", "port=%u", (unsigned)port);
	*admin_r = a;
	return (HUB_OK);
}

void
admin_free(struct admin *a)
{
	if (a == NULL)
		return;
	http_server_free(a->server);
	tls_server_free(a->tls);
	free(a);
}

/* server/hubctl/probe_reach.c - is there a way to the source, and is it the
 * one that its certificate says? */
#include <netdb.h>
#include <stdio.h>
#include <sys/time.h>
#include <unistd.h>

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "server/hubctl/probe_priv.h"

#define EXPIRY_DAYS 30 /* a certificate that ends sooner is worth a word */

static int
connect_to(const struct region_source *s, const char *host, const char **why_r)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list = NULL;
	struct timeval wait = { .tv_sec = WAIT_S };
	char port[8];
	int fd = -1, rc;

	(void)snprintf(port, sizeof(port), "%u", (unsigned)s->port);
	rc = getaddrinfo(host, port, &hints, &list);
	if (rc != 0) {
		*why_r = gai_strerror(rc);
		return (-1);
	}
	for (const struct addrinfo *a = list; a != NULL && fd < 0;
	     a = a->ai_next) {
		fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0)
			continue;
		(void)setsockopt(
		    fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
		(void)setsockopt(
		    fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
		if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
			break;
		(void)close(fd);
		fd = -1;
	}
	freeaddrinfo(list);
	*why_r = "no connection: refused, or nothing answers";
	return (fd);
}

static void
say_certificate(struct probe *p, SSL *ssl)
{
	X509 *cert = SSL_get0_peer_certificate(ssl);
	struct tm end = { 0 };
	int days = 0, seconds = 0;

	if (cert == NULL ||
	    ASN1_TIME_to_tm(X509_get0_notAfter(cert), &end) != 1 ||
	    ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(cert)) !=
		1) {
		probe_say(p, "tls", PROBE_OK, "%s, certificate verified",
		    SSL_get_version(ssl));
		return;
	}
	probe_say(p, "tls", days < EXPIRY_DAYS ? PROBE_NOTE : PROBE_OK,
	    "%s, certificate verified; it ends in %d days, on %04d-%02d-%02d",
	    SSL_get_version(ssl), days, end.tm_year + 1900, end.tm_mon + 1,
	    end.tm_mday);
}

static bool
look_at_tls(struct probe *p, int fd, const char *host)
{
	SSL *ssl = tls_client_ssl(p->access->tls, host);
	long verified;
	bool ok = SSL_set_fd(ssl, fd) == 1 && SSL_connect(ssl) == 1;

	verified = SSL_get_verify_result(ssl);
	if (ok)
		say_certificate(p, ssl);
	else if (verified != X509_V_OK)
		probe_say(p, "tls", PROBE_FAILED,
		    "the certificate is refused: %s",
		    X509_verify_cert_error_string(verified));
	else
		probe_say(p, "tls", PROBE_FAILED,
		    "no TLS 1.2 or 1.3 session with this port");
	SSL_free(ssl);
	return (ok);
}

bool
probe_reach(struct probe *p)
{
	const struct region_source *s = p->source;
	char *host = arena_printf(p->arena, "%.*s", STR_FMT(s->host));
	const char *why = "";
	int fd = connect_to(s, host, &why);
	bool ok = true;

	if (fd < 0) {
		probe_say(p, "address", PROBE_UNREACHABLE, "%s port %u: %s",
		    host, (unsigned)s->port, why);
		return (false);
	}
	probe_say(p, "address", PROBE_OK, "%s port %u is reached", host,
	    (unsigned)s->port);
	if (s->https)
		ok = look_at_tls(p, fd, host);
	else
		probe_say(p, "tls", PROBE_NOTE,
		    "plain http: nothing is encrypted or verified");
	(void)close(fd);
	return (ok);
}

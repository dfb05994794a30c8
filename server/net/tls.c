/* tls.c - OpenSSL set up once and read and written in one place; tls.h says
 * what it promises. */
#include "server/net/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/net/loop.h"

/* BSI TR-02102-2, 3.3 and 3.4: forward secrecy and AEAD. X25519 and ChaCha20
 * are not on its lists; P-256 is what every client has beside them. */
#define SUITES_13 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384"
#define SUITES_12                                                             \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"          \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"
#define GROUPS_NIST "P-256:P-384:P-521"
#define GROUPS                                                                \
	GROUPS_NIST ":brainpoolP256r1:brainpoolP384r1:brainpoolP512r1"
#define SIGALGS                                                               \
	"ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:"                             \
	"rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:"        \
	"rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512"
/* The list also covers the certificates of a broker's or a client's chain, and
 * CAs still sign those with PKCS #1 v1.5. */
#define SIGALGS_CLIENT SIGALGS ":RSA+SHA256:RSA+SHA384:RSA+SHA512"

/* Of clients: enough for a leaf under some intermediates. */
#define CLIENT_CHAIN_BYTES 32768
#define CLIENT_CHAIN_DEPTH 4

#define NAMES_MAX 256
#define RECORD	  ((size_t)16384)

/* A name of the certificate: DNS text or the bytes of an address. */
struct tls_name {
	char *p;
	size_t len;
	bool is_address;
};

struct tls_server {
	atomic_uint refs;
	SSL_CTX *ctx;
	unsigned nnames;
	struct tls_name names[NAMES_MAX];
};

struct tls_client {
	SSL_CTX *ctx;
};

static const struct str alpn_http11 = { "\x08http/1.1", 9 },
			 alpn_h2 = { "\x02h2\x08http/1.1", 12 };
static _Thread_local char why_text[512];

static const char *
why_file(const char *phrase, const char *file)
{
	char reason[160];
	unsigned long e = ERR_peek_error();

	if (e != 0 && ERR_reason_error_string(e) != NULL)
		(void)snprintf(reason, sizeof(reason), " (%s)",
		    ERR_reason_error_string(e));
	else
		reason[0] = '\0';
	ERR_clear_error();
	(void)snprintf(why_text, sizeof(why_text), "%s: %s%s", phrase,
	    file != NULL ? file : "the system's", reason);
	return (why_text);
}

/* OpenSSL would ask at the terminal for the pass phrase of a locked key. */
static int
on_passphrase(char *out HUB_UNUSED, int size HUB_UNUSED,
    int writing HUB_UNUSED, void *arg HUB_UNUSED)
{
	return (-1);
}

/* Empties a key that others hold, too. */
static void
forget_key(EVP_PKEY *key)
{
	(void)!EVP_PKEY_set_type(key, EVP_PKEY_X25519); /* and nothing in it */
	EVP_PKEY_free(key);
}

/* OpenSSL 3.0 would keep both ephemeral keys until the connection ends: who
 * read our memory then could decrypt what was recorded before, and each idle
 * connection would hold 3 KiB for nothing. */
static void
on_info(const SSL *ssl, int where, int ret HUB_UNUSED)
{
	SSL *own = (SSL *)(uintptr_t)ssl;
	EVP_PKEY *key = NULL;

	if ((where & SSL_CB_HANDSHAKE_DONE) == 0)
		return;
	if (SSL_get_tmp_key(own, &key) == 1)
		forget_key(key);
	if (SSL_get_peer_tmp_key(own, &key) == 1)
		forget_key(key);
	ERR_clear_error();
}

static SSL_CTX *
ctx_new(const SSL_METHOD *method, const char *sigalgs)
{
	SSL_CTX *ctx = SSL_CTX_new(method);
	int ok;

	assert(ctx != NULL);
	ok = SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) &&
	    SSL_CTX_set_ciphersuites(ctx, SUITES_13) &&
	    SSL_CTX_set_cipher_list(ctx, SUITES_12) &&
	    SSL_CTX_set1_sigalgs_list(ctx, sigalgs) &&
	    (SSL_CTX_set1_groups_list(ctx, GROUPS) ||
		SSL_CTX_set1_groups_list(ctx, GROUPS_NIST));
	assert(ok); /* constants above; an OpenSSL without them is no use */
	SSL_CTX_set_security_level(ctx, 2);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION |
	    SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(ctx,
	    SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_max_early_data(ctx, 0);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_default_passwd_cb(ctx, on_passphrase);
	SSL_CTX_set_info_callback(ctx, on_info);
	ERR_clear_error();
	return (ctx);
}

static enum hub_err
ctx_identity(SSL_CTX *ctx, const char *certificate, const char *key,
    const char **why_r)
{
	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1) {
		*why_r = why_file("cannot read certificate", certificate);
		return (HUB_EIO);
	}
	/* Reading a key already compares it with the certificate. */
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1) {
		if (ERR_GET_LIB(ERR_peek_last_error()) == ERR_LIB_X509) {
			*why_r = why_file(
			    "certificate and key do not match", certificate);
			return (HUB_ECONFLICT);
		}
		*why_r = why_file("cannot read key", key);
		return (HUB_EIO);
	}
	if (SSL_CTX_check_private_key(ctx) != 1) {
		*why_r = why_file(
		    "certificate and key do not match", certificate);
		return (HUB_ECONFLICT);
	}
	return (HUB_OK);
}

/* ---- server ---- */

/* The first of ours that is offered; a client that offers only others gets no
 * agreement and may go on without. */
static int
on_alpn(SSL *ssl HUB_UNUSED, const unsigned char **out, unsigned char *outlen,
    const unsigned char *in, unsigned inlen, void *arg)
{
	const struct str *ours = arg;

	if (SSL_select_next_proto((unsigned char **)out, outlen,
		(const unsigned char *)ours->p, (unsigned)ours->len, in,
		inlen) == OPENSSL_NPN_NEGOTIATED)
		return (SSL_TLSEXT_ERR_OK);
	return (SSL_TLSEXT_ERR_NOACK);
}

static void
server_offer(SSL_CTX *ctx, const struct str *protocols)
{
	SSL_CTX_set_alpn_select_cb(
	    ctx, on_alpn, (void *)(uintptr_t)protocols);
}

static void
server_add_name(struct tls_server *s, const ASN1_STRING *from, bool is_address)
{
	struct tls_name *n = &s->names[s->nnames];
	int len = ASN1_STRING_length(from);

	if (s->nnames == NAMES_MAX || len <= 0 || len > 253)
		return;
	n->len = (size_t)len;
	n->p = xmalloc(n->len);
	memcpy(n->p, ASN1_STRING_get0_data(from), n->len);
	n->is_address = is_address;
	s->nnames++;
}

static void
server_read_names(struct tls_server *s)
{
	GENERAL_NAMES *list = X509_get_ext_d2i(SSL_CTX_get0_certificate(s->ctx),
	    NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(list); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(list, i);

		if (g->type == GEN_DNS)
			server_add_name(s, g->d.dNSName, false);
		else if (g->type == GEN_IPADD)
			server_add_name(s, g->d.iPAddress, true);
	}
	GENERAL_NAMES_free(list);
	ERR_clear_error();
}

static enum hub_err
server_client_ca(SSL_CTX *ctx, const char *file, const char **why_r)
{
	STACK_OF(X509_NAME) *names;

	if (file == NULL)
		return (HUB_OK);
	names = SSL_load_client_CA_file(file);
	if (names == NULL || SSL_CTX_load_verify_file(ctx, file) != 1) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		*why_r = why_file("cannot read client CA", file);
		return (HUB_EIO);
	}
	SSL_CTX_set_client_CA_list(ctx, names);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_verify_depth(ctx, CLIENT_CHAIN_DEPTH);
	SSL_CTX_set_max_cert_list(ctx, CLIENT_CHAIN_BYTES);
	if (SSL_CTX_set1_client_sigalgs_list(ctx, SIGALGS_CLIENT) != 1)
		assert(!"signature algorithms");
	return (HUB_OK);
}

enum hub_err
tls_server_new(const char *certificate, const char *key, const char *client_ca,
    struct tls_server **server_r, const char **why_r)
{
	static const unsigned char sid[] = "drehscheibe";
	SSL_CTX *ctx = ctx_new(TLS_server_method(), SIGALGS);
	struct tls_server *s;
	enum hub_err err;

	err = ctx_identity(ctx, certificate, key, why_r);
	if (err == HUB_OK)
		err = server_client_ca(ctx, client_ca, why_r);
	if (err != HUB_OK) {
		SSL_CTX_free(ctx);
		return (err);
	}
	(void)SSL_CTX_set_num_tickets(ctx, 1);
	(void)SSL_CTX_set_session_id_context(ctx, sid, sizeof(sid) - 1);
	server_offer(ctx, &alpn_http11);
	s = xcalloc(1, sizeof(*s));
	atomic_init(&s->refs, 1);
	s->ctx = ctx;
	server_read_names(s);
	*server_r = s;
	return (HUB_OK);
}

void
tls_server_offer_h2(struct tls_server *s)
{
	server_offer(s->ctx, &alpn_h2);
}

bool
tls_is_h2(const SSL *ssl)
{
	const unsigned char *name = NULL;
	unsigned n = 0;

	SSL_get0_alpn_selected(ssl, &name, &n);
	return (n == 2 && memcmp(name, "h2", 2) == 0);
}

struct tls_server *
tls_server_ref(struct tls_server *s)
{
	if (s != NULL)
		atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return (s);
}

void
tls_server_free(struct tls_server *s)
{
	if (s == NULL ||
	    atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	while (s->nnames > 0)
		free(s->names[--s->nnames].p);
	SSL_CTX_free(s->ctx);
	free(s);
}

SSL *
tls_server_ssl(struct tls_server *s)
{
	SSL *ssl = SSL_new(s->ctx);

	assert(ssl != NULL);
	SSL_set_accept_state(ssl);
	return (ssl);
}

static bool
name_matches(struct str name, struct str host)
{
	size_t dot;

	if (str_caseeq(name, host))
		return (true);
	/* RFC 9525, 6.3: "*" is the whole left-most label, never more. */
	if (!str_prefix(name, STR("*.")))
		return (false);
	dot = str_chr(host, '.');
	return (dot > 0 && dot < host.len &&
	    str_caseeq(str_from(name, 1), str_from(host, dot)));
}

/* The bytes of a numeric address, brackets or not; 0 if it is none. */
static size_t
address_bytes(struct str host, unsigned char out[16])
{
	char text[INET6_ADDRSTRLEN];

	if (host.len >= 2 && host.p[0] == '[' && host.p[host.len - 1] == ']')
		host = (struct str){ host.p + 1, host.len - 2 };
	if (host.len == 0 || host.len >= sizeof(text))
		return (0);
	memcpy(text, host.p, host.len);
	text[host.len] = '\0';
	if (inet_pton(AF_INET, text, out) == 1)
		return (4);
	return (inet_pton(AF_INET6, text, out) == 1 ? 16 : 0);
}

bool
tls_server_is_host(const struct tls_server *s, struct str host)
{
	unsigned char address[16];
	size_t n = address_bytes(host, address);

	/* An absolute name has a dot at its end. */
	if (n == 0 && host.len > 1 && host.p[host.len - 1] == '.')
		host.len--;
	for (unsigned i = 0; i < s->nnames; i++) {
		const struct tls_name *name = &s->names[i];

		if (n > 0) {
			if (name->is_address && name->len == n &&
			    memcmp(name->p, address, n) == 0)
				return (true);
		} else if (!name->is_address &&
		    name_matches((struct str){ name->p, name->len }, host)) {
			return (true);
		}
	}
	return (false);
}

bool
tls_peer_thumbprint(SSL *ssl, unsigned char out[SHA256_LEN])
{
	X509 *cert = SSL_get0_peer_certificate(ssl);
	unsigned n = 0;
	bool ok;

	ok = cert != NULL && SSL_get_verify_result(ssl) == X509_V_OK &&
	    X509_cmp_current_time(X509_get0_notAfter(cert)) > 0 &&
	    X509_digest(cert, EVP_sha256(), out, &n) == 1 && n == SHA256_LEN;
	ERR_clear_error();
	return (ok);
}

/* ---- client ---- */

enum hub_err
tls_client_new(const char *ca, const char *certificate, const char *key,
    struct tls_client **client_r, const char **why_r)
{
	SSL_CTX *ctx = ctx_new(TLS_client_method(), SIGALGS_CLIENT);
	struct tls_client *c;
	enum hub_err err = HUB_OK;

	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	/* Zero is success for this one. */
	(void)SSL_CTX_set_alpn_protos(ctx,
	    (const unsigned char *)alpn_http11.p, (unsigned)alpn_http11.len);
	if ((ca != NULL ? SSL_CTX_load_verify_file(ctx, ca) :
			  SSL_CTX_set_default_verify_paths(ctx)) != 1) {
		*why_r = why_file("cannot read CA", ca);
		err = HUB_EIO;
	}
	if (err == HUB_OK && certificate != NULL)
		err = ctx_identity(ctx, certificate, key, why_r);
	if (err != HUB_OK) {
		SSL_CTX_free(ctx);
		return (err);
	}
	c = xcalloc(1, sizeof(*c));
	c->ctx = ctx;
	*client_r = c;
	return (HUB_OK);
}

void
tls_client_free(struct tls_client *c)
{
	if (c == NULL)
		return;
	SSL_CTX_free(c->ctx);
	free(c);
}

SSL *
tls_client_ssl(struct tls_client *c, const char *host)
{
	SSL *ssl = SSL_new(c->ctx);
	unsigned char address[16];
	size_t n = address_bytes(str_of(host), address);
	int ok;

	assert(ssl != NULL);
	SSL_set_connect_state(ssl);
	if (n > 0) {
		ok = X509_VERIFY_PARAM_set1_ip(
		    SSL_get0_param(ssl), address, n);
	} else {
		/* RFC 6066, 3: names only, no addresses. */
		ok = SSL_set_tlsext_host_name(ssl, host) == 1 &&
		    SSL_set1_host(ssl, host) == 1;
		SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
		    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	}
	/* Without the check set, any certificate of the CA would do: a name
	 * that OpenSSL cannot take ends here, not in an unchecked session. */
	if (ok != 1)
		(void)SSL_set1_host(ssl, "invalid.");
	ERR_clear_error();
	return (ssl);
}

/* ---- bytes ---- */

static ssize_t
plain_result(ssize_t n, int want, int *want_r)
{
	if (n > 0)
		return (n);
	if (n == 0)
		return (want == LOOP_READ ? -1 : 0);
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
		*want_r = want;
		return (0);
	}
	return (-2);
}

static ssize_t
ssl_result(SSL *ssl, int rc, int *want_r)
{
	switch (SSL_get_error(ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		*want_r = LOOP_READ;
		return (0);
	case SSL_ERROR_WANT_WRITE:
		*want_r = LOOP_WRITE;
		return (0);
	case SSL_ERROR_ZERO_RETURN:
		return (-1);
	default:
		/* Not our queue to leave full: other connections of this
		 * thread would find it. */
		ERR_clear_error();
		return (-2);
	}
}

ssize_t
tls_read(SSL *ssl, int fd, void *p, size_t n, int *want_r)
{
	size_t got;
	int rc;

	assert(n > 0);
	if (ssl == NULL)
		return (plain_result(read(fd, p, n), LOOP_READ, want_r));
	ERR_clear_error();
	rc = SSL_read_ex(ssl, p, n, &got);
	return (rc == 1 ? (ssize_t)got : ssl_result(ssl, 0, want_r));
}

ssize_t
tls_write(SSL *ssl, int fd, const void *p, size_t n, int *want_r)
{
	size_t done;
	int rc;

	assert(n > 0);
	if (ssl == NULL)
		return (plain_result(write(fd, p, n), LOOP_WRITE, want_r));
	ERR_clear_error();
	/* One record. The length must not shrink when a blocked write is
	 * repeated; it does not, since the caller only ever appends. */
	if (n > RECORD)
		n = RECORD;
	rc = SSL_write_ex(ssl, p, n, &done);
	return (rc == 1 ? (ssize_t)done : ssl_result(ssl, 0, want_r));
}

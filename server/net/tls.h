/* server/net/tls.h - TLS contexts (OpenSSL 3): 1.2 and 1.3 only, the suites
 * and groups of BSI TR-02102-2 with forward secrecy and AEAD, no
 * renegotiation, no compression, no 0-RTT, released buffers, read-ahead,
 * one ticket; ephemeral keys end with the handshake. HTTP/1.1 by ALPN (absent
 * ALPN is fine), and HTTP/2 where it is offered. */
#ifndef HUB_NET_TLS_H
#define HUB_NET_TLS_H

#include <openssl/types.h>
#include <sys/types.h>

#include "server/base/hash.h"

struct tls_server; /* counted by the SSLs made from it; shared by threads */
struct tls_client;

/* client_ca: NULL, or a file of CAs whose clients may present certificates:
 * each is asked for one and need not have any; one that is not good for a
 * client or not of these CAs ends the handshake. Revocation is not looked at.
 * On failure *why_r is a static phrase or one that lives until the thread's
 * next call ("certificate and key do not match: hub.pem"). */
enum hub_err tls_server_new(const char *certificate, const char *key,
    const char *client_ca, struct tls_server **, const char **why_r)
    HUB_MUST_CHECK;
/* Clients that can may speak HTTP/2. Before the first connection. */
void tls_server_offer_h2(struct tls_server *);
/* Has this connection agreed on HTTP/2? After the handshake. */
bool tls_is_h2(const SSL *);
/* From any thread; NULL gives NULL. Each reference ends with tls_server_free. */
struct tls_server *tls_server_ref(struct tls_server *);
void tls_server_free(struct tls_server *);
SSL *tls_server_ssl(struct tls_server *) HUB_MUST_CHECK;
/* Is host (without port) one of the certificate's DNS names or addresses? A
 * leading "*." label in the certificate matches one label. */
bool tls_server_is_host(const struct tls_server *, struct str host);
/* SHA-256 of the client's certificate as DER (RFC 8705, 3.1), also where the
 * session was resumed: a ticket carries the certificate it began with, sealed.
 * false: there is none, or it has expired since it was verified. */
bool tls_peer_thumbprint(SSL *, unsigned char out[SHA256_LEN]);

/* ca: NULL for the system's roots. certificate, key: NULL or both. */
enum hub_err tls_client_new(const char *ca, const char *certificate,
    const char *key, struct tls_client **, const char **why_r) HUB_MUST_CHECK;
void tls_client_free(struct tls_client *);
/* Verifies the chain and the host (a name, with SNI, or an address). */
SSL *tls_client_ssl(struct tls_client *, const char *host) HUB_MUST_CHECK;

/* One reader and writer for TLS and plain sockets (ssl NULL). > 0: bytes;
 * 0: would block, *want_r is LOOP_READ or LOOP_WRITE; -1: closed cleanly;
 * -2: failed. Clears OpenSSL's error queue before it calls. */
ssize_t tls_read(SSL *, int fd, void *, size_t, int *want_r);
ssize_t tls_write(SSL *, int fd, const void *, size_t, int *want_r);

#endif

/* tests/support/certs.c - hubtool certs: a private CA, a server certificate
 * for this machine's loopback names, certificates of clients and their CA,
 * issuer keys and their JWKS. */
#include "tests/support/hubtool.h"

#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAYS    30
#define NUM_MAX ((size_t)512) /* bytes of one number in a JWK */

/* DIR/name, new or emptied, for the owner alone when it holds a secret. */
static FILE *
open_in(const char *dir, const char *name, mode_t mode)
{
	char *path = NULL;
	FILE *f = NULL;
	int fd;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		abort();
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	if (fd >= 0)
		f = fdopen(fd, "w");
	if (f == NULL)
		(void)fprintf(stderr, "hubtool: cannot write %s\n", path);
	free(path);
	return (f);
}

static bool
write_key(const char *dir, const char *name, EVP_PKEY *key)
{
	FILE *f = open_in(dir, name, 0600);
	bool ok = f != NULL &&
	    PEM_write_PKCS8PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1;

	return ((f == NULL || fclose(f) == 0) && ok);
}

static bool
write_cert(const char *dir, const char *name, X509 *cert)
{
	FILE *f = open_in(dir, name, 0644);
	bool ok = f != NULL && PEM_write_X509(f, cert) == 1;

	return ((f == NULL || fclose(f) == 0) && ok);
}

static bool
add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *ext;
	X509V3_CTX ctx;
	bool ok;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = ext != NULL && X509_add_ext(cert, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	return (ok);
}

/* RFC 5280, 4.1: version 3, a random serial, some days from now. */
static X509 *
new_cert(const char *name, EVP_PKEY *key, X509 *issuer)
{
	X509 *cert = X509_new();
	X509_NAME *subject = X509_get_subject_name(cert);
	BIGNUM *serial = BN_new();
	bool ok;

	ok = cert != NULL && serial != NULL &&
	    BN_rand(serial, 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
	    BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(cert)) != NULL &&
	    X509_set_version(cert, X509_VERSION_3) == 1 &&
	    X509_gmtime_adj(X509_getm_notBefore(cert), -3600) != NULL &&
	    X509_time_adj_ex(X509_getm_notAfter(cert), DAYS, 0, NULL) !=
		NULL &&
	    X509_set_pubkey(cert, key) == 1 &&
	    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
		(const unsigned char *)name, -1, -1, 0) == 1 &&
	    X509_set_issuer_name(cert,
		issuer != NULL ? X509_get_subject_name(issuer) : subject) == 1;
	BN_free(serial);
	if (ok)
		return (cert);
	X509_free(cert);
	return (NULL);
}

static X509 *
new_ca(const char *name, EVP_PKEY *key)
{
	X509 *ca = new_cert(name, key, NULL);

	if (ca != NULL &&
	    add_extension(ca, ca, NID_basic_constraints, "critical,CA:TRUE") &&
	    add_extension(ca, ca, NID_key_usage, "critical,keyCertSign") &&
	    add_extension(ca, ca, NID_subject_key_identifier, "hash") &&
	    X509_sign(ca, key, EVP_sha256()) > 0)
		return (ca);
	X509_free(ca);
	return (NULL);
}

/* What is certified beside the key. */
struct leaf {
	const char *file, *names, *usage;
	long ends; /* seconds from now; 0: as usual */
};

/* The hub's own, and what no client must take: broken in one way each. */
static const struct leaf servers[] = {
	{ "hub.pem", "DNS:localhost,IP:127.0.0.1,IP:::1", "serverAuth", 0 },
	{ "elsewhere.pem", "DNS:elsewhere.example", "serverAuth", 0 },
	{ "expired.pem", "DNS:localhost,IP:127.0.0.1,IP:::1", "serverAuth",
	    -60 },
};

/* Two clients, and what the hub must not take; all have one key. */
static const struct leaf clients[] = {
	{ "client.pem", "DNS:client.example", "clientAuth", 0 },
	{ "client-other.pem", "DNS:other.example", "clientAuth", 0 },
	{ "client-expired.pem", "DNS:client.example", "clientAuth", -60 },
	{ "client-server.pem", "DNS:client.example", "serverAuth", 0 },
};
static const struct leaf strangers[] = {
	{ "client-stranger.pem", "DNS:client.example", "clientAuth", 0 },
};

static X509 *
new_leaf(const struct leaf *s, EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key)
{
	const struct {
		int nid;
		const char *value;
	} table[] = {
		{ NID_basic_constraints, "critical,CA:FALSE" },
		{ NID_key_usage, "critical,digitalSignature" },
		{ NID_ext_key_usage, s->usage },
		{ NID_subject_key_identifier, "hash" },
		{ NID_authority_key_identifier, "keyid" },
		{ NID_subject_alt_name, s->names },
	};
	X509 *cert = new_cert("localhost", key, ca);
	bool ok = cert != NULL;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]) && ok; i++)
		ok = add_extension(cert, ca, table[i].nid, table[i].value);
	if (ok && s->ends != 0)
		ok = X509_gmtime_adj(X509_getm_notAfter(cert), s->ends) !=
		    NULL;
	if (ok && X509_sign(cert, ca_key, EVP_sha256()) > 0)
		return (cert);
	X509_free(cert);
	return (NULL);
}

/* ---- keys of issuers */

/* RFC 4648, 5 without padding. */
static void
add_b64url(struct buf *b, const unsigned char *bytes, int len)
{
	unsigned char text[NUM_MAX * 2];
	int n = EVP_EncodeBlock(text, bytes, len);

	for (int i = 0; i < n && text[i] != '='; i++)
		buf_addc(b, text[i] == '+' ? '-' : text[i] == '/' ? '_' :
			(char)text[i]);
}

static bool
add_number(struct buf *b, const char *member, EVP_PKEY *key, const char *param,
    int width)
{
	unsigned char bytes[NUM_MAX];
	BIGNUM *n = NULL;
	int len = -1;

	if (EVP_PKEY_get_bn_param(key, param, &n) == 1) {
		if (width == 0)
			width = BN_num_bytes(n);
		if ((size_t)width <= sizeof(bytes))
			len = BN_bn2binpad(n, bytes, width);
	}
	BN_free(n);
	if (len <= 0)
		return (false);
	buf_addf(b, ",\"%s\":\"", member);
	add_b64url(b, bytes, len);
	buf_addc(b, '"');
	return (true);
}

/* RFC 7517, 5; RFC 7518, 6.2 and 6.3. */
static bool
write_jwks(const char *dir, EVP_PKEY *rsa, EVP_PKEY *ec)
{
	struct buf b;
	FILE *f;
	bool ok;

	buf_init(&b, 65536);
	BUF_LIT(&b, "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"rs256-1\","
		    "\"use\":\"sig\",\"alg\":\"RS256\"");
	ok = add_number(&b, "n", rsa, OSSL_PKEY_PARAM_RSA_N, 0) &&
	    add_number(&b, "e", rsa, OSSL_PKEY_PARAM_RSA_E, 0);
	BUF_LIT(&b, "},\n{\"kty\":\"EC\",\"crv\":\"P-256\","
		    "\"kid\":\"es256-1\",\"use\":\"sig\",\"alg\":\"ES256\"");
	ok = ok && add_number(&b, "x", ec, OSSL_PKEY_PARAM_EC_PUB_X, 32) &&
	    add_number(&b, "y", ec, OSSL_PKEY_PARAM_EC_PUB_Y, 32);
	BUF_LIT(&b, "}]}\n");
	f = ok ? open_in(dir, "jwks.json", 0644) : NULL;
	ok = f != NULL && fwrite(b.p, 1, b.len, f) == b.len;
	ok = (f == NULL || fclose(f) == 0) && ok;
	buf_clear(&b);
	return (ok);
}

static bool
make_issuer(const char *dir)
{
	EVP_PKEY *rsa = EVP_RSA_gen(2048), *ec = EVP_EC_gen("P-256");
	bool ok = rsa != NULL && ec != NULL &&
	    write_key(dir, "rs256.key", rsa) &&
	    write_key(dir, "es256.key", ec) && write_jwks(dir, rsa, ec);

	EVP_PKEY_free(rsa);
	EVP_PKEY_free(ec);
	return (ok);
}

static bool
make_leaves(const char *dir, const struct leaf *leaves, size_t n,
    EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key)
{
	bool ok = true;
	X509 *cert;

	for (size_t i = 0; i < n && ok; i++) {
		cert = new_leaf(&leaves[i], key, ca, ca_key);
		ok = cert != NULL && write_cert(dir, leaves[i].file, cert);
		X509_free(cert);
	}
	return (ok);
}
#define LEAVES(table) (table), sizeof(table) / sizeof((table)[0])

/* Under a CA of their own, and one that nobody knows. */
static bool
make_clients(const char *dir)
{
	EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
	X509 *ca = ca_key != NULL ? new_ca("Drehscheibe clients", ca_key) :
				    NULL;
	X509 *nobody = ca != NULL ? new_ca("Nobody", ca_key) : NULL;
	bool ok;

	ok = nobody != NULL && key != NULL &&
	    write_cert(dir, "client-ca.pem", ca) &&
	    make_leaves(dir, LEAVES(clients), key, ca, ca_key) &&
	    make_leaves(dir, LEAVES(strangers), key, nobody, ca_key) &&
	    write_key(dir, "client.key", key);
	X509_free(nobody);
	X509_free(ca);
	EVP_PKEY_free(key);
	EVP_PKEY_free(ca_key);
	return (ok);
}

/* The CA's own key is not kept: nothing more can be signed with it. */
static bool
make_server(const char *dir)
{
	EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
	X509 *ca = ca_key != NULL ? new_ca("Drehscheibe private CA", ca_key) :
				  NULL;
	bool ok;

	ok = ca != NULL && key != NULL && write_cert(dir, "ca.pem", ca) &&
	    make_leaves(dir, LEAVES(servers), key, ca, ca_key) &&
	    write_key(dir, "hub.key", key);
	X509_free(ca);
	EVP_PKEY_free(key);
	EVP_PKEY_free(ca_key);
	return (ok);
}

int
hubtool_certs(int argc, char **argv)
{
	if (argc != 2)
		return (64);
	(void)mkdir(argv[1], 0700);
	if (make_server(argv[1]) && make_clients(argv[1]) &&
	    make_issuer(argv[1]))
		return (0);
	(void)fprintf(stderr, "hubtool: no certificates made in %s\n",
	    argv[1]);
	return (1);
}

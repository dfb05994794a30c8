/* net_bench.c - see net_bench.h. */
#include "tests/support/net_bench.h"

#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

char cert_file[64], key_file[64];
struct tls_server *tls_server;
struct tls_client *tls_client;

char net_dir[] = "/tmp/hub-test-XXXXXX";

static void
write_certificate(EVP_PKEY *key)
{
	X509 *x = X509_new();
	X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, NULL,
	    NID_subject_alt_name, "DNS:localhost,DNS:*.hub.example");
	FILE *f = fopen(cert_file, "w");

	assert_non_null(f);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	(void)X509_set_version(x, X509_VERSION_3);
	(void)X509_gmtime_adj(X509_getm_notBefore(x), -60);
	(void)X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	(void)X509_set_pubkey(x, key);
	(void)X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN",
	    MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
	(void)X509_set_issuer_name(x, X509_get_subject_name(x));
	assert_int_equal(X509_add_ext(x, san, -1), 1);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_X509(f, x), 1);
	(void)fclose(f);
	X509_EXTENSION_free(san);
	X509_free(x);
}

int
net_setup(void **state HUB_UNUSED)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	const char *why = "";
	FILE *f;

	assert_non_null(mkdtemp(net_dir));
	(void)snprintf(cert_file, sizeof(cert_file), "%s/hub.pem", net_dir);
	(void)snprintf(key_file, sizeof(key_file), "%s/hub.key", net_dir);
	f = fopen(key_file, "w");
	assert_non_null(f);
	assert_int_equal(
	    PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	(void)fclose(f);
	write_certificate(key);
	EVP_PKEY_free(key);
	assert_int_equal(tls_server_new(cert_file, key_file, NULL, &tls_server,
			     &why), HUB_OK);
	assert_int_equal(
	    tls_client_new(cert_file, NULL, NULL, &tls_client, &why), HUB_OK);
	return (0);
}

int
net_teardown(void **state HUB_UNUSED)
{
	tls_server_free(tls_server);
	tls_client_free(tls_client);
	(void)unlink(cert_file);
	(void)unlink(key_file);
	(void)rmdir(net_dir);
	return (0);
}

int
dial(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct timeval wait = { .tv_sec = 5 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return (fd);
}

int64_t
ms_since(struct mono_us from)
{
	return ((clock_mono().us - from.us) / 1000);
}

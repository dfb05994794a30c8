/* tests/unit/test_config.c - hubd.conf: what it says, what the environment
 * says on top, and complaints that name file, line, key and a way out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/config.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define LOCAL	 "listen \"public\" { address = \"127.0.0.1:8443\" }\n"

struct world {
	char folder[32];
	char path[64];
	struct buf why;
};

static int
setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	memcpy(w->folder, "/tmp/test_config.XXXXXX", 24);
	assert_non_null(mkdtemp(w->folder));
	(void)snprintf(w->path, sizeof(w->path), "%s/hubd.conf", w->folder);
	buf_init(&w->why, 65536);
	*state = w;
	return (0);
}

static int
teardown(void **state)
{
	struct world *w = *state;

	(void)unlink(w->path);
	(void)rmdir(w->folder);
	buf_clear(&w->why);
	free(w);
	return (0);
}

static enum hub_err
load(struct world *w, const char *text, struct config **c)
{
	FILE *f = fopen(w->path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	buf_reset(&w->why);
	*c = NULL;
	return (config_load(w->path, c, &w->why));
}

static struct config *
load_good(struct world *w, const char *text)
{
	struct config *c;

	if (load(w, text, &c) != HUB_OK)
		fail_msg("%s%s", text, buf_cstr(&w->why));
	assert_int_equal(w->why.len, 0);
	return (c);
}

static void
has_defaults_for_everything(void **state)
{
	struct world *w = *state;
	struct config *c = load_good(w, LOCAL);

	assert_true(str_eq(c->public_.address, STR("127.0.0.1:8443")));
	assert_null(c->public_.certificate);
	assert_int_equal(c->admin.address.len, 0);
	assert_null(c->control);
	assert_null(c->user);
	assert_null(c->log);
	assert_string_equal(c->database, "postgresql:///drehscheibe");
	assert_string_equal(c->spool_directory, "/var/lib/drehscheibe/spool");
	assert_true(c->spool_size == UINT64_C(16) << 30);
	assert_true(c->spool_segment == UINT64_C(64) << 20);
	assert_true(str_eq(c->name, STR("drehscheibe")));
	assert_in_range(c->workers, 1, 256);
	assert_int_equal(c->limits.header, 16384);
	assert_int_equal(c->limits.idle_ms, 75000);
	assert_int_equal(c->answer_max, 64 << 20);
	assert_int_equal(c->source_answer_max, 16 << 20);
	assert_int_equal(c->drain_ms, 10000);
	assert_int_equal(c->stale_ms, 900000);
	config_free(c);
	config_free(NULL);
}

static void
reads_what_is_written(void **state)
{
	static const char text[] =
	    "# a comment\n"
	    "listen \"public\" { address = \"0.0.0.0:8443\"\n"
	    "  certificate = \"hub.pem\"  key = \"/etc/hub.key\"\n"
	    "  client-ca = \"\"  hosts = {\"a.example\", \"b.example\"} }\n"
	    "listen \"admin\" { address = \"unix:/run/hub.sock\" }\n"
	    "control = \"control.sock\"  database = \"host=/tmp\"\n"
	    "name = \"hub.example\"  workers = 3  user = \"nobody\"\n"
	    "contact = \"https://hub.example/kontakt\"\n"
	    "log = \"/var/log/hub.log\"\n"
	    "spool { directory = \"spool\"  size = \"17179869184\"\n"
	    "  segment = \"1GiB\" }\n"
	    "limits { header = \"1KiB\"  body = 0  connections = 1\n"
	    "  header-timeout = 100ms  idle-timeout = 1h  drain = \"2min\" }\n"
	    "policy { stale-after = \"1s\" }\n";
	struct world *w = *state;
	struct config *c = load_good(w, text);
	char path[80];

	(void)snprintf(path, sizeof(path), "%s/hub.pem", w->folder);
	assert_string_equal(c->public_.certificate, path);
	assert_string_equal(c->public_.key, "/etc/hub.key");
	assert_null(c->public_.client_ca);
	assert_int_equal(c->public_.nhosts, 2);
	assert_true(str_eq(c->public_.hosts[1], STR("b.example")));
	assert_true(str_eq(c->admin.address, STR("unix:/run/hub.sock")));
	assert_int_equal(c->admin.nhosts, 0);
	(void)snprintf(path, sizeof(path), "%s/control.sock", w->folder);
	assert_string_equal(c->control, path);
	assert_string_equal(c->database, "host=/tmp");
	assert_int_equal(c->workers, 3);
	assert_string_equal(c->user, "nobody");
	assert_string_equal(c->contact, "https://hub.example/kontakt");
	(void)snprintf(path, sizeof(path), "%s/spool", w->folder);
	assert_string_equal(c->spool_directory, path);
	assert_true(c->spool_size == UINT64_C(16) << 30);
	assert_true(c->spool_segment == UINT64_C(1) << 30);
	assert_int_equal(c->limits.header, 1024);
	assert_int_equal(c->limits.body, 0);
	assert_int_equal(c->limits.header_ms, 100);
	assert_int_equal(c->limits.idle_ms, 3600000);
	assert_int_equal(c->drain_ms, 120000);
	assert_int_equal(c->stale_ms, 1000);
	config_free(c);
}

/* Where the complaint says PATH, the name of the file stands. */
static void
says_where_and_what_is_wrong(void **state)
{
	static const struct {
		const char *text;
		enum hub_err err;
		const char *why; /* without "PATH" */
	} cases[] = {
		{ LOCAL "nam = x\n", HUB_ESYNTAX,
		    ":2: unknown key 'nam'; nearest: name\n" },
		{ LOCAL "limits {\n\n  headr = \"1KiB\" }\n", HUB_ESYNTAX,
		    ":4: unknown key 'headr' in limits; nearest: header\n" },
		{ LOCAL "xyzzyplugh = 1\n", HUB_ESYNTAX,
		    ":2: unknown key 'xyzzyplugh'\n" },
		{ LOCAL "limits { header = \"16KiX\" }\n", HUB_ESYNTAX,
		    ":2: limits.header: '16KiX' is no value for it; allowed: a "
		    "size in bytes, KiB, MiB or GiB from 1024 to 1048576 "
		    "bytes\n" },
		{ LOCAL "limits { header = 1023 }\n", HUB_ESYNTAX,
		    ":2: limits.header: '1023' is no value" },
		{ LOCAL "limits { header = 2MiB }\n", HUB_ESYNTAX,
		    ":2: limits.header: '2MiB' is no value" },
		{ LOCAL "limits { body = \"9223372036854775807GiB\" }\n",
		    HUB_ESYNTAX, ":2: limits.body: " },
		{ LOCAL "limits { body = \"9999999999999999999999\" }\n",
		    HUB_ESYNTAX, ":2: limits.body: " },
		{ LOCAL "limits { drain = 10 }\n", HUB_ESYNTAX,
		    ":2: limits.drain: '10' is no value for it; allowed: a "
		    "time in ms, s, min or h from 0ms to 600000ms\n" },
		{ LOCAL "workers = -1\n", HUB_ESYNTAX,
		    ":2: workers: '-1' is no value for it; allowed: a number "
		    "from 0 to 256\n" },
		{ LOCAL "workers = 257\n", HUB_ESYNTAX, ":2: workers: '257'" },
		{ LOCAL "name = \"a b\"\n", HUB_ESYNTAX,
		    ":2: name: 'a b' is no value for it; allowed: a host "
		    "name\n" },
		{ LOCAL "contact = \"a b@x.example\"\n", HUB_ESYNTAX,
		    ":2: contact: 'a b@x.example' is no value for it; "
		    "allowed: a mail address, or a page with https\n" },
		{ LOCAL "contact = \"x.example\"\n", HUB_ESYNTAX,
		    ":2: contact: 'x.example' is no value" },
		{ LOCAL "contact = \"@x.example\"\n", HUB_ESYNTAX,
		    ":2: contact: '@x.example' is no value" },
		{ LOCAL "contact = \"a@\"\n", HUB_ESYNTAX,
		    ":2: contact: 'a@' is no value" },
		{ LOCAL "contact = \"https://\"\n", HUB_ESYNTAX,
		    ":2: contact: 'https://' is no value" },
		{ LOCAL "contact = \"http://a@x.example\"\n", HUB_ESYNTAX,
		    ":2: contact: 'http://a@x.example' is no value" },
		{ LOCAL "contact = \"a<b>@x.example\"\n", HUB_ESYNTAX,
		    ":2: contact: 'a<b>@x.example' is no value" },
		{ LOCAL "listen \"admin\" { hosts = {\"a\", \"b c\"} }\n",
		    HUB_ESYNTAX, ":2: listen.hosts: 'b c' is no value" },
		{ LOCAL "listen \"publik\" { }\n", HUB_ESYNTAX,
		    ":2: listen: 'publik' is no listener; allowed: public, "
		    "admin\n" },
		{ "listen \"public\" { address = \"8443\" }\n", HUB_ESYNTAX,
		    ":1: listen.address: '8443' is no value for it; allowed: "
		    "address:port, [address]:port or unix:/path\n" },
		{ "listen \"public\" { address = \"[::1]:65536\" }\n",
		    HUB_ESYNTAX, ":1: listen.address: '[::1]:65536'" },
		/* the file's end and its variables, unseen by libConfuse */
		{ LOCAL "limits { header = \"16KiB\"\n", HUB_ESYNTAX, ":2: " },
		{ LOCAL "name = \"${HOME}\"\n", HUB_ESYNTAX, ":2: \"${\" " },
		{ LOCAL "name = \"x\n", HUB_ESYNTAX, ":2: " },
		{ LOCAL "limits { } }\n", HUB_ESYNTAX, ":2: " },
		/* what must fit together */
		{ "", HUB_EDENIED,
		    ": listen \"public\": 0.0.0.0:8443 without a certificate "
		    "is refused; allowed on loopback and unix sockets only\n" },
		{ LOCAL "listen \"admin\" { address = \"10.0.0.1:1\" }\n",
		    HUB_EDENIED, ": listen \"admin\": 10.0.0.1:1 without" },
		{ "listen \"public\" { address = \"[::]:1\" }\n", HUB_EDENIED,
		    ": listen \"public\": [::]:1 without" },
		{ "listen \"public\" { certificate = x }\n", HUB_ESYNTAX,
		    ": listen \"public\": certificate and key belong "
		    "together\n" },
		{ "listen \"public\" { address = \"127.0.0.1:1\"\n"
		  "client-ca = x }\n", HUB_ESYNTAX,
		    ": listen \"public\": client-ca needs a certificate" },
		{ "listen \"public\" { key = x }\n", HUB_ESYNTAX,
		    ": listen \"public\": certificate and key belong" },
		{ LOCAL "spool { size = 1MiB  segment = 512KiB }\n", HUB_ERANGE,
		    ": spool.size must hold four segments of 524288 bytes\n" },
	};
	struct world *w = *state;
	struct config *c;

	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t n = strlen(w->path);
		enum hub_err err = load(w, cases[i].text, &c);
		const char *why = buf_cstr(&w->why);

		if (err != cases[i].err || c != NULL ||
		    strncmp(why, w->path, n) != 0 ||
		    strncmp(why + n, cases[i].why, strlen(cases[i].why)) != 0)
			fail_msg("%s%s: %s", cases[i].text, hub_err_str(err),
			    why);
	}
}

static void
takes_plain_listeners_on_this_machine(void **state)
{
	static const char *const cases[] = { "127.0.0.1:0", "127.1.2.3:80",
		"[::1]:8443", "unix:/run/hub/x.sock" };
	struct world *w = *state;
	char text[200];

	for (size_t i = 0; i < COUNT(cases); i++) {
		(void)snprintf(text, sizeof(text),
		    "listen \"public\" { address = \"%s\" }\n", cases[i]);
		config_free(load_good(w, text));
	}
}

static void
lets_the_environment_override(void **state)
{
	static const struct {
		const char *name, *value;
		enum hub_err err;
		const char *why;
	} cases[] = {
		{ "HUB_WORKERS", "5", HUB_OK, "" },
		{ "HUB_WORKERS", "five", HUB_ERANGE,
		    "HUB_WORKERS: 'five' is no value for it; allowed: a number "
		    "from 0 to 256\n" },
		{ "HUB_LIMITS_SOURCE_ANSWER", "1MiB", HUB_OK, "" },
		{ "HUB_LIMITS_SOURCE_ANSWER", "1", HUB_ERANGE,
		    "HUB_LIMITS_SOURCE_ANSWER: '1' is no value" },
		{ "HUB_LISTEN_PUBLIC_ADDRESS", "127.0.0.1:1", HUB_OK, "" },
		{ "HUB_LISTEN_PUBLIC_ADDRESS", "0.0.0.0:1", HUB_EDENIED, NULL },
		{ "HUB_LISTEN_ADMIN_ADDRESS", "127.0.0.1:2", HUB_OK, "" },
		{ "HUB_POLICY_STALE_AFTER", "2s", HUB_OK, "" },
		{ "HUB_NAME", "other.example", HUB_OK, "" },
		{ "HUB_NAME", "a\r\nb", HUB_ERANGE, NULL },
		{ "HUB_LISTEN_PUBLIC_HOSTS", "a.example, b.example", HUB_OK,
		    "" },
		{ "HUB_LISTEN_PUBLIC_HOSTS", "", HUB_OK, "" },
		{ "HUB_LISTEN_PUBLIC_HOSTS", "a,,b", HUB_ERANGE,
		    "HUB_LISTEN_PUBLIC_HOSTS: 'a,,b' is no value for it; "
		    "allowed: host names with commas between them\n" },
	};
	static const char text[] =
	    "listen \"public\" { address = \"127.0.0.1:8443\"\n"
	    "  hosts = {\"file.example\"} }\nworkers = 2\n";
	struct world *w = *state;
	struct config *c;

	for (size_t i = 0; i < COUNT(cases); i++) {
		enum hub_err err;

		assert_int_equal(setenv(cases[i].name, cases[i].value, 1), 0);
		err = load(w, text, &c);
		assert_int_equal(unsetenv(cases[i].name), 0);
		if (err != cases[i].err || (cases[i].why != NULL &&
			strncmp(buf_cstr(&w->why), cases[i].why,
			    strlen(cases[i].why)) != 0))
			fail_msg("%s=%s: %s %s", cases[i].name, cases[i].value,
			    hub_err_str(err), buf_cstr(&w->why));
		config_free(c);
	}
	assert_int_equal(setenv("HUB_WORKERS", "5", 1), 0);
	assert_int_equal(setenv("HUB_LISTEN_PUBLIC_HOSTS", "a, b.example", 1),
	    0);
	c = load_good(w, text);
	assert_int_equal(c->workers, 5);
	assert_int_equal(c->public_.nhosts, 2);
	assert_true(str_eq(c->public_.hosts[1], STR("b.example")));
	config_free(c);
	assert_int_equal(setenv("HUB_WORKERS", "", 1), 0); /* the default */
	assert_int_equal(unsetenv("HUB_LISTEN_PUBLIC_HOSTS"), 0);
	c = load_good(w, text);
	assert_in_range(c->workers, 1, 256);
	assert_int_equal(c->public_.nhosts, 1);
	config_free(c);
	assert_int_equal(unsetenv("HUB_WORKERS"), 0);
}

static void
refuses_files_that_are_none(void **state)
{
	struct world *w = *state;
	struct config *c = NULL;
	char *big = xmalloc((1 << 20) + 2);

	assert_int_equal(config_load("/nonexistent/hubd.conf", &c, &w->why),
	    HUB_ENOENT);
	assert_string_equal(buf_cstr(&w->why),
	    "/nonexistent/hubd.conf: No such file or directory\n");
	buf_reset(&w->why);
	assert_int_equal(config_load("/", &c, &w->why), HUB_ENOENT);
	assert_string_equal(buf_cstr(&w->why), "/: Is a directory\n");
	memset(big, '\n', (1 << 20) + 1);
	big[(1 << 20) + 1] = '\0';
	assert_int_equal(load(w, big, &c), HUB_EFULL);
	assert_int_equal(load(w, LOCAL "name = \"\xff\"\n", &c), HUB_ESYNTAX);
	assert_null(c);
	free(big);
}

static void
lists_every_setting_once(void **state)
{
	struct str all, line, seen[64];
	struct buf b;
	unsigned n = 0;

	(void)state;
	buf_init(&b, 65536);
	config_list_settings(&b);
	all = buf_str(&b);
	while (str_cut(&all, '\n', &line)) {
		if (line.len == 0)
			continue;
		for (unsigned i = 0; i < n; i++)
			assert_false(str_eq(seen[i], line));
		assert_true(n < COUNT(seen));
		seen[n++] = line;
	}
	assert_true(n > 20);
	assert_non_null(strstr(buf_cstr(&b), "\nlisten.client-ca\n"));
	assert_non_null(strstr(buf_cstr(&b), "\nlimits.header\n"));
	buf_clear(&b);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* ---- what is printed of it */

static void
prints(struct world *w, const char *text)
{
	FILE *f = fopen(w->path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	buf_reset(&w->why);
}

/* The whole line of the key, behind its blanks. */
static void
says(const struct buf *out, const char *want)
{
	struct str all = buf_str(out), line;

	while (str_cut(&all, '\n', &line))
		if (str_eq(str_trim(line), str_of(want)))
			return;
	fail_msg("no line: %s\nin: %.*s", want, (int)out->len, out->p);
}

static void
prints_each_setting_and_its_origin(void **state)
{
	struct world *w = *state;
	char line[256];
	struct buf out, again;
	FILE *f;

	buf_init(&out, 65536);
	prints(w, "workers = 3\nlimits { body = \"\"\n drain = 90s\n"
	    " header = 8KiB\n header = 2KiB }\ndecision-log { keep = 36h } "
	    "limits { answer = 1MiB }\n"
	    "listen \"public\" { address = \"127.0.0.1:8443\"\n"
	    "hosts = {\"a.example\", \"b.example\"}\n"
	    "http2 = no  client-ca = \"\" }\nname = \"x\"\n");
	assert_int_equal(setenv("HUB_NAME", "hub.example", 1), 0);
	assert_int_equal(setenv("HUB_LIMITS_CACHE", "", 1), 0);
	assert_int_equal(config_print(w->path, &out, &w->why), HUB_OK);
	assert_int_equal(unsetenv("HUB_NAME"), 0);
	assert_int_equal(unsetenv("HUB_LIMITS_CACHE"), 0);
#define AT_LINE(text, n) \
	(void)snprintf(line, sizeof(line), text "  # %s:%d", w->path, n); \
	says(&out, line)
	AT_LINE("workers = 3", 1);
	AT_LINE("drain = 90s", 3);
	AT_LINE("header = 2KiB", 5);
	AT_LINE("keep = 36h", 6);
	AT_LINE("answer = 1MiB", 6);
	AT_LINE("hosts = {\"a.example\", \"b.example\"}", 8);
	AT_LINE("http2 = no", 9);
#undef AT_LINE
	says(&out, "name = \"hub.example\"  # HUB_NAME");
	says(&out, "cache = 64MiB  # HUB_LIMITS_CACHE");
	says(&out, "body = 1MiB  # default");
	says(&out, "client-ca = \"\"  # default");
	says(&out, "database = \"postgresql:///drehscheibe\"  # default");
	says(&out, "stale-after = 15min  # default");
	(void)snprintf(line, sizeof(line), "deny-list = \"%s/deny.list\"  "
	    "# default", w->folder);
	says(&out, line);
	/* It is a file of its own, which says the same. */
	buf_init(&again, 65536);
	f = fopen(w->path, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(out.p, 1, out.len, f), out.len);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(config_print(w->path, &again, &w->why), HUB_OK);
	for (struct str a = buf_str(&out), b = buf_str(&again), x, y;
	     str_cut(&a, '\n', &x) && str_cut(&b, '\n', &y);) {
		x.len = str_chr(x, '#');
		y.len = str_chr(y, '#');
		assert_true(str_eq(x, y));
	}
	buf_clear(&again);
	buf_clear(&out);
}

static void
prints_no_secret(void **state)
{
	static const char *const rows[][2] = {
		{ "postgresql://hub:geheim@db/hub?sslmode=verify-full",
		    "user='hub' password='***' dbname='hub' host='db' "
		    "sslmode='verify-full'" },
		{ "host=db password = 'ge heim' dbname=hub",
		    "password='***' dbname='hub' host='db'" },
		{ "host=db sslpassword=geheim user='o\\\\'k'",
		    "user='o\\\\'k' host='db' sslpassword='***'" },
		{ "host=db password=geheim nonsense=1", "***" },
		{ "postgres://geheim@[db", "***" },
		{ "password=", "password=" },
		{ "drehscheibe", "drehscheibe" },
		{ "host=/run/postgresql", "host=/run/postgresql" },
	};
	struct world *w = *state;
	char text[512];
	struct buf out;

	for (size_t i = 0; i < COUNT(rows); i++) {
		buf_init(&out, 65536);
		(void)snprintf(text, sizeof(text), LOCAL "database = \"%s\"\n",
		    rows[i][0]);
		prints(w, text);
		assert_int_equal(config_print(w->path, &out, &w->why), HUB_OK);
		(void)snprintf(text, sizeof(text), "database = \"%s\"  # %s:2",
		    rows[i][1], w->path);
		if (strcmp(rows[i][0], "password=") != 0)
			says(&out, text);
		assert_null(strstr(buf_cstr(&out), "heim"));
		buf_clear(&out);
	}
	/* Nor of the environment. */
	buf_init(&out, 65536);
	prints(w, LOCAL);
	assert_int_equal(setenv("HUB_DATABASE", "host=x password=geheim\n", 1),
	    0);
	assert_int_equal(config_print(w->path, &out, &w->why), HUB_OK);
	assert_int_equal(unsetenv("HUB_DATABASE"), 0);
	says(&out, "database = \"password='***' host='x'\"  # HUB_DATABASE");
	buf_clear(&out);
}

static void
prints_nothing_of_what_is_wrong(void **state)
{
	struct world *w = *state;
	struct buf out;

	buf_init(&out, 65536);
	prints(w, LOCAL "nonsense = 1\n");
	assert_int_equal(config_print(w->path, &out, &w->why), HUB_ESYNTAX);
	assert_int_equal(out.len, 0);
	assert_non_null(strstr(buf_cstr(&w->why), "unknown key 'nonsense'"));
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(has_defaults_for_everything),
		T(reads_what_is_written),
		T(says_where_and_what_is_wrong),
		T(takes_plain_listeners_on_this_machine),
		T(lets_the_environment_override),
		T(refuses_files_that_are_none),
		T(lists_every_setting_once),
		T(prints_each_setting_and_its_origin),
		T(prints_no_secret),
		T(prints_nothing_of_what_is_wrong),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

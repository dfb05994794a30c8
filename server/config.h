/* server/config.h - hubd.conf: what one process needs to start.
 *
 * One table of settings gives names, kinds, ranges and defaults; the parser,
 * the HUB_SECTION_KEY environment, the error messages, --list-settings and
 * the page hubd.conf(5) all follow it. */
#ifndef HUB_SERVER_CONFIG_H
#define HUB_SERVER_CONFIG_H

#include "server/base/arena.h"
#include "server/base/buf.h"
#include "server/net/http_conn.h"

struct config_listen {
	struct str address;	 /* "0.0.0.0:8443", "[::1]:8443", "unix:/x" */
	const char *certificate; /* PEM paths; NULL: plain */
	const char *key, *client_ca;
	unsigned nhosts; /* further names accepted in Host */
	const struct str *hosts;
	bool http2; /* is offered, with a certificate */
};

struct config {
	struct arena *arena;
	const char *path; /* of the file */
	struct config_listen public_, admin; /* admin.address may be empty */
	const char *control;  /* unix socket path; NULL: none */
	const char *control_group; /* who may use it, too; NULL: nobody */
	struct config *former; /* that this one has replaced; or NULL */
	const char *database; /* libpq conninfo */
	const char *spool_directory;
	const char *spool_second; /* NULL: none */
	uint64_t spool_size, spool_segment;
	unsigned spool_node; /* of the ledger: another for each hub */
	struct str name;  /* Via pseudonym */
	const char *operator_tenant; /* sees all figures; NULL: none */
	const char *contact; /* who hears of barriers; NULL: not said */
	unsigned workers; /* resolved: at least 1 */
	const char *user; /* NULL: stay */
	const char *log;  /* file, or NULL: stderr */
	unsigned log_format; /* enum log_format */
	bool log_requests; /* a line for each */
	unsigned trace_sources; /* enum trace_to */
	struct http_limits limits; /* limits { header body connections
				      header-timeout body-timeout idle-timeout
				      handshake-timeout write-timeout } */
	size_t answer_max, source_answer_max, memory_max;
	size_t entity_maps_max; /* bytes, of all together */
	size_t cache_max; /* bytes of kept answers, of all workers together */
	bool gzip; /* answers, for clients that take it */
	bool push_down; /* sources may select by q, geo and scopeQ */
	int drain_ms;
	int stale_ms; /* policy { stale-after } */
	int degraded_ms; /* policy { degraded-after } */
	const char *deny_list; /* policy { deny-list } */
	unsigned per_tenant; /* limits { connections-per-tenant }; 0: no limit */
	unsigned registration_changes; /* of a tenant in a minute */
	const char *pseudonym_key; /* policy { pseudonym-key-file }, or NULL */
	const char *digest_key, *digest_directory; /* digest { }; for hubctl */
	const char *decision_directory; /* decision-log { }; NULL: none */
	int64_t decision_keep_us;
	uint64_t decision_size;
	bool count_persons; /* indicators { count-persons } */
};

/* Reads path, then the environment on top. On failure *why is one or more
 * lines "hubd.conf:7: limits.header: 16KiX is not a size (bytes, KiB, MiB,
 * GiB); allowed: 1KiB..1MiB", with the nearest known name for unknown keys.
 * Relative file names are relative to the folder of path. Listeners without
 * certificate on anything but loopback or unix are refused. */
enum hub_err config_load(const char *path, struct config **, struct buf *why)
    HUB_MUST_CHECK;
/* Also of those that it has replaced. */
void config_free(struct config *);
/* A fresh configuration takes the place of one in force: what takes effect
 * with a restart only stays as it was, and the names of settings that differ
 * in that go to names, with a blank between them. fresh owns old from now on,
 * since requests and threads hold pieces of it: some KiB a reload. */
void config_replace(struct config *fresh, struct config *old,
    struct buf *names);
/* The names that config_replace would give; nothing changes. */
void config_compare(const struct config *fresh, const struct config *old,
    struct buf *names);
/* What config_load would take of path, in the language of hubd.conf, each with
 * a comment that says where it comes from: a variable of the environment, a
 * line of the file, or the default. Paths are whole, secrets are shown as ***;
 * else the same when it is read again. */
enum hub_err config_print(const char *path, struct buf *out, struct buf *why)
    HUB_MUST_CHECK;
/* One name per line, "limits.header". */
void config_list_settings(struct buf *);

#endif

/* server/metrics.c - the page of metrics; metrics.h says what it promises. */
#include "server/metrics.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <config.h>
#include "server/base/log_queue.h"
#include "server/control.h"
#include "server/decision_log.h"
#include "server/metrics_priv.h"

/* ---- names and their slots */

void
metric_names_init(struct metric_names *m, unsigned max)
{
	*m = (struct metric_names){ .n = 1, .max = max,
		.list = xcalloc(max, sizeof(*m->list)) };
	m->list[0] = STR("other");
}

void
metric_names_clear(struct metric_names *m)
{
	for (unsigned i = 1; i < m->n; i++)
		free((void *)(uintptr_t)m->list[i].p);
	free(m->list);
	*m = (struct metric_names){ 0 };
}

unsigned
metric_names_slot(struct metric_names *m, struct str name)
{
	char *copy;

	for (unsigned i = 1; i < m->n; i++)
		if (str_eq(m->list[i], name))
			return (i);
	if (m->n == m->max || !str_utf8(name))
		return (0);
	copy = xmalloc(name.len + 1);
	memcpy(copy, name.p, name.len);
	m->list[m->n] = (struct str){ copy, name.len };
	return (m->n++);
}

struct str
metric_names_get(const struct metric_names *m, unsigned slot)
{
	return (m->list[slot < m->n ? slot : 0]);
}

void
metrics_region(struct metrics *m, struct snapshot *s)
{
	const struct region *r = s->region;

	s->tenant_slots = xcalloc(r->tenants.ntenants + 1,
	    sizeof(*s->tenant_slots));
	for (unsigned i = 0; i < r->tenants.ntenants; i++)
		s->tenant_slots[i] = (uint16_t)metric_names_slot(&m->tenants,
		    r->tenants.tenants[i].name);
	s->source_slots = xcalloc(r->nsources + 1, sizeof(*s->source_slots));
	/* What tenants register comes and goes as they like: all of it is
	 * "other", or one of them could use up the slots. */
	for (unsigned i = 0; i < r->nsources; i++)
		if (s->access[i].use == NULL)
			s->source_slots[i] = (uint16_t)metric_names_slot(
			    &m->sources, r->sources[i].name);
}

/* ---- what the control thread knows */

static void
write_state(struct page *p, const struct control_state *st)
{
	page_gauge(p, "hub_ready", "Whether /readyz says so.");
	page_whole(p, "hub_ready", st->ready);
	page_gauge(p, "hub_policy_bundle", "Number of the bundle in force.");
	page_whole(p, "hub_policy_bundle", (uint64_t)st->bundle);
	page_gauge(p, "hub_policy_snapshot_age_seconds",
	    "Since the database confirmed the policy in force.");
	page_seconds(p, "hub_policy_snapshot_age_seconds", st->age_ms * 1000);
	page_gauge(p, "hub_database_up",
	    "Whether the database was reached last.");
	page_whole(p, "hub_database_up", st->db_up);
	page_gauge(p, "hub_issuers_without_keys",
	    "Issuers without a usable key set.");
	page_whole(p, "hub_issuers_without_keys", st->keys_missing);
	page_gauge(p, "hub_sources_without_token",
	    "Sources whose access token is missing.");
	page_whole(p, "hub_sources_without_token", st->tokens_missing);
	page_gauge(p, "hub_ledger_spool_bytes",
	    "Usage records that wait for the database.");
	page_whole(p, "hub_ledger_spool_bytes", st->spool.bytes_used);
	page_gauge(p, "hub_ledger_spool_size_bytes",
	    "What the spool can hold.");
	page_whole(p, "hub_ledger_spool_size_bytes", st->spool.bytes_max);
	page_gauge(p, "hub_ledger_spool_level",
	    "0: room, 1: 70 % full, 2: 90 % or no space for another segment, "
	    "3: full, uses are refused.");
	page_whole(p, "hub_ledger_spool_level", st->spool.level);
	page_gauge(p, "hub_ledger_spool_failed",
	    "Whether the disk refused; the hub is about to end.");
	page_whole(p, "hub_ledger_spool_failed", st->spool.failed);
	page_counter(p, "hub_ledger_spool_syncs",
	    "Batches of records made durable.");
	page_whole(p, "hub_ledger_spool_syncs_total", st->spool.synced);
	page_gauge(p, "hub_ledger_clock_in_doubt",
	    "Whether records are marked because of the clock.");
	page_whole(p, "hub_ledger_clock_in_doubt", st->spool.clock_odd);
	page_gauge(p, "hub_ledger_estimates_waiting",
	    "Uses that were allowed without room for their records.");
	page_whole(p, "hub_ledger_estimates_waiting", st->estimates);
	page_gauge(p, "hub_ledger_spool_oldest_seconds",
	    "Age of the oldest record that is not loaded; 0: none.");
	page_seconds(p, "hub_ledger_spool_oldest_seconds", st->lag_us);
	page_gauge(p, "hub_ledger_loader_up",
	    "Whether the loader reached the database last.");
	page_whole(p, "hub_ledger_loader_up", st->loader.up);
	page_counter(p, "hub_ledger_events", "Usage records made durable.");
	page_whole(p, "hub_ledger_events_total", st->spool.written);
	page_counter(p, "hub_ledger_events_loaded",
	    "Usage records loaded into the database.");
	page_whole(p, "hub_ledger_events_loaded_total", st->loader.loaded);
	page_counter(p, "hub_ledger_events_lost",
	    "Usage records found damaged on the disk; must be 0.");
	page_whole(p, "hub_ledger_events_lost_total", st->spool.quarantined);
	page_counter(p, "hub_ledger_spool_sync_failures",
	    "Writes or syncs that the disk refused; must be 0.");
	page_whole(p, "hub_ledger_spool_sync_failures_total",
	    st->spool.sync_failures);
	page_counter(p, "hub_ledger_events_conflicting",
	    "Records with a known key and another content; must be 0.");
	page_whole(p, "hub_ledger_events_conflicting_total",
	    st->loader.conflicts);
	page_counter(p, "hub_ledger_database_restored",
	    "Times that the database was an older one than before.");
	page_whole(p, "hub_ledger_database_restored_total",
	    st->loader.restored);
	if (st->digest_us >= 0) {
		page_gauge(p, "hub_ledger_digest_age_seconds",
		    "Since a digest was signed, or there is something to "
		    "sign.");
		page_seconds(p, "hub_ledger_digest_age_seconds",
		    st->digest_us);
	}
	page_gauge(p, "hub_config_last_reload_successful",
	    "Whether the last reload took effect.");
	page_whole(p, "hub_config_last_reload_successful", !st->reload_failed);
}

static void
write_keys(struct page *p, const struct control *c)
{
	struct str iss;
	int64_t us;

	page_gauge(p, "hub_jwks_age_seconds",
	    "Since an issuer's key set was fetched last.");
	for (unsigned i = 0; control_key_age(c, i, &iss, &us); i++) {
		bool first = true;

		if (us < 0 || !str_utf8(iss))
			continue;
		BUF_LIT(p->b, "hub_jwks_age_seconds");
		page_label(p, &first, "issuer", iss);
		page_seconds(p, "}", us);
	}
}

static void
write_logs(struct page *p, const struct metrics *m)
{
	struct decision_log *log = m->workers[0].decisions;
	struct decision_log_stats s;

	page_counter(p, "hub_log_lines_lost",
	    "Lines of requests that the log was too slow for.");
	page_whole(p, "hub_log_lines_lost_total", log_queue_lost());
	if (log == NULL)
		return;
	decision_log_stats(log, &s);
	page_counter(p, "hub_decision_log_lines",
	    "Lines written to the decision log.");
	page_whole(p, "hub_decision_log_lines_total", s.lines);
	page_counter(p, "hub_decision_log_lines_lost",
	    "Lines of the decision log that could not be written.");
	page_whole(p, "hub_decision_log_lines_lost_total", s.lost);
}

/* ---- the process */

static unsigned
open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	if (d == NULL)
		return (0);
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return (n > 3 ? n - 3 : 0); /* ".", ".." and the folder itself */
}

static void
write_memory(struct page *p)
{
	unsigned long long pages = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "re");
	unsigned long long size = (unsigned long long)sysconf(_SC_PAGESIZE);
	bool known = f != NULL &&
	    fscanf(f, "%llu %llu", &pages, &resident) == 2;

	if (f != NULL)
		(void)fclose(f);
	if (!known)
		return;
	page_gauge(p, "process_virtual_memory_bytes", "Virtual memory.");
	page_whole(p, "process_virtual_memory_bytes", pages * size);
	page_gauge(p, "process_resident_memory_bytes", "Resident memory.");
	page_whole(p, "process_resident_memory_bytes", resident * size);
}

static void
write_process(struct page *p, const struct control_state *st)
{
	struct rusage ru;
	struct rlimit rl;

	if (getrusage(RUSAGE_SELF, &ru) == 0) {
		page_counter(p, "process_cpu_seconds", "User and system time.");
		page_seconds(p, "process_cpu_seconds_total",
		    (ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1000000 +
			ru.ru_utime.tv_usec + ru.ru_stime.tv_usec);
	}
	write_memory(p);
	page_gauge(p, "process_open_fds", "Open descriptors.");
	page_whole(p, "process_open_fds", open_files());
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		page_gauge(p, "process_max_fds",
		    "Descriptors that may be open.");
		page_whole(p, "process_max_fds", rl.rlim_cur);
	}
	page_gauge(p, "process_start_time_seconds",
	    "When it began, since 1970.");
	page_seconds(p, "process_start_time_seconds", st->began.us);
	page_family(p, "hub_build", "_info", "info", "What is running.");
	buf_addf(p->b, "hub_build_info{version=\"%s\"} 1\n", PACKAGE_VERSION);
	page_gauge(p, "hub_workers", "Threads that serve requests.");
	page_whole(p, "hub_workers", st->nworkers);
}

void
metrics_write(struct control *c, bool openmetrics, struct buf *b)
{
	struct page p = { b, openmetrics };
	const struct metrics *m = control_metrics(c);
	struct control_state st;

	control_state(c, &st);
	metrics_requests(&p, m);
	metrics_decisions(&p, m);
	metrics_sources(&p, m, st.snapshot);
	write_state(&p, &st);
	write_keys(&p, c);
	write_logs(&p, m);
	write_process(&p, &st);
	if (openmetrics)
		BUF_LIT(b, "# EOF\n");
}

/* server/health.c - health in words; health.h says what it promises. */
#include "server/health.h"

#include <inttypes.h>

#define HOUR_US	      INT64_C(3600000000)
#define DIGEST_OLD_US (30 * HOUR_US) /* one a day, and some */

enum word {
	READY, NOT_READY, DRAINING, REGION, NO_REGION, DATABASE, NO_DATABASE,
	POLICY, POLICY_OLD, POLICY_STALE, DENY_UNREAD, DENY_BAD, KEYS, KEYS_MISSING,
	TOKENS_MISSING, SPOOL, SPOOL_LEVEL, SPOOL_FAILED, SYNC_FAILED, LAG, DAMAGED,
	CONFLICTS, DIGEST, DIGEST_OLD, CLOCK, ESTIMATES, SOURCES, SOURCE_OPEN, RELOAD, WORDS
};

/* English, German; the same arguments in both. */
static const char *const words[WORDS][2] = {
	[READY] = { "ready\n", "bereit\n" },
	[NOT_READY] = { "not ready\n", "nicht bereit\n" },
	[DRAINING] = { "! the hub is about to end\n",
	    "! die Drehscheibe wird beendet\n" },
	[REGION] = { "  region: bundle %" PRId64 " is in force\n",
	    "  Region: Stand %" PRId64 " gilt\n" },
	[NO_REGION] = { "! region: none is in force yet\n",
	    "! Region: noch keine in Kraft\n" },
	[DATABASE] = { "  database: reached\n", "  Datenbank: erreichbar\n" },
	[NO_DATABASE] = { "! database: away; the hub goes on with its region "
	    "and its spool\n", "! Datenbank: nicht erreichbar; die "
	    "Drehscheibe arbeitet mit Region und Zwischenspeicher weiter\n" },
	[POLICY] = { "  policy: confirmed %" PRId64 " s ago\n",
	    "  Regeln: vor %" PRId64 " s bestätigt\n" },
	[POLICY_OLD] = { "! policy: not confirmed for %" PRId64 " s\n",
	    "! Regeln: seit %" PRId64 " s nicht bestätigt\n" },
	[POLICY_STALE] = { "! policy: not confirmed for %" PRId64 " s; "
	    "restricted datasets are refused\n", "! Regeln: seit %" PRId64
	    " s nicht bestätigt; geschützte Datensätze werden verweigert\n" },
	[DENY_UNREAD] = { "! deny list: cannot be read\n",
	    "! Sperrliste: nicht lesbar\n" },
	[DENY_BAD] = { "! deny list: %u line(s) are not understood\n",
	    "! Sperrliste: %u Zeile(n) nicht verstanden\n" },
	[KEYS] = { "  keys: the oldest set was fetched %" PRId64 " s ago\n",
	    "  Schlüssel: der älteste Satz wurde vor %" PRId64
	    " s geholt\n" },
	[KEYS_MISSING] = { "! keys: %u issuer(s) without a usable key set\n",
	    "! Schlüssel: %u Aussteller ohne brauchbaren Satz\n" },
	[TOKENS_MISSING] = { "! tokens: %u source(s) without one\n",
	    "! Tokens: %u Quelle(n) ohne Token\n" },
	[SPOOL] = { "  spool: %u %% full (%" PRIu64 " of %" PRIu64
	    " bytes)\n", "  Zwischenspeicher: zu %u %% voll (%" PRIu64
	    " von %" PRIu64 " Byte)\n" },
	[SPOOL_LEVEL] = { "! spool: %u %% full (%" PRIu64 " of %" PRIu64
	    " bytes)\n", "! Zwischenspeicher: zu %u %% voll (%" PRIu64
	    " von %" PRIu64 " Byte)\n" },
	[SPOOL_FAILED] = { "! spool: the disk has failed\n",
	    "! Zwischenspeicher: der Datenträger ist ausgefallen\n" },
	[SYNC_FAILED] = { "! spool: the disk refused %" PRIu64 " write(s), "
	    "nothing was lost; replace it\n", "! Zwischenspeicher: der "
	    "Datenträger verweigerte %" PRIu64 " Schreibvorgänge, nichts ging "
	    "verloren; bitte ersetzen\n" },
	[LAG] = { "  ledger: the oldest record has waited %" PRId64 " s\n",
	    "  Buchung: der älteste Satz wartet seit %" PRId64 " s\n" },
	[DAMAGED] = { "! spool: %" PRIu64 " damaged record(s)\n",
	    "! Zwischenspeicher: %" PRIu64 " beschädigte Sätze\n" },
	[CONFLICTS] = { "! ledger: %" PRIu64 " record(s) contradict others\n",
	    "! Buchung: %" PRIu64 " Sätze widersprechen anderen\n" },
	[DIGEST] = { "  digest: signed %" PRId64 " h ago\n",
	    "  Digest: vor %" PRId64 " Stunden unterschrieben\n" },
	[DIGEST_OLD] = { "! digest: none for %" PRId64 " h; hubctl digest "
	    "signs one\n", "! Digest: seit %" PRId64 " Stunden keiner; hubctl "
	    "digest unterschreibt einen\n" },
	[CLOCK] = { "! clock: in doubt, records are marked\n",
	    "! Uhr: zweifelhaft, Sätze werden gekennzeichnet\n" },
	[ESTIMATES] = { "! estimates: %" PRIu64 " use(s) wait for room\n",
	    "! Schätzungen: %" PRIu64 " Nutzungen warten auf Platz\n" },
	[SOURCES] = { "  sources: all of %u are asked\n",
	    "  Quellen: alle %u werden gefragt\n" },
	[SOURCE_OPEN] = { "! source %.*s: not asked for now, it failed several "
	    "times in a row\n", "! Quelle %.*s: wird zurzeit nicht gefragt, "
	    "sie ist mehrmals nacheinander ausgefallen\n" },
	[RELOAD] = { "! the last reload was refused\n",
	    "! das letzte Neuladen wurde abgelehnt\n" },
};

#define TELL(b, word, ...) buf_tell((b), words[word][german], ##__VA_ARGS__)

static void
buf_tell(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(b, fmt, ap);
	va_end(ap);
}

static void
tell_policy(const struct control_state *st, bool german, struct buf *b)
{
	int64_t s = st->age_ms / 1000;

	if (st->snapshot == NULL)
		TELL(b, NO_REGION);
	else
		TELL(b, REGION, st->bundle);
	TELL(b, st->db_up ? DATABASE : NO_DATABASE);
	TELL(b, st->stale ? POLICY_STALE : st->degraded ? POLICY_OLD : POLICY,
	    s);
	if (st->unread_denials)
		TELL(b, DENY_UNREAD);
	if (st->bad_denials > 0)
		TELL(b, DENY_BAD, st->bad_denials);
	if (st->reload_failed)
		TELL(b, RELOAD);
}

static void
tell_keys(struct control *c, const struct control_state *st, bool german,
    struct buf *b)
{
	int64_t oldest = -1, us;
	struct str iss;

	for (unsigned i = 0; control_key_age(c, i, &iss, &us); i++)
		if (us > oldest)
			oldest = us;
	if (oldest >= 0)
		TELL(b, KEYS, oldest / 1000000);
	if (st->keys_missing > 0)
		TELL(b, KEYS_MISSING, st->keys_missing);
	if (st->tokens_missing > 0)
		TELL(b, TOKENS_MISSING, st->tokens_missing);
}

static void
tell_ledger(const struct control_state *st, bool german, struct buf *b)
{
	const struct spool_stats *sp = &st->spool;
	unsigned full = sp->bytes_max > 0 ?
	    (unsigned)((__uint128_t)sp->bytes_used * 100 / sp->bytes_max) : 0;

	TELL(b, sp->level > SPOOL_ROOM ? SPOOL_LEVEL : SPOOL, full,
	    sp->bytes_used, sp->bytes_max);
	if (sp->failed)
		TELL(b, SPOOL_FAILED);
	else if (sp->sync_failures > 0)
		TELL(b, SYNC_FAILED, sp->sync_failures);
	if (st->lag_us > 0)
		TELL(b, LAG, st->lag_us / 1000000);
	if (sp->quarantined > 0)
		TELL(b, DAMAGED, sp->quarantined);
	if (st->loader.conflicts > 0)
		TELL(b, CONFLICTS, st->loader.conflicts);
	if (st->digest_us > DIGEST_OLD_US)
		TELL(b, DIGEST_OLD, st->digest_us / HOUR_US);
	else if (st->loader.digest_signed)
		TELL(b, DIGEST, st->digest_us / HOUR_US);
	if (sp->clock_odd)
		TELL(b, CLOCK);
	if (st->estimates > 0)
		TELL(b, ESTIMATES, st->estimates);
}

static void
tell_sources(const struct metrics *m, const struct snapshot *s, bool german,
    struct buf *b)
{
	int64_t now = clock_mono().us;
	unsigned open = 0;

	for (unsigned i = 0; s != NULL && i < s->region->nsources; i++)
		if (s->source_slots[i] != 0 &&
		    metrics_is_open(m, s->source_slots[i], now)) {
			TELL(b, SOURCE_OPEN,
			    STR_FMT(s->region->sources[i].name));
			open++;
		}
	if (s != NULL && open == 0)
		TELL(b, SOURCES, s->region->nsources);
}

bool
health_tell(struct control *c, bool german, struct buf *b)
{
	struct control_state st;

	control_state(c, &st);
	TELL(b, st.ready ? READY : NOT_READY);
	if (st.draining)
		TELL(b, DRAINING);
	tell_policy(&st, german, b);
	tell_keys(c, &st, german, b);
	tell_ledger(&st, german, b);
	tell_sources(control_metrics(c), st.snapshot, german, b);
	return (st.ready);
}

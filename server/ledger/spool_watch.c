/* server/ledger/spool_watch.c - what an operator must hear of: a spool that
 * fills, and a clock that is in doubt. */
#include <stdlib.h>
#include <time.h>

#include "server/base/log.h"
#include "server/ledger/spool_priv.h"

/* ---- how full */

#define LEVEL_SLACK 5 /* points below, until a level is left */

static const struct {
	unsigned percent;
	enum log_level severity;
	const char *name, *phrase;
} levels[] = {
	[SPOOL_ROOM] = { 0, LOG_INFO, "room", "the spool has room" },
	[SPOOL_WARN] = { 70, LOG_WARN, "filling",
	    "the spool fills, the database does not take its records" },
	[SPOOL_HIGH] = { 90, LOG_ERR, "nearly full",
	    "the spool is nearly full, long answers are refused" },
	[SPOOL_FULL] = { 100, LOG_ERR, "full",
	    "the spool is full, what must be recorded is refused" },
};

enum spool_level
spool_level(const struct spool *sp)
{
	return ((enum spool_level)atomic_load_explicit(&sp->level,
	    memory_order_relaxed));
}

const char *
spool_level_name(enum spool_level level)
{
	return (levels[level].name);
}

uint64_t
spool_reserve(const struct spool *sp)
{
	return (sp->nslots / 8 < SPOOL_RESERVE ? sp->nslots / 8
					       : SPOOL_RESERVE);
}

static enum spool_level
level_of(const struct spool *sp, unsigned percent, enum spool_level was)
{
	unsigned level = SPOOL_HIGH;

	if (sp->spare_state == SPARE_REFUSED)
		return (sp->refused ? SPOOL_FULL : SPOOL_HIGH);
	while (level > SPOOL_ROOM && percent +
		(level <= was ? LEVEL_SLACK : 0) < levels[level].percent)
		level--;
	return ((enum spool_level)level);
}

void
spool_level_update(struct spool *sp)
{
	unsigned percent = (unsigned)(sp->unloaded * RECORD_LEN * 100 /
	    sp->size);
	enum spool_level was = spool_level(sp);
	enum spool_level is = level_of(sp, percent, was);

	if (is == was)
		return;
	atomic_store_explicit(&sp->level, is, memory_order_relaxed);
	log_kv(is < was && is < SPOOL_HIGH ? LOG_INFO : levels[is].severity,
	    levels[is].phrase, "percent=%u size=%llu", percent,
	    (unsigned long long)sp->size);
}

/* ---- the clock
 *
 * The time of a record decides its period. A clock that steps is seen beside
 * the time since the machine started (which goes on while it sleeps); whether
 * a step made it right or wrong only another clock can tell. */

static int64_t
since_boot(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_BOOTTIME, &ts);
	return ((int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
}

static void
clock_judge(struct spool *sp)
{
	struct clock_watch *c = &sp->clock;

	atomic_store(&sp->clock_odd, c->ahead || c->back || c->skewed);
}

void
spool_clock_begin(struct spool *sp)
{
	sp->clock.highest = clock_wall().us;
	sp->clock.offset = sp->clock.highest - since_boot();
}

void
spool_clock_check(struct spool *sp)
{
	int64_t now = clock_wall().us;
	struct clock_watch *c = &sp->clock;
	bool ahead, back;

	(void)pthread_mutex_lock(&sp->lock);
	ahead = now - since_boot() - c->offset > SPOOL_SKEW_US;
	back = now < c->highest - (c->back ? 0 : SPOOL_BACK_US);
	if (ahead && !c->ahead)
		log_err("the clock jumped ahead, records are marked",
		    "seconds=%lld",
		    (long long)((now - c->highest) / 1000000));
	if (back && !c->back)
		log_err("the clock went back, records are marked",
		    "seconds=%lld",
		    (long long)((c->highest - now) / 1000000));
	if (!ahead && !back && (c->ahead || c->back))
		log_info("the clock is as expected again", NULL);
	c->ahead = ahead;
	c->back = back;
	/* What a jump ahead shows is no time to wait for. */
	if (now > c->highest && !ahead)
		c->highest = now;
	clock_judge(sp);
	(void)pthread_mutex_unlock(&sp->lock);
}

void
spool_clock_told(struct spool *sp, struct wall_us other)
{
	int64_t now = clock_wall().us, skew = now - other.us;
	struct clock_watch *c = &sp->clock;
	bool skewed = llabs(skew) > SPOOL_SKEW_US;

	(void)pthread_mutex_lock(&sp->lock);
	if (skewed && !c->skewed)
		log_err("the clock differs from the database's, records are "
			"marked", "seconds=%lld", (long long)(skew / 1000000));
	if (!skewed && c->skewed)
		log_info("the clock agrees with the database's again", NULL);
	c->skewed = skewed;
	if (!skewed) {
		/* A step that made it right. */
		c->offset = now - since_boot();
		c->highest = now;
		c->ahead = c->back = false;
	}
	clock_judge(sp);
	(void)pthread_mutex_unlock(&sp->lock);
}

bool
spool_clock_odd(struct spool *sp)
{
	return (atomic_load(&sp->clock_odd));
}

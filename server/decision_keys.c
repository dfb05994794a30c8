/* server/decision_keys.c - what persons are called in the decision log. See
 * decision_log.h. */
#include "server/decision_log_priv.h"

static const struct month_keys_kind kind = {
	.prefix = "decision-key-",
	.missing = "no key for the persons in the decision log: they are left "
		   "out until it can be read",
	.there = "the key for the persons in the decision log is there again",
	.deleted = "key of the decision log deleted, its time is over",
};

/* By UTC, as the files of the log. */
static int
month_of(struct wall_us at)
{
	char day[DECISION_DAY_MAX];

	decision_day(at, day);
	return (((day[0] - '0') * 1000 + (day[1] - '0') * 100 +
		    (day[2] - '0') * 10 + (day[3] - '0')) * 12 +
	    (day[5] - '0') * 10 + (day[6] - '0') - 1);
}

void
decision_keys_init(struct decision_log *log)
{
	month_keys_init(&log->keys, &kind, log->conf.keys);
}

void
decision_keys_turn(struct decision_log *log, struct wall_us now)
{
	month_keys_turn(&log->keys, now, month_of(now),
	    month_of((struct wall_us){ now.us - log->conf.keep_us }));
}

void
decision_keys_again(struct decision_log *log, struct wall_us now)
{
	if (month_keys_due(&log->keys, now))
		decision_keys_turn(log, now);
}

void
decision_log_subject(struct decision_log *log, struct wall_us now,
    struct str issuer, struct str subject, char out[DECISION_SUBJECT_MAX])
{
	unsigned char mac[SHA256_LEN];

	out[0] = '\0';
	if (month_keys_name(&log->keys, month_of(now), issuer, subject, mac))
		hex_encode(mac, (DECISION_SUBJECT_MAX - 1) / 2, out);
}

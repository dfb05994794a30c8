/* server/persons.c - what a person is called in usage records. */
#include "server/persons.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/month_keys.h"

static const struct month_keys_kind kind = {
	.prefix = "person-key-",
	.missing = "no key to count persons with: they are not counted until "
		   "it can be read",
	.there = "the key to count persons with is there again",
	.deleted = "key that persons were counted with deleted",
};

struct persons {
	struct month_keys keys;
	int month; /* turned last for */
};

/* By the German calendar, as the periods of the ledger. */
static int
month_of(struct wall_us at)
{
	int y, m, d;

	wall_berlin_date(at, &y, &m, &d);
	return (y * 12 + m - 1);
}

static struct wall_us
month_begin(int month)
{
	struct wall_us day = WALL_ABSENT;
	char text[16];

	(void)snprintf(text, sizeof(text), "%04u-%02u-01",
	    (unsigned)(month / 12) % 10000, (unsigned)(month % 12) + 1);
	if (wall_parse_date(str_of(text), &day) != HUB_OK)
		return (WALL_ABSENT);
	return (wall_berlin_day(day));
}

struct persons *
persons_open(const char *folder, struct wall_us now)
{
	struct persons *ps = xcalloc(1, sizeof(*ps));

	month_keys_init(&ps->keys, &kind, folder);
	persons_turn(ps, now);
	return (ps);
}

void
persons_free(struct persons *ps)
{
	if (ps == NULL)
		return;
	month_keys_clear(&ps->keys);
	free(ps);
}

void
persons_turn(struct persons *ps, struct wall_us now)
{
	int month = month_of(now);

	if (month == ps->month && !month_keys_due(&ps->keys, now))
		return;
	ps->month = month;
	month_keys_turn(&ps->keys, now, month, month);
}

void
persons_name(struct persons *ps, struct wall_us now, struct identity *id)
{
	unsigned char mac[SHA256_LEN];
	int month = month_of(now);

	id->person = 0;
	id->person_until = WALL_ABSENT;
	if (!id->program && id->subject.len > 0) {
		if (!month_keys_name(&ps->keys, month, id->issuer->iss,
			id->subject, mac))
			return;
		memcpy(&id->person, mac, sizeof(id->person));
		id->person += id->person == 0; /* 0 is nobody */
	}
	id->person_until = month_begin(month + 1);
}

void
persons_forget(const char *folder)
{
	month_keys_delete(&kind, folder, INT_MAX);
}

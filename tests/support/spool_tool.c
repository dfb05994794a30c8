/* tests/support/spool_tool.c - the hub's side of the ledger without a hub, for
 * tests that kill it.
 *
 *   write DIR SIZE SEGMENT	submits records until killed or until a
 *				line comes on standard input, and prints
 *				"ok EVENT-ID" for each that is durable
 *   load DIR SIZE SEGMENT DSN	loads what is there, prints the totals */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/ledger/loader.h"
#include "server/ledger/spool.h"
#include "tests/support/usage_record.h"

struct pump {
	struct loop *loop;
	struct spool *sp;
	struct slot {
		struct spool_job job;
		struct record records[2];
		struct pump *pump;
	} slots[64];
	uint64_t left;
	unsigned open;
};

static void on_pumped(void *);

static void
pump_submit(struct pump *p, struct slot *s)
{
	struct uuid id = uuid7(clock_wall());

	s->pump = p;
	s->records[0] = usage(RECORD_ACCESS, 0, id);
	s->records[1] = usage(RECORD_LEG, 1, id);
	s->records[0].types[0] = spool_dict_id(p->sp, DICT_TYPE,
	    STR("https://example.org/FloodMonitoring"));
	s->records[0].ntypes = 1;
	s->records[0].purpose = (uint16_t)spool_dict_id(p->sp,
	    DICT_PURPOSE, STR("hochwasserschutz"));
	s->job = (struct spool_job){ .records = s->records, .n = 2,
		.loop = p->loop, .fn = on_pumped, .arg = s };
	if (p->left == 0 || spool_submit(p->sp, &s->job) != HUB_OK) {
		if (--p->open == 0)
			loop_stop(p->loop);
		return;
	}
	p->left--;
}

static void
on_pumped(void *arg)
{
	struct slot *s = arg;
	struct pump *p = s->pump;
	struct pollfd in = { .fd = 0, .events = POLLIN };
	char text[UUID_STR_MAX];

	if (s->job.err == HUB_OK) {
		uuid_format(&s->records[0].event_id, text);
		/* One write a line: a kill leaves no half of it. */
		(void)dprintf(1, "ok %s\n", text);
	}
	if (poll(&in, 1, 0) > 0)
		p->left = 0;
	pump_submit(p, s);
}

static int
pump_run(struct pump *p, const char *dir, uint64_t size, uint64_t segment)
{
	struct spool_conf conf = { dir, size, segment, 7, NULL };
	struct buf why;

	buf_init(&why, 512);
	p->loop = loop_new();
	if (spool_open(&conf, &p->sp, &why) != HUB_OK) {
		(void)fprintf(stderr, "%s\n", buf_cstr(&why));
		return (1);
	}
	p->open = 64;
	for (unsigned i = 0; i < 64; i++)
		pump_submit(p, &p->slots[i]);
	if (p->open > 0)
		loop_run(p->loop);
	return (0);
}

static int
cmd_write(char **argv)
{
	struct pump *p = xcalloc(1, sizeof(*p));
	int rc;

	p->left = UINT64_MAX;
	rc = pump_run(p, argv[2], strtoull(argv[3], NULL, 10),
	    strtoull(argv[4], NULL, 10));
	if (rc == 0)
		spool_close(p->sp);
	loop_free(p->loop);
	free(p);
	return (rc);
}

static int
cmd_load(char **argv)
{
	struct spool_conf conf = { argv[2], strtoull(argv[3], NULL, 10),
		strtoull(argv[4], NULL, 10), 7, NULL };
	struct loader_stats st = { 0 };
	struct spool_stats left;
	struct spool *sp;
	struct loader *l;
	struct buf why;

	buf_init(&why, 512);
	if (spool_open(&conf, &sp, &why) != HUB_OK) {
		(void)fprintf(stderr, "%s\n", buf_cstr(&why));
		return (1);
	}
	l = loader_start(sp, argv[5]);
	for (int i = 0; i < 600; i++) {
		(void)usleep(50000);
		loader_stats(l, &st);
		spool_stats(sp, &left);
		if (st.up && left.bytes_used == 0)
			break;
	}
	loader_stats(l, &st);
	spool_stats(sp, &left);
	loader_stop(l);
	(void)printf("loaded=%llu conflicts=%llu left=%llu quarantined=%llu\n",
	    (unsigned long long)st.loaded, (unsigned long long)st.conflicts,
	    (unsigned long long)left.bytes_used / RECORD_LEN,
	    (unsigned long long)left.quarantined);
	spool_close(sp);
	return (0);
}

int
main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "write") == 0)
		return (cmd_write(argv));
	if (argc == 6 && strcmp(argv[1], "load") == 0)
		return (cmd_load(argv));
	(void)fputs("spool_tool write DIR SIZE SEGMENT\n"
		    "spool_tool load DIR SIZE SEGMENT DSN\n", stderr);
	return (64);
}

/* tests/support/hubtool.c - one program, several helpers; see hubtool.h. */
#include "tests/support/hubtool.h"

#include <stdio.h>

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *usage;
} commands[] = {
	{ "broker", hubtool_broker,
	    "--port P --data FILE.json --context FILE.jsonld=URL [--name N]\n"
	    "      [--fault F] [--page-cap N] [--no-paging] [--pidfile F]" },
	{ "load", hubtool_load,
	    "--url URL --ca FILE --token-file FILE [--header 'K: V']...\n"
	    "      --rate R | --connections N --seconds S [--ids FILE] "
	    "[--json]" },
	{ "certs", hubtool_certs, "DIR" },
	{ "allocate", hubtool_allocate, "<MODELS" },
};

static int
usage(void)
{
	(void)fputs("usage:\n", stderr);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		(void)fprintf(stderr, "  hubtool %s %s\n", commands[i].name,
		    commands[i].usage);
	return (64);
}

int
main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (argc > 1 && strcmp(argv[1], commands[i].name) == 0) {
			int code = commands[i].run(argc - 1, argv + 1);

			return (code == 64 ? usage() : code);
		}
	return (usage());
}

int
hubtool_read(const char *path, size_t max, struct buf *b)
{
	FILE *f = fopen(path, "rbe");
	char *room;
	size_t n;

	if (f == NULL) {
		(void)fprintf(stderr, "hubtool: cannot open %s\n", path);
		return (1);
	}
	buf_init(b, max);
	while ((room = buf_room(b, 65536)) != NULL &&
	    (n = fread(room, 1, 65536, f)) > 0)
		b->len += n;
	n = ferror(f) != 0 || room == NULL;
	(void)fclose(f);
	if (n == 0)
		return (0);
	(void)fprintf(stderr, "hubtool: cannot read %s (at most %zu bytes)\n",
	    path, max);
	buf_clear(b);
	return (1);
}

/* server/config_priv.h - what the files of config.h share: config_setting.c
 * (the table and its values), config_file.c (hubd.conf), config.c (the
 * whole). */
#ifndef HUB_SERVER_CONFIG_PRIV_H
#define HUB_SERVER_CONFIG_PRIV_H

#include "server/config.h"

struct cfg_t;
struct doc;

enum kind {
	TEXT,  /* const char * */
	PATH,  /* const char *, made relative to the file's folder */
	NAME,  /* struct str: a host name */
	COUNT, /* unsigned */
	SIZE,  /* size_t or uint64_t: bytes, KiB, MiB, GiB */
	TIME,  /* int: ms, s, min, h */
	SPAN,  /* int64_t, microseconds: h, d */
	ADDRESS, /* struct str */
	SWITCH, /* bool */
	WORD,  /* unsigned: index of one of its words */
	HOSTS, /* a list of names */
	CONTACT /* a mail address or a page */
};

struct setting {
	const char *section, *key;
	enum kind kind;
	int64_t min, max; /* COUNT, SIZE (bytes), TIME (ms), SPAN (us) */
	const char *fallback; /* NULL: none */
	size_t offset;
	bool live; /* takes effect with a reload */
	const char *const *words; /* of a WORD, then NULL */
};
/* Every setting of hubd.conf, once. */
extern const struct setting settings[];
extern const size_t nsettings;

/* By section, its title (or NULL) and key; may be NULL. */
const struct setting *setting_find(const char *section, const char *title,
    const char *key);
/* Is text a value of the setting? The number for COUNT, SIZE and TIME; what is
 * allowed goes to why when it is not. */
bool setting_check(const struct setting *, struct str text, int64_t *n_r,
    struct buf *why) HUB_MUST_CHECK;
/* text and n as checked, into the field; paths are relative to folder. */
void setting_store(const struct setting *, struct config *, const char *text,
    int64_t n, const char *folder);
/* May it stand in a Host field? */
bool is_host(struct str);

/* Where a value comes from: a variable of the environment, a line of the file,
 * or neither. */
struct origin {
	char variable[64]; /* "": none */
	unsigned line;	   /* 0: none */
};
/* config_load, which also tells of each setting where its value comes from,
 * unless origins is NULL; else it has room for all. */
enum hub_err config_load_from(const char *path, struct config **,
    struct origin *origins, struct buf *why) HUB_MUST_CHECK;

/* A parser of hubd.conf; for cfg_free. With confuse_lock held, as what
 * follows. */
struct cfg_t *config_language(void);
/* The file into it, and what stands where into *doc (of scratch). What is wrong
 * goes to why, with its line. */
enum hub_err config_read(const char *path, struct arena *scratch,
    struct cfg_t *, struct doc *, struct buf *why) HUB_MUST_CHECK;
/* A section as the table names it; may be NULL. */
struct cfg_t *section_cfg(struct cfg_t *, const char *section);

#endif

/* server/hubctl/german.c - finds the phrase of a message; german.h says of
 * which. */
#include "server/hubctl/german.h"

#include "server/hubctl/german_priv.h"

/* Where needle begins in s; s.len if it does not. */
static size_t
find(struct str s, struct str needle)
{
	for (size_t i = 0; needle.len <= s.len && i <= s.len - needle.len; i++)
		if (str_prefix(str_from(s, i), needle))
			return (i);
	return (s.len);
}

/* Each part is as short as can be, and the last one all that is left. */
static bool
matches(struct str pattern, struct str s, struct str part[GERMAN_PARTS])
{
	for (unsigned n = 0; n <= GERMAN_PARTS; n++) {
		struct str fixed = { pattern.p, str_chr(pattern, '*') };
		size_t at = n == 0 ? 0 : find(s, fixed);

		if (!str_prefix(str_from(s, at), fixed))
			return (false);
		if (n > 0 && fixed.len == 0)
			at = s.len;
		if (n > 0)
			part[n - 1] = (struct str){ s.p, at };
		s = str_from(s, at + fixed.len);
		if (fixed.len == pattern.len)
			return (s.len == 0);
		pattern = str_from(pattern, fixed.len + 1);
	}
	return (false);
}

bool
german_of(struct str english, struct buf *out)
{
	struct str part[GERMAN_PARTS] = { { 0 } };

	for (size_t i = 0; i < german_nphrases; i++) {
		const char *de = german_phrases[i].de;

		if (!matches(str_of(german_phrases[i].en), english, part))
			continue;
		for (; *de != '\0'; de++)
			if (*de == '$' && *++de != '$')
				buf_adds(out, part[*de - '1']);
			else
				buf_add(out, de, 1);
		return (true);
	}
	return (false);
}

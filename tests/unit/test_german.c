/* tests/unit/test_german.c - messages of hubctl and the database in German */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "server/base/str.h"
#include "server/hubctl/german.h"
#include "server/hubctl/german_priv.h"

static void
says(const char *english, const char *german)
{
	struct buf out;
	bool known;

	buf_init(&out, 4096);
	known = german_of(str_of(english), &out);
	assert_false(out.failed);
	if (german == NULL) {
		assert_false(known);
		assert_int_equal(out.len, 0);
	} else {
		assert_true(known);
		assert_string_equal(buf_cstr(&out), german);
	}
	buf_clear(&out);
}

static void
says_in_german_what_the_treasury_meets(void **state)
{
	static const char *const rows[][2] = {
		{ "2026-11 is not over", "2026-11 ist noch nicht vorbei" },
		{ "2026-10 is closed", "2026-10 ist abgeschlossen" },
		{ "2026-09 has to be closed before 2026-10",
		    "vor 2026-10 ist 2026-09 abzuschließen" },
		{ "node 2 has reported up to 2026-10-30T11:00:00Z only",
		    "Knoten 2 hat erst bis 2026-10-30T11:00:00Z gemeldet "
		    "(Weltzeit)" },
		{ "3 records of node 7 are missing; hubctl estimate --node 7 "
		  "settles that",
		    "3 Sätze von Knoten 7 fehlen; der Betrieb klärt das mit "
		    "hubctl estimate --node 7" },
		{ "c.weber proposed to close 2026-10; another person closes",
		    "c.weber hat den Abschluss von 2026-10 vorgeschlagen; "
		    "abschließen muss eine andere Person" },
		{ "no month is closed", "noch ist kein Monat abgeschlossen" },
		{ "no tenant kamne in the bundle in force",
		    "die Kommune kamne gibt es in der geltenden Region nicht" },
		{ "no tenant kamne; nearest: kamen",
		    "die Kommune kamne gibt es nicht; am ähnlichsten: kamen" },
		{ "k.conf: not a text, or \"${\" in it",
		    "k.conf: kein Text, oder mit \"${\" darin" },
		{ "cost k, model m: LEDGER_FIXED: the amounts of component c "
		  "sum to 1.00, the component is 2.00",
		    "Kosten k, Modell m: LEDGER_FIXED: die Beträge des "
		    "Bestandteils c ergeben 1.00, der Bestandteil ist 2.00" },
		{ "Oktober is not a month (2026-11)",
		    "Oktober ist kein Monat; er wird so geschrieben: 2026-11" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		says(rows[i][0], rows[i][1]);
}

static void
leaves_what_it_does_not_know(void **state)
{
	static const char *const rows[] = { "", "*", " is not over ",
		"2026-11 is not over yet", "no month is closed.",
		"no tenants", "connection refused", "has to be closed" };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		says(rows[i], NULL);
}

static void
takes_names_as_text(void **state)
{
	(void)state;
	says("no tenant $1 in the bundle in force",
	    "die Kommune $1 gibt es in der geltenden Region nicht");
	says("no tenant * in the bundle in force",
	    "die Kommune * gibt es in der geltenden Region nicht");
	says("no tenant %s%n in the bundle in force",
	    "die Kommune %s%n gibt es in der geltenden Region nicht");
}

/* With letters for what varies; the German with them where they belong. */
static void
example(const struct phrase *p, struct buf *en, struct buf *de)
{
	char letter = 'a';

	for (const char *s = p->en; *s != '\0'; s++)
		if (*s == '*')
			buf_addc(en, letter++);
		else
			buf_addc(en, *s);
	for (const char *s = p->de; *s != '\0'; s++)
		if (*s == '$' && *++s != '$') {
			assert_in_range(*s, '1', '0' + letter - 'a');
			buf_addc(de, (char)('a' + (*s - '1')));
		} else
			buf_addc(de, *s);
}

/* No phrase stands behind a wider one that takes its messages. */
static void
finds_each_phrase(void **state)
{
	struct buf en, de;

	(void)state;
	for (size_t i = 0; i < german_nphrases; i++) {
		buf_init(&en, 4096);
		buf_init(&de, 4096);
		example(&german_phrases[i], &en, &de);
		assert_int_not_equal(de.len, 0);
		says(buf_cstr(&en), buf_cstr(&de));
		buf_clear(&en);
		buf_clear(&de);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_in_german_what_the_treasury_meets),
		cmocka_unit_test(leaves_what_it_does_not_know),
		cmocka_unit_test(takes_names_as_text),
		cmocka_unit_test(finds_each_phrase),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

/* server/hubctl/german.c - a table of messages; german.h says of which. */
#include "server/hubctl/german.h"

#define PARTS 3 /* of a message that vary */

/* In English * is what varies, in German $1 to $3 are these in their order. */
static const struct phrase {
	const char *en, *de;
} phrases[] = {
	/* sql/schema/0013_period.sql */
	{ "* is not over", "$1 ist noch nicht vorbei" },
	{ "no month is closed", "noch ist kein Monat abgeschlossen" },
	{ "* is closed", "$1 ist abgeschlossen" },
	{ "* is no month", "$1 ist kein Monat" },
	{ "* has to be closed before *", "vor $2 ist $1 abzuschließen" },
	{ "node * has reported up to * only",
	    "Knoten $1 hat erst bis $2 gemeldet (Weltzeit)" },
	{ "* records of node * are missing; hubctl estimate --node * settles "
	  "that",
	    "$1 Sätze von Knoten $2 fehlen; der Betrieb klärt das mit hubctl "
	    "estimate --node $3" },
	{ "* proposed to close *; another person closes",
	    "$1 hat den Abschluss von $2 vorgeschlagen; abschließen muss eine "
	    "andere Person" },
	{ "there is no entry *", "es gibt keinen Beleg $1" },
	{ "entry * is a reversal itself",
	    "Beleg $1 ist selbst eine Stornierung" },
	{ "this year is planned, or months of it are closed",
	    "für dieses Jahr gibt es schon Abschläge oder abgeschlossene "
	    "Monate" },
	{ "there is no node *", "es gibt keinen Knoten $1" },
	{ "permission denied for *", "keine Berechtigung für $1" },
	/* hubctl's own */
	{ "--as TENANT:PERSON is needed, such as schwerte:c.weber",
	    "es fehlt --as KOMMUNE:PERSON, etwa schwerte:c.weber" },
	{ "no such tenant in the bundle in force",
	    "diese Kommune gibt es in der geltenden Region nicht" },
	{ "no tenant * in the bundle in force",
	    "die Kommune $1 gibt es in der geltenden Region nicht" },
	{ "no cost * in the bundle in force",
	    "die Kosten $1 gibt es in der geltenden Region nicht" },
	{ "no bundle has been applied yet",
	    "noch ist keine Region in Kraft gesetzt" },
	{ "* is not a month (2026-11)",
	    "$1 ist kein Monat; er wird so geschrieben: 2026-11" },
	{ "* is not a year (2026)",
	    "$1 ist kein Jahr; es wird so geschrieben: 2026" },
	{ "* is not a year (2026) or a month (2026-11)",
	    "$1 ist weder Jahr noch Monat; so werden sie geschrieben: 2026, "
	    "2026-11" },
	{ "* is not a year (2026), a month (2026-11) or a day (2026-11-03)",
	    "$1 ist weder Jahr noch Monat oder Tag; so werden sie "
	    "geschrieben: 2026, 2026-11, 2026-11-03" },
	{ "nothing is booked there; what was asked in the last seconds may "
	  "still be on its way",
	    "dort ist nichts gebucht; was in den letzten Sekunden gefragt "
	    "wurde, kann noch unterwegs sein" },
	{ "* is not closed: more may be added",
	    "$1 ist nicht abgeschlossen: es kann noch etwas hinzukommen" },
	{ "a period or --reverse ENTRY, and --reason TEXT are needed",
	    "es fehlen ein Zeitraum oder --reverse BELEG und --reason GRUND" },
	{ "* is not the number of an entry",
	    "$1 ist nicht die Nummer eines Belegs" },
	{ "* has nothing to correct: it is not closed, or its year is settled "
	  "and is corrected as a year",
	    "an $1 ist nichts zu berichtigen: nicht abgeschlossen, oder das "
	    "Jahr ist abgerechnet und wird als Jahr berichtigt" },
	{ "the account * lacks a role of the hub; hubctl(1), Database, names "
	  "them",
	    "dem Konto $1 fehlt eine Rolle des Hubs; der Betrieb vergibt sie "
	    "(hubctl(1), Database)" },
};

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
matches(struct str pattern, struct str s, struct str part[PARTS])
{
	for (unsigned n = 0; n <= PARTS; n++) {
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
	struct str part[PARTS] = { { 0 } };

	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
		const char *de = phrases[i].de;

		if (!matches(str_of(phrases[i].en), english, part))
			continue;
		for (; *de != '\0'; de++)
			if (*de == '$')
				buf_adds(out, part[*++de - '1']);
			else
				buf_add(out, de, 1);
		return (true);
	}
	return (false);
}

/* server/hubctl/german_table.c - the messages, as german_priv.h tells. */
#include "server/hubctl/german_priv.h"

const struct phrase german_phrases[] = {
	/* sql/schema/0013_period.sql */
	{ "* is not over", "$1 ist noch nicht vorbei" },
	{ "no month is closed", "noch ist kein Monat abgeschlossen" },
	{ "a node has not reported the whole month; try again",
	    "ein Knoten hat den Monat noch nicht ganz gemeldet; noch einmal "
	    "versuchen" },
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
	/* what the system says */
	{ "*: No such file or directory", "$1: gibt es nicht" },
	{ "*: Permission denied", "$1: keine Berechtigung" },
	{ "*: No space left on device", "$1: der Datenträger ist voll" },
	{ "*: Is a directory", "$1: ist ein Ordner" },
	{ "*: Not a directory", "$1: ist kein Ordner" },
	{ "*: File exists", "$1: gibt es schon" },
	{ "*: Directory not empty", "$1: der Ordner ist nicht leer" },
	{ "*: Read-only file system", "$1: das Dateisystem ist nur lesbar" },
	{ "malformed", "fehlerhaft geschrieben" },
	{ "out of range", "außerhalb des Bereichs" },
	{ "limit reached", "Grenze erreicht" },
	{ "not found", "nicht gefunden" },
	{ "exists already", "gibt es schon" },
	{ "denied", "verweigert" },
	{ "too late", "zu spät" },
	{ "input/output failed", "Lesen oder Schreiben ist gescheitert" },
	{ "closed by the other side", "von der Gegenseite geschlossen" },
	{ "try again", "noch einmal versuchen" },
	{ "changed meanwhile", "inzwischen geändert" },
	{ "not supported", "wird nicht unterstützt" },
	/* the command line */
	{ "standard output: *", "Standardausgabe: $1" },
	{ "output * is not known; allowed: *",
	    "die Ausgabe $1 gibt es nicht; erlaubt: $2" },
	{ "language * is not known; allowed: *",
	    "die Sprache $1 gibt es nicht; erlaubt: $2" },
	{ "* has no such command; there are:",
	    "$1 hat keinen solchen Befehl; es gibt:" },
	{ "* is half a command; there are:",
	    "$1 ist nur ein halber Befehl; es gibt:" },
	{ "no command \"*\"; the nearest is \"*\"",
	    "den Befehl \"$1\" gibt es nicht; am ähnlichsten ist \"$2\"" },
	{ "no command \"*\"; --help lists them",
	    "den Befehl \"$1\" gibt es nicht; --help nennt alle" },
	{ "* takes no --*", "$1 nimmt kein --$2" },
	{ "--html and -o * exclude each other",
	    "--html und -o $1 schließen einander aus" },
	{ "no completion for *; allowed: bash, zsh, fish",
	    "für $1 gibt es keine Vervollständigung; erlaubt: bash, zsh, fish" },
	{ "control: not a path of a socket",
	    "control: kein Pfad eines Sockets" },
	{ "the hub is about to end", "der Hub wird gerade beendet" },
	{ "take effect with a restart only: *",
	    "wirken erst nach einem Neustart: $1" },
	{ "levels are err, warn, info and debug",
	    "es gibt die Stufen err, warn, info und debug" },
	{ "*: larger than * bytes", "$1: größer als $2 Bytes" },
	{ "larger than * bytes", "größer als $1 Bytes" },
	{ "*: cannot be read", "$1: ist nicht lesbar" },
	/* bundles, agreements */
	{ "bundle *: its files are not those whose hash was stored: tampered "
	  "with",
	    "Bündel $1: seine Dateien sind nicht die, deren Hashwert "
	    "gespeichert ist: sie wurden verändert" },
	{ "bundle * is not understood by this program",
	    "Bündel $1 versteht dieses Programm nicht" },
	{ "bundle * cannot be read by this version",
	    "Bündel $1 kann diese Fassung des Programms nicht lesen" },
	{ "bundle * is not the one that the log means",
	    "Bündel $1 ist nicht das, welches das Protokoll meint" },
	{ "* is not the number of a bundle",
	    "$1 ist nicht die Nummer eines Bündels" },
	{ "the bundle in force cannot be read by this program: everything "
	  "counts as new",
	    "das geltende Bündel kann dieses Programm nicht lesen: alles gilt "
	    "als neu" },
	{ "the bundle in force is not understood by this program",
	    "das geltende Bündel versteht dieses Programm nicht" },
	{ "no bundle *", "das Bündel $1 gibt es nicht" },
	{ "no agreement * in the bundle in force",
	    "die Vereinbarung $1 gibt es im geltenden Bündel nicht" },
	{ "* is neither provider nor consumer of *",
	    "$1 ist weder Anbieter noch Abnehmer von $2" },
	{ "* has signed for the other side; nobody signs for both",
	    "$1 hat für die andere Seite unterschrieben; niemand unterschreibt "
	    "für beide" },
	{ "sign needs --as TENANT and --by PERSON (a line of at most * bytes)",
	    "sign braucht --as KOMMUNE und --by PERSON (eine Zeile von "
	    "höchstens $1 Bytes)" },
	{ "no source * in the bundle in force; \"hubctl source list\" shows "
	  "them",
	    "die Quelle $1 gibt es im geltenden Bündel nicht; \"hubctl source "
	    "list\" zeigt alle" },
	{ "no tenant *; nearest: *",
	    "die Kommune $1 gibt es nicht; am ähnlichsten: $2" },
	{ "export takes one of --odrl, --vvt and --dcat, and no folder with "
	  "it",
	    "export nimmt eines von --odrl, --vvt und --dcat, und keinen "
	    "Ordner dazu" },
	{ "export needs a folder, or one of --odrl, --vvt and --dcat",
	    "export braucht einen Ordner, oder eines von --odrl, --vvt und "
	    "--dcat" },
	/* audit, digest, database */
	{ "--since takes a day (2026-11-03) or a time (2026-11-03T12:00:00Z)",
	    "--since nimmt einen Tag (2026-11-03) oder einen Zeitpunkt "
	    "(2026-11-03T12:00:00Z)" },
	{ "* is no month (2026-11)",
	    "$1 ist kein Monat; er wird so geschrieben: 2026-11" },
	{ "*: others may read this key (mode 0*); chmod 600",
	    "$1: diesen Schlüssel können auch andere lesen (Rechte 0$2); chmod "
	    "600 hilft" },
	{ "*: no Ed25519 key in PEM without a password",
	    "$1: kein Ed25519-Schlüssel als PEM ohne Kennwort" },
	{ "the name of the file is too long",
	    "der Name der Datei ist zu lang" },
	{ "*: the keys are not written",
	    "$1: die Schlüssel sind nicht geschrieben" },
	{ "the ledger has no block yet: there is nothing to sign",
	    "das Nutzungsbuch hat noch keinen Block: es gibt nichts zu "
	    "unterschreiben" },
	{ "* names no digest.key; \"hubctl digest keygen\" makes one",
	    "$1 nennt kein digest.key; \"hubctl digest keygen\" erzeugt eines" },
	{ "the hub's name is too long for a digest",
	    "der Name des Hubs ist für einen Digest zu lang" },
	{ "* is no day (2026-11-23)",
	    "$1 ist kein Tag; er wird so geschrieben: 2026-11-23" },
	{ "digest.directory: the name is too long",
	    "digest.directory: der Name ist zu lang" },
	{ "*: no digest of that day",
	    "$1: von diesem Tag gibt es keinen Digest" },
	{ "the database has * migrations more than this program knows",
	    "die Datenbank hat $1 Migrationen mehr, als dieses Programm kennt" },
	{ "the database lacks * of * migrations; run \"hubctl db migrate\"",
	    "der Datenbank fehlen $1 von $2 Migrationen; \"hubctl db migrate\" "
	    "holt sie nach" },
	{ "database: *", "Datenbank: $1" },
	{ "the connection names no database",
	    "die Verbindung nennt keine Datenbank" },
	{ "database name: *", "Name der Datenbank: $1" },
	{ "another migration is running: *",
	    "es läuft gerade eine andere Migration: $1" },
	{ "migration * was applied with another text than this program has",
	    "die Migration $1 wurde mit einem anderen Text angewandt, als "
	    "dieses Programm hat" },
	/* costs, periods, invoices */
	{ "nothing of cost * falls into that period",
	    "von den Kosten $1 fällt nichts in diesen Zeitraum" },
	{ "cost *: model * has a meter of its own, and not all events of the "
	  "period are there any more",
	    "Kosten $1: das Modell $2 zählt selbst, und nicht alle Ereignisse "
	    "des Zeitraums sind noch da" },
	{ "cost * is not in bundle *",
	    "die Kosten $1 gibt es im Bündel $2 nicht" },
	{ "cost * is not one of the whole year, shared by the year",
	    "die Kosten $1 gelten nicht für das ganze Jahr oder werden nicht "
	    "je Jahr geteilt" },
	{ "cost *, model *: LEDGER_ZERO_WEIGHT: nobody has a weight in "
	  "component *",
	    "Kosten $1, Modell $2: LEDGER_ZERO_WEIGHT: niemand hat ein Gewicht "
	    "im Bestandteil $3" },
	{ "cost *, model *: LEDGER_SHAPLEY: a value is below zero in "
	  "component *",
	    "Kosten $1, Modell $2: LEDGER_SHAPLEY: ein Wert unter null im "
	    "Bestandteil $3" },
	{ "cost *, model *: LEDGER_INFEASIBLE: minima and maxima allow * or "
	  "more, to share are *",
	    "Kosten $1, Modell $2: LEDGER_INFEASIBLE: Mindest- und "
	    "Höchstbeträge lassen $3 oder mehr zu, zu teilen sind $4" },
	{ "cost *, model *: LEDGER_INFEASIBLE: minima and maxima allow * to "
	  "*, to share are *",
	    "Kosten $1, Modell $2: LEDGER_INFEASIBLE: Mindest- und "
	    "Höchstbeträge lassen $3 bis $4 zu, zu teilen sind $5" },
	{ "cost *, model *: LEDGER_FIXED: the amounts of component * sum to "
	  "*, the component is *",
	    "Kosten $1, Modell $2: LEDGER_FIXED: die Beträge des Bestandteils "
	    "$3 ergeben $4, der Bestandteil ist $5" },
	{ "cost *, model *: LEDGER_NO_MEMBER: nobody is a member from * to *",
	    "Kosten $1, Modell $2: LEDGER_NO_MEMBER: vom $3 bis $4 ist niemand "
	    "Mitglied" },
	{ "there are no shares of a cost; without --html it is said why",
	    "es gibt keine Kostenanteile; ohne --html wird gesagt, warum" },
	{ "the number of a node and --reason TEXT are needed",
	    "es fehlen die Nummer eines Knotens und --reason GRUND" },
	{ "* is not closed", "$1 ist nicht abgeschlossen" },
	{ "needed: a month (2026-11) and --parties FILE",
	    "es fehlen ein Monat (2026-11) und --parties DATEI" },
	{ "*: one line of at most * bytes",
	    "$1: eine Zeile von höchstens $2 Bytes" },
	{ "*: there must be one seller, and every block must end",
	    "$1: es muss genau einen seller geben, und jeder Block muss enden" },
	{ "*: no buyer *", "$1: den buyer $2 gibt es nicht" },
	{ "*: due-days is 0 to 365", "$1: due-days ist 0 bis 365" },
	{ "*: not a text, or \"${\" in it",
	    "$1: kein Text, oder mit \"$${\" darin" },
	{ "the seller's iban is none", "die iban des seller ist keine" },
	{ "the seller's phone is none",
	    "phone des seller ist keine Telefonnummer" },
	{ "the seller's email is none", "email des seller ist keine Adresse" },
	{ "the buyer's email is none", "email des buyer ist keine Adresse" },
	{ "nothing was booked in that month",
	    "in diesem Monat wurde nichts gebucht" },
	{ "the tax of a cost is not decided",
	    "die Steuer auf Kosten ist nicht entschieden" },
	{ "tax at a rate needs a rate above 0",
	    "ein Steuersatz muss über 0 liegen" },
	{ "no tax needs its reason (BT-120): tax-basis",
	    "keine Steuer braucht einen Grund (BT-120): tax-basis" },
	{ "what is outside of the tax needs an invoice of its own",
	    "nicht Steuerbares braucht eine eigene Rechnung" },
	{ "scenario *: * is a whole number above 0, or unknown",
	    "scenario $1: $2 ist eine ganze Zahl über 0, oder unknown" },
	{ "scenario *: * is an amount such as 55000.00, or unknown",
	    "scenario $1: $2 ist ein Betrag wie 55000.00, oder unknown" },
	{ "scenario: * is one line of at most * bytes",
	    "scenario: $1 ist eine Zeile von höchstens $2 Bytes" },
	{ "there must be 1 to * scenarios",
	    "es müssen 1 bis $1 scenario sein" },
	{ "* ends inside a block or a text",
	    "$1 endet mitten in einem Block oder Text" },
	{ "line *: *", "Zeile $1: $2" },
	/* usage, estimates */
	{ "--* must be a number from * to *",
	    "--$1 muss eine Zahl von $2 bis $3 sein" },
	{ "estimate needs --*", "estimate braucht --$1" },
	{ "* is not a day (2026-11-03)",
	    "$1 ist kein Tag; er wird so geschrieben: 2026-11-03" },
	{ "the reference * is that of another booking",
	    "die Kennung $1 gehört zu einer anderen Buchung" },
	{ "* of * uses are booked; the same command goes on",
	    "$1 von $2 Nutzungen sind gebucht; derselbe Befehl macht weiter" },
	{ "--by *: tenant, provider, purpose, type, month and flow are known",
	    "--by $1: es gibt tenant, provider, purpose, type, month und flow" },
	/* crises, revocations */
	{ "--for *: a duration such as 90min or 2h, of a minute at least",
	    "--for $1: eine Dauer wie 90min oder 2h, mindestens eine Minute" },
	{ "crisis * of * in * for *: its authority is no tenant of the region",
	    "Krise $1 von $2 in $3 für $4: die Behörde gibt es in der Region "
	    "nicht" },
	{ "crisis * of * in * for *: its authority is none",
	    "Krise $1 von $2 in $3 für $4: die Behörde ist keine "
	    "Krisenbehörde" },
	{ "crisis * of * in * for *: its authority is suspended",
	    "Krise $1 von $2 in $3 für $4: die Behörde ist gesperrt" },
	{ "crisis * of * in * for *: its area is not in the region",
	    "Krise $1 von $2 in $3 für $4: das Gebiet gibt es in der Region "
	    "nicht" },
	{ "crisis * of * in * for *: no agreement has such a block of this "
	  "authority: there is nothing to widen",
	    "Krise $1 von $2 in $3 für $4: keine Vereinbarung hat einen "
	    "solchen Block dieser Behörde: es gibt nichts zu erweitern" },
	{ "crisis * of * in * for *: a crisis lasts a minute at least",
	    "Krise $1 von $2 in $3 für $4: eine Krise dauert mindestens eine "
	    "Minute" },
	{ "crisis * of * in * for *: this is longer than the agreements allow",
	    "Krise $1 von $2 in $3 für $4: das ist länger, als die "
	    "Vereinbarungen erlauben" },
	{ "20 crises of * are not over: end some of them first",
	    "20 Krisen von $1 sind nicht vorbei: erst sind einige zu beenden" },
	{ "crisis *: done already", "Krise $1: schon geschehen" },
	{ "* is not the number of a crisis",
	    "$1 ist nicht die Nummer einer Krise" },
	{ "no crisis *", "die Krise $1 gibt es nicht" },
	{ "a report that was handed in needs --note REFERENCE and --by PERSON",
	    "ein abgegebener Bericht braucht --note AKTENZEICHEN und --by "
	    "PERSON" },
	{ "* cannot be revoked; allowed: jti, client, subject, certificate, "
	  "tenant, agreement",
	    "$1 kann nicht gesperrt werden; erlaubt: jti, client, subject, "
	    "certificate, tenant, agreement" },
	{ "a certificate is named by its SHA-256: 64 hexadecimal digits",
	    "ein Zertifikat wird mit seinem SHA-256 benannt: 64 hexadezimale "
	    "Ziffern" },
	{ "this is no value to revoke",
	    "dieser Wert lässt sich nicht sperren" },
	{ "--reason TEXT is missing", "es fehlt --reason GRUND" },
	{ "--issuer goes with jti, client and subject",
	    "--issuer gehört zu jti, client und subject" },
	{ "needed: the number of a revocation, and --reason TEXT",
	    "es fehlen die Nummer einer Sperre und --reason GRUND" },
	{ "revocation * does not exist", "die Sperre $1 gibt es nicht" },
	{ "revocation * is lifted already",
	    "die Sperre $1 ist schon aufgehoben" },
	/* explain, simulate */
	{ "what is explained is 'GET /ngsi-ld/v1/...'",
	    "erklärt wird 'GET /ngsi-ld/v1/...'" },
	{ "400 BadRequestData: a parameter is there twice",
	    "400 BadRequestData: ein Parameter steht zweimal da" },
	{ "400 BadRequestData: the hub refuses this URL",
	    "400 BadRequestData: der Hub weist diese URL ab" },
	{ "explained are /ngsi-ld/v1/entities, /temporal/entities and single "
	  "entities below them",
	    "erklärt werden /ngsi-ld/v1/entities, /temporal/entities und "
	    "einzelne Entitäten darunter" },
	{ "503 LdContextNotAvailable: the region has no context *",
	    "503 LdContextNotAvailable: die Region hat keinen Kontext $1" },
	{ "--log goes with the id of a request",
	    "--log gehört zur Nummer einer Anfrage" },
	{ "explain needs --as TENANT, or the id of a request",
	    "explain braucht --as KOMMUNE, oder die Nummer einer Anfrage" },
	{ "the decision log of * cannot be read",
	    "das Entscheidungsprotokoll von $1 ist nicht lesbar" },
	{ "simulate needs --log FROM..TO (2026-11-01..2026-11-14, or "
	  "instants), or --log 14d",
	    "simulate braucht --log VON..BIS (2026-11-01..2026-11-14, oder "
	    "Zeitpunkte), oder --log 14d" },
	/* tokens */
	{ "--alg *: RS256 and ES256 are known",
	    "--alg $1: es gibt RS256 und ES256" },
	{ "*: neither certificate nor key that would do",
	    "$1: weder ein Zertifikat noch ein Schlüssel, der ginge" },
	{ "token mint needs --key, --alg and --kid",
	    "token mint braucht --key, --alg und --kid" },
	{ "token proof needs --key, --alg and --token",
	    "token proof braucht --key, --alg und --token" },
	{ "cannot sign: * (key, algorithm and claims must fit)",
	    "nicht zu unterschreiben: $1 (Schlüssel, Verfahren und Angaben "
	    "müssen passen)" },
	{ "cannot sign: * (key and algorithm must fit)",
	    "nicht zu unterschreiben: $1 (Schlüssel und Verfahren müssen "
	    "passen)" },
	{ "longer than any token (* bytes)",
	    "länger als jedes Token ($1 Bytes)" },
	{ "*: not base64url", "$1: kein base64url" },
	{ "*: not a JSON object", "$1: kein JSON-Objekt" },
	{ "not a JWS in compact form (RFC 7515, 7.1): three parts with dots "
	  "between",
	    "kein JWS in kompakter Form (RFC 7515, 7.1): drei Teile mit "
	    "Punkten dazwischen" },
	{ "nothing is verified here: neither signature nor issuer nor time; "
	  "anyone can write such a token",
	    "hier wird nichts geprüft: weder Unterschrift noch Aussteller noch "
	    "Zeit; so ein Token kann jeder schreiben" },
	{ "costs of * decided to be outside of tax: * EUR, above 17500.00 EUR "
	  "(sec. 2b (2) no. 1 UStG); tax staff check whether that holds",
	    "Kosten $1 ohne Umsatzsteuer (outside): $2 EUR, über 17500,00 EUR "
	    "(§ 2b Abs. 2 Nr. 1 UStG); ob es dabei bleibt, prüft die "
	    "Steuerstelle" },
	/* behind all others */
	{ "* is missing", "es fehlt $1" },
	{ "no tenant *", "die Kommune $1 gibt es nicht" },
};

const size_t german_nphrases =
    sizeof(german_phrases) / sizeof(german_phrases[0]);

/* server/hubctl/cmd_invoice.c - hubctl export xrechnung: what was booked for a
 * member in a closed month, as an electronic invoice. Who it is from and to
 * stands in a file of its own: region files have no bank accounts. */
#include <confuse.h>
#include <inttypes.h>

#include "server/base/arena.h"
#include "server/hubctl/cost.h"
#include "server/ledger/invoice.h"

#define FILE_MAX ((size_t)1 << 20)
#define XML_MAX	 ((size_t)16 << 20)
#define TEXT_MAX 200
#define LAST	 "end-of-file"

/* ---- the file of parties */

static void
on_fault(cfg_t *cfg, const char *fmt, va_list ap)
{
	char text[300];

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	ctl_warn("line %d: %s", cfg->line, text);
}

/* Each is one line of text, or missing. */
static const struct {
	const char *key;
	size_t field;
	bool seller, buyer;
} texts[] = {
#define AT(f) offsetof(struct invoice_party, f)
	{ "name", AT(name), true, true },
	{ "street", AT(street), true, true },
	{ "city", AT(city), true, true },
	{ "postcode", AT(postcode), true, true },
	{ "email", AT(email), true, true },
	{ "leitweg-id", AT(reference), false, true },
	{ "id", AT(id), true, false },
	{ "vat-id", AT(vat_id), true, false },
	{ "tax-number", AT(tax_number), true, false },
	{ "contact", AT(contact), true, false },
	{ "phone", AT(phone), true, false },
	{ "iban", AT(iban), true, false },
#undef AT
};
#define NTEXTS (sizeof(texts) / sizeof(texts[0]))

static bool
take_party(cfg_t *sec, bool buyer, struct arena *a, struct invoice_party *p)
{
	for (size_t i = 0; i < NTEXTS; i++) {
		const char *text;
		struct str s;

		if (!(buyer ? texts[i].buyer : texts[i].seller))
			continue;
		text = cfg_getstr(sec, texts[i].key);
		s = str_of(text);
		for (size_t k = 0; k < s.len; k++)
			if ((unsigned char)s.p[k] < 0x20 || s.p[k] == 0x7f)
				s.len = TEXT_MAX + 1;
		if (s.len > TEXT_MAX || !str_utf8(s)) {
			ctl_warn("%s: one line of at most %d bytes",
			    texts[i].key, TEXT_MAX);
			return (false);
		}
		text = arena_str(a, s).p;
		memcpy((char *)p + texts[i].field, &text, sizeof(text));
	}
	return (true);
}

static void
make_options(bool buyer, cfg_opt_t *options)
{
	size_t n = 0;

	for (size_t i = 0; i < NTEXTS; i++)
		if (buyer ? texts[i].buyer : texts[i].seller)
			options[n++] = (cfg_opt_t)CFG_STR(texts[i].key, "",
			    CFGF_NONE);
	options[n] = (cfg_opt_t)CFG_END();
}

static bool
take_file(cfg_t *cfg, const char *path, const struct tenant *t,
    struct arena *a, struct invoice *v, int *days_r)
{
	cfg_t *buyer;

	if (cfg_size(cfg, LAST) == 0 || cfg_size(cfg, "seller") != 1) {
		ctl_warn("%s: there must be one seller, and every block must "
			 "end", path);
		return (false);
	}
	buyer = cfg_gettsec(cfg, "buyer", arena_str(a, t->name).p);
	if (buyer == NULL) {
		ctl_warn("%s: no buyer %.*s", path, STR_FMT(t->name));
		return (false);
	}
	*days_r = (int)cfg_getint(cfg, "due-days");
	if (*days_r < 0 || *days_r > 365) {
		ctl_warn("%s: due-days is 0 to 365", path);
		return (false);
	}
	if (!take_party(cfg_getsec(cfg, "seller"), false, a, &v->seller) ||
	    !take_party(buyer, true, a, &v->buyer))
		return (false);
	if (v->buyer.name[0] == '\0')
		v->buyer.name = arena_str(a, t->title).p;
	return (true);
}

static enum ctl_exit
read_file(const char *path, const struct tenant *t, struct arena *a,
    struct invoice *v, int *days_r)
{
	cfg_opt_t seller[NTEXTS + 1], buyer[NTEXTS + 1];
	cfg_opt_t file[] = { CFG_SEC("seller", seller, CFGF_NODEFAULT),
		CFG_SEC("buyer", buyer, CFGF_MULTI | CFGF_TITLE |
		    CFGF_NO_TITLE_DUPES),
		CFG_INT("due-days", 30, CFGF_NONE),
		CFG_STR(LAST, NULL, CFGF_NODEFAULT), CFG_END() };
	enum ctl_exit code;
	struct buf text;
	cfg_t *cfg;

	make_options(false, seller);
	make_options(true, buyer);
	cfg = cfg_init(file, CFGF_NONE);
	(void)cfg_set_error_function(cfg, on_fault);
	buf_init(&text, FILE_MAX);
	code = ctl_read(path, &text);
	if (code == CTL_OK)
		buf_addf(&text, "\n%s = 1\n", LAST);
	/* libConfuse would put the environment where "${" stands. */
	if (code == CTL_OK && (strlen(buf_cstr(&text)) != text.len ||
	    strstr(text.p, "${") != NULL)) {
		ctl_warn("%s: not a text, or \"${\" in it", path);
		code = CTL_CONFIG;
	}
	if (code == CTL_OK && (cfg_parse_buf(cfg, text.p) != CFG_SUCCESS ||
	    !take_file(cfg, path, t, a, v, days_r)))
		code = CTL_CONFIG;
	cfg_free(cfg);
	buf_clear(&text);
	return (code);
}

/* ---- what was booked */

static const char lines_sql[] =
    "SELECT entry_id, title || CASE type WHEN 'ALLOCATION' THEN '' "
    "WHEN 'INSTALMENT' THEN ', Abschlag' WHEN 'SETTLEMENT' THEN "
    "', Jahresabrechnung' WHEN 'CORRECTION' THEN ', Berichtigung' "
    "ELSE ', Storno' END || ' ' || service, "
    "to_char(service_from, 'YYYY-MM-DD'), to_char(service_to, 'YYYY-MM-DD'), "
    "coalesce(tax, '?'), coalesce(tax_rate, 0), coalesce(tax_basis, ''), "
    "sum(amount_cents)::bigint FROM report.journal "
    "WHERE booked_period = $1::date AND ags = $2 AND account = 'share' "
    "GROUP BY entry_id, title, type, service, service_from, service_to, tax, "
    "tax_rate, tax_basis ORDER BY entry_id";
/* The months in which was booked what is corrected or reversed in this one:
 * their invoices have these numbers. */
static const char earlier_sql[] =
    "SELECT DISTINCT $2 || to_char(was.booked_period, '-YYYY-MM') AS number "
    "FROM report.journal is_now JOIN report.journal was "
    "ON was.account = 'share' AND was.ags = is_now.ags "
    "AND was.cost = is_now.cost AND was.entry_id < is_now.entry_id "
    "AND was.service_from >= is_now.service_from "
    "AND was.service_to <= is_now.service_to "
    "AND (is_now.reverses IS NULL OR was.entry_id = is_now.reverses) "
    "WHERE is_now.booked_period = $1::date AND is_now.ags = $2 "
    "AND is_now.account = 'share' "
    "AND is_now.type IN ('CORRECTION', 'REVERSAL') "
    "AND was.booked_period < $1::date ORDER BY 1";
/* The day it was closed: the same each time. */
static const char closed_sql[] =
    "SELECT to_char(c, 'YYYY-MM-DD'), to_char(c + $2::int, 'YYYY-MM-DD') "
    "FROM (SELECT (closed_at AT TIME ZONE 'Europe/Berlin')::date AS c "
    "FROM report.period WHERE period = $1::date AND state = 'closed') p";

static const char *
cell(const PGresult *res, int row, int column, struct arena *a)
{
	return (arena_str(a, str_of(PQgetvalue(res, row, column))).p);
}

static void
take_lines(const PGresult *res, struct arena *a, struct invoice *v)
{
	unsigned n = (unsigned)PQntuples(res);
	struct invoice_line *lines = arena_array(a, n + (size_t)1,
	    sizeof(*lines));

	for (unsigned i = 0; i < n; i++)
		lines[i] = (struct invoice_line){
			.id = cell(res, (int)i, 0, a),
			.name = cell(res, (int)i, 1, a),
			.from = cell(res, (int)i, 2, a),
			.to = cell(res, (int)i, 3, a),
			.tax = PQgetvalue(res, (int)i, 4)[0],
			.tax_rate = (unsigned)db_bigint(res, (int)i, 5),
			.basis = cell(res, (int)i, 6, a),
			.cents = db_bigint(res, (int)i, 7) };
	v->lines = lines;
	v->nlines = n;
}

static void
take_earlier(const PGresult *res, struct arena *a, struct invoice *v)
{
	unsigned n = (unsigned)PQntuples(res);
	const char **numbers = arena_array(a, n + (size_t)1,
	    sizeof(*numbers));

	for (unsigned i = 0; i < n; i++)
		numbers[i] = cell(res, (int)i, 0, a);
	v->earlier = numbers;
	v->nearlier = n;
}

static enum ctl_exit
read_lines(struct db *db, const struct tenant *t, const char *month, int days,
    struct arena *a, struct invoice *v)
{
	const char *first = arena_printf(a, "%s-01", month);
	const char *params[] = { first, arena_str(a, t->ags).p };
	const char *when[] = { first, arena_printf(a, "%d", days) };
	PGresult *res = NULL, *closed = NULL, *earlier = NULL;
	enum ctl_exit code = CTL_OK;
	enum hub_err err = db_exec(db, lines_sql, 2, params, &res);

	if (err == HUB_OK)
		err = db_exec(db, closed_sql, 2, when, &closed);
	if (err == HUB_OK)
		err = db_exec(db, earlier_sql, 2, params, &earlier);
	if (err != HUB_OK)
		code = ctl_db_failed(db, err);
	else if (PQntuples(closed) == 0) {
		ctl_warn("%s is not closed", month);
		code = CTL_FAILED;
	} else {
		v->number = arena_printf(a, "%s-%s", params[1], month);
		v->issued = cell(closed, 0, 0, a);
		v->due = cell(closed, 0, 1, a);
		take_lines(res, a, v);
		take_earlier(earlier, a, v);
	}
	PQclear(earlier);
	PQclear(res);
	PQclear(closed);
	return (code);
}

static enum ctl_exit
print(const struct invoice *v)
{
	const char *fault = invoice_fault(v);
	struct buf b;

	if (fault != NULL) {
		ctl_warn("%s", fault);
		return (CTL_FAILED);
	}
	buf_init(&b, XML_MAX);
	invoice_write(v, &b);
	assert(!b.failed);
	(void)fwrite(b.p, 1, b.len, stdout);
	buf_clear(&b);
	return (CTL_OK);
}

enum ctl_exit
cmd_export_xrechnung(const struct ctl *ctl, int argc HUB_UNUSED, char **argv)
{
	struct arena *a = arena_new();
	struct region *region = NULL;
	const struct tenant *tenant = NULL;
	struct invoice v = { 0 };
	struct db *db = NULL;
	struct asked asked;
	int64_t bundle;
	int days = 0;
	enum ctl_exit code = cost_period(argv[1], &asked);

	if (code == CTL_OK && (asked.kind != ASKED_MONTH ||
	    ctl->parties == NULL)) {
		ctl_warn("needed: a month (2026-11) and --parties FILE");
		code = CTL_USAGE;
	}
	if (code == CTL_OK)
		code = ctl_db(ctl, &db);
	if (code == CTL_OK)
		code = costs_in_force(db, a, &region, &bundle);
	if (code == CTL_OK &&
	    (tenant = cost_tenant(region, argv[0])) == NULL)
		code = CTL_FAILED;
	if (code == CTL_OK)
		code = read_file(ctl->parties, tenant, a, &v, &days);
	if (code == CTL_OK)
		code = read_lines(db, tenant, argv[1], days, a, &v);
	if (code == CTL_OK)
		code = print(&v);
	db_close(db);
	region_free(region);
	arena_free(a);
	return (code);
}

/* tests/unit/test_report.c - what finance staff read: cells of CSV, the
 * comparison, invoices. Pure parts; tests/flow/reports.t has the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/ledger/comparison.h"
#include "server/ledger/invoice.h"
#include "server/ledger/notice.h"
#include "server/ledger/report.h"
#include "server/ledger/sheet.h"

static void
T40_cells_are_what_excel_and_programs_take(void **state HUB_UNUSED)
{
	static const struct {
		enum report_cell kind;
		const char *text, *de, *en;
	} cases[] = {
		{ REPORT_TEXT, "=cmd|x", "'=cmd|x", "'=cmd|x" },
		{ REPORT_TEXT, "+1", "'+1", "'+1" },
		{ REPORT_TEXT, "-1", "'-1", "'-1" },
		{ REPORT_TEXT, "@x", "'@x", "'@x" },
		{ REPORT_TEXT, "\tx", "'\tx", "'\tx" },
		{ REPORT_TEXT, "\rx", "\"'\rx\"", "\"'\rx\"" },
		{ REPORT_TEXT, "a;b", "\"a;b\"", "a;b" },
		{ REPORT_TEXT, "a,b", "a,b", "\"a,b\"" },
		{ REPORT_TEXT, "a\"b", "\"a\"\"b\"", "\"a\"\"b\"" },
		{ REPORT_TEXT, "Fröndenberg", "Fröndenberg", "Fröndenberg" },
		{ REPORT_TEXT, "05978012", "05978012", "05978012" },
		{ REPORT_CENTS, "-1234", "-12,34", "-12.34" },
		{ REPORT_CENTS, "-5", "-0,05", "-0.05" },
		{ REPORT_CENTS, "0", "0,00", "0.00" },
		{ REPORT_CENTS, "100", "1,00", "1.00" },
		{ REPORT_MILLI, "1", "0,001", "0.001" },
		{ REPORT_MILLI, "12345", "12,345", "12.345" },
		{ REPORT_DATE, "2026-11-03", "03.11.2026", "2026-11-03" },
		{ REPORT_DATE, "2026-11", "11.2026", "2026-11" },
		{ REPORT_DATE, "2026", "2026", "2026" },
		{ REPORT_BOOL, "t", "ja", "yes" },
		{ REPORT_BOOL, "f", "nein", "no" },
		{ REPORT_INT, "-7", "-7", "-7" },
		{ REPORT_INT, NULL, "", "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b;

		buf_init(&b, 256);
		report_csv_cell(&b, true, true, cases[i].kind, cases[i].text);
		assert_string_equal(buf_cstr(&b), cases[i].de);
		buf_reset(&b);
		report_csv_cell(&b, false, true, cases[i].kind, cases[i].text);
		assert_string_equal(buf_cstr(&b), cases[i].en);
		buf_clear(&b);
	}
}

static void
amounts_for_people_have_marks_of_thousands(void **state HUB_UNUSED)
{
	static const struct {
		int64_t cents;
		const char *de, *en;
	} cases[] = {
		{ 0, "0,00", "0.00" },
		{ -5, "-0,05", "-0.05" },
		{ 99999, "999,99", "999.99" },
		{ 100000, "1.000,00", "1,000.00" },
		{ -123456789, "-1.234.567,89", "-1,234,567.89" },
		{ INT64_MIN, "-92.233.720.368.547.758,08",
		    "-92,233,720,368,547,758.08" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b;

		buf_init(&b, 256);
		notice_amount(&b, cases[i].cents, true);
		assert_string_equal(buf_cstr(&b), cases[i].de);
		buf_reset(&b);
		notice_amount(&b, cases[i].cents, false);
		assert_string_equal(buf_cstr(&b), cases[i].en);
		buf_clear(&b);
	}
}

static void
no_text_becomes_markup(void **state HUB_UNUSED)
{
	struct buf b;

	buf_init(&b, 256);
	markup_text(&b, "<a href=\"x\">&'\x01\x1b\n");
	assert_string_equal(buf_cstr(&b),
	    "&lt;a href=&quot;x&quot;&gt;&amp;&#39;  \n");
	buf_clear(&b);
}

/* ---- the comparison */

static const struct scenario plain = { .staff = COMPARISON_UNKNOWN,
	.alone = COMPARISON_UNKNOWN, .inhabitants = COMPARISON_UNKNOWN };

static struct scenario
scenario(int64_t setup, int64_t yearly)
{
	struct scenario s = plain;

	s.setup = setup;
	s.yearly = yearly;
	return (s);
}

static void
T45_what_is_unknown_stays_unknown(void **state HUB_UNUSED)
{
	static const struct {
		int64_t setup, yearly;
		unsigned years;
		const char *cell;
	} cases[] = {
		{ 5500000, 5000000, 3, "205000.00" },
		{ 2500000, COMPARISON_UNKNOWN, 1, "25000.00+f" },
		{ 2500000, COMPARISON_UNKNOWN, 10, "25000.00+10f" },
		{ 0, COMPARISON_UNKNOWN, 3, "3f" },
		{ COMPARISON_UNKNOWN, 100, 3, "s+3.00" },
		{ COMPARISON_UNKNOWN, 0, 3, "s" },
		{ COMPARISON_UNKNOWN, COMPARISON_UNKNOWN, 2, "s+2f" },
		{ 0, 0, 10, "0.00" },
		{ INT64_C(1000000000000), INT64_C(1000000000000), 10,
		    "110000000000.00" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scenario s = scenario(cases[i].setup, cases[i].yearly);
		struct buf b;

		buf_init(&b, 256);
		scenario_cell(&s, cases[i].years, SCENARIO_PLAIN, &b);
		assert_string_equal(buf_cstr(&b), cases[i].cell);
		buf_clear(&b);
	}
}

static void
T45_break_even_is_a_price_or_nothing(void **state HUB_UNUSED)
{
	struct scenario b1 = scenario(2500000, COMPARISON_UNKNOWN);
	struct scenario b3 = scenario(15000000, COMPARISON_UNKNOWN);
	struct scenario middle = scenario(5500000, 5500000);
	struct scenario co_use = scenario(5500000, 1000000);
	struct scenario odd = scenario(2500001, 0);
	struct scenario lost = scenario(COMPARISON_UNKNOWN, 5);
	int64_t cents = 0;

	assert_true(scenario_break_even(&b1, &middle, &cents));
	assert_int_equal(cents, 6100000);
	assert_true(scenario_break_even(&b3, &middle, &cents));
	assert_int_equal(cents, 3600000);
	assert_true(scenario_break_even(&b1, &co_use, &cents));
	assert_int_equal(cents, 1600000);
	assert_true(scenario_break_even(&b1, &odd, &cents));
	assert_int_equal(cents, 0); /* a fifth of a cent, rounded down */
	assert_false(scenario_break_even(&b3, &co_use, &cents));
	assert_false(scenario_break_even(&middle, &b1, &cents));
	assert_false(scenario_break_even(&b1, &b3, &cents));
	assert_false(scenario_break_even(&b1, &lost, &cents));
	assert_false(scenario_break_even(&lost, &middle, &cents));
}

static void
T45_says_from_which_year_on_a_way_is_cheaper(void **state HUB_UNUSED)
{
	struct scenario c = scenario(5500000, 1000000);
	struct scenario b2 = scenario(0, 2500000);
	struct scenario middle = scenario(5500000, 5500000);
	struct scenario unknown = scenario(0, COMPARISON_UNKNOWN);
	struct scenario never = scenario(100, 2500000);
	int64_t head;

	assert_int_equal(scenario_cheaper_from(&c, &b2), 4);
	assert_int_equal(scenario_cheaper_from(&b2, &c), 0);
	assert_int_equal(scenario_cheaper_from(&c, &unknown), 0);
	assert_int_equal(scenario_cheaper_from(&unknown, &b2), 0);
	assert_int_equal(scenario_cheaper_from(&never, &b2), 0);
	assert_int_equal(scenario_cheaper_from(&middle, &c), 0);
	assert_false(scenario_per_head(&c, &head));
	c.inhabitants = 46340;
	assert_true(scenario_per_head(&c, &head));
	assert_int_equal(head, 45); /* 10500000 / 5 / 46340 = 45.3 */
}

/* ---- invoices */

static const struct invoice_party seller = { .name = "S", .city = "C",
	.postcode = "1", .email = "a@b.example", .id = "I", .vat_id = "DE1",
	.tax_number = "", .contact = "K", .phone = "112",
	.iban = "DE02 1203 0000 0000 2020 51" };
static const struct invoice_party buyer = { .name = "B", .city = "C",
	.postcode = "1", .email = "c@d.example", .reference = "L" };

static struct invoice
invoice(const struct invoice_line *lines, unsigned n)
{
	return ((struct invoice){ "1", "2026-11-02", "2026-12-02", seller,
	    buyer, n, lines, 0, NULL });
}

static void
an_invoice_is_refused_where_the_standard_refuses_it(void **state HUB_UNUSED)
{
	static const struct invoice_line lines[] = {
		{ "1", "x", "2026-10-01", "2026-10-31", 'S', 19, "", 100 },
		{ "2", "x", "2026-10-01", "2026-10-31", 'E', 0, "r", 100 },
		{ "3", "x", "2026-10-01", "2026-10-31", 'O', 0, "r", 100 },
		{ "4", "x", "2026-10-01", "2026-10-31", 'E', 0, "", 100 },
		{ "5", "x", "2026-10-01", "2026-10-31", 'S', 0, "", 100 },
		{ "6", "x", "2026-10-01", "2026-10-31", 'E', 7, "r", 100 },
		{ "7", "x", "2026-10-01", "2026-10-31", '?', 0, "", 100 },
	};
	struct invoice v = invoice(lines, 2);

	assert_null(invoice_fault(&v));
	v.nlines = 3; /* S, E and O */
	assert_non_null(invoice_fault(&v));
	v.nlines = 0;
	assert_non_null(invoice_fault(&v));
	for (unsigned i = 3; i < 7; i++) {
		v = invoice(&lines[i], 1);
		assert_non_null(invoice_fault(&v));
	}
	v = invoice(&lines[2], 1);
	v.seller.vat_id = ""; /* needed only where there is tax */
	assert_null(invoice_fault(&v));
	v = invoice(lines, 1);
	v.seller.vat_id = "";
	assert_non_null(invoice_fault(&v));
	v.seller.tax_number = "1";
	assert_null(invoice_fault(&v));
	v.buyer.reference = "";
	assert_non_null(invoice_fault(&v));
	/* Somehow it has to be known who sells. */
	v = invoice(lines, 1);
	v.seller.id = "";
	assert_null(invoice_fault(&v));
	v.seller.vat_id = "";
	v.seller.tax_number = "1";
	assert_string_equal(invoice_fault(&v),
	    "the seller needs an id (BT-29): no vat-id is told");
	v = invoice(&lines[2], 1);
	v.seller.id = "";
	assert_non_null(invoice_fault(&v));
}

static void
an_account_a_phone_and_an_email_have_their_form(void **state HUB_UNUSED)
{
	static const struct {
		const char *iban, *phone, *email;
		bool good;
	} cases[] = {
		{ "DE02120300000000202051", "112", "a@b.de", true },
		{ "NO9386011117947", "+49 (0) 2", "a.b@c.d-e.de", true },
		{ "MT84MALT011000012345MTLCAST001S", "112", "a@b.de", true },
		{ "DE03120300000000202051", "112", "a@b.de", false },
		{ "DE02120300000000202015", "112", "a@b.de", false },
		{ "de02120300000000202051", "112", "a@b.de", false },
		{ "DE0212030000000020205-", "112", "a@b.de", false },
		{ "DE02", "112", "a@b.de", false },
		{ "D102120300000000202051", "112", "a@b.de", false },
		{ "DE02120300000000202051DE02120300000000202051", "112",
		    "a@b.de", false },
		{ "DE02120300000000202051", "12", "a@b.de", false },
		{ "DE02120300000000202051", "Kasse", "a@b.de", false },
		{ "DE02120300000000202051", "112", "a@b", false },
		{ "DE02120300000000202051", "112", "@b.de", false },
		{ "DE02120300000000202051", "112", "a@.de", false },
		{ "DE02120300000000202051", "112", "a@b.", false },
		{ "DE02120300000000202051", "112", "a@", false },
		{ "DE02120300000000202051", "112", "a@b..de", false },
		{ "DE02120300000000202051", "112", "a@b@c.de", false },
		{ "DE02120300000000202051", "112", "a b@c.de", false },
		{ "DE02120300000000202051", "112", "a", false },
	};
	static const struct invoice_line line = { "1", "x", "2026-10-01",
		"2026-10-31", 'S', 19, "", 100 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct invoice v = invoice(&line, 1);

		v.seller.iban = cases[i].iban;
		v.seller.phone = cases[i].phone;
		v.seller.email = cases[i].email;
		assert_int_equal(invoice_fault(&v) == NULL, cases[i].good);
		v = invoice(&line, 1);
		v.buyer.email = cases[i].email;
		assert_int_equal(invoice_fault(&v) == NULL,
		    cases[i].good || i < 12);
	}
}

static void
a_credit_has_a_negative_quantity_and_no_negative_price(void **state HUB_UNUSED)
{
	static const struct invoice_line lines[] = {
		{ "1", "x", "2026-10-01", "2026-10-31", 'S', 19, "", -150 },
		{ "2", "x", "2026-10-01", "2026-10-31", 'S', 19, "", 100 },
	};
	static const char *const earlier[] = { "1-2026-09", "1-2026-10" };
	struct invoice v = invoice(lines, 2);
	struct buf b;

	v.nearlier = 2;
	v.earlier = earlier;
	buf_init(&b, 65536);
	invoice_write(&v, &b);
	(void)buf_cstr(&b);
	assert_non_null(strstr(b.p, ">384<"));
	assert_non_null(strstr(b.p, "<cac:InvoiceDocumentReference>\n"
	    "<cbc:ID>1-2026-10</cbc:ID>\n"));
	assert_non_null(strstr(b.p, ">-1</cbc:InvoicedQuantity>"));
	assert_null(strstr(b.p, "<cbc:PriceAmount currencyID=\"EUR\">-"));
	/* 19 % of -0.50 is -0.095: half a cent goes away from zero. */
	assert_non_null(strstr(b.p,
	    "<cbc:TaxAmount currencyID=\"EUR\">-0.10<"));
	assert_non_null(strstr(b.p,
	    "<cbc:PayableAmount currencyID=\"EUR\">-0.60<"));
	buf_clear(&b);
}

static void
outside_of_the_tax_there_is_no_rate_and_no_vat_id(void **state HUB_UNUSED)
{
	static const struct invoice_line line = { "1", "x", "2026-10-01",
		"2026-10-31", 'O', 0, "§ 2b UStG", 100 };
	struct invoice v = invoice(&line, 1);
	struct buf b;

	buf_init(&b, 65536);
	invoice_write(&v, &b);
	(void)buf_cstr(&b);
	/* BR-O-05 of the line, BR-DE-14 of the sum. */
	assert_null(strstr(strstr(b.p, "<cac:InvoiceLine>"), "cbc:Percent"));
	assert_non_null(strstr(b.p, "<cbc:Percent>0</cbc:Percent>\n"
	    "<cbc:TaxExemptionReason>"));
	assert_null(strstr(b.p, "DE1<"));
	assert_non_null(strstr(b.p, "<cac:PartyIdentification>\n"
	    "<cbc:ID>I</cbc:ID>\n"));
	assert_non_null(strstr(b.p, "§ 2b UStG"));
	assert_non_null(strstr(b.p, ">1.00</cbc:PayableAmount>"));
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(T40_cells_are_what_excel_and_programs_take),
		cmocka_unit_test(amounts_for_people_have_marks_of_thousands),
		cmocka_unit_test(no_text_becomes_markup),
		cmocka_unit_test(T45_what_is_unknown_stays_unknown),
		cmocka_unit_test(T45_break_even_is_a_price_or_nothing),
		cmocka_unit_test(T45_says_from_which_year_on_a_way_is_cheaper),
		cmocka_unit_test(
		    an_invoice_is_refused_where_the_standard_refuses_it),
		cmocka_unit_test(
		    an_account_a_phone_and_an_email_have_their_form),
		cmocka_unit_test(
		    a_credit_has_a_negative_quantity_and_no_negative_price),
		cmocka_unit_test(
		    outside_of_the_tax_there_is_no_rate_and_no_vat_id),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

/* server/hubctl/cmd_revoke.c - hubctl revoke, unrevoke, revocations: what is
 * refused from now on, whatever tokens and agreements say (policy.md §2). */
#include <inttypes.h>
#include <stdlib.h>

#include "server/base/hash.h"
#include "server/hubctl/hubctl.h"
#include "tenants/deny_store.h"

/* What is stored: a certificate as 64 hexadecimal digits. */
static enum ctl_exit
read_value(const char *kind_text, const char *text, struct arena *a,
    enum deny_kind *kind, const char **value_r)
{
	char hex[2 * SHA256_LEN + 1];
	struct str value;

	if (deny_kind_read(str_of(kind_text), kind) != HUB_OK) {
		ctl_warn("%s cannot be revoked; allowed: jti, client, subject, "
			 "certificate, tenant, agreement", kind_text);
		return (CTL_USAGE);
	}
	if (deny_value_read(*kind, str_of(text), a, &value) != HUB_OK) {
		ctl_warn(*kind == DENY_CERTIFICATE ?
			"a certificate is named by its SHA-256: 64 hexadecimal "
			"digits" : "this is no value to revoke");
		return (CTL_USAGE);
	}
	if (*kind == DENY_CERTIFICATE) {
		hex_encode((const unsigned char *)value.p, SHA256_LEN, hex);
		value = str_of(hex);
	}
	*value_r = arena_printf(a, "%.*s", STR_FMT(value));
	return (CTL_OK);
}

static enum ctl_exit
check_options(const struct ctl *ctl, enum deny_kind kind)
{
	if ((ctl->given & OPT_REASON) == 0) {
		ctl_warn("--reason TEXT is missing");
		return (CTL_USAGE);
	}
	if ((ctl->given & OPT_ISSUER) != 0 && kind > DENY_SUBJECT) {
		ctl_warn("--issuer goes with jti, client and subject");
		return (CTL_USAGE);
	}
	return (CTL_OK);
}

enum ctl_exit
cmd_revoke(const struct ctl *ctl, int argc HUB_UNUSED, char **argv)
{
	struct arena *a = arena_new();
	const char *value = NULL;
	struct db *db = NULL;
	enum deny_kind kind = DENY_JTI;
	enum ctl_exit code;
	enum hub_err err;
	int64_t id = 0;

	code = read_value(argv[0], argv[1], a, &kind, &value);
	if (code == CTL_OK)
		code = check_options(ctl, kind);
	if (code == CTL_OK && ctl->dry_run)
		printf("would revoke %s %s\n", argv[0], value);
	else if (code == CTL_OK && (code = ctl_db(ctl, &db)) == CTL_OK) {
		err = revocation_add(db, argv[0], value,
		    ctl->issuer != NULL ? ctl->issuer : "", ctl->reason,
		    ctl->until, &id);
		if (err == HUB_OK)
			printf("revocation %" PRId64 "\n", id);
		else
			code = ctl_db_failed(db, err);
	}
	db_close(db);
	arena_free(a);
	return (code);
}

enum ctl_exit
cmd_unrevoke(const struct ctl *ctl, int argc HUB_UNUSED, char **argv)
{
	struct db *db = NULL;
	enum ctl_exit code;
	enum hub_err err;
	int64_t id;

	if (str_int(str_of(argv[0]), 1, INT64_MAX, &id) != HUB_OK ||
	    (ctl->given & OPT_REASON) == 0) {
		ctl_warn("needed: the number of a revocation, and --reason "
			 "TEXT");
		return (CTL_USAGE);
	}
	if (ctl->dry_run) {
		printf("would lift revocation %" PRId64 "\n", id);
		return (CTL_OK);
	}
	code = ctl_db(ctl, &db);
	if (code != CTL_OK)
		return (code);
	err = revocation_lift(db, id, ctl->reason);
	if (err == HUB_ENOENT || err == HUB_EEXIST) {
		ctl_warn("revocation %" PRId64 " %s", id,
		    err == HUB_ENOENT ? "does not exist" : "is lifted already");
		code = CTL_FAILED;
	} else if (err != HUB_OK)
		code = ctl_db_failed(db, err);
	db_close(db);
	return (code);
}

enum ctl_exit
cmd_revocations(const struct ctl *ctl, int argc HUB_UNUSED,
    char **argv HUB_UNUSED)
{
	static const struct column columns[] = {
		{ "revocation", "REVOCATION", "SPERRE", CELL_INT },
		{ "kind", "KIND", "ART", CELL_TEXT },
		{ "value", "VALUE", "WERT", CELL_TEXT },
		{ "issuer", "ISSUER", "AUSSTELLER", CELL_TEXT },
		{ "from", "FROM", "SEIT", CELL_TEXT },
		{ "until", "UNTIL", "BIS", CELL_TEXT },
		{ "in_force", "IN FORCE", "GILT", CELL_BOOL },
		{ "reason", "REASON", "GRUND", CELL_TEXT },
	};
	static const struct ctl_query query = {
		.sql = "SELECT r.rev_id, r.kind, r.value, nullif(r.issuer, ''), "
		DB_INSTANT("r.from_ts") ", "
		DB_INSTANT("coalesce(l.at, r.until_ts)")
		", EXISTS (SELECT FROM hub.revoked v WHERE v.rev_id = "
		"r.rev_id), r.reason FROM hub.revocation r "
		"LEFT JOIN hub.revocation_lift l USING (rev_id) "
		"ORDER BY r.rev_id",
		.nparams = 0, .columns = columns,
		.ncolumns = sizeof(columns) / sizeof(columns[0])
	};
	struct db *db = NULL;
	enum ctl_exit code = ctl_db(ctl, &db);

	if (code == CTL_OK)
		code = ctl_print_query(ctl, db, &query, NULL);
	db_close(db);
	return (code);
}

/* policies/region_lang.c - the blocks and keys of region files, as libConfuse
 * wants them told. hub-policy.5 says what they mean. Every value is text to
 * libConfuse; region_value.c reads it, so that a bad one is named properly. */
#include "policies/region_priv.h"

#define KEY(name)  CFG_STR(name, NULL, CFGF_NODEFAULT)
#define LIST(name) CFG_STR_LIST(name, NULL, CFGF_NODEFAULT)
#define MANY(name, keys)                                                      \
	CFG_SEC(name, keys, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES)
#define ONE(name, keys) CFG_SEC(name, keys, CFGF_NONE)

static int ignore_include(cfg_t *, cfg_opt_t *, int, const char **);

const char *const block_names[BLOCK_MAX] = { "tenant", "issuer", "context",
	"source", "dataset", "purpose", "area", "agreement", "forbid", "price",
	"cost", "model", "test" };

static cfg_opt_t population_keys[] = { KEY("inhabitants"), KEY("source"),
	CFG_END() };
static cfg_opt_t tenant_keys[] = { KEY("name"), KEY("ags"), KEY("kind"),
	KEY("status"), KEY("crisis-authority"), KEY("failed-sources"),
	LIST("may-register"), LIST("origins"), MANY("population", population_keys), CFG_END() };

static cfg_opt_t map_keys[] = { KEY("tenant"), CFG_END() };
static cfg_opt_t issuer_keys[] = { KEY("jwks"), KEY("jwks-file"), KEY("ca"),
	KEY("audience"), LIST("algorithms"), KEY("typ"), KEY("tenant-claim"),
	KEY("roles-path"), KEY("step-up-acr"), KEY("web-client"), KEY("web-scope"),
	KEY("sender"), KEY("max-ttl"), KEY("skew"), KEY("tokens-before"),
	LIST("speaks-for"), MANY("map", map_keys), CFG_END() };

static cfg_opt_t context_keys[] = { KEY("file"), CFG_END() };

static cfg_opt_t oauth_keys[] = { KEY("token-url"), KEY("client-id"),
	KEY("secret-file"), KEY("scope"), CFG_END() };
static cfg_opt_t source_keys[] = { KEY("owner"), KEY("kind"), KEY("dialect"),
	KEY("endpoint"), KEY("plain"), KEY("timeout"), KEY("in-flight"),
	KEY("page"), KEY("push-down"), KEY("context"), KEY("ca"), KEY("breaker"), KEY("bearer-file"),
	KEY("client-certificate"), KEY("client-key"), ONE("oauth", oauth_keys),
	CFG_END() };

static cfg_opt_t type_keys[] = { LIST("attributes"), CFG_END() };
static cfg_opt_t dataset_keys[] = { KEY("source"), KEY("upstream-tenant"),
	KEY("service-path"),
	KEY("title"), KEY("licence"), KEY("attribution"), LIST("ids"),
	KEY("personal-data"), KEY("dpia"), KEY("mode"), KEY("priority"),
	LIST("operations"), KEY("publish"), KEY("local-only"),
	KEY("cache"),
	MANY("type", type_keys), CFG_END() };

static cfg_opt_t purpose_keys[] = { KEY("title"), KEY("legal-basis"),
	CFG_END() };
static cfg_opt_t area_keys[] = { KEY("ags"), KEY("geojson-file"), CFG_END() };

static cfg_opt_t to_keys[] = { KEY("to"), CFG_END() };
static cfg_opt_t by_keys[] = { KEY("by"), CFG_END() };
static cfg_opt_t below_keys[] = { KEY("below"), CFG_END() };
static cfg_opt_t value_keys[] = { KEY("value"), CFG_END() };
static cfg_opt_t no_keys[] = { CFG_END() };
static cfg_opt_t share_keys[] = { LIST("inside"), LIST("outside"),
	KEY("buffer"), KEY("without-location"), KEY("history"), KEY("delay"),
	LIST("allow"), LIST("filterable"), LIST("system"),
	MANY("round", to_keys), MANY("grid", to_keys), MANY("bucket", by_keys),
	MANY("trunc-time", to_keys), MANY("suppress", below_keys),
	MANY("pseudonym", no_keys), MANY("constant", value_keys), CFG_END() };
static cfg_opt_t crisis_keys[] = { KEY("authority"), KEY("history"),
	KEY("quota"), KEY("max"), KEY("report"), CFG_END() };
static cfg_opt_t agreement_keys[] = { KEY("version"), KEY("provider"),
	KEY("consumer"), KEY("dataset"), KEY("purpose"), LIST("actions"),
	KEY("valid"), KEY("document"), KEY("price"), KEY("quota"),
	KEY("on-ledger-full"), KEY("bill-aborted"),
	LIST("signed-by"), MANY("share", share_keys),
	MANY("crisis", crisis_keys), CFG_END() };

static cfg_opt_t forbid_keys[] = { KEY("type"), KEY("attribute"),
	KEY("dataset"), KEY("consumer"), KEY("purpose"), KEY("reason"),
	KEY("crisis-override"), CFG_END() };

static cfg_opt_t price_keys[] = { KEY("flat-month"), KEY("per-request"),
	CFG_END() };
static cfg_opt_t item_keys[] = { KEY("title"), KEY("amount"), KEY("kind"),
	KEY("voucher"), KEY("from"), KEY("to"), CFG_END() };
static cfg_opt_t cost_keys[] = { KEY("title"), KEY("amount"), KEY("from"),
	KEY("to"), KEY("model"), KEY("tax"), KEY("tax-rate"), KEY("tax-basis"),
	KEY("correct-from"), KEY("cost-centre"), KEY("cost-unit"),
	KEY("account"), MANY("item", item_keys), CFG_END() };

static cfg_opt_t part_keys[] = { KEY("amount"), KEY("weight"), CFG_END() };
static cfg_opt_t tier_keys[] = { KEY("weight"), CFG_END() };
static cfg_opt_t coalition_keys[] = { KEY("amount"), CFG_END() };
static cfg_opt_t component_keys[] = { KEY("basis-points"), KEY("key"),
	KEY("key-date"), KEY("on-zero"), MANY("member", part_keys),
	MANY("tier", tier_keys), MANY("coalition", coalition_keys), CFG_END() };
static cfg_opt_t member_keys[] = { KEY("from"), KEY("to"), KEY("minimum"),
	KEY("maximum"), KEY("alone"), CFG_END() };
static cfg_opt_t meter_keys[] = { KEY("access"), KEY("entity"), KEY("kib"),
	CFG_END() };
static cfg_opt_t model_keys[] = { KEY("version"), KEY("clause"),
	LIST("members"), KEY("minimum"), KEY("maximum"), KEY("per"),
	KEY("tie"), KEY("usage-party"), MANY("component", component_keys),
	MANY("member", member_keys), ONE("meter", meter_keys), CFG_END() };

static cfg_opt_t test_keys[] = { KEY("as"), KEY("purpose"), KEY("at"),
	KEY("entity"), KEY("request"), KEY("expect"), LIST("absent"),
	CFG_END() };

cfg_opt_t region_language[] = { CFG_FUNC("include", ignore_include),
	MANY("tenant", tenant_keys), MANY("issuer", issuer_keys),
	MANY("context", context_keys), MANY("source", source_keys),
	MANY("dataset", dataset_keys), MANY("purpose", purpose_keys),
	MANY("area", area_keys), MANY("agreement", agreement_keys),
	MANY("forbid", forbid_keys), MANY("price", price_keys),
	MANY("cost", cost_keys), MANY("model", model_keys),
	MANY("test", test_keys), CFG_END() };

/* The files to read were collected by region_load; nothing is opened here. */
static int
ignore_include(cfg_t *cfg HUB_UNUSED, cfg_opt_t *opt HUB_UNUSED,
    int argc HUB_UNUSED, const char **argv HUB_UNUSED)
{
	return (0);
}

/* policies/licence.c - the licences; licence.h says what it promises. */
#include "policies/licence.h"

#define DCAT "http://dcat-ap.de/def/licenses/"

const struct licence *
licence_find(struct str name)
{
	static const struct licence table[] = {
		{ "dl-de-by-2-0", "dl-de/by-2-0",
		    "https://www.govdata.de/dl-de/by-2-0",
		    DCAT "dl-by-de/2.0" },
		{ "dl-de-zero-2-0", "dl-de/zero-2-0",
		    "https://www.govdata.de/dl-de/zero-2-0",
		    DCAT "dl-zero-de/2.0" },
		{ "cc-by-4-0", "CC BY 4.0",
		    "https://creativecommons.org/licenses/by/4.0/",
		    DCAT "cc-by/4.0" },
		{ "cc-by-sa-4-0", "CC BY-SA 4.0",
		    "https://creativecommons.org/licenses/by-sa/4.0/",
		    DCAT "cc-by-sa/4.0" },
		{ "cc-zero-1-0", "CC0 1.0",
		    "https://creativecommons.org/publicdomain/zero/1.0/",
		    DCAT "cc-zero" },
		{ "odbl-1-0", "ODbL 1.0",
		    "https://opendatacommons.org/licenses/odbl/1-0/",
		    DCAT "odbl" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (str_eq(str_of(table[i].name), name))
			return (&table[i]);
	return (NULL);
}

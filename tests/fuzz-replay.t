#!/bin/sh
# fuzz-replay.t - every fuzz target over its seed corpus and its past findings.
set -eu
for f in h2 http_request http_response json q query_body entity temporal token dpop \
    region transform context oauth verify v2 trace log; do
	"$HUB_BUILDDIR/tests/fuzz/fuzz_$f" "$HUB_SRCDIR/tests/fuzz/corpus/$f"
done

#!/bin/sh
# embed-sql.sh SRCDIR FILE... - the migrations as C text on standard output,
# in the form that sql/db.h declares. A FILE is named NNNN_name.sql, and the
# numbers rise.
set -eu
[ $# -ge 2 ] || { echo "usage: $0 SRCDIR FILE..." >&2; exit 64; }
srcdir=$1
shift

echo '/* Made by contrib/dev/embed-sql.sh from sql/schema; do not edit. */'
echo '#include "sql/db.h"'
echo
echo 'const struct migration migrations[] = {'
last=0
for file in "$@"; do
	name=$(basename "$file" .sql)
	number=$(printf '%s\n' "$name" |
	    sed -n 's/^0*\([1-9][0-9]*\)_[a-z0-9_]*$/\1/p')
	if [ "${number:-0}" -le "$last" ]; then
		echo "$0: $file: expected a number above $last" >&2
		exit 1
	fi
	last=$number
	printf '\t{ %d, "%s",\n' "$number" "$name"
	[ -s "$srcdir/$file" ] || { echo "$0: $file: empty" >&2; exit 1; }
	# Question marks are escaped because of trigraphs (C11, 5.2.1.1).
	sed -e 's/[\\"?]/\\&/g' -e 's/^/	    "/' -e 's/$/\\n"/' \
	    "$srcdir/$file"
	printf '\t},\n'
done
printf '\t{ 0, NULL, NULL }\n};\n'
